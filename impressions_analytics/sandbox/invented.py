"""The invented people's programs, addresses and links: tables to draw from. No row is anybody's real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Haste = Literal["person", "proxy", "prefetch", "bot"]
"""Who fetches the images, which decides how soon: a reader, a proxy for one, a mailbox by itself, or a scanner."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One user agent: its text as sent, its share of recipients, Copernica's guess of the device, who fetches."""

    text: str | None
    weight: float
    device: str = "desktop"
    haste: Haste = "person"


_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_TRIDENT = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E;"

AGENTS: tuple[Agent, ...] = (
    Agent("Mozilla/5.0", 24.0, "unknown", "prefetch"),
    Agent(
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        21.0, "desktop", "proxy",
    ),
    Agent(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
        5.0, "desktop", "prefetch",
    ),
    Agent("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", 3.0, "unknown", "proxy"),
    Agent(f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_WEBKIT} Mobile/15E148", 9.0, "mobile"),
    Agent(f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) {_WEBKIT} Mobile/15E148", 4.0, "mobile"),
    Agent(f"Mozilla/5.0 (iPad; CPU OS 18_4 like Mac OS X) {_WEBKIT} Mobile/15E148", 2.0, "tablet"),
    Agent(f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT}", 5.0),
    Agent(f"{_TRIDENT} ms-office; MSOffice 16)", 3.0),
    Agent(f"{_TRIDENT} Microsoft Outlook 16.0.17928; ms-office; MSOffice 16)", 6.0),
    Agent("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)", 3.0),
    Agent("Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.5589; Pro)", 0.6),
    Agent(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/126.0.0.0 Safari/537.36 OneOutlook/1.2024.626.100",
        1.2,
    ),
    Agent(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "MacOutlook/16.89.24071426",
        0.8,
    ),
    Agent("Outlook-iOS/723.4027091.prod.iphone (4.2430.0)", 1.2, "mobile"),
    Agent(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
        2.2,
    ),
    Agent(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/137.0.0.0 Safari/537.36",
        4.0,
    ),
    Agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0", 1.4),
    Agent("Mozilla/5.0 (Ubuntu; X11; Linux x86_64; rv:8.0) Gecko/20100101 Firefox/8.0", 0.2),
    Agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.11.0", 1.4),
    Agent("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.13.0", 0.5),
    Agent(
        "Mozilla/5.0 (Linux; Android 14; SM-S921B Build/UP1A.231005.007; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/126.0.6478.134 Mobile Safari/537.36 SamsungEmail/6.1.92",
        1.6, "mobile",
    ),
    Agent(
        "Mozilla/5.0 (Linux; Android 15; Pixel 8 Build/AP4A.250205.002; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/137.0.7151.61 Mobile Safari/537.36",
        2.4, "mobile",
    ),
    Agent(
        "Mozilla/5.0 (Linux; Android 13; SM-X200; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/125.0.6422.165 Safari/537.36",
        0.7, "tablet",
    ),
    Agent(
        "Mozilla/5.0 (compatible; Barracuda Sentinel; +https://www.example.net/scanner)", 0.4, "unknown", "bot",
    ),
    Agent("Mozilla/5.0 (compatible; proofpoint; URL Defense)", 0.4, "unknown", "bot"),
    Agent("python-requests/2.32.3", 0.2, "unknown", "bot"),
    Agent("Go-http-client/2.0", 0.2, "unknown", "bot"),
    Agent("curl/8.5.0", 0.1, "unknown", "bot"),
    Agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0.1, "unknown", "bot"),
    Agent("", 0.5, "unknown"),
    Agent(None, 0.3, "unknown"),
)  # fmt: skip

BROWSER = 16
"""The row of `AGENTS` that clicks where the image was fetched by a proxy or a prefetcher."""

LINKS = (
    "https://shop.example.com/offers",
    "https://shop.example.com/offers?utm_source=newsletter&utm_medium=email",
    "https://shop.example.com/new",
    "https://www.example.com/",
    "https://www.example.com/caf\u00e9/menu",
    "https://www.example.org/privacy",
)
REFERERS = (None, "https://mail.example.com/", "https://webmail.example.net/inbox", "")
ERRORS: tuple[tuple[str | None, str, str, str], ...] = (
    ("5.1.1", "550", "user unknown", "bounce"),
    ("5.2.2", "552", "mailbox full", "bounce"),
    ("4.4.1", "451", "connection timed out", "retry"),
    ("5.7.1", "554", "message \"refused\" by policy\r\nsee https://www.example.net/policy", "bounce"),
    (None, "550", "no such recipient here", ""),
)  # fmt: skip
"""Status, error code, description and error type of a delivery that failed."""
REPORTS = ("{}", '{"feedback-type":"abuse","user-agent":"ExampleFBL\\/1.0","version":"1"}')
SOURCES = ("list-unsubscribe", "link", "manual")
SUBJECTS = (
    "News from Example Shop",
    "Only this week: 20% off",
    "Caf\u00e9 \u2615 opening / Er\u00f6ffnung",
    "Your order",
)
IPV4_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")
"""The address ranges that RFC 5737 keeps for documentation."""
IPV6_PREFIX = "2001:db8"
"""The prefix that RFC 3849 keeps for documentation."""
