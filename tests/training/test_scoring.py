"""The score that chooses the best checkpoint fits the script of the references."""

from __future__ import annotations

import logging

import pytest

from nmt.config import TrainingConfig
from nmt.evaluation.metrics import Text, evaluate, warn_of_unspaced
from nmt.evaluation.spacing import unspaced_tokenizer
from nmt.training import scoring
from nmt.training.scoring import choose_scoring, validation_problems

UNSPACED = {
    "Chinese": ("zh", ["我爱北京天安门。", "他昨天去了图书馆，借了三本书。"]),
    "short Chinese": ("zh", ["設定", "確認", "取消"]),
    "Japanese": ("char", ["彼は昨日図書館に行きました。", "これは pen です。"]),
    "katakana": ("char", ["コンピューターサイエンス", "インターネットプロトコル"]),
    "Thai": ("char", ["เขาไปโรงเรียนเมื่อวานนี้ และกลับบ้าน", "ฉันชอบกินข้าวผัด"]),
    "Khmer": ("char", ["ខ្ញុំស្រឡាញ់ប្រទេសកម្ពុជា", "គាត់ទៅសាលារៀន"]),
    "Tibetan": ("char", ["བོད་སྐད་ནི་སྐད་རིགས་ཤིག་ཡིན།"]),
    "two symbols": ("zh", ["日月", "月日月"]),
}
SPACED = {
    "English": ["He went to the library yesterday.", "This is a pen."],
    "English with names": ["He lives in 東京 now .", "My name is 李明 and I am here"],
    "Korean": ["나는 어제 도서관에 갔다 .", "이것은 펜입니다 그리고 저것은 책입니다."],
    "Hindi": ["मैं कल पुस्तकालय गया था ।"],
    "Chinese in words": ["我 爱 北京 天安门 。", "他 昨天 去 了 图书馆 ， 借 了 三 本 书 。"],
    "Japanese in words": ["彼 は 昨日 図書館 に 行き ました 。"],
    "Thai in words": ["เขา ไป โรงเรียน เมื่อวานนี้ และ กลับ บ้าน", "ฉัน ชอบ กิน ข้าว ผัด"],
}


@pytest.mark.parametrize("name", UNSPACED)
def test_text_without_spaces_is_judged_by_chrf(name: str) -> None:
    tokenize, lines = UNSPACED[name]
    assert unspaced_tokenizer(lines) == tokenize
    chosen = choose_scoring(TrainingConfig(), lines)
    assert (chosen.metric, chosen.tokenize, chosen.bleu_title) == ("chrf", tokenize, f"BLEU ({tokenize})")


@pytest.mark.parametrize("name", SPACED)
def test_text_with_spaces_is_judged_by_bleu(name: str) -> None:
    assert unspaced_tokenizer(SPACED[name]) is None
    chosen = choose_scoring(TrainingConfig(), SPACED[name])
    assert (chosen.metric, chosen.tokenize, chosen.bleu_title) == ("bleu", "13a", "BLEU")


def test_lines_too_short_for_bleu_are_judged_by_chrf() -> None:
    words = ["house", "the cat", "dog"]
    assert evaluate(words, [words], metrics=["bleu"])["bleu"].score == 0.0
    assert choose_scoring(TrainingConfig(), words)[:2] == ("chrf", "13a")
    assert choose_scoring(TrainingConfig(), ["日 月", "月 日 月"])[:2] == ("chrf", "13a")


def test_what_is_written_in_the_configuration_counts() -> None:
    _, japanese = UNSPACED["Japanese"]
    assert choose_scoring(TrainingConfig(validation_tokenize="zh"), japanese)[:2] == ("bleu", "zh")
    assert choose_scoring(TrainingConfig(validation_tokenize="13a"), japanese)[:2] == ("chrf", "13a")
    for metric in ("bleu", "chrf", "perplexity"):
        assert choose_scoring(TrainingConfig(early_stopping_metric=metric), japanese)[:2] == (metric, "char")


def test_blank_references_are_no_reason_to_fail() -> None:
    assert unspaced_tokenizer([]) is None and unspaced_tokenizer(["", " "]) is None
    assert choose_scoring(TrainingConfig(), ["", " "]).tokenize == "13a"


def test_a_tokenizer_that_lacks_its_package_is_named_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ImportError

    monkeypatch.setattr("nmt.evaluation.metrics.build_metric", absent)
    (problem,) = validation_problems(TrainingConfig(validation_tokenize="ja-mecab"))
    assert problem.where == "training.validation_tokenize" and "pip install 'sacrebleu[ja]'" in problem.what
    assert validation_problems(TrainingConfig()) == []


def test_the_choice_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "nmt"):
        choose_scoring(TrainingConfig(), UNSPACED["Japanese"][1]).log()
        choose_scoring(TrainingConfig(), SPACED["English"]).log()
    assert [message.partition("chosen by ")[2] for message in caplog.messages] == [
        "chrF: the references are written without spaces between words",
        "BLEU",
    ]
    assert scoring.TITLES.keys() == {"bleu", "chrf", "perplexity"}


def test_references_without_spaces_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    texts = [Text(name, UNSPACED[name][1]) for name in ("Japanese", "Chinese")]
    warn_of_unspaced(texts, "13a")
    assert len(caplog.messages) == 1 and "--tokenize char (or, for Japanese, ja-mecab)" in caplog.messages[0]
    warn_of_unspaced(texts, "zh")
    warn_of_unspaced([Text("x", SPACED["Korean"])], "13a")
    assert len(caplog.messages) == 1
