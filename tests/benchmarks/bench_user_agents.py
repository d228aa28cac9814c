"""How right and how fast user agents are classified.

    python tests/benchmarks/bench_user_agents.py [LABELS.jsonl ...] [--misses N]

LABELS.jsonl has one object a line: useragent, client, os, device, class (mail, bot, browser, ...), source; null where
the source does not say. No such file is shipped. The figures stand by source, because one source's habits run through
all its lines: rules that were written on one are judged by the others. ua-parser alone, read the naive way (its
families taken as they are, its spiders as bots), stands beside them.

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
from pathlib import Path

import numpy as np
import pandas as pd

from impressions_analytics.user_agents import classify_user_agents, with_user_agents
from impressions_analytics.user_agents.judge import Judgement, judge, remembered_judgement
from impressions_analytics.user_agents.systems import SYSTEMS as FOLDED

MACHINES = ("bot", "proxy", "prefetch")
REFERENCE = "DuckDB's bare GROUP BY"
SYSTEMS = ("Windows", "macOS", "iOS", "Android", "Linux", "Chrome OS")
MAIL_FAMILIES = {
    "Airmail", "Apple Mail", "Barca", "Evolution", "kmail2", "Lotus Notes", "MacOutlook", "MailBar", "Outlook",
    "Outlook-iOS", "Postbox", "Superhuman", "The Bat!", "Thunderbird", "Windows Live Mail", "YahooMobileMail",
}  # fmt: skip
"""What ua-parser alone calls by the name of a mail client."""
GOALS = {
    "mail clients named right": 90, "mail recognised as mail": 92, "os right": 97.5, "device right": 97.5,
    "bots found": 82, "bots, bare names too": 90, "browsers called machines": 0.3, "mail clients called machines": 0.5,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="*", type=Path)
    parser.add_argument("--misses", type=int, default=20)
    arguments = parser.parse_args()
    lines = [json.loads(line) for path in arguments.labels for line in path.read_text("utf-8").splitlines()]
    if lines:
        print_scores(lines)
        print_misses(lines, arguments.misses)
        print_time_per_string([line["useragent"] for line in lines])
        print_memory(arguments.labels)
    print_start()
    print_ten_million()


def print_scores(lines: list[dict]) -> None:
    sources = sorted({line["source"] for line in lines})
    columns = {source: [line for line in lines if line["source"] == source] for source in sources} | {"all": lines}
    print(f"{'percent (- where nothing is said of it)':42}{'goal':>7}{'ua-parser':>11}", end="")
    print("".join(f"{name[:14]:>16}" for name in columns))
    alone = score(lines, ua_parser_alone)
    scored = {name: score(some, judge) for name, some in columns.items()}
    for figure, goal in GOALS.items():
        cells = "".join(f"{_cell(column[figure]):>16}" for column in scored.values())
        print(f"{figure:42}{goal:7}{_cell(alone[figure]):>11}{cells}")


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def verdicts(line: dict, found: Judgement) -> dict[str, bool]:
    """Which figures the line counts for, and whether it is a hit there."""
    is_machine = found.kind in MACHINES
    by_class = {
        "mail": {
            "mail clients named right": found.client == line["client"],
            "mail recognised as mail": found.is_mail,
            "mail clients called machines": is_machine and line["client"] not in ("Gmail", "Yahoo Mail"),
        },
        "bot": {"bots found": is_machine, "bots, bare names too": is_machine or found.rule == "bare-name"},
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
    return Judgement(
        family, None, family in MAIL_FAMILIES, system, device, "bot" if brand == "Spider" else "person", None
    )


def print_misses(lines: list[dict], limit: int) -> None:
    wrong_when = {"browsers called machines": True, "mail clients called machines": True}
    for figure in GOALS:
        missed = []
        for line in lines:
            hit = verdicts(line, judge(line["useragent"])).get(figure)
            if hit is not None and hit == wrong_when.get(figure, False):
                missed.append(line)
        print(f"\n{figure}: {len(missed)} misses")
        for line in missed[:limit]:
            found = judge(line["useragent"])
            label = {name: line[name] for name in ("client", "os", "device") if line[name]}
            print(f"  {label or line['class']} -> {tuple(found)} {line['useragent'][:150]!r}")


def print_time_per_string(agents: list[str]) -> None:
    """Print what a string costs that was never seen before, beside ua-parser with its compiled extra; in turn."""
    from ua_parser import BestAvailableResolver, Domain, load_lazy_builtins

    distinct = list(dict.fromkeys(agents))
    resolve = BestAvailableResolver(load_lazy_builtins())
    took = best_of_rounds({
        "ua-parser": lambda: [resolve(agent, Domain.ALL) for agent in distinct],
        "judge": lambda: (remembered_judgement.cache_clear(), [judge(agent) for agent in distinct]),
    })  # fmt: skip
    ratio = took["ua-parser"] / took["judge"]
    print(f"\nspeed on {len(distinct)} distinct new strings: {ratio:.2f} of ua-parser's (goal: 0.8)")


def print_memory(labels: list[Path]) -> None:
    """Print by how much a process grows in which every line is judged once; on Linux only."""
    code = (
        "import json, sys, pandas; "
        "agents = [json.loads(line)['useragent'] for path in sys.argv[1:] for line in open(path)]; "
        "pages = lambda: int(open('/proc/self/statm').read().split()[1]); before = pages(); {}; print(pages() - before)"
    )
    works = {
        "ua-parser": "from ua_parser import BestAvailableResolver as R, Domain as D, load_lazy_builtins as b; "
        "r = R(b()); n = [r(a, D.ALL) and 0 for a in agents]",
        "judge": "from impressions_analytics.user_agents.judge import remembered_judgement as j; "
        "n = [j.__wrapped__(a) and 0 for a in agents]",
    }
    grown = {
        what: int(subprocess.check_output([sys.executable, "-c", code.format(work), *map(str, labels)]))
        for what, work in works.items()
    }
    print(f"memory: {grown['judge'] / grown['ua-parser']:.2f} times ua-parser's (goal: under 1.5)")


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
