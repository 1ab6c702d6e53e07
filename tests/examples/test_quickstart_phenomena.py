"""Claims about the grammar, one expected pair (and its alignment) each."""

from __future__ import annotations

import pytest

from examples.quickstart_corpus.corpus import Pair, realise
from examples.quickstart_corpus.lexicon import Adjective, FixedPhrase, Lexicon, Name, Noun, Verb, load_lexicon
from examples.quickstart_corpus.syntax import (
    Age,
    Clause,
    Comparison,
    Conjunction,
    Coordination,
    Description,
    Determiner,
    Existence,
    Gap,
    Location,
    NounPhrase,
    Occupation,
    Polarity,
    PrepositionPhrase,
    Pronoun,
    Question,
    Relative,
    Sentence,
    State,
    Tense,
    VerbPhrase,
)

SPEAKER, YOU = Pronoun(1, False, "m"), Pronoun(2, False, "m")
HE, SHE = Pronoun(3, False, "m"), Pronoun(3, False, "f")
WE, THEY = Pronoun(1, True, "m"), Pronoun(3, True, "m")
PAUL, ANNE = Name("Paul", "m"), Name("Anne", "f")


def lexicon() -> Lexicon:
    return load_lexicon()


def noun(english: str) -> Noun:
    return lexicon().noun(english)


def adjective(english: str) -> Adjective:
    return next(a for a in lexicon().adjectives if a.english == english)


def verb(english: str, french_preposition: str = "") -> Verb:
    return next(v for v in lexicon().verbs if v.english == english and french_preposition in v.french_preposition)


def time(english: str) -> FixedPhrase:
    return next(p for table in lexicon().times.values() for p in table if " ".join(p.english) == english)


def place(preposition: str, english: str) -> PrepositionPhrase:
    return PrepositionPhrase(lexicon().prepositions[preposition], the(english))


def the(english: str, *adjectives: str, plural: bool = False, determiner: Determiner = Determiner.THE) -> NounPhrase:
    return NounPhrase(noun(english), determiner, plural, adjectives=tuple(map(adjective, adjectives)))


def a(english: str, *adjectives: str) -> NounPhrase:
    return the(english, *adjectives, determiner=Determiner.A)


def some(english: str, *adjectives: str) -> NounPhrase:
    is_plural = "mass" not in noun(english).tags
    return the(english, *adjectives, plural=is_plural, determiner=Determiner.SOME)


def say(clause: Clause | Existence, **more: object) -> Pair:
    return realise(Sentence(clause, **more))  # type: ignore[arg-type]  # the fields of Sentence, checked where used


def check(pair: Pair, english: str, french: str, alignment: str | None = None) -> None:
    assert (pair.english, pair.french) == (english, french)
    if alignment is not None:
        assert " ".join(f"{i}-{j}" for i, j in pair.alignment) == alignment


SLEEP, SEE, EAT = VerbPhrase(verb("sleep")), verb("see"), verb("eat")


def test_a_colour_moves_behind_the_noun() -> None:
    pair = say(Clause(the("cat", "black"), SLEEP))
    check(pair, "The black cat sleeps.", "Le chat noir dort.", "0-0 1-2 2-1 3-3")


def test_an_adjective_of_size_stays_in_front() -> None:
    pair = say(Clause(the("dog", "big", "black"), SLEEP))
    check(pair, "The big black dog sleeps.", "Le gros chien noir dort.", "0-0 1-1 2-3 3-2 4-4")


