"""Faults in the text of files: encodings, controls, languages."""

import pytest


def kinds(findings):
    return [finding.kind for finding in findings]


def test_invalid_utf8_is_counted_and_the_first_line_named(corpus, check_data):
    path = corpus.path("training.fr")
    lines = [line.encode() for line in corpus.lines("training.fr")]
    lines[99] = lines[499] = "à la forêt".encode("latin-1")
    path.write_bytes(b"\n".join(lines) + b"\n")
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.severity, finding.where) == ("invalid_utf8", "warning", f"{path}:100")
    assert finding.what.startswith("2 of 1,000 (0.2 %) lines")
    assert "mend these lines" in finding.advice and "iconv" not in finding.advice  # which would spoil the others


def test_a_file_in_another_encoding_is_to_be_converted_as_a_whole(corpus, check_data):
    path = corpus.path("training.fr")
    path.write_bytes("".join(f"{line}\n" for line in corpus.lines("training.fr")).encode("latin-1", "replace"))
    [finding] = check_data(corpus.config())
    assert finding.kind == "invalid_utf8" and "iconv -f WINDOWS-1252" in finding.advice


def test_the_encoding_is_that_which_is_usual_for_the_language(corpus, check_data):
    path = corpus.path("training.fr")
    path.write_bytes("".join(f"дом {line}\n" for line in corpus.lines("training.fr")).encode("cp1251", "replace"))
    russian = corpus.config(data={"target_language": "ru"})
    [finding] = [one for one in check_data(russian) if one.kind == "invalid_utf8"]
    assert "Windows-1251" in finding.advice and "iconv -f WINDOWS-1251" in finding.advice


def test_utf_16_is_called_by_its_name(corpus, check_data):
    path = corpus.path("validation.fr")
    path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))
    assert "utf_16" in kinds(check_data(corpus.config()))


def test_a_byte_order_mark_is_found_and_windows_line_ends_are_none_of_our_business(corpus, check_data):
    path = corpus.path("training.en")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.where) == ("byte_order_mark", f"{path}:1")


@pytest.mark.parametrize(
    ("bad", "kind"), [("\0", "control_characters"), ("\x92", "control_characters"), ("\ufffd", "replaced")]
)
def test_characters_of_accidents_are_a_warning_where_they_are_many(bad, kind, corpus, check_data):
    lines = corpus.lines("training.fr")
    corpus.write("training.fr", [lines[0] + bad, *lines[1:]])
    assert check_data(corpus.config()) == []
    assert kind in kinds(check_data(corpus.config(), information=True))
    corpus.write("training.fr", [line + bad for line in lines[:30]] + lines[30:])
    [finding] = check_data(corpus.config())
    assert (finding.kind, finding.where) == (kind, f"{corpus.path('training.fr')}:1")


@pytest.mark.parametrize("read_as", ["latin-1", "cp1252"])
def test_text_that_was_encoded_twice_is_found(read_as, corpus, check_data):
    lines = [line.encode().decode(read_as, "replace") for line in corpus.lines("training.fr")]
    corpus.write("training.fr", lines)
    assert "encoded_twice" in kinds(check_data(corpus.config()))


def test_accents_are_not_taken_for_text_encoded_twice(corpus, check_data):
    lines = corpus.lines("training.fr")
    corpus.write(
        "training.fr",
        ["NÃO É AQUI, Â LA “PÂTÉ” … â € Ã", "CORAÇÃO", "à Ã “là”", "“IRMÃ”", "IRMÃ…", "«IRMÃ»", *lines[6:]],
    )
    assert check_data(corpus.config()) == []


