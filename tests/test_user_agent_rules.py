"""What is promised of the rules, row by row, and of the cases that mail people know."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from impressions_analytics.user_agents.judge import judge
from impressions_analytics.user_agents.systems import without_model
from impressions_analytics.user_agents.table import OURS, RULES, SET_ASIDE

LABELLED = Path(__file__).resolve().parents[2] / "shared/user-agents/tune.jsonl"
IDS = [rule.id for rule in RULES]
every_rule = pytest.mark.parametrize("rule", RULES, ids=IDS)

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
WORD_ENGINE = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0E; "

# user agent -> client, version, os, device, kind
CASES = {
    # nothing said
    "": (None, None, "unknown", "unknown", "unknown"),
    "   ": (None, None, "unknown", "unknown", "unknown"),
    "-": (None, None, "unknown", "unknown", "unknown"),
    # the mailbox itself
    "Mozilla/5.0": ("Apple Mail", None, "unknown", "unknown", "prefetch"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 "
    "Safari/537.36 Edge/12.246 Mozilla/5.0": ("Gmail", None, "unknown", "unknown", "prefetch"),
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)":
        ("Gmail", None, "unknown", "unknown", "proxy"),
    "Mozilla/5.0 (Windows; U; Windows NT 5.1; de; rv:1.9.0.7) Gecko/2009021910 Firefox/3.0.7 (via ggpht.com)":
        ("Gmail", None, "unknown", "unknown", "proxy"),
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html":
        ("Yahoo Mail", None, "unknown", "unknown", "proxy"),
    # Outlook in its forms
    "Microsoft Outlook 2007, WinXP": ("Outlook", "2007", "Windows", "desktop", "person"),
    WORD_ENGINE + "Microsoft Outlook 16.0.6366; ms-office; MSOffice 16)":
        ("Outlook", "16.0", "Windows", "desktop", "person"),
    WORD_ENGINE + "MSOffice 12)": ("Outlook", "12", "Windows", "desktop", "person"),
    "Mozilla/4.0 (compatible; ms-office; MSOffice rmj)": ("Outlook", None, "Windows", "desktop", "person"),
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.12026; Pro)":
        ("Outlook", "16.0", "Windows", "desktop", "person"),
    "MacOutlook/16.46.21021202 (Intelx64 Mac OS X 11.2.2 (Build 20D80))":
        ("Outlook", "16.46", "macOS", "desktop", "person"),
    "Outlook-iOS/709.2042344.prod.iphone (3.21.0)": ("Outlook", "3.21", "iOS", "mobile", "person"),
    IPHONE.replace("17_4", "9_3_4") + " Outlook-iOS-Android/1.0 Mobile/13G35 Safari/601.1.46":
        ("Outlook", None, "iOS", "mobile", "person"),
    "Outlook/16.0 (Macintosh; Intel Mac OS X 10_15_7)": ("Outlook", "16.0", "macOS", "desktop", "person"),
    "Outlook-Android/2.0": ("Outlook", "2.0", "Android", "mobile", "person"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/120.0 OneOutlook/1.2024.1028.400":
        ("Outlook", "1.2024", "Windows", "desktop", "person"),
    # Apple Mail: WebKit of theirs, and nobody's name
    IPHONE + " Mobile/15E148": ("Apple Mail", None, "iOS", "mobile", "person"),
    IPHONE + " Mobile/15E148 (2020567344)": ("Apple Mail", None, "iOS", "mobile", "person"),
    IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS"): ("Apple Mail", None, "iOS", "tablet", "person"),
    MAC: ("Apple Mail", None, "macOS", "desktop", "person"),
    MAC + " Version/17.4 Safari/605.1.15": ("Safari", "17.4", "macOS", "desktop", "person"),
    IPHONE + " Version/17.4 Mobile/15E148 Safari/604.1": ("Mobile Safari", "17.4", "iOS", "mobile", "person"),
    MAC + " iWeb/304": ("iWeb", "304", "macOS", "desktop", "person"),
    # Android where only the model says telephone or tablet
    f"Mozilla/5.0 (Linux; Android 10; AGS3-L09) {CHROME} Mobile Safari/537.36":
        ("Chrome Mobile", "120.0", "Android", "tablet", "person"),
    f"Mozilla/5.0 (Linux; Android 9; Lenovo TB-X605L) {CHROME} Mobile Safari/537.36":
        ("Chrome Mobile", "120.0", "Android", "tablet", "person"),
    f"Mozilla/5.0 (Linux; Android 4.2.2; HTC One X Build/JDQ39) {CHROME} Safari/537.36":
        ("Chrome", "120.0", "Android", "mobile", "person"),
    # named clients
    "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Thunderbird/115.6.0":
        ("Thunderbird", "115.6", "Windows", "desktop", "person"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:45.0) Gecko/20100101 Icedove/45.0":
        ("Thunderbird", "45.0", "Linux", "desktop", "person"),
    "Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)": ("Lotus Notes", "6.0", "Windows", "desktop", "person"),
    "eMClient/9.3.6041.0": ("eM Client", "9.3", "unknown", "unknown", "person"),
    "Airmail 1.0 rv:148 (Macintosh; Mac OS X 10.8.3; en_BE)": ("Airmail", "1.0", "macOS", "desktop", "person"),
    "Superhuman": ("Superhuman", None, "unknown", "unknown", "person"),
    "WindowsMail/17.5.9600.22013": ("Windows Mail", "17.5", "Windows", "desktop", "person"),
    f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Mailbird/2.4.30.0/":
        ("Mailbird", "2.4", "Windows", "desktop", "person"),
    "SparkMail/2.1 (iPad; iOS 16.1)": ("Spark", "2.1", "iOS", "tablet", "person"),
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/534.34 (KHTML, like Gecko) kmail2/4.14.2 Safari/534.34":
        ("KMail", "4.14", "Linux", "desktop", "person"),
    "K-9 Mail/6.603 (Android 13)": ("K-9 Mail", "6.603", "Android", "mobile", "person"),
    "Mozilla Thunderbird 3, MacOSX": ("Thunderbird", "3", "macOS", "desktop", "person"),
    "Lotus Notes 8.5, Win7": ("Lotus Notes", "8.5", "Windows", "desktop", "person"),
    "iPhone Mail (20G75)": ("Apple Mail", None, "iOS", "mobile", "person"),
    "Zoho Mail/2.4.1 (Android 12)": ("Zoho Mail", "2.4", "Android", "mobile", "person"),
    "Dalvik/2.1.0 (Linux; U; Android 11; Pixel 5 Build/RQ3A.210605.005)":
        ("Android app", None, "Android", "mobile", "person"),
    # browsers, on every system
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36":
        ("Chrome", "120.0", "Windows", "desktop", "person"),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36":
        ("Chrome", "120.0", "Chrome OS", "desktop", "person"),
    f"Mozilla/5.0 (Linux; Android 13; SM-S911B) {CHROME} Mobile Safari/537.36":
        ("Chrome Mobile", "120.0", "Android", "mobile", "person"),
    f"Mozilla/5.0 (Linux; Android 6.0; CUBOT RAINBOW) {CHROME} Mobile Safari/537.36":
        ("Chrome Mobile", "120.0", "Android", "mobile", "person"),
    f"Mozilla/5.0 (Linux; Android 12; Lenovo YT-X705F) {CHROME} Safari/537.36":
        ("Chrome", "120.0", "Android", "tablet", "person"),
    "Mozilla/5.0 (Ubuntu; X11; Linux x86_64; rv:8.0) Gecko/20100101 Firefox/8.0":
        ("Firefox", "8.0", "Linux", "desktop", "person"),
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0; Tablet PC 2.0)":
        ("IE", "9.0", "Windows", "desktop", "person"),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} Safari/537.36": ("Chrome", "120.0", "other", "unknown", "person"),
    # machines of no mailbox
    "Barracuda Sentinel (EE)": (None, None, "unknown", "unknown", "bot"),
    "curl/8.5.0": (None, None, "unknown", "unknown", "bot"),
    "python-requests/2.32.3": (None, None, "unknown", "unknown", "bot"),
    "okhttp/4.12.0": (None, None, "unknown", "unknown", "bot"),
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":
        (None, None, "unknown", "unknown", "bot"),
    "Example-URL-Inspector/2": (None, None, "unknown", "unknown", "bot"),
    # programs that no list knows, by their own name
    f"Mozilla/5.0 (Windows NT 10.0) {CHROME.replace(' Chrome', ' Post Mill/5.2.1 Chrome')} Electron/9.0 Safari/537.36":
        ("Post Mill", "5.2", "Windows", "desktop", "person"),
    "Mozilla/5.0 (Windows NT 6.1; rv:31.0) Gecko/20100101 Examplebird/31.2.0":
        ("Examplebird", "31.2", "Windows", "desktop", "person"),
    "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Access 15.0.4420; Pro)":
        ("Access", "15.0", "Windows", "desktop", "person"),
    "Windows-Live-Mail/15.4": ("Windows Live Mail", "15.4", "Windows", "desktop", "person"),
    "emclient/10.3": ("eM Client", "10.3", "unknown", "unknown", "person"),
    "superhuman-image-proxy/1.2": ("Superhuman", None, "unknown", "unknown", "proxy"),
    "Sparrow/1178 CFNetwork/596.4.3 Darwin/12.4.0": ("Sparrow", "1178", "macOS", "desktop", "person"),
    f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Pinger/1.0": (None, None, "Windows", "desktop", "bot"),
    # phones and tablets by their makers' schemes
    "Mozilla/5.0 (Linux; U; Android 2.3.3; GT-I9100) AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Safari/533.1":
        ("Android Browser", "2.3", "Android", "mobile", "person"),
    f"Mozilla/5.0 (Linux; Android 4.1.2; GT-P5100) {CHROME} Mobile Safari/537.36":
        ("Chrome Mobile", "120.0", "Android", "tablet", "person"),
    # neither client nor system
    "qwertz": (None, None, "unknown", "unknown", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize(("agent", "expected"), CASES.items(), ids=[agent[-50:] or "empty" for agent in CASES])
def test_the_known_cases_are_exact(agent, expected):
    found = judge(agent)
    assert (found.client, found.client_version, found.os, found.device, found.kind) == expected


@pytest.mark.parametrize(
    ("agent", "is_mail"),
    [
        ("emclient/10.3", True),
        ("Mozilla/5.0 (Windows NT 6.1; rv:31.0) Gecko/20100101 Examplebird/31.2.0", True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", True),
        ("R2Mail2/2.50 (Android)", True),
        ("Microsoft Office/15.0 (Windows NT 6.1; Microsoft Access 15.0.4420; Pro)", False),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Sparrow/0.1", False),
        ("Mozilla/5.0 (X11; U; Linux i686; rv:1.8.1.13) Gecko/20080313 Sunbird/0.8", False),
        ("Dalvik/2.1.0 (Linux; U; Android 11; Pixel 5 Build/RQ3A.210605.005)", False),
        (MAC + " Version/17.4 Safari/605.1.15", False),
        ("Barracuda Sentinel (EE)", False),
    ],
)
def test_a_program_reads_mail_or_it_does_not(agent, is_mail):
    assert judge(agent).is_mail is is_mail


@pytest.mark.parametrize(
    "agent",
    [
        "SparkMail/2.1",  # no KMail
        f"Mozilla/5.0 (Linux; Android 6.0; CUBOT RAINBOW) {CHROME} Mobile Safari/537.36",  # no bot
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko)",  # no Apple Mail
        "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/115.0 Evolution",  # no version, so perhaps a telephone
        "Notes/1.0 CFNetwork/1404 Darwin/22.3.0",  # Apple's notes
    ],
)
def test_a_word_inside_another_decides_nothing(agent):
    found = judge(agent)
    assert found.client not in ("KMail", "Apple Mail", "Evolution", "Lotus Notes")
    assert found.kind == "person"


def test_a_bare_user_agent_is_apples_only_when_nothing_else_stands_in_it():
    assert judge("Mozilla/5.0").kind == "prefetch"
    assert judge("Mozilla/5.0 (").kind != "prefetch"
    assert judge("Mozilla/5.0 ").kind != "prefetch"


@every_rule
def test_a_rule_decides_its_own_example(rule):
    assert OURS.first(rule.example) is rule
    assert judge(rule.example).rule == rule.id


SHAPES = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/120.0.2210.91",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 OPR/106.0.0.0",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Vivaldi/6.5",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36",
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
    MAC + " Version/17.4 Safari/605.1.15",
    IPHONE + " Version/17.4 Mobile/15E148 Safari/604.1",
    IPHONE + " CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
    IPHONE + " Mobile/15E148",
    f"Mozilla/5.0 (Linux; Android {{}}) {CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android {{}}; wv) {CHROME.replace('Chrome', 'Version/4.0 Chrome')} Mobile Safari/537.36",
    f"Mozilla/5.0 (Linux; Android {{}}) {CHROME.replace('Chrome', 'SamsungBrowser/23.0 Chrome')} Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android {}) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
)
"""The commonest shapes of browsers; ``{}`` is an Android with its phone."""

PHONES = [
    f"{version}; {model} Build/{build}"
    for version, build in {
        "4.4.2": "KOT49H", "5.1.1": "LMY48B", "6.0.1": "MMB29M", "7.0": "NRD90M", "8.0.0": "R16NW",
        "8.1.0": "OPM1.171019.011", "9": "PPR1.180610.011", "10": "QP1A.190711.020", "11": "RP1A.200720.012",
        "12": "SP1A.210812.016", "13": "TP1A.220624.014", "14": "UP1A.231005.007", "15": "AP3A.240617.008",
        "16": "BP2A.250605.031.A2",
    }.items()
    for model in (
        "SM-S911B", "CPH2653", "RMX3945", "Pixel 8", "HTC Butterfly", "ViewSonic-V350", "CUBOT NOTE 7", "M bot 60",
        "Wayback", "moto g(60)", "Redmi Note 12", "M2003J15SC", "JNY-LX1",
    )
]  # fmt: skip


def test_no_browser_of_a_common_shape_is_taken_for_a_machine():
    texts = {shape.format(phone) for shape in SHAPES for phone in PHONES}
    assert len(texts) == 16 + 4 * len(PHONES)
    assert {(found.kind, found.rule, text) for text in texts if (found := judge(text)).kind != "person"} == set()


def test_no_pattern_of_the_crawler_list_matches_a_reader_unless_it_is_set_aside():
    """Held against the labelled browsers and mail clients too, where they are at hand."""
    texts = {without_model(shape.format(phone)) for shape in SHAPES for phone in PHONES}
    if LABELLED.exists():
        rows = (json.loads(line) for line in LABELLED.read_text("utf-8").splitlines())
        readers = (row["useragent"] for row in rows if row["class"] in ("browser", "mail"))
        texts |= {without_model(text) for text in readers if OURS.first(text) is None}
    everything = "\n".join(texts)
    patterns = {row["pattern"] for row in CRAWLER_USER_AGENTS_DATA} - SET_ASIDE.keys()
    assert [pattern for pattern in patterns if re.search(pattern, everything, re.MULTILINE)] == []


def test_what_is_set_aside_is_in_the_list_and_would_take_its_example_for_a_machine():
    listed = {row["pattern"] for row in CRAWLER_USER_AGENTS_DATA}
    for row in SET_ASIDE.values():
        assert row["pattern"] in listed
        assert re.search(row["pattern"], row["example"])
        assert judge(row["example"]).kind == "person"
        assert row["reason"]


def test_every_rule_says_what_it_means_and_where_that_is_known_from():
    assert [rule.id for rule in RULES if not (rule.meaning and rule.source)] == []


def test_every_rule_uses_the_words_that_are_promised():
    for rule in RULES:
        assert rule.os in (None, "Windows", "macOS", "iOS", "Android", "Linux", "Chrome OS"), rule.id
        assert rule.device in (None, "desktop", "mobile", "tablet"), rule.id
        assert rule.kind in ("person", "proxy", "prefetch", "bot", "unknown"), rule.id


def test_what_a_proxy_or_prefetcher_claims_is_not_believed():
    for rule in RULES:
        if rule.kind in ("proxy", "prefetch"):
            found = judge(rule.example)
            assert (found.client_version, found.os, found.device) == (None, "unknown", "unknown"), rule.id


def test_only_readers_and_their_mailboxes_have_a_client():
    with_client = [rule for rule in RULES if rule.client is not None]
    assert [rule.id for rule in with_client if rule.kind not in ("person", "proxy", "prefetch")] == []


def test_the_table_is_small_and_its_ids_are_its_own():
    assert 40 <= len(RULES) <= 80
    assert len(set(IDS)) == len(IDS)


def test_a_pattern_has_only_what_every_engine_knows():
    assert [rule.id for rule in RULES if re.search(r"\(\?[=!<]|\\[1-9]", rule.regex)] == []


STRANGE = [
    "a", "1.", " ", "-", "(", "a@", "a-", "/", "\0", "\x1b[2J", "\u202e", "\ufffd", "é", "😀", "http", "mail", "$",
    "bot", "Mozilla/5.0 (", "Microsoft Outlook 1", "RamblerMail/1 (", "compatible; ", "a-Google", "Mac", "\ud800",
]  # fmt: skip


@pytest.mark.slow
@every_rule
def test_no_pattern_hangs_on_a_hundred_thousand_strange_characters(rule):
    """Python's own engine is the one that can backtrack badly: a bad pattern would keep this test for hours."""
    compiled = re.compile(rule.regex)
    for part in STRANGE:
        many = part * (100_000 // len(part))
        for text in (many, "Mozilla/5.0 (compatible; " + many):
            compiled.search(text)


@pytest.mark.parametrize("part", [part for part in STRANGE if part.isprintable() or part.isascii()])
def test_strange_and_endless_user_agents_are_judged_all_the_same(part):
    assert judge(part * (100_000 // len(part))).kind in ("person", "bot", "unknown")


PURE_PYTHON = """
import sys, json
sys.modules["ua_parser_rs"] = None  # as where the wheel is missing
from ua_parser import BestAvailableResolver
from impressions_analytics.user_agents.judge import judge
assert type(BestAvailableResolver(([], [], []))).__module__ == "ua_parser.basic"
print(json.dumps([judge(agent) for agent in json.load(sys.stdin)]))
"""


def test_without_the_compiled_parser_the_answers_are_the_same():
    agents = [*CASES, *(rule.example for rule in RULES), "Mozilla/5.0 (compatible; AhrefsBot/7.0)", "a" * 5000]
    answer = subprocess.run(
        [sys.executable, "-c", PURE_PYTHON], input=json.dumps(agents), capture_output=True, text=True, check=True
    )
    assert [tuple(row) for row in json.loads(answer.stdout)] == [tuple(judge(agent)) for agent in agents]
