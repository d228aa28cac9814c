"""Two processes work on one archive while they are killed, the disk is full and files are damaged: nothing is lost.

Each step starts one or two random operations at once, perhaps with a fault, and then holds the archive against a model
in memory. The seed is printed. To run it longer, or a seed again::

    FAULT_STEPS=5000 FAULT_SEED=7 python -m pytest -q -s -n0 -m slow tests/test_fault_campaign.py
"""

import collections
import contextlib
import faulthandler
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from archive_account import archive_at, opens

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes"),
    pytest.mark.filterwarnings("ignore"),
]

STEPS = int(os.environ.get("FAULT_STEPS", "500"))
SEED = int(os.environ.get("FAULT_SEED", "20261124"))
KINDS = ("impressions", "deliveries")
PERSONS = 60
FIRST_DESTINATION = 10_000
BEGIN = datetime(2026, 1, 1)
WRITERS = {"sync": 10, "erase": 2, "retain": 1}
READERS = {"export": 2, "verify": 2, "read": 2, "scan": 2, "over time": 2, "clients": 1, "files": 1}
FAULTS = ("none", "none", "kill", "kill", "kill", "full disk", "damage")
COUNTED = ("export", "read", "scan", "over time", "clients")


class Worker:
    """A process that does operations on request and can be killed in the middle of one."""

    def __init__(self, temporary):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("fault_child.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)},
        )  # fmt: skip

    def start(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline().split()[1])

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def result(self):
        """Return how the operation ended: done, error, foreign or killed, and what it said."""
        said = ("killed", "")
        while (line := self.process.stdout.readline().rstrip("\n")) != "ended":
            assert line, "the worker died"
            word, _, rest = line.partition(" ")
            said = (word, rest)
        return said

    def close(self):
        self.kill()
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Model:
    """What the account has, and what the archive must show and may show."""

    def __init__(self, chance):
        self.chance = chance
        self.now = BEGIN + timedelta(days=70)
        self.rows = {kind: {} for kind in KINDS}  # ID: (time, person, named)
        self.versions = {kind: collections.defaultdict(set) for kind in KINDS}
        self.sure = {kind: set() for kind in KINDS}
        self.erased, self.perhaps_erased = set(), set()
        self.floor = self.perhaps_floor = BEGIN
        self.next_id = 1
        for _ in range(900):
            self.add(BEGIN + (self.now - BEGIN) * chance.random())

    def add(self, moment):
        moment = moment.replace(microsecond=0)
        for kind in KINDS:
            self.put(kind, self.next_id, (moment, self.chance.randrange(PERSONS), True))
        self.next_id += 1

    def put(self, kind, ident, row):
        self.rows[kind][ident] = row
        self.versions[kind][ident].add(row)

    def pass_time(self):
        """Let hours go by: rows come, some of them late, some move to another time, some lose their profile."""
        before, self.now = self.now, self.now + timedelta(seconds=self.chance.randrange(3600, 15 * 3600))
        for _ in range(self.chance.randrange(12)):
            late = timedelta(days=2) * self.chance.random() ** 4
            self.add(before - late + (self.now - before) * self.chance.random())
        since = before - timedelta(days=2)  # a sync looks back three days
        recent = [ident for ident, row in self.rows["impressions"].items() if row[0] >= since]
        for ident in self.chance.sample(recent, min(len(recent), self.chance.choice([0, 0, 1, 3]))):
            moment, person, named = self.rows["impressions"][ident]
            if self.chance.random() < 0.7:
                moment = (since + (self.now - since) * self.chance.random()).replace(microsecond=0)
            else:
                named = False
            self.put("impressions", ident, (moment, person, named))

    def world(self):
        """Return the frames that the account gives."""
        return {kind: frame_of(kind, self.rows[kind]) for kind in KINDS}

    def check(self, kind, shown, verdict):
        """Hold what the archive shows of a kind against what it must and may show."""
        idents = [ident for ident, _ in shown]
        assert len(set(idents)) == len(idents) or verdict == "unproven", "a row stands twice, and reading says complete"
        for ident, row in shown:
            assert row in self.versions[kind][ident], f"{kind} {ident}: {row} was never given"
            assert not (row[1] in self.erased and row[2]), f"{kind} {ident} of an erased person came back"
            assert row[0] >= self.floor, f"{kind} {ident} is older than what was kept"
        missing = self.sure[kind] - set(idents)
        return {ident for ident in missing if not self.optional(kind, ident)}

    def optional(self, kind, ident):
        """Say whether a row may be there or not: it is to go, or nobody can know whether that was begun."""
        versions = self.versions[kind][ident]
        return self.person(kind, ident) in self.erased or min(moment for moment, *_ in versions) < self.floor

    def perhaps_gone(self, kind, ident):
        versions = self.versions[kind][ident]
        early = min(moment for moment, *_ in versions) < self.perhaps_floor
        return early or self.person(kind, ident) in self.perhaps_erased

    def person(self, kind, ident):
        return next(iter(self.versions[kind][ident]))[1]

    def expected(self, kind):
        """Return the rows that a complete archive has for certain."""
        floor = max(self.floor, self.perhaps_floor)
        return {
            (ident, row)
            for ident, row in self.rows[kind].items()
            if floor <= row[0] < self.now and row[1] not in self.erased | self.perhaps_erased
        }


