"""The general rule for programs that no list knows: the unfamiliar ``Name/version`` is the program."""

from __future__ import annotations

import re
from urllib.parse import unquote

FAMILIAR = frozenset({
    "abi", "alexa", "android", "app_version", "applecoremedia", "applewebkit", "arm", "arm64", "bon", "bonecho",
    "build", "build_number", "centos", "cfnetwork", "chrome", "chromium", "compatible", "configuration", "core",
    "crios", "cros", "crosarc", "darwin", "debian", "device", "deviceid", "dist", "edg", "edga", "edge", "edgios",
    "electron", "embeddedbrowser", "engine", "esr", "fban", "fbav", "fedora", "firefox", "fxios", "gecko", "gentoo",
    "goanna", "granparadiso", "gsa", "heap", "iceweasel", "id", "ios", "ipad", "iphone", "java", "khtml", "kubuntu",
    "lang", "language", "lightning", "like", "linux", "locale", "macos", "mandriva", "midp", "minefield", "mint",
    "mobile", "mobilesafari", "model", "monazilla", "mozilla", "msie", "namoroka", "netscape6", "nettype", "nexus",
    "nintendo", "novarra-vision", "opr", "os", "presto", "prism", "process", "profile", "qtwebengine", "redhat",
    "region", "release", "safari", "screen", "shiretoko", "silk-accelerated", "suse", "tablet", "time", "toolbar",
    "trident", "u2", "u3", "ubuntu", "ucweb", "uiwebview", "update", "user-agent", "utc", "uuid", "vendor", "version",
    "wap", "web_app_version", "webkit", "webkitgtk", "wechat_miniprogram", "windows", "wkwebview", "x", "x11",
    "x86_64",
})  # fmt: skip
"""Names, in small letters, that many programs' user agents hold: engines, systems, hosts, and what add-ons leave."""

ENGINE = re.compile(
    r"AppleWebKit|\bGecko\b|Trident|Presto|\bKHTML\b|\bMSIE\b|\bGoanna\b|\bMIDP\b|Opera[ /]", re.IGNORECASE
)
"""What only a program that draws pages says; a bare name says none of it."""

_ROBOT_WORD = re.compile(
    r"(?i:search|fetch|discover|\burls?\b|\blink\b|linkcheck|website|check|scan|security|secur|rank|analy[sz]e|inspect|test|admin|proxy"
    r"|report|domain|hook|\bphp|\brss\b|feeds?\b|image|preview|integrity|research|labs?\b|sniff|hunt|probe|pinger"
    r"|screenshot|snapshot|thumbnail|track|collect|gather|index|archiv|extract|generator|validat|verif|loader"
    r"|engine|\b(?:user-?)?agent\b|\bapi\b|cloud|webcollage)|\bAI\b|GPT|URL"
    r"|(?:^|[ (;])(?:www\.)?[a-z0-9-]+\.(?:com|net|org|info|io|eu|de|ru|ai)\b"
)
"""What a robot does, or the domain of who runs it. Asked of bare names only: readers' programs say it too."""

WORDS_READ = 60
"""How many characters before a name may hold its first words, such as ``Post`` of ``Post Mill/5.2``."""

_COMMENT = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_PRODUCT = re.compile(r"(?<!\w)([A-Za-z][\w.!&+%-]*)/v?(\d[\d.]*)")
_WORDS_BEFORE = re.compile(r"(?:(?<!\S)[A-Z][\w.&+-]* ){1,3}$")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_MOZILLA = re.compile(r"^Mozilla/\d\.\d+\s*")


def named_program(useragent: str) -> tuple[str, str] | None:
    """Return name and version of the program that an unfamiliar ``Name/version`` names, or None.

    A browser's user agent names many programs that it is not, and its own name last. Any other begins with its name.

    Examples
    --------
    >>> named_program("Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) Post Mill/5.2 Chrome/82.0")
    ('Post Mill', '5.2')
    >>> named_program("PostMill/1.4 CFNetwork/1404 Darwin/22.3.0")
    ('PostMill', '1.4')
    >>> named_program("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0")
    """
    plain = _COMMENT.sub(" ", useragent)
    if "(" in plain:  # one comment stood in another
        plain = _COMMENT.sub(" ", plain)
    unfamiliar = [found for found in _PRODUCT.finditer(plain) if found[1].lower() not in FAMILIAR]
    if not unfamiliar:
        return None
    found = unfamiliar[-1 if useragent.startswith("Mozilla/") else 0]
    before = _WORDS_BEFORE.search(plain[max(found.start() - WORDS_READ, 0) : found.start()])
    words = [word for word in before[0].split() if word.lower() not in FAMILIAR] if before else []
    return " ".join([*words[-2:], unquote(found[1])]), found[2]


def is_bare_name(useragent: str) -> bool:
    """Return whether a user agent names something and says nothing of an engine.

    Examples
    --------
    >>> is_bare_name("Reader/1.0 (by hand)"), is_bare_name("Mozilla/5.0 (Reader)")
    (True, True)
    >>> is_bare_name("Mozilla/4.0 (MSIE 6.0)"), is_bare_name("Mozilla/5.0 (")
    (False, False)
    """
    said = _MOZILLA.sub("", useragent).replace("compatible", "")
    return bool(_LETTERS.search(said)) and not ENGINE.search(said)


def is_robot_name(useragent: str) -> bool:
    """Return whether a bare name tells of a robot's work.

    Examples
    --------
    >>> is_robot_name("Example-URL-Inspector/2"), is_robot_name("Example/2")
    (True, False)
    """
    return bool(_ROBOT_WORD.search(useragent))