@pytest.mark.parametrize("name", ["training", "validation"])
def test_swapped_sides_are_found(name, corpus, check_data):
    source, target = corpus.lines(f"{name}.en"), corpus.lines(f"{name}.fr")
    corpus.write(f"{name}.en", target)
    corpus.write(f"{name}.fr", source)
    assert "swapped" in kinds(check_data(corpus.config()))
    # Of languages without a list of frequent words, sets are compared with the training text.
    unknown = corpus.config(data={"source_language": "xx", "target_language": "yy"})
    found = [finding.where for finding in check_data(unknown) if finding.kind == "swapped"]
    others = ["validation", "test"] if name == "training" else ["validation"]
    assert found == [str(corpus.path(f"{other}.en")) for other in others]


@pytest.mark.parametrize("languages", [("en", "fr"), ("xx", "yy")])
def test_swapped_sides_are_found_in_one_file_of_several(languages, corpus, check_data):
    source, target = corpus.lines("training.en"), corpus.lines("training.fr")
    parts = {"a.en": source[:600], "a.fr": target[:600], "b.en": source[600:], "b.fr": target[600:]}
    for name, lines in parts.items():
        corpus.write(name, lines)
    files = {
        side: [str(corpus.path(f"{part}.{code}")) for part in "ab"]
        for side, code in (("source", "en"), ("target", "fr"))
    }
    data = {"source_language": languages[0], "target_language": languages[1], "train": files}
    assert check_data(corpus.config(data=data)) == []
    corpus.write("b.en", parts["b.fr"])
    corpus.write("b.fr", parts["b.en"])
    found = [finding.where for finding in check_data(corpus.config(data=data)) if finding.kind == "swapped"]
    assert found == [str(corpus.path("b.en"))]


def test_a_list_of_words_is_in_the_same_language(corpus, check_data):
    """And hides nothing."""
    words = [
        sorted({word for line in corpus.lines(f"training.{code}") for word in line.split()}) for code in ("en", "fr")
    ]
    count = min(map(len, words))
    for side, code in zip(words, ("en", "fr"), strict=True):
        corpus.write(f"words.{code}", side[:count] * 3)
    names = {"source": "en", "target": "fr"}
    files = {
        side: [str(corpus.path(f"{name}.{code}")) for name in ("training", "words")] for side, code in names.items()
    }
    data = {"source_language": "xx", "target_language": "yy", "train": files}
    assert not {"swapped", "wrong_language"} & set(kinds(check_data(corpus.config(data=data))))
    source, target = corpus.lines("validation.en"), corpus.lines("validation.fr")
    corpus.write("validation.en", target)
    corpus.write("validation.fr", source)
    found = [finding.where for finding in check_data(corpus.config(data=data)) if finding.kind == "swapped"]
    assert found == [str(corpus.path("validation.en"))]


def test_a_giant_line_hides_no_language(corpus, check_data):
    source, target = corpus.lines("training.en"), corpus.lines("training.fr")
    corpus.write("training.en", [*target, "x " * 400_000])
    corpus.write("training.fr", [*source, "y " * 400_000])
    assert "swapped" in kinds(check_data(corpus.config()))


@pytest.mark.slow
def test_a_side_that_changes_its_language_late_is_found(corpus, check_data):
    english, french = (corpus.lines(f"training.{code}") * 5 for code in ("en", "fr"))
    assert sum(map(len, french)) > 200_000
    corpus.write("training.en", english * 6)
    corpus.write("training.fr", french + english * 5)
    assert "wrong_language" in kinds(check_data(corpus.config()))


def test_a_side_in_the_other_language_is_found(corpus, check_data):
    corpus.write("validation.fr", corpus.lines("test.en"))
    findings = check_data(corpus.config())
    assert [finding.where for finding in findings if finding.kind == "wrong_language"] == [
        str(corpus.path("validation.fr"))
    ]


def test_letters_of_another_script_are_found(corpus, check_data):
    findings = check_data(corpus.config(data={"target_language": "ru"}))
    assert set(kinds(findings)) == {"wrong_language"} and "Latin" in findings[0].what
    assert check_data(corpus.config(data={"target_language": "de-AT"})) != []  # by its words
    assert check_data(corpus.config(data={"target_language": "yy"})) == []
