import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.errors import ModelError
from nmt.io.lines import without_surrogates
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizer_training import train_tokenizer

KINDS = ("unigram", "bpe", "char", "word")
CORPUS = [
    "ein kleiner Hund läuft über die Straße .",
    "zwei Katzen laufen über die große Straße !",
    "ein großer Mann läuft mit dem kleinen Hund .",
    "der Hund mag die Katze nicht , die Katze mag den Hund .",
    "ein Café ½ 日本語 の 文",
]
CONTROL_WORDS = ["<s>", "</s>", "<pad>", "<unk>", "▁<s>", "<0x0A>", "<s", "s>", "⁇"]
UNUSUAL_WORDS = ["ein", "Hund", "ﬁ", "½", "㍿", "ﷺ", "e\u0301", "\u200b", "\u00ad", "日本", "🙂", "\ufffd", "\ud800"]
SPACES = [" ", "  ", "▁", "\0", "\n", "\r", "\t", "\x1f", "\x85", "\u2028", "\u3000", "\ufeff"]
HOSTILE = st.lists(
    st.sampled_from(CONTROL_WORDS) | st.sampled_from(UNUSUAL_WORDS) | st.sampled_from(SPACES) | st.text(max_size=3),
    max_size=12,
).map("".join)
a_few_examples = settings(max_examples=20, deadline=None)


@cache
def trained(kind, byte_fallback=True, normalization="nmt_nfkc"):
    tokenizer = train_tokenizer(
        CORPUS,
        kind=kind,
        vocabulary_size=330 if byte_fallback else 60,
        character_coverage=1.0,
        byte_fallback=byte_fallback,
        normalization=normalization,
        training_lines=100,
        seed=1,
    )
    return Tokenizer(tokenizer.model)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(
    scope="module",
    params=[(kind, *rest) for kind in KINDS for rest in ((True, "nmt_nfkc"), (False, "nmt_nfkc"), (True, "identity"))],
    ids=lambda parameters: "-".join(map(str, parameters)),
)
def tokenizer(request):
    return trained(*request.param)


def score_of(tokenizer, ids):
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    return sum(processor.get_score(token) for token in ids)


@cache
def foreign(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=5,
        **options,
    )
    return Tokenizer(model.getvalue())


def test_our_models_begin_with_the_four_marks(tokenizer):
    assert (tokenizer.special.pad, tokenizer.special.unk, tokenizer.special.bos, tokenizer.special.eos) == (0, 1, 2, 3)
    assert [tokenizer.piece(token) for token in range(4)] == ["<pad>", "<unk>", "<s>", "</s>"]


@pytest.mark.parametrize("byte_fallback", [True, False])
def test_text_of_the_corpus_comes_back(kind, byte_fallback):
    tokenizer = trained(kind, byte_fallback)
    assert list(map(tokenizer.decode, tokenizer.encode(CORPUS[:4]))) == CORPUS[:4]


@pytest.mark.promise(15, gate=1, full=1)
@a_few_examples
@given(st.lists(st.sampled_from([*CONTROL_WORDS, *CORPUS]), max_size=8))
def test_promise_15_control_words_never_give_control_ids(tokenizer, words):
    marks = {tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos}
    for text in (" ".join(words), "".join(words)):
        assert marks.isdisjoint(tokenizer.encode([text])[0])
        assert marks.isdisjoint(tokenizer.sample([text], 0.3, seed=1)[0])


@pytest.mark.promise(15, gate=1, full=1)
def test_promise_15_control_words_come_back_as_text(kind):
    tokenizer = trained(kind)
    text = "<s> ein</s> <pad><unk> <0x0A>"
    assert tokenizer.decode(tokenizer.encode([text])[0]) == text


@pytest.mark.promise(15, gate=1, full=1)
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_promise_15_control_words_are_text_in_samples_too(kind):
    texts = ["<unk>", "<0x0A>", "a<s>b", "<pad> </s>"]
    for seed in range(20):
        assert list(map(trained(kind).decode, trained(kind).sample(texts, 0.1, seed))) == texts


@a_few_examples
@given(HOSTILE)
def test_without_normalisation_any_text_comes_back_but_for_its_spaces(kind, text):
    tokenizer = trained(kind, True, "identity")
    spaces = r"[\s▁]+" if kind == "word" else "[ ▁]+"
    expected = re.sub(spaces, " ", without_surrogates(text)).strip(" ")
    assert re.sub(" +", " ", tokenizer.decode(tokenizer.encode([text])[0])) == expected