def frame_of(kind, rows):
    idents = sorted(rows)
    times = [rows[ident][0] for ident in idents]
    frame = opens(len(idents)).assign(
        ID=idents,
        mailing=[400 + ident % 3 for ident in idents],
        timestamp=pd.array(times, dtype="datetime64[us]"),
        destination=[FIRST_DESTINATION + rows[ident][1] for ident in idents],
        profile=pd.array([rows[ident][1] if rows[ident][2] else None for ident in idents], dtype="Int64"),
    )
    if kind == "impressions":
        return frame
    return frame.assign(attempts=1)[["ID", "mailing", "timestamp", "attempts", "destination", "profile", "subprofile"]]


def rows_shown(frame):
    columns = frame[["timestamp", "destination", "profile"]]
    return [
        (int(ident), (moment.to_pydatetime(), int(destination) - FIRST_DESTINATION, not pd.isna(profile)))
        for ident, moment, destination, profile in zip(frame["ID"], *(columns[name] for name in columns), strict=True)
    ]


class Campaign:
    """The archive, its two workers, the model, and the figures."""

    faults, operations = FAULTS, WRITERS | READERS
    homes = ("temporary", "temporary")  # where the workers have their working files, and the locks of their machine

    def __init__(self, folder, chance):
        self.chance, self.model = chance, Model(chance)
        self.archive, self.out, self.temporary = folder / "archive", folder / "out", folder / self.homes[0]
        for place in {self.out, *(folder / home for home in self.homes)}:
            place.mkdir()
        self.world = folder / "world"
        self.workers = [Worker(folder / home) for home in self.homes]
        self.figures = collections.Counter()
        self.history = collections.deque(maxlen=12)

    def order(self, operation):
        model, chance = self.model, self.chance
        order = {
            "operation": operation, "folder": str(self.archive), "now": str(model.now), "world": str(self.world),
            "begin": str(BEGIN),
        }  # fmt: skip
        if operation == "erase":
            person, by = chance.randrange(PERSONS), chance.choice(["profile", "destination"])
            order |= {"by": by, "person": person, "number": person + FIRST_DESTINATION * (by == "destination")}
        if operation == "retain":
            order["days"] = chance.randrange(45, 80)
        if operation == "export":
            form = chance.choice(["parquet", "csv", "duckdb"])
            place = chance.choice([self.out, self.archive / "exports"]) / f"{form}{chance.randrange(2)}"
            order |= {"format": form, "out": f"{place}.duckdb" if form == "duckdb" else str(place)}
        return order

    def step(self, number):
        self.model.pass_time()
        self.world.write_bytes(pickle.dumps(self.model.world()))
        fault = self.chance.choice(self.faults) if number else "none"
        kinds = self.operations
        operations = self.chance.choices(list(kinds), kinds.values(), k=self.chance.choice([1, 2, 2]))
        orders = [self.order("sync" if number == 0 else operation) for operation in operations]
        if fault == "full disk":
            for order in orders:
                order["largest_file"] = self.chance.randrange(200, 12_000)
        damaged = self.damage() if fault == "damage" else None
        self.figures[fault] += fault != "none"
        results = self.run(orders, kill=fault == "kill")
        self.history.append((number, str(self.model.now), fault, damaged and damaged[0].name, [
            (order["operation"], *result) for order, result in zip(orders, results, strict=True)
        ]))  # fmt: skip
        self.note(orders, results, alone=len(orders) == 1 and fault in ("none", "kill"))
        if damaged:
            # The copy may be from before an erasure, and from before a retention. What was written anew meanwhile may
            # be no more than the pending parts that an erasure merged: the next sync loads the rest.
            again = [self.order("again"), *(one for one in orders if one["operation"] == "retain")]
            for order in again if self.mend(*damaged) else [self.order("sync")]:
                self.run([order], kill=False)
        self.check(orders, results, sure=damaged is None)

    def run(self, orders, *, kill):
        """Start the operations at once, kill some of them at some moment, and return how they ended."""
        working = self.workers[: len(orders)]
        for worker, order in zip(working, orders, strict=True):
            worker.start(order)
        if kill:
            for worker in self.chance.sample(working, self.chance.randint(1, len(working))):
                time.sleep(self.chance.random() ** 2 * 0.25)
                worker.kill()
        return [worker.result() for worker in working]

    def damage(self):
        """Flip a bit of a month file, or cut it, empty it or delete it; return what it was."""
        file = self.chance.choice(sorted(self.archive.rglob("month=*/*.parquet")))
        good = file.read_bytes()
        flipped = bytearray(good)
        flipped[self.chance.randrange(len(good))] ^= 1 << self.chance.randrange(8)
        bad = self.chance.choice([bytes(flipped), bytes(flipped), good[: self.chance.randrange(len(good))], b"", None])
        file.unlink() if bad is None else file.write_bytes(bad)
        return file, good, bad

    def mend(self, file, good, bad):
        """Bring the file back from a copy, as the messages say, unless it was written anew meanwhile; say whether."""
        if (file.read_bytes() if file.exists() else None) == bad:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(good)
            return True
        return False

    def note(self, orders, results, *, alone):
        """Take in what the operations said of themselves."""
        for order, (how, said) in zip(orders, results, strict=True):
            self.figures[how] += 1
            assert how != "foreign", f"{order}: {said}".replace("\\n", "\n")
            if how == "error":
                self.figures[said.split()[0]] += 1
            began = how != "done" and "ArchiveBusyError" not in said
            if order["operation"] == "erase":
                listed = self.model.erased if how == "done" else self.model.perhaps_erased
                listed.update({order["person"]} if how == "done" or began else ())
            if order["operation"] == "retain" and (how == "done" or began):
                floor = self.model.now.replace(hour=0, minute=0, second=0) - timedelta(days=order["days"])
                name = "floor" if how == "done" else "perhaps_floor"
                setattr(self.model, name, max(getattr(self.model, name), floor))
            if alone and how == "done" and order["operation"] in COUNTED:
                assert int(said) == len(archive_at(self.archive, str(self.model.now)).read()), order

    def check(self, orders, results, *, sure):
        """Hold the archive against the model: nothing is lost, nobody comes back, and a complete sync is complete."""
        archive, model = archive_at(self.archive, str(self.model.now)), self.model
        shown = {}
        for kind in KINDS:
            frame = archive.read(kind)
            shown[kind] = rows_shown(frame)
            missing = model.check(kind, shown[kind], frame.attrs["load"]["verdict"])
            lost = {ident for ident in missing if not model.perhaps_gone(kind, ident)}
            assert not lost, f"{kind} {sorted(lost)} were there and are gone"
        self.all_or_nothing(shown)
        model.sure = {kind: {ident for ident, _ in shown[kind]} for kind in KINDS}
        ended = [how for order, (how, _) in zip(orders, results, strict=True) if order["operation"] == "sync"]
        if "done" in ended and sure:
            self.figures["complete syncs"] += 1
            for kind in KINDS:
                left = model.expected(kind) - set(shown[kind])
                assert not left, f"{kind}: {sorted(left)[:5]} are not in an archive that was just synced"
                settled = {one for one in shown[kind] if one[1][0] >= max(model.floor, model.perhaps_floor)}
                known = set(model.rows[kind].items())
                assert settled <= known, f"{kind}: {sorted(settled - known)[:5]} stand as they no longer are"

    def all_or_nothing(self, shown):
        """A cut-short erasure or retention shows all of its rows, or none; from then on that is so."""
        model = self.model
        for person in sorted(model.perhaps_erased):
            there = any(row[1] == person and row[2] for kind in KINDS for _, row in shown[kind])
            before = any(model.person(kind, ident) == person for kind in KINDS for ident in model.sure[kind])
            if there:
                for kind in KINDS:
                    mine = {i for i in model.sure[kind] if model.person(kind, i) == person}
                    kept = {i for i in mine if min(m for m, *_ in model.versions[kind][i]) >= model.perhaps_floor}
                    assert kept <= {ident for ident, _ in shown[kind]}, f"half of person {person} is erased"
                model.perhaps_erased.discard(person)
            elif before:
                model.perhaps_erased.discard(person)
                model.erased.add(person)
        if model.perhaps_floor > model.floor:
            if any(row[0] < model.perhaps_floor for kind in KINDS for _, row in shown[kind]):
                model.perhaps_floor = model.floor
            else:
                model.floor = model.perhaps_floor