@pytest.mark.parametrize(
    ("subject", "french"),
    [
        (the("dress", "white"), "La robe blanche"),
        (the("dress", "white", plural=True), "Les robes blanches"),
        (the("horse", "white", plural=True), "Les chevaux blancs"),
        (the("tree", "beautiful"), "Le bel arbre"),
        (the("tree", "beautiful", plural=True), "Les beaux arbres"),
        (the("hotel", "new"), "Le nouvel hôtel"),
        (the("man", "old"), "Le vieil homme"),
        (the("hero", "old"), "Le vieux héros"),
        (the("woman", "old"), "La vieille femme"),
        (the("hat", "brown", plural=True), "Les chapeaux marron"),
        (the("man"), "L'homme"),
        (the("hedgehog"), "Le hérisson"),
        (the("owl", plural=True), "Les hiboux"),
        (the("tree", determiner=Determiner.THIS), "Cet arbre"),
        (the("hero", determiner=Determiner.THIS), "Ce héros"),
        (the("orange", determiner=Determiner.THIS), "Cette orange"),
        (the("actress", determiner=Determiner.EVERY), "Chaque actrice"),
        (the("elephant", plural=True, determiner=Determiner.MANY), "Beaucoup d'éléphants"),
        (the("owl", plural=True, determiner=Determiner.MANY), "Beaucoup de hiboux"),
        (the("car", determiner=Determiner.HIS), "Sa voiture"),
        (the("car", "other", determiner=Determiner.HER), "Son autre voiture"),
        (the("church", determiner=Determiner.MY), "Mon église"),
        (the("axe", determiner=Determiner.MY), "Ma hache"),
        (some("car", "old"), "De vieilles voitures"),
        (some("car", "blue"), "Des voitures bleues"),
        (some("water"), "De l'eau"),
        (some("bread"), "Du pain"),
        (some("soup"), "De la soupe"),
    ],
)
def test_determiners_and_adjectives_agree_and_elide(subject: NounPhrase, french: str) -> None:
    assert say(Clause(subject, SLEEP)).french.rsplit(" ", 1)[0] == french


def test_elision_aligns_with_both_words() -> None:
    pair = say(Clause(the("man"), VerbPhrase(SEE, the("owl"))))
    check(pair, "The man sees the owl.", "L'homme voit le hibou.", "0-0 1-0 2-1 3-2 4-3")


def test_ne_and_pas_surround_the_verb() -> None:
    pair = say(Clause(HE, VerbPhrase(SEE, THEY), polarity=Polarity.NOT))
    check(pair, "He does not see them.", "Il ne les voit pas.", "0-0 1-3 2-1 2-4 3-3 4-2")


def test_ne_and_pas_surround_the_auxiliary() -> None:
    pair = say(Clause(SPEAKER, VerbPhrase(SEE, the("cat")), Tense.PAST, Polarity.NOT))
    check(pair, "I did not see the cat.", "Je n'ai pas vu le chat.", "0-0 1-1 2-1 2-2 3-3 4-4 5-5")


def test_never_is_ne_and_jamais() -> None:
    pair = say(Clause(SHE, VerbPhrase(EAT, some("meat")), polarity=Polarity.NEVER))
    check(pair, "She never eats any meat.", "Elle ne mange jamais de viande.", "0-0 1-1 1-3 2-2 3-4 4-5")


def test_an_indefinite_object_is_de_after_a_denial() -> None:
    check(
        say(Clause(HE, VerbPhrase(verb("buy"), a("axe")), polarity=Polarity.NOT)),
        "He does not buy an axe.",
        "Il n'achète pas de hache.",
    )


def test_an_object_pronoun_moves_before_the_verb() -> None:
    check(say(Clause(SHE, VerbPhrase(SEE, HE))), "She sees him.", "Elle le voit.", "0-0 1-2 2-1")
    check(say(Clause(HE, VerbPhrase(verb("help"), SHE))), "He helps her.", "Il l'aide.", "0-0 1-1 2-1")


def test_an_object_pronoun_stands_before_the_infinitive() -> None:
    pair = say(Clause(HE, VerbPhrase(SEE, SHE, modal=verb("want"))))
    check(pair, "He wants to see her.", "Il veut la voir.", "0-0 1-1 2-3 3-3 4-2")


