"""Word forms of the two languages."""

from __future__ import annotations

import pytest

from examples.quickstart_corpus.english_inflection import add_s, indefinite_article, past
from examples.quickstart_corpus.french_inflection import begins_with_vowel_sound, feminine, participle, plural, present
from examples.quickstart_corpus.words import join_french, word


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [
        ("manger", "mange manges mange mangeons mangent"),
        ("lancer", "lance lances lance lançons lancent"),
        ("acheter", "achète achètes achète achetons achètent"),
        ("préférer", "préfère préfères préfère préférons préfèrent"),
        ("appeler", "appelle appelles appelle appelons appellent"),
        ("nettoyer", "nettoie nettoies nettoie nettoyons nettoient"),
        ("essayer", "essaie essaies essaie essayons essaient"),
        ("finir", "finis finis finit finissons finissent"),
        ("attendre", "attends attends attend attendons attendent"),
        ("étudier", "étudie étudies étudie étudions étudient"),
        ("prendre", "prends prends prend prenons prennent"),
    ],
)
def test_the_present(infinitive: str, forms: str) -> None:
    assert " ".join(present(infinitive)) == forms


@pytest.mark.parametrize(
    ("infinitive", "form"),
    [("voir", "vu"), ("manger", "mangé"), ("finir", "fini"), ("perdre", "perdu"), ("ouvrir", "ouvert")],
)
def test_the_participle(infinitive: str, form: str) -> None:
    assert participle(infinitive) == form


@pytest.mark.parametrize(
    ("masculine", "form"),
    [
        ("noir", "noire"),
        ("rouge", "rouge"),
        ("heureux", "heureuse"),
        ("jaloux", "jalouse"),
        ("italien", "italienne"),
        ("bon", "bonne"),
        ("gros", "grosse"),
        ("gris", "grise"),
        ("français", "française"),
    ],
)
def test_the_feminine(masculine: str, form: str) -> None:
    assert feminine(masculine) == form


@pytest.mark.parametrize(
    ("singular", "form"),
    [
        ("chat", "chats"),
        ("cheval", "chevaux"),
        ("gâteau", "gâteaux"),
        ("souris", "souris"),
        ("bleu", "bleus"),
        ("neveu", "neveux"),
    ],
)
def test_the_french_plural(singular: str, form: str) -> None:
    assert plural(singular) == form


@pytest.mark.parametrize("text", ["homme", "hôtel", "école", "œuf", "île", "Emma", "y", "arbre", "âne"])
def test_a_vowel_or_a_mute_h_elides(text: str) -> None:
    assert begins_with_vowel_sound(text)


@pytest.mark.parametrize("text", ["hibou", "héros", "haricots", "huit", "homard", "yaourt", "chat"])
def test_an_aspirated_h_does_not(text: str) -> None:
    assert not begins_with_vowel_sound(text)


def test_only_the_article_contracts_and_elision_comes_first() -> None:
    def joined(text: str, article: str) -> str:
        words = [word(part) for part in text.split()]
        words = [type(w)(w.text, w.labels, is_article=w.text == article) for w in words]
        return " ".join(w.text for w in join_french(words))

    assert joined("de le chat", "le") == "du chat"
    assert joined("à les amis", "les") == "aux amis"
    assert joined("de le homme", "le") == "de l'homme"
    assert joined("essaie de le voir", "") == "essaie de le voir"
    assert joined("parce que il ne y a", "") == "parce qu'il n'y a"


@pytest.mark.parametrize(
    ("verb", "third", "simple_past"),
    [
        ("carry", "carries", "carried"),
        ("watch", "watches", "watched"),
        ("go", "goes", "went"),
        ("play", "plays", "played"),
        ("close", "closes", "closed"),
    ],
)
def test_english_verbs(verb: str, third: str, simple_past: str) -> None:
    assert (add_s(verb), past(verb)) == (third, simple_past)


@pytest.mark.parametrize(
    ("text", "article"), [("apple", "an"), ("honest", "an"), ("uniform", "a"), ("useful", "a"), ("umbrella", "an")]
)
def test_the_article_goes_by_sound(text: str, article: str) -> None:
    assert indefinite_article(text) == article