def test_nul_does_not_end_a_text(kind):
    tokenizer = trained(kind)
    assert tokenizer.decode(tokenizer.encode(["ein\0Hund läuft"])[0]) == "ein\0Hund läuft"


def test_a_very_long_text_is_encoded_whole(kind):
    text = "ein kleiner Hund " * 30_000 + "x" * 500_000
    tokenizer = trained(kind)
    assert tokenizer.decode(tokenizer.encode([text])[0]) == text


@pytest.mark.parametrize("text", ["", " ", "\ufeff\u3000", "\u200b", "▁"])
def test_nothing_is_found_in_a_text_of_nothing(kind, text):
    assert trained(kind).encode([text]) == [[]]


def test_no_texts_give_no_ids(kind):
    assert trained(kind).encode([]) == trained(kind).sample([], 0.1, seed=1) == []


@a_few_examples
@given(st.lists(HOSTILE, max_size=4))
def test_a_text_is_encoded_as_if_it_were_alone(tokenizer, texts):
    assert tokenizer.encode(texts) == [tokenizer.encode([text])[0] for text in texts]


def test_without_bytes_a_strange_character_is_unknown(kind):
    tokenizer = trained(kind, False)
    known, strange = tokenizer.encode(["ein Hund", "ein € Hund"])
    assert tokenizer.special.unk not in known
    assert tokenizer.special.unk in strange
    assert tokenizer.decode(strange) == "ein ⁇ Hund"


def test_a_word_model_has_one_token_for_each_unknown_word():
    tokenizer = trained("word", False)
    assert tokenizer.encode(["x y ein z"])[0] == [1, 1, tokenizer.encode(["ein"])[0][0], 1]


def test_a_word_model_spells_unknown_words_with_spaces_between():
    tokenizer = trained("word")
    assert tokenizer.decode(tokenizer.encode(["ein neues Wort Hund"])[0]) == "ein neues Wort Hund"


@a_few_examples
@given(HOSTILE)
def test_words_of_a_text_are_in_range_and_never_fall(tokenizer, text):
    ids, words = tokenizer.encode_with_words(text)
    assert ids == tokenizer.encode([text])[0]
    count = len(text.split())
    assert len(words) == len(ids)
    assert words == sorted(words)
    assert all(0 <= word < count for word in words) if count else set(words) <= {-1}


@a_few_examples
@given(st.data())
def test_words_of_a_translation_are_in_range_and_never_fall(tokenizer, data):
    ids = data.draw(st.lists(st.integers(0, tokenizer.size - 1), max_size=30))
    text, words = tokenizer.decode_with_words(ids)
    assert text == tokenizer.decode(ids)
    count = len(text.split())
    assert len(words) == len(ids)
    marks = (tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos)
    shown = [word for token, word in zip(ids, words, strict=True) if token not in marks]
    assert all(word == -1 for token, word in zip(ids, words, strict=True) if token in marks)
    assert shown == sorted(shown)
    assert all(0 <= word < count for word in shown) if count else set(shown) <= {-1}


@pytest.mark.parametrize("text", ["  ein\u3000ﬁxer ½  \ufeffHund", "日本 語🙂\tü x\x1fy", "Straße ﷺ e\u0301 <s>"])
def test_each_word_of_the_input_has_the_tokens_it_has_alone(kind, text):
    tokenizer = trained(kind)
    ids, words = tokenizer.encode_with_words(text)
    for index, word in enumerate(text.split()):
        own = [token for token, place in zip(ids, words, strict=True) if place == index]
        assert tokenizer.decode(own) == tokenizer.decode(tokenizer.encode([word])[0])


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
@pytest.mark.parametrize("dropped", ["\u200b", "\u200b\ufeff\u200e", "\ufffd", "▁", "\x01", "\x01\ufffd"], ids=ascii)
def test_a_word_that_normalisation_drops_has_no_token(kind, dropped):
    tokenizer = trained(kind)
    text = f"{dropped} ein {dropped} Hund {dropped}"
    ids, words = tokenizer.encode_with_words(text)
    assert ids == tokenizer.encode(["ein Hund"])[0] and set(words) == {1, 3}
    own = [token for token, word in zip(ids, words, strict=True) if word == 3]
    assert tokenizer.decode(own) == "Hund"


