"""Collocations beyond the tags of the lexicon: the company that verbs keep, actions that follow, and reasons.

Verbs are named by their English word alone; prepositions and particles are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from examples.quickstart_corpus.lexicon import Verb

USES: Mapping[str, str] = MappingProxyType(
    {
        # after a verb that takes the infinitive
        "begin": (
            "read write eat clean paint draw sing dance work cry laugh run prepare build repair learn study play "
            "translate shout walk swim"
        ),
        "try": (
            "open close repair catch understand learn read sleep draw write help sell hide swim run finish "
            "translate push follow call photograph clean sing"
        ),
        "forget": "close open wash feed thank call bring buy take answer read clean finish send write invite",
        "refuse": (
            "eat drink sell help answer obey open wash wear sing dance work leave talk sleep swim lend give "
            "listen clean follow invite"
        ),
        "like": (
            "read sing dance swim walk travel drink eat draw paint run work sleep look listen talk photograph "
            "write visit laugh play wear drive prepare feed"
        ),
        "hope": "travel visit buy sell invite learn finish understand build leave sleep",
        "unintended": (
            "fall snore see hear lose break forget receive recognise meet dream cry wake bark fly find come arrive"
        ),
        # verbs that take the infinitive
        "past modal": "try begin forget refuse",
        "denied modal": "want can must going like forget",
        "with future": "going want can must",
        "with reason": "want must going begin",
        # with a person
        "for somebody": "buy prepare draw choose sing",
        "with somebody": "play dance travel work walk live",
        # with a time
        "habitual": (
            "eat drink read write buy wash clean wear help call wait listen feed drive prepare sing learn study "
            "talk answer play go walk run swim dance work cry laugh shout dream snore travel sleep rest get wake "
            "bark fly translate draw photograph visit meet invite thank bring take give send lend tell explain "
            "look hear see come paint hide jump carry smile"
        ),
        "seasonal": "swim travel walk play dance work run wear visit sleep",
        "long": (
            "travel visit buy sell build learn study paint repair meet work write finish receive leave arrive "
            "lose find translate invite photograph go"
        ),
        "all night": "sleep dream snore wake stay",
        # asked or denied
        "where": (
            "sleep run work live eat drink buy find lose hide meet wait sing dance play swim travel stay see wash "
            "rest walk read study learn photograph"
        ),
        "why": (
            "cry laugh shout run leave work stay sell buy wash open close hide break follow call help wait eat "
            "take sleep hate love like prefer smile thank invite learn refuse"
        ),
        "never denied": "love hate prefer",
    }
)
# Verbs for what may be done next with the same thing.
FOLLOWING: Mapping[str, str] = MappingProxyType(
    {
        "buy": "eat wear repair hide read",
        "take": "hide lose forget read use",
        "find": "keep wash repair",
        "choose": "buy wear",
        "write": "send translate",
        "receive": "open hide keep read",
        "prepare": "eat",
        "catch": "throw",
        "repair": "sell use",
        "bring": "give eat open",
        "draw": "paint",
    }
)
# Reasons or times to do it: the state of the subject.
REASONS_OF_SUBJECT: Mapping[str, str] = MappingProxyType(
    {
        "eat": "hungry",
        "drink": "thirsty",
        "sleep": "tired sleepy sick",
        "rest": "tired sick",
        "stay": "tired sick",
        "cry": "sad afraid tired",
        "shout": "afraid happy",
        "laugh": "happy",
        "smile": "happy",
        "sing": "happy",
        "dance": "happy",
        "run": "afraid happy",
        "hide": "afraid jealous",
        "leave": "sad tired sick",
    }
)
# Reasons to do it: the state of the object.
REASONS_OF_OBJECT: Mapping[str, str] = MappingProxyType(
    {
        "buy": "pretty beautiful magnificent modern delicious useful elegant comfortable",
        "choose": "pretty beautiful modern delicious comfortable elegant",
        "wear": "pretty beautiful warm elegant comfortable",
        "look at": "beautiful pretty magnificent",
        "admire": "beautiful pretty magnificent",
        "photograph": "beautiful pretty magnificent",
        "love": "beautiful delicious intelligent",
        "prefer": "delicious interesting",
        "hate": "boring dangerous",
        "read": "interesting funny important",
        "wash": "dirty",
        "clean": "dirty",
        "sell": "old heavy",
        "repair": "broken old",
        "lend": "useful interesting",
        "visit": "famous beautiful interesting magnificent",
        "finish": "interesting easy delicious",
        "understand": "easy",
        "eat": "delicious fresh sweet",
        "open": "strange important",
    }
)
# Times of the night in English, but only of the evening in French: "il a dormi hier soir" is not all night.
EVENINGS = frozenset({("last", "night"), ("tonight",)})
# States of a person when, or if, something else happens.
REACTIONS = frozenset({"happy", "sad", "proud", "jealous", "nervous", "afraid"})


@cache
def verbs_of_use(use: str) -> frozenset[str]:
    """Returns the English words of the verbs that have this use."""
    return frozenset(USES[use].split())


def is_used(verb: Verb, use: str) -> bool:
    """Returns True if the verb has this use, a key of `USES`."""
    return verb.english in verbs_of_use(use)
