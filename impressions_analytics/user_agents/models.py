r"""Makers' model numbers on Android, where the number itself says telephone or tablet.

A browser on an Android tablet should leave out the word ``Mobile``, and many do not; some telephones leave it out too.
Then only the model tells. Here stand numbering schemes, not single models: what no scheme covers is left to the words.

Examples
--------
>>> import re
>>> bool(re.search(pattern_of("tablet"), "Mozilla/5.0 (Linux; Android 10; AGS3-L09) Mobile Safari/537.36"))
True
>>> bool(re.search(pattern_of("mobile"), "Mozilla/5.0 (Linux; Android 4.2.2; HTC One X Build/JDQ39) Safari/537.36"))
True
"""

from __future__ import annotations

SCHEMES = (
    # maker, device, pattern
    ("Acer Iconia", "tablet", r"\b[AB][13]-[A7]\d\d"),
    ("Amazon, Barnes & Noble", "tablet", r"\bBNTV\w*|\bNook"),
    ("Android 3, made for tablets only", "tablet", r"\bAndroid 3\.\d"),
    ("Archos", "tablet", r"\bARCHOS \d{2,3}[a-z]?\b"),
    ("Asus", "tablet", r"\bK0[01]\d\b|\bP0[012]\w(?:_\d)?\b|\bME\d{3}[A-Z]|\bTF\d{3}T\b"),
    ("Google", "tablet", r"\bPixel (?:C|Tablet)\b"),
    ("HTC", "tablet", r"\bFlyer P51\d|\bHTC[-_ ]P715"),
    ("Huawei", "tablet", r"\b(?:AGS|BAH|JDN|KOB)\d?-[AWLD]\w?\d\d"),
    ("Huawei", "tablet", r"\b(?:BTV|BZK|BZT|CMR|HDN|MON|MRX|SCM\w?|SHT|VRD|WGR)-[AWLD]\w?\d\d"),
    ("Huawei", "tablet", r"\bT1-[78]\d\d|\bS[78]-\d{3}[uw]\b|\bT01\b"),
    ("Lenovo", "tablet", r"\bTB-?\w?\d{3}|\bYT\d?-[\dXJ]\d{2,3}"),
    ("Lenovo", "tablet", r"\bIdea(?:Tab|Pad)|\bLenovo ?A\d{4}-|\bA\d{4}-[FHG]V?\b"),
    ("Alldocube, Medion", "tablet", r"\biPlay_?\d|\bMEDION LIFETAB"),
    ("Bravis, Prestigio", "tablet", r"\bTZ\d{2,3}\b|\bP(?:MP|MT|ER)\d{4}"),
    ("Sony", "tablet", r"\bSGP\d{3}|\bSO-0[35][EF]\b"),
    ("Xiaomi", "tablet", r"\b2[1-9]\d{3}RP\w{2,3}\b"),
    ("Alcatel, HTC, Vodafone", "mobile", r"\b(?:ALCATEL|Alcatel|HTC|Vodafone (?:Smart )?\d)"),
    ("Infinix, itel, Tecno", "mobile", r"\b(?:Infinix|itel|TECNO)"),
    ("Google", "mobile", r"\b(?:Galaxy Nexus|Nexus [S456]|Pixel \d|Pixel XL)"),
    ("Huawei", "mobile", r"\b(?:HUAWEI|Huawei|HONOR) ?[A-Z]\d|\b[A-Z]{3}-(?:AN|LX|NX|TN)\d"),
    ("Motorola", "mobile", r"\bXT\d{3,4}\b|\b[Mm]oto\b"),
    ("Oppo, Realme, Vivo", "mobile", r"\bCPH\d{4}|\bRMX\d{4}|\bV\d{4}A?\b"),
    ("Sony", "mobile", r"\b(?:LT\d\d[aiwh]|ST\d\d[ai]|[CD][256]\d{3})\b"),
    ("Xiaomi", "mobile", r"\bRedmi|\bPOCO|\bM2\d{3}[CJ]\d|\b2[1-5]\d{3}R[ANK]\w{2,3}\b"),
)  # fmt: skip
"""Who makes it, which device it is, and the shape of the number."""


def pattern_of(device: str) -> str:
    """Return one pattern that finds every scheme of ``device``."""
    return "|".join(pattern for _, made, pattern in SCHEMES if made == device)