def test_where_all_words_are_dropped_what_is_left_belongs_to_one(kind):
    for text in ("\ufffd\x85", "\u200b \u200b"):
        ids, words = trained(kind).encode_with_words(text)
        assert len(words) == len(ids) and set(words) <= set(range(len(text.split())))


def test_each_word_of_the_output_is_made_of_its_tokens(kind):
    tokenizer = trained(kind)
    ids = [2, *tokenizer.encode(["ein neuer Hund läuft 🙂 über € die Straße"])[0], 3, 0]
    text, words = tokenizer.decode_with_words(ids)
    assert (words[0], words[-2:]) == (-1, [-1, -1])
    for index, word in enumerate(text.split()):
        own = [token for token, place in zip(ids, words, strict=True) if place == index]
        assert tokenizer.decode(own) == word


def test_control_ids_do_not_show_in_text(kind):
    tokenizer = trained(kind)
    ids = tokenizer.encode(["ein Hund"])[0]
    assert tokenizer.decode([0, 2, *ids[:1], 0, 3, *ids[1:], 3]) == "ein Hund"
    assert tokenizer.decode([2, 0, 3]) == tokenizer.decode([]) == ""
    assert tokenizer.decode_with_words([2, 3]) == ("", [-1, -1])


def test_bytes_that_are_no_utf8_become_replacement_characters():
    tokenizer = trained("unigram")
    stray = next(token for token in range(tokenizer.size) if tokenizer.piece(token) == "<0xFF>")
    assert tokenizer.decode([stray]) == "\ufffd"


