"""How right and how fast user agents are classified.

    python tests/benchmarks/bench_user_agents.py [LABELS.jsonl] [--misses N]

LABELS.jsonl has one object a line: useragent, client, os, device, class (mail, bot, browser, ...), source; null where
the source does not say. No such file is shipped. The lines are cut in two by a digest of the user agent: rules may be
written from the one half ("written from"), and the other ("held out") says what they are worth. ua-parser alone, read
the naive way (its families taken as they are, its spiders as bots), stands beside them.

What is left out: how often each user agent is seen. A line is a line, so rare ones weigh as much as common ones.
Times are of this machine; only their ratios say anything.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from impressions_analytics.user_agents import classify_user_agents, with_user_agents
from impressions_analytics.user_agents.judge import Judgement, judge, remembered_judgement
from impressions_analytics.user_agents.systems import SYSTEMS as FOLDED
from impressions_analytics.user_agents.table import RULES

MACHINES = ("bot", "proxy", "prefetch")
REFERENCE = "DuckDB's bare GROUP BY"
SYSTEMS = ("Windows", "macOS", "iOS", "Android", "Linux", "Chrome OS")
MAIL_RULES = {rule.id for rule in RULES if rule.client} - {"sogou-browser", "konqueror"}
MAIL_FAMILIES = {
    "Airmail", "Apple Mail", "Barca", "Evolution", "kmail2", "Lotus Notes", "MacOutlook", "MailBar", "Outlook",
    "Outlook-iOS", "Postbox", "Superhuman", "The Bat!", "Thunderbird", "Windows Live Mail", "YahooMobileMail",
}  # fmt: skip
"""What ua-parser alone calls by the name of a mail client."""
GOALS = {
    "mail clients named right": 82, "mail recognised as mail": 84, "os right": 95, "device right": 94,
    "bots found": 70, "browsers called machines": 0.7, "mail clients called machines": 0.5,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="?", type=Path)
    parser.add_argument("--misses", type=int, default=20)
    arguments = parser.parse_args()
    if arguments.labels:
        lines = [json.loads(line) for line in arguments.labels.read_text("utf-8").splitlines()]
        print_scores(lines)
        print_misses([line for line in lines if not written_from(line)], arguments.misses)
        print_time_per_string([line["useragent"] for line in lines])
    print_start()
    print_ten_million()


def written_from(line: dict) -> bool:
    return sha256(line["useragent"].encode()).digest()[0] % 2 == 0


def print_scores(lines: list[dict]) -> None:
    mine, theirs = [line for line in lines if written_from(line)], [line for line in lines if not written_from(line)]
    columns = {
        "goal": GOALS,
        "written": score(mine, judge),
        "held out": score(theirs, judge),
        "all": score(lines, judge),
        "ua-parser": score(theirs, ua_parser_alone),
    }
    print(f"{'percent':32}" + "".join(f"{name:>12}" for name in columns) + "   lines held out")
    counts = denominators(theirs)
    for figure in GOALS:
        cells = "".join(f"{column[figure]:12.1f}" for column in columns.values())
        print(f"{figure:32}{cells}{counts[figure]:12}")
    sources = sorted({line["source"] for line in lines})
    print("\nby source (all lines; - where the source says nothing of it)")
    print(f"{'':32}" + "".join(f"{source[:14]:>16}" for source in sources))
    for figure in GOALS:
        cells = (score([line for line in lines if line["source"] == source], judge)[figure] for source in sources)
        print(f"{figure:32}" + "".join(f"{'-' if cell is None else f'{cell:.1f}':>16}" for cell in cells))


def verdicts(line: dict, found: Judgement) -> dict[str, bool]:
    """Which figures the line counts for, and whether it is a hit there."""
    is_machine = found.kind in MACHINES
    by_class = {
        "mail": {
            "mail clients named right": found.client == line["client"],
            "mail recognised as mail": found.rule in MAIL_RULES
            or (found.rule is None and found.client in MAIL_FAMILIES),
            "mail clients called machines": is_machine and line["client"] not in ("Gmail", "Yahoo Mail"),
        },
        "bot": {"bots found": is_machine},
        "browser": {"browsers called machines": is_machine},
    }
    said = dict(by_class.get(line["class"], {}))
    if line["os"]:
        said["os right"] = found.os == (line["os"] if line["os"] in SYSTEMS else "other") or is_machine_made_up(found)
    if line["device"]:
        said["device right"] = found.device == line["device"] or is_machine_made_up(found)
    return said


def is_machine_made_up(found: Judgement) -> bool:
    """Proxies and prefetchers have no system on purpose."""
    return found.kind in ("proxy", "prefetch")


def denominators(lines: list[dict]) -> Counter:
    return Counter(figure for line in lines for figure in verdicts(line, judge(line["useragent"])))


def score(lines: list[dict], classify) -> dict[str, float | None]:
    hits: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for line in lines:
        for figure, hit in verdicts(line, classify(line["useragent"])).items():
            count[figure] += 1
            hits[figure] += hit
    return {figure: 100 * hits[figure] / count[figure] if count[figure] else None for figure in GOALS}


def ua_parser_alone(useragent: str) -> Judgement:
    import ua_parser

    found = ua_parser.parse(useragent)
    family = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else "Other"
    brand = found.device.family if found.device else ""
    system = next((ours for ours, families in FOLDED.items() if system in families), "other")
    device = {"Windows": "desktop", "macOS": "desktop", "Linux": "desktop"}.get(system, "mobile")
    device = "tablet" if "iPad" in brand or "Tablet" in brand else device
    return Judgement(family, None, system, device, "bot" if brand == "Spider" else "person", None)


def print_misses(lines: list[dict], limit: int) -> None:
    wrong_when = {"browsers called machines": True, "mail clients called machines": True}
    for figure in GOALS:
        missed = []
        for line in lines:
            hit = verdicts(line, judge(line["useragent"])).get(figure)
            if hit is not None and hit == wrong_when.get(figure, False):
                missed.append(line)
        print(f"\n{figure}: {len(missed)} misses among those held out")
        for line in missed[:limit]:
            found = judge(line["useragent"])
            label = {name: line[name] for name in ("client", "os", "device") if line[name]}
            print(f"  {label or line['class']} -> {tuple(found)} {line['useragent'][:150]!r}")


def print_time_per_string(agents: list[str]) -> None:
    distinct = list(dict.fromkeys(agents))
    judge("")
    rounds = []
    for _ in range(5):
        remembered_judgement.cache_clear()
        start = time.perf_counter()
        for agent in distinct:
            judge(agent)
        rounds.append((time.perf_counter() - start) / len(distinct))
    print(f"\nper distinct string, of {len(distinct)}: {median(rounds) * 1e6:.0f} us (goal: under 200)")


def print_start() -> None:
    code = "import time; import pandas; from impressions_analytics.user_agents import classify_user_agents as c; "
    code += "t = time.perf_counter(); c(['Wget/1 (x)', 'Firefox/1']); print(time.perf_counter() - t)"
    times = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    print(f"the first call in a process, which builds the matchers: {min(times) * 1e3:.0f} ms")


def print_ten_million() -> None:
    """Print what 10 million rows of 3,000 user agents cost, against DuckDB counting the bare strings of the frame."""
    import duckdb

    opens = ten_million()
    forget = remembered_judgement.cache_clear
    print("\n10 million rows, 3,000 user agents: seconds, the best of 7 rounds of all in turn, and ratio to DuckDB")
    for name, frame in {"categorical": opens, "plain": opens.astype({"useragent": "str"})}.items():
        with duckdb.connect() as connection:
            connection.register("frame", frame)
            bare = "SELECT useragent, count(*) FROM frame GROUP BY useragent"
            took = best_of_rounds({
                REFERENCE: lambda connection=connection, bare=bare: connection.sql(bare).fetchall(),
                "classify, first time": lambda frame=frame: (forget(), classify_user_agents(frame)),
                "classify, remembered": lambda frame=frame: classify_user_agents(frame),
                "add columns, first time": lambda frame=frame: (forget(), with_user_agents(frame)),
                "add columns, remembered": lambda frame=frame: with_user_agents(frame),
            })  # fmt: skip
        for what, seconds in took.items():
            print(f"  {name:12}{what:24}{seconds:8.3f}{seconds / took[REFERENCE]:7.2f} x")


def ten_million() -> pd.DataFrame:
    random = np.random.default_rng(1)
    agents = pd.Index([
        f"Mozilla/5.0 (Linux; Android {number % 15}; SM-{number}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{number % 140}.0.{number}.0 Mobile Safari/537.36"
        for number in range(3000)
    ])  # fmt: skip
    weights = 1 / np.arange(1, 3001)
    codes = random.choice(3000, 10_000_000, p=weights / weights.sum()).astype("int16")
    return pd.DataFrame({"useragent": pd.Categorical.from_codes(codes, categories=agents)})


def best_of_rounds(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the least time of each, all of them measured in turn, so that a busy machine hits all alike."""
    least = dict.fromkeys(works, float("inf"))
    for _ in range(7):
        for what, work in works.items():
            start = time.perf_counter()
            work()
            least[what] = min(least[what], time.perf_counter() - start)
    return least


if __name__ == "__main__":
    main()
