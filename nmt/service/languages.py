"""Names of languages in English, by their codes."""

from __future__ import annotations

import re

from nmt.preflight.languages import base_code

_NAMES: dict[str, str] = dict(
    re.findall(
        r"(\w+)=(\w+)",
        "af=Afrikaans am=Amharic ar=Arabic az=Azerbaijani be=Belarusian bg=Bulgarian bn=Bengali bs=Bosnian ca=Catalan "
        "cs=Czech cy=Welsh da=Danish de=German el=Greek en=English eo=Esperanto es=Spanish et=Estonian eu=Basque "
        "fa=Persian fi=Finnish fr=French ga=Irish gl=Galician gu=Gujarati he=Hebrew hi=Hindi hr=Croatian hu=Hungarian "
        "hy=Armenian id=Indonesian is=Icelandic it=Italian ja=Japanese ka=Georgian kk=Kazakh km=Khmer kn=Kannada "
        "ko=Korean ky=Kyrgyz la=Latin lo=Lao lt=Lithuanian lv=Latvian mk=Macedonian ml=Malayalam mn=Mongolian "
        "mr=Marathi ms=Malay mt=Maltese my=Burmese nb=Bokmål ne=Nepali nl=Dutch nn=Nynorsk no=Norwegian pa=Punjabi "
        "pl=Polish ps=Pashto pt=Portuguese ro=Romanian ru=Russian si=Sinhala sk=Slovak sl=Slovenian so=Somali "
        "sq=Albanian sr=Serbian sv=Swedish sw=Swahili ta=Tamil te=Telugu th=Thai tl=Tagalog tr=Turkish uk=Ukrainian "
        "ur=Urdu uz=Uzbek vi=Vietnamese yi=Yiddish zh=Chinese zu=Zulu",
    )
)


def language_name(code: str) -> str:
    """Returns the English name of a language, with its region or script as the code has it; the code where unknown."""
    base = base_code(code)
    if base not in _NAMES:
        return code
    rest = code[len(base) + 1 :]
    return f"{_NAMES[base]} ({rest})" if rest else _NAMES[base]