@pytest.mark.parametrize("stray", [-1, 10_000])
def test_an_id_out_of_range_is_an_error(stray):
    tokenizer = trained("unigram")
    for use in (tokenizer.decode, tokenizer.decode_with_words, lambda ids: tokenizer.piece(ids[0])):
        with pytest.raises(ValueError, match=f"token id {stray}: not in 0 … {tokenizer.size - 1}"):
            use([stray])


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sample_is_another_segmentation_of_the_same_text(kind):
    tokenizer = trained(kind)
    sample = tokenizer.sample(CORPUS, 0.3, seed=1)
    assert sample != tokenizer.encode(CORPUS)
    assert list(map(tokenizer.decode, sample)) == list(map(tokenizer.decode, tokenizer.encode(CORPUS)))


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sample_depends_on_texts_alpha_and_seed_alone(kind):
    tokenizer = trained(kind)
    first = tokenizer.sample(CORPUS, 0.3, seed=7)
    assert tokenizer.sample(CORPUS, 0.3, seed=8) != first
    assert tokenizer.sample(CORPUS, 0.3, seed=7) == first
    with ThreadPoolExecutor(4) as pool:
        seeds = [7, 8] * 10
        samples = list(pool.map(lambda seed: tokenizer.sample(CORPUS, 0.3, seed), seeds))
    assert samples[::2] == [first] * 10
    assert samples[1::2] == [tokenizer.sample(CORPUS, 0.3, seed=8)] * 10


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_sample_is_the_same_in_another_process(kind, tmp_path):
    (tmp_path / "model").write_bytes(trained(kind).model)
    program = (
        "import sys; from nmt.tokenization.tokenizer import Tokenizer;"
        f"print(Tokenizer.load(sys.argv[1]).sample({CORPUS!r}, 0.3, seed=7))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "model")]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == str(trained(kind).sample(CORPUS, 0.3, seed=7))


@pytest.mark.parametrize("kind", ["char", "word"])
def test_models_with_one_segmentation_sample_that(kind):
    assert trained(kind).sample(CORPUS, 0.3, seed=1) == trained(kind).encode(CORPUS)


@a_few_examples
@given(HOSTILE)
@pytest.mark.parametrize(("kind", "alpha"), [("unigram", 1e4), ("bpe", 1e-12)])
@pytest.mark.parametrize("byte_fallback", [True, False])
def test_at_its_limit_a_sample_is_the_best_segmentation(kind, alpha, byte_fallback, text):
    tokenizer = trained(kind, byte_fallback)
    sample, best = tokenizer.sample([text], alpha, seed=1)[0], tokenizer.encode([text])[0]
    if kind == "bpe":
        assert sample == best
    else:  # two segmentations may be equally likely
        assert score_of(tokenizer, sample) == pytest.approx(score_of(tokenizer, best))


def test_an_alpha_of_zero_samples_the_best_segmentation():
    assert trained("unigram").sample(CORPUS, 0.0, seed=1) == trained("unigram").encode(CORPUS)


def test_a_model_without_padding_is_given_an_id_for_it():
    tokenizer = foreign(pad_id=-1, unk_id=0, bos_id=1, eos_id=2)
    pieces = tokenizer.size - 1
    assert (tokenizer.special.pad, tokenizer.special.unk, tokenizer.special.bos, tokenizer.special.eos) == (
        pieces,
        0,
        1,
        2,
    )
    assert tokenizer.piece(pieces) == "<pad>"
    ids = tokenizer.encode(["ein Hund"])[0]
    assert tokenizer.decode([1, *ids, 2, pieces]) == "ein Hund"


def test_a_model_without_any_mark_is_given_three_ids():
    tokenizer = foreign(pad_id=-1, unk_id=5, bos_id=-1, eos_id=-1)
    assert tokenizer.special.unk == 5
    new = [tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos]
    assert new == [tokenizer.size - 3, tokenizer.size - 2, tokenizer.size - 1]
    assert [tokenizer.piece(token) for token in new] == ["<pad>", "<s>", "</s>"]


def test_a_model_with_one_mark_for_two_purposes_is_given_another():
    end_mark_is_the_start_mark = b"\x12\x06\xfa\x02\x03<s>"  # ModelProto.trainer_spec.eos_piece
    tokenizer = Tokenizer(trained("bpe").model + end_mark_is_the_start_mark)
    assert (tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos) == (0, 2, tokenizer.size - 1)


@pytest.mark.promise(15, gate=1, full=1)
@pytest.mark.parametrize("kind", KINDS)
def test_promise_15_marks_of_one_character_are_text_too(kind):
    tokenizer = foreign(model_type=kind, bos_piece="^", eos_piece="$", pad_id=3, pad_piece="_", add_dummy_prefix=False)
    ids = tokenizer.encode(["^ ein $ _", "^", "_$"])
    assert {tokenizer.special.pad, tokenizer.special.bos, tokenizer.special.eos}.isdisjoint(
        {token for text in ids for token in text}
    )


def test_a_word_model_whose_first_word_has_no_space_comes_back():
    tokenizer = foreign(model_type="word", add_dummy_prefix=False)
    ids = tokenizer.encode(["ein Hund die Katze"])[0]
    assert tokenizer.decode(ids) == "ein Hund die Katze"
    assert tokenizer.encode_with_words("ein Hund die Katze")[1] == [0, 1, 2, 3]


def test_a_model_file_is_loaded(tmp_path):
    (tmp_path / "model").write_bytes(trained("bpe").model)
    assert Tokenizer.load(tmp_path / "model").encode(CORPUS) == trained("bpe").encode(CORPUS)


def test_a_model_with_pieces_that_are_no_text_is_an_error():
    with pytest.raises(ModelError, match="is not a SentencePiece model"):
        Tokenizer(trained("unigram").model.replace("ä".encode(), b"\xff\xff"))


@pytest.mark.promise(2, gate=1, full=1)
def test_promise_02_a_model_whose_unknown_piece_is_a_control_is_an_error():
    unknown, control = (b"<unk>\x15\x00\x00\x00\x00\x18" + bytes([kind]) for kind in (2, 3))
    model = trained("bpe").model
    assert model.count(unknown) == 1
    with pytest.raises(ModelError, match="is not a SentencePiece model"):
        Tokenizer(model.replace(unknown, control))


def test_a_missing_model_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ModelError, match=r"gone\.model: cannot be read: No such file"):
        Tokenizer.load(tmp_path / "gone.model")


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"no model", lambda model: model[: len(model) // 2 + 1]])
def test_a_damaged_model_is_an_error_that_names_it(tmp_path, damage, capfd):
    (tmp_path / "bad.model").write_bytes(damage(trained("unigram").model))
    with pytest.raises(ModelError, match=r"bad\.model: is not a SentencePiece model"):
        Tokenizer.load(tmp_path / "bad.model")
    assert capfd.readouterr() == ("", "")