def test_nothing_is_lost_whatever_fails(tmp_path, monkeypatch):
    print(f"\nseed {SEED}, {STEPS} steps")
    monkeypatch.setattr(tempfile, "tempdir", None)
    faulthandler.cancel_dump_traceback_later()  # the whole takes longer than a test that hangs
    began = time.monotonic()
    campaign = Campaign(tmp_path, random.Random(SEED))
    try:
        for number in range(STEPS):
            try:
                campaign.step(number)
            except BaseException:
                print(
                    f"step {number} of seed {SEED}; {dict(campaign.figures)}; before it:", *campaign.history, sep="\n"
                )
                raise
        campaign.model.pass_time()
        campaign.world.write_bytes(pickle.dumps(campaign.model.world()))
        last = [campaign.order("sync")]
        results = campaign.run(last, kill=False)
        campaign.note(last, results, alone=False)
        campaign.check(last, results, sure=True)
    finally:
        for worker in campaign.workers:
            worker.close()
    archive = archive_at(campaign.archive, str(campaign.model.now))
    assert results[0][0] == "done" and str(archive.verify()).count("wrong") == 0 and archive.verify().ok
    assert not [path.name for path in campaign.archive.rglob(".*.tmp*")], "what killed writers left is swept"
    for path in campaign.archive.rglob("*.parquet"):  # also in the files themselves, exports too, nobody is left
        rows = pd.read_parquet(path, partitioning=None)
        for name in {"profile", "profile_id"} & set(rows):
            assert not set(rows[name].dropna()) & campaign.model.erased, path
    kept, seconds = {kind: len(campaign.model.sure[kind]) for kind in KINDS}, time.monotonic() - began
    erased = f"{len(campaign.model.erased)} of {PERSONS} persons erased"
    print(f"{dict(campaign.figures)}; {kept} rows, {erased}, {seconds:.0f} s; nothing lost")