def test_a_recipient_is_dative() -> None:
    give = verb("give")
    pair = say(Clause(PAUL, VerbPhrase(give, the("apple"), SHE)))
    check(pair, "Paul gives her the apple.", "Paul lui donne la pomme.", "0-0 1-2 2-1 3-3 4-4")
    pair = say(Clause(PAUL, VerbPhrase(give, the("apple"), the("friend", plural=True))))
    check(pair, "Paul gives the apple to the friends.", "Paul donne la pomme aux amis.", "0-0 1-1 2-2 3-3 4-4 5-4 6-5")


def test_a_recipient_behind_explain_is_dative_too() -> None:
    pair = say(Clause(PAUL, VerbPhrase(verb("explain"), the("lesson"), THEY)))
    check(pair, "Paul explains the lesson to them.", "Paul leur explique la leçon.", "0-0 1-2 2-3 3-4 4-1 5-1")


@pytest.mark.parametrize(
    ("phrase", "english", "french"),
    [
        (VerbPhrase(verb("talk"), the("boy")), "Paul talks to the boy.", "Paul parle au garçon."),
        (VerbPhrase(verb("talk"), THEY), "Paul talks to them.", "Paul leur parle."),
        (VerbPhrase(verb("look"), the("tree")), "Paul looks at the tree.", "Paul regarde l'arbre."),
        (VerbPhrase(verb("answer"), the("question")), "Paul answers the question.", "Paul répond à la question."),
        (VerbPhrase(verb("play"), the("piano")), "Paul plays the piano.", "Paul joue du piano."),
        (VerbPhrase(verb("play"), the("accordion")), "Paul plays the accordion.", "Paul joue de l'accordéon."),
        (VerbPhrase(verb("play"), the("harp")), "Paul plays the harp.", "Paul joue de la harpe."),
        (
            VerbPhrase(verb("play", "à"), the("chess", plural=True, determiner=Determiner.GENERIC)),
            "Paul plays chess.",
            "Paul joue aux échecs.",
        ),
        (VerbPhrase(verb("come"), the("market")), "Paul comes from the market.", "Paul vient du marché."),
        (
            VerbPhrase(verb("like"), the("milk", determiner=Determiner.GENERIC)),
            "Paul likes milk.",
            "Paul aime le lait.",
        ),
        (VerbPhrase(SEE, HE, modal=verb("going")), "Paul is going to see him.", "Paul va le voir."),
        (VerbPhrase(SEE, HE, modal=verb("can")), "Paul can see him.", "Paul peut le voir."),
        (
            VerbPhrase(verb("open"), the("door"), modal=verb("try")),
            "Paul tries to open the door.",
            "Paul essaie d'ouvrir la porte.",
        ),
        (VerbPhrase(verb("get")), "Paul gets up.", "Paul se lève."),
    ],
)
def test_prepositions_articles_and_infinitives(phrase: VerbPhrase, english: str, french: str) -> None:
    check(say(Clause(PAUL, phrase)), english, french)


def test_cannot_surrounds_the_modal() -> None:
    pair = say(Clause(WE, VerbPhrase(verb("sleep"), modal=verb("can")), polarity=Polarity.NOT))
    check(pair, "We cannot sleep.", "Nous ne pouvons pas dormir.", "0-0 1-1 1-2 1-3 2-4")


def test_movement_agrees_with_its_subject_in_the_past() -> None:
    left = VerbPhrase(verb("leave"))
    pair = say(Clause(the("girl", plural=True), left, Tense.PAST, adjuncts=(time("yesterday"),)))
    check(pair, "The girls left yesterday.", "Les filles sont parties hier.", "0-0 1-1 2-2 2-3 3-4")
    assert say(Clause(Coordination(ANNE, PAUL), left, Tense.PAST)).french == "Anne et Paul sont partis."
    assert say(Clause(ANNE, VerbPhrase(verb("rest")), Tense.PAST)).french == "Anne s'est reposée."


