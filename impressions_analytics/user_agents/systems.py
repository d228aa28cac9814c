"""Operating systems and devices: the parser's many names folded to the few that the package knows."""

from __future__ import annotations

import re
from functools import cache

from impressions_analytics.user_agents.models import pattern_of
from impressions_analytics.user_agents.patterns import Finder, first_match

SYSTEMS = {
    "Windows": ("Windows", "Windows Phone", "Windows Mobile", "Windows CE", "Windows RT"),
    "macOS": ("Mac OS X", "Mac OS", "macOS"),
    "iOS": ("iOS", "iPadOS"),
    "Android": ("Android",),
    "Chrome OS": ("Chrome OS",),
    "Linux": (
        "Linux", "Arch Linux", "CentOS", "Debian", "Fedora", "Gentoo", "Kubuntu", "Linux Mint", "Mageia", "Mandriva",
        "PCLinuxOS", "Puppy", "Red Hat", "Slackware", "SUSE", "Ubuntu",
    ),
    "unknown": ("Other",),
}  # fmt: skip
"""Our system -> ua-parser's families of it; a family that is not here is ``other``."""

_SYSTEM_OF_FAMILY = {family: system for system, families in SYSTEMS.items() for family in families}

DISGUISED = (
    (r"\bPuffin/[\d.]+I[TP]\b|(?i:\(iphone; cpu iphone os)", "iOS"),
    (r"\bPuffin/[\d.]+A[TP]\b|\bX11;.*\bSilk/\d|\bAndr0id \d|^UCWEB/.*\bLinux; U; Opera Mini/7", "Android"),
    (
        r"\bDarwin/[\d.]+ \((?:x86_64|i386|Power)"
        r"|\bCFNetwork/.*\((?:i?Mac|MacBook|Macmini|PowerMac|PowerBook)[A-Za-z]*\d",
        "macOS",
    ),
    (
        r"(?i)\bharmonyos|\bopenharmony|\byunos|\baliyunos|\bpalmos|\bpalmsource|\bmorphos|\bopentv|\btizen|\bweb[o0]s\b"
        r"|\bvidaa\b|\bsailfish|\bkaios|\btivoos|smart-?tv|\bnetcast\b|\bhaiku\b|\bbeos\b|\bplaystation\b|\broku",
        "other",
    ),
)
"""What says the system more truly than the name that the user agent gives: systems that call themselves Android, Linux
or Windows so that pages work, and programs that say elsewhere what they run on."""

SYSTEM_WORDS = (
    (r"(?i)\bandr[o0]id\b|\badr \d", "Android"),
    (r"\b(?:iPhone|iPad|iPod|iOS|iPh\d+,\d)\b", "iOS"),
    (r"(?i)\bwin(?:dows|xp|nt|32|64|me|vista|2000|95|98|7|8|10|11)\b", "Windows"),
    (r"(?i)\bmac ?os|\bos ?x\b|\bmacintosh\b|\bmac_powerpc\b", "macOS"),
    (r"\bCrOS\b", "Chrome OS"),
    (r"(?i)\blinux\b|\bubuntu\b|\belementary os\b", "Linux"),
    (r"(?i)amigaos|\bsolaris\b|\bsunos\b|\bqnx\b|\brisc os\b|\bwatch ?os\b", "other"),
    (r"(?i)\bunix\b|\bos/2\b|\bx11\b|\bmidp\b|\bmaui\b|\bmre/|up\.browser|\bbada\b|symbian|nokia|nintendo", "other"),
)
"""Words that say a system where ua-parser found none, most telling first."""


def system_of(family: str | None, useragent: str) -> str:
    """Return the system: one in disguise, or ua-parser's family folded, or else the first telling word.

    Examples
    --------
    >>> system_of("Ubuntu", ""), system_of("Symbian OS", ""), system_of(None, "Microsoft Outlook 2007, WinXP")
    ('Linux', 'other', 'Windows')
    >>> system_of("Android", "Mozilla/5.0 (Linux; Android 12; HarmonyOS; GOA-AL80) AppleWebKit/537.36")
    'other'
    """
    disguised = _disguised()(useragent)
    if disguised is not None:
        return disguised
    known = _SYSTEM_OF_FAMILY.get(family, "other") if family else "unknown"
    return known if known != "unknown" else _system_word()(useragent) or "unknown"


