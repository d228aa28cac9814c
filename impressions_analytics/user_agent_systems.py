"""Operating systems and devices: the parsers' many names folded to the few that the package knows."""

from __future__ import annotations

import re

SYSTEMS = {
    "Windows": "Windows",
    "Windows Phone": "Windows",
    "Windows Mobile": "Windows",
    "Windows CE": "Windows",
    "Windows RT": "Windows",
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "macOS": "macOS",
    "iOS": "iOS",
    "iPadOS": "iOS",
    "Android": "Android",
    "Chrome OS": "Chrome OS",
    "Linux": "Linux",
    "Ubuntu": "Linux",
    "Debian": "Linux",
    "Fedora": "Linux",
    "CentOS": "Linux",
    "Red Hat": "Linux",
    "SUSE": "Linux",
    "Arch Linux": "Linux",
    "Gentoo": "Linux",
    "Mageia": "Linux",
    "Mandriva": "Linux",
    "Puppy": "Linux",
    "Linux Mint": "Linux",
    "Kubuntu": "Linux",
    "Slackware": "Linux",
    "PCLinuxOS": "Linux",
    "Other": "unknown",
}
"""ua-parser's family of a system -> ours; a family that is not here is ``other``."""

SYSTEM_WORDS = (
    (r"(?i)\bandroid\b", "Android"),
    (r"\b(?:iPhone|iPad|iPod|iOS)\b", "iOS"),
    (r"(?i)\bwin(?:dows|xp|nt|32|64|vista|95|98|7|8|10|11)\b", "Windows"),
    (r"(?i)\bmac ?os|\bmacintosh\b|\bmac_powerpc\b", "macOS"),
    (r"\bCrOS\b", "Chrome OS"),
    (r"(?i)\blinux\b|\bubuntu\b|\bx11\b", "Linux"),
)
"""Words that say a system where ua-parser found none, most telling first."""

_SYSTEM_WORDS = tuple((re.compile(pattern), system) for pattern, system in SYSTEM_WORDS)


def system_of(family: str | None, useragent: str) -> str:
    """Return the system: ua-parser's family folded, or else the first telling word.

    Examples
    --------
    >>> system_of("Ubuntu", ""), system_of("Symbian OS", ""), system_of(None, "Microsoft Outlook 2007, WinXP")
    ('Linux', 'other', 'Windows')
    """
    known = SYSTEMS.get(family, "other") if family else "unknown"
    if known != "unknown":
        return known
    return next((system for pattern, system in _SYSTEM_WORDS if pattern.search(useragent)), "unknown")


DEVICE_WORDS = (
    (r"(?i)smart-?tv|\bhbbtv|\btv\b|appletv|googletv|\bcrkey\b|\baft[a-z]{1,4}\b|playstation|xbox|nintendo", "unknown"),
    (r"(?i)\bipad|\btablet\b(?! pc)|playbook|\bkindle\b|\bsilk/", "tablet"),
    (r"(?i)\biphone|\bipod|mobile|phone|\bmidp|symbian|series ?60|blackberry|opera mini|up\.browser", "mobile"),
)
"""Words that say a device, most telling first; ``unknown`` is what has a screen but is none of the three."""

_DEVICE_WORDS = tuple((re.compile(pattern), device) for pattern, device in DEVICE_WORDS)

USUAL_DEVICE = {"Windows": "desktop", "macOS": "desktop", "Linux": "desktop", "Chrome OS": "desktop", "iOS": "mobile"}
"""The device that a system means where no word says otherwise."""


def device_of(system: str, useragent: str) -> str:
    """Return the device: the first telling word, or else what the system usually runs on.

    Browsers on Android leave out ``Mobile`` on a tablet; programs that are no browsers never say it.

    Examples
    --------
    >>> device_of("Windows", "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Tablet PC 2.0)")
    'desktop'
    >>> device_of("Android", "Mozilla/5.0 (Linux; Android 9; SM-T720) AppleWebKit/537.36 Chrome/81.0 Safari/537.36")
    'tablet'
    >>> device_of("Android", "SamsungEmail/6.1.90 (Android 13; SM-S911B)")
    'mobile'
    """
    said = next((device for pattern, device in _DEVICE_WORDS if pattern.search(useragent)), None)
    if said is not None:
        return said
    if system == "Android":
        return "tablet" if "Safari/" in useragent else "mobile"
    return USUAL_DEVICE.get(system, "unknown")