def test_the_participle_agrees_with_an_object_before_it() -> None:
    assert say(Clause(PAUL, VerbPhrase(SEE, SHE), Tense.PAST)).french == "Paul l'a vue."
    assert say(Clause(PAUL, VerbPhrase(SEE, the("girl")), Tense.PAST)).french == "Paul a vu la fille."
    bought = Clause(SHE, VerbPhrase(verb("buy"), Gap(True, "f", noun("car"))), Tense.PAST)
    cars = NounPhrase(noun("car"), Determiner.THE, True, relative=Relative(bought, gap_is_subject=False))
    pair = say(Clause(cars, Description((adjective("red"),))))
    check(
        pair,
        "The cars that she bought are red.",
        "Les voitures qu'elle a achetées sont rouges.",
        "0-0 1-1 2-2 3-2 4-3 4-4 5-5 6-6",
    )


def test_a_relative_clause_is_qui_for_its_subject() -> None:
    sleeping = Relative(Clause(Gap(False, "m", noun("man")), SLEEP), gap_is_subject=True)
    man = NounPhrase(noun("man"), Determiner.THE, relative=sleeping)
    check(say(Clause(SHE, VerbPhrase(SEE, man))), "She sees the man who sleeps.", "Elle voit l'homme qui dort.")


def test_it_takes_the_gender_of_its_noun() -> None:
    for english, french in (
        ("pear", "Paul achète une poire et la mange."),
        ("cake", "Paul achète un gâteau et le mange."),
    ):
        it = Pronoun(3, False, noun(english).gender, noun(english))
        pair = say(Clause(PAUL, VerbPhrase(verb("buy"), a(english)), second=VerbPhrase(EAT, it)))
        check(pair, f"Paul buys a {english} and eats it.", french, "0-0 1-1 2-2 3-3 4-4 5-6 6-5")


def test_because_elides_and_hungry_is_to_have_hunger() -> None:
    cow = the("cow")
    it = Pronoun(3, False, "f", noun("cow"))
    hungry = Clause(it, State(lexicon().states[0]))
    pair = say(Clause(cow, SLEEP), conjunction=Conjunction.BECAUSE, joined=hungry)
    check(
        pair,
        "The cow sleeps because it is hungry.",
        "La vache dort parce qu'elle a faim.",
        "0-0 1-1 2-2 3-3 3-4 4-4 5-5 6-6",
    )


def test_if_elides_before_il_alone() -> None:
    he, she = Clause(HE, SLEEP), Clause(SHE, SLEEP)
    assert say(Clause(SPEAKER, SLEEP), conjunction=Conjunction.IF, joined=he).french == "Je dors s'il dort."
    assert say(Clause(SPEAKER, SLEEP), conjunction=Conjunction.IF, joined=she).french == "Je dors si elle dort."


def test_a_thought_begins_with_que() -> None:
    pair = say(Clause(SPEAKER, VerbPhrase(verb("think"), content=Clause(ANNE, SLEEP))))
    check(pair, "I think that Anne sleeps.", "Je pense qu'Anne dort.", "0-0 1-1 2-2 3-2 4-3")


def test_a_question_is_est_ce_que() -> None:
    pair = say(Clause(the("cat"), SLEEP), question=Question.WHETHER)
    check(pair, "Does the cat sleep?", "Est-ce que le chat dort ?", "0-0 0-1 0-4 1-2 2-3 3-4 3-5")


@pytest.mark.parametrize(
    ("clause", "question", "english", "french"),
    [
        (
            Clause(SHE, VerbPhrase(EAT, Gap(False, "m"))),
            Question.WHAT,
            "What does she eat?",
            "Qu'est-ce qu'elle mange ?",
        ),
        (Clause(Gap(False, "m"), SLEEP), Question.WHO, "Who sleeps?", "Qui dort ?"),
        (Clause(SHE, SLEEP), Question.WHERE, "Where does she sleep?", "Où est-ce qu'elle dort ?"),
        (Clause(the("key"), Location(None)), Question.WHERE, "Where is the key?", "Où est la clé ?"),
        (Clause(YOU, VerbPhrase(verb("cry"))), Question.WHY, "Why do you cry?", "Pourquoi est-ce que tu pleures ?"),
        (
            Clause(THEY, VerbPhrase(verb("leave")), Tense.PAST),
            Question.WHEN,
            "When did they leave?",
            "Quand est-ce qu'ils sont partis ?",
        ),
    ],
)
def test_question_words(clause: Clause, question: Question, english: str, french: str) -> None:
    check(say(clause, question=question), english, french)