DEVICE_WORDS = (
    (
        r"(?i)smart-?tv|\bhbbtv|\b(?:apple|google|mi)?tv\b|\bcrkey\b|\baft[a-z]{1,4}\b|\bbravia|\bvidaa\b|\bnetcast\b"
        r"|opentv|playstation|xbox|nintendo|ce-html|\bsm-r\d{3}|\bwatch\b",
        "unknown",
    ),
    (r"\bTablet PC \d\.\d|\bChromebook\b", "desktop"),
    (r"\b(?:GT-[IS]\d{4}|GT-N7\d{3}|SM-[ACEFGJMNS]\d{3}|S[CGP]H-[A-Z]\d{3}|SHV-E\d{3}|LG-[A-UW-Z]\d{3})", "mobile"),
    (pattern_of("tablet"), "tablet"),
    (pattern_of("mobile"), "mobile"),
    (
        r"(?i)\bipad|\btablet|\btab\b|(?:media|mate|xiao|honor|mi) ?pad|playbook|\bkindle\b|\bsilk/|/apad\b|\bxoom\b"
        r"|\bnexus (?:7|9|10)\b|\bsm-[tpx]\d{3}|\bgt-p\d{4}|\bgt-n[58]\d{3}|\blg-v\d{3}"
        r"|[a-z]tab(?:\b|[_\d])|\bpad\b|\bpuffin/[\d.]+[ia]t\b|\bpm[pt]\d{4}|\bp?mid[-_]?\d{1,4}"
        r"|\b[a-z]{3}\d?-w\d\d|\bkf[a-z]{3,5}\b",
        "tablet",
    ),
    (
        r"(?i)\biphone|\bipod|\biph\d|mobile|phone|\bmidp|symbian|series ?60|blackberry|opera mini|up\.browser"
        r"|wpdesktop|lumia|windows ce|fennec|maemo|\bmaui\b|netfront|obigo|nokia|sonyericsson|\bbrew\b|palmsource",
        "mobile",
    ),
)
"""Words that say a device, most telling first; ``unknown`` is what has a screen but is none of the three. More
makers' numbers stand in ``models``."""

USUAL_DEVICE = {"Windows": "desktop", "macOS": "desktop", "Linux": "desktop", "Chrome OS": "desktop", "iOS": "mobile"}
"""The device that a system means where no word says otherwise."""


def device_of(system: str, useragent: str, model: str | None = None) -> str:
    """Return the device: the first telling word, or else what the system usually runs on.

    Browsers on Android leave out ``Mobile`` on a tablet; programs that are no browsers never say it. A system that is
    not one of the six and yet has a ``model`` that ua-parser knows is a telephone of the old days.

    Examples
    --------
    >>> device_of("Windows", "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)")
    'desktop'
    >>> device_of("Android", "Mozilla/5.0 (Linux; Android 9; SM-T720) AppleWebKit/537.36 Chrome/81.0 Safari/537.36")
    'tablet'
    >>> device_of("Android", "SamsungEmail/6.1.90 (Android 13; SM-S911B)")
    'mobile'
    """
    said = _device_word()(useragent)
    if said is not None:
        return said
    if system == "Android" or "Android" in useragent:
        return "tablet" if "Safari/" in useragent else "mobile"
    if "X11" in useragent:
        return "desktop"
    return USUAL_DEVICE.get(system, "mobile" if model else "unknown")


_ANDROID_MODEL = re.compile(
    r"(\bAndroid[ /]?[\w.]*; ?(?:U; ?)?(?:[a-z]{2}[-_][A-Za-z]{2}; ?)?)"
    r"[^;()/]*(?:/[\w.]+)?(?: [Bb]uild ?/[^;()]*)?(?=[;)])"
)


def without_model(useragent: str) -> str:
    """Return the user agent without the name and build of an Android phone, which may be any word.

    Examples
    --------
    >>> without_model("Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M) AppleWebKit/537.36")
    'Mozilla/5.0 (Linux; Android 7.0; ) AppleWebKit/537.36'
    """
    return _ANDROID_MODEL.sub(r"\1", useragent) if "Android" in useragent else useragent


@cache
def _disguised() -> Finder:
    return first_match(DISGUISED)


@cache
def _system_word() -> Finder:
    return first_match(SYSTEM_WORDS)


@cache
def _device_word() -> Finder:
    return first_match(DEVICE_WORDS)
