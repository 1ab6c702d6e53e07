"""French word forms: plurals, feminines, verbs, and which words begin with the sound of a vowel.

Persons are numbered 0 to 4: je, tu, il or elle, nous, ils or elles.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VOWELS = "aàâeéèêëiîïoôuùûœæ"
# Words before which nothing elides, though they begin with a vowel or h: "le hibou", "le huit".
ASPIRATED = ("haricot", "hamster", "hache", "harpe", "haut", "hérisson", "héros", "hibou", "homard", "huit", "onze")

# Infinitive: the five forms of the present, and the past participle.
IRREGULAR: Mapping[str, str] = MappingProxyType(
    {
        "être": "suis es est sommes sont été",
        "avoir": "ai as a avons ont eu",
        "aller": "vais vas va allons vont allé",
        "venir": "viens viens vient venons viennent venu",
        "revenir": "reviens reviens revient revenons reviennent revenu",
        "voir": "vois vois voit voyons voient vu",
        "boire": "bois bois boit buvons boivent bu",
        "lire": "lis lis lit lisons lisent lu",
        "écrire": "écris écris écrit écrivons écrivent écrit",
        "prendre": "prends prends prend prenons prennent pris",
        "apprendre": "apprends apprends apprend apprenons apprennent appris",
        "comprendre": "comprends comprends comprend comprenons comprennent compris",
        "ouvrir": "ouvre ouvres ouvre ouvrons ouvrent ouvert",
        "offrir": "offre offres offre offrons offrent offert",
        "courir": "cours cours court courons courent couru",
        "dormir": "dors dors dort dormons dorment dormi",
        "partir": "pars pars part partons partent parti",
        "rire": "ris ris rit rions rient ri",
        "sourire": "souris souris sourit sourions sourient souri",
        "dire": "dis dis dit disons disent dit",
        "savoir": "sais sais sait savons savent su",
        "connaître": "connais connais connaît connaissons connaissent connu",
        "reconnaître": "reconnais reconnais reconnaît reconnaissons reconnaissent reconnu",
        "vouloir": "veux veux veut voulons veulent voulu",
        "pouvoir": "peux peux peut pouvons peuvent pu",
        "devoir": "dois dois doit devons doivent dû",
        "croire": "crois crois croit croyons croient cru",
        "recevoir": "reçois reçois reçoit recevons reçoivent reçu",
        "suivre": "suis suis suit suivons suivent suivi",
        "conduire": "conduis conduis conduit conduisons conduisent conduit",
        "construire": "construis construis construit construisons construisent construit",
        "traduire": "traduis traduis traduit traduisons traduisent traduit",
        "peindre": "peins peins peint peignons peignent peint",
    }
)
IMPERFECT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "être": ("étais", "étais", "était", "étions", "étaient"),
        "avoir": ("avais", "avais", "avait", "avions", "avaient"),
    }
)
CONJUGATED_WITH_ETRE = frozenset({"aller", "venir", "revenir", "arriver", "partir", "rester", "tomber", "entrer"})
# The vowel before a mute ending: "j'achète", "je préfère", "j'appelle".
STEM_CHANGES: Mapping[str, str] = MappingProxyType(
    {"acheter": "achèt", "lever": "lèv", "préférer": "préfèr", "espérer": "espèr", "appeler": "appell"}
)


def begins_with_vowel_sound(word: str) -> bool:
    """Returns True if articles, pronouns and "que" elide before this word."""
    lowered = word.lower()
    if lowered.startswith(ASPIRATED):
        return False
    return lowered[0] in VOWELS or lowered[0] == "h" or lowered == "y"


def plural(word: str) -> str:
    """Returns the plural of a noun or of an adjective."""
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-2] + "aux"
    if word.endswith(("eau", "eu")) and word != "bleu":
        return word + "x"
    return word + "s"


def feminine(adjective: str) -> str:
    """Returns the feminine of a regular adjective."""
    for ending, replacement in (("e", "e"), ("eux", "euse"), ("oux", "ouse"), ("os", "osse"), ("en", "enne")):
        if adjective.endswith(ending):
            return adjective.removesuffix(ending) + replacement
    if adjective.endswith(("el", "on")):
        return adjective + adjective[-1] + "e"
    return adjective + "e"


def present(infinitive: str) -> tuple[str, ...]:
    """Returns the five forms of the present."""
    if infinitive in IRREGULAR:
        return tuple(IRREGULAR[infinitive].split()[:5])
    stem = infinitive[:-2]
    if infinitive.endswith("re"):
        return stem + "s", stem + "s", stem, stem + "ons", stem + "ent"
    if infinitive.endswith("ir"):
        return stem + "is", stem + "is", stem + "it", stem + "issons", stem + "issent"
    mute = STEM_CHANGES.get(infinitive, stem)
    if stem.endswith(("oy", "ay")):
        mute = stem[:-1] + "i"
    we = (
        stem + "eons" if stem.endswith("g") else stem.removesuffix("c") + "çons" if stem.endswith("c") else stem + "ons"
    )
    return mute + "e", mute + "es", mute + "e", we, mute + "ent"


def participle(infinitive: str) -> str:
    """Returns the past participle, masculine singular."""
    if infinitive in IRREGULAR:
        return IRREGULAR[infinitive].split()[5]
    ending = {"er": "é", "ir": "i", "re": "u"}[infinitive[-2:]]
    return infinitive[:-2] + ending


def agree(participle_or_adjective: str, gender: str, is_plural: bool) -> str:
    """Inflects a past participle for the gender ("m" or "f") and the number of the word that it agrees with."""
    form = participle_or_adjective + ("e" if gender == "f" else "")
    return plural(form) if is_plural else form