def test_the_owner_follows_in_french() -> None:
    cat = NounPhrase(noun("cat"), Determiner.THE, possessor=the("girl"))
    pair = say(Clause(cat, SLEEP))
    check(pair, "The girl's cat sleeps.", "Le chat de la fille dort.", "0-3 1-0 1-2 1-4 2-1 3-5")
    of_anne = NounPhrase(noun("cat"), Determiner.THE, possessor=ANNE)
    assert say(Clause(of_anne, SLEEP)).french == "Le chat d'Anne dort."


def test_comparison_agrees() -> None:
    pair = say(Clause(ANNE, Comparison(adjective("old"), PAUL)))
    check(pair, "Anne is older than Paul.", "Anne est plus vieille que Paul.", "0-0 1-1 2-2 2-3 3-4 4-5")
    equal = say(Clause(ANNE, Comparison(adjective("old"), the("man"), is_equal=True)))
    check(equal, "Anne is as old as the man.", "Anne est aussi vieille que l'homme.")


def test_a_profession_has_no_article_and_an_age_is_had() -> None:
    doctor = next(p for p in lexicon().professions if p.english == "baker")
    check(say(Clause(ANNE, Occupation(doctor))), "Anne is a baker.", "Anne est boulangère.", "0-0 1-1 2-2 3-2")
    check(
        say(Clause(ANNE, Age(lexicon().ages["any"][3]))),
        "Anne is ten years old.",
        "Anne a dix ans.",
        "0-0 1-1 2-2 3-3 4-3",
    )


def test_was_is_the_imparfait() -> None:
    check(say(Clause(SPEAKER, Description((adjective("tired"),)), Tense.PAST)), "I was tired.", "J'étais fatigué.")


def test_there_is() -> None:
    pair = say(Existence(a("cat"), place("under", "table")))
    check(pair, "There is a cat under the table.", "Il y a un chat sous la table.", "0-0 0-1 1-2 2-3 3-4 4-5 5-6 6-7")
    pair = say(Existence(some("apple"), place("next to", "lake"), is_denied=True))
    check(pair, "There are no apples next to the lake.", "Il n'y a pas de pommes à côté du lac.")


def test_an_opening_time_and_but_take_commas() -> None:
    sleeps = Clause(HE, VerbPhrase(verb("sleep")))
    works = Clause(SHE, VerbPhrase(verb("work")))
    pair = say(sleeps, opening=time("every day"), conjunction=Conjunction.BUT, joined=works)
    check(
        pair,
        "Every day, he sleeps, but she works.",
        "Tous les jours, il dort, mais elle travaille.",
        "0-0 0-1 1-2 2-3 3-4 4-5 5-6 6-7",
    )


def test_adverbs_of_frequency_follow_the_french_verb() -> None:
    often = lexicon().frequencies[1]
    check(
        say(Clause(SHE, VerbPhrase(SEE, PAUL), frequency=often)),
        "She often sees Paul.",
        "Elle voit souvent Paul.",
        "0-0 1-2 2-1 3-3",
    )


def test_well_stands_before_the_participle_and_slowly_behind_it() -> None:
    manners = {manner.english[0]: manner for manner, _ in lexicon().manners}
    well = VerbPhrase(verb("sleep"), manner=manners["well"])
    assert say(Clause(SHE, well, Tense.PAST)).french == "Elle a bien dormi."
    slowly = VerbPhrase(verb("walk"), manner=manners["slowly"])
    assert say(Clause(SHE, slowly, Tense.PAST)).french == "Elle a marché lentement."
