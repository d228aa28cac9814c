"""Two machines that write to one archive in an object store keep out of each other's way, whatever becomes of them."""

import os
import random
import sys
import time
from importlib.util import find_spec

import pyarrow.fs as pafs
import pytest
from archive_account import archive_at
from test_archive_object_store import ACCESS, address, endpoint  # noqa: F401  (a fixture)
from test_fault_campaign import Campaign

import impressions_analytics as ia
from impressions_analytics.archive import lease
from impressions_analytics.archive.conditional import ConditionalStore
from impressions_analytics.archive.lease import WRITER, WriterLease

ROUNDS = int(os.environ.get("WRITERS_ROUNDS", "30"))
SEED = int(os.environ.get("WRITERS_SEED", "20261125"))
OPERATIONS = {"sync": 6, "erase": 3, "retain": 1, "read": 1, "verify": 1}
QUICK = {"RENEW_SECONDS": 0.05, "ASK_SECONDS": 0.3, "DEAD_SECONDS": 0.6, "LOOK_SECONDS": 0.02}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("obstore") is None, reason="needs: pip install obstore"),
    pytest.mark.filterwarnings("ignore"),
]
with_moto = pytest.mark.skipif(find_spec("moto") is None, reason='needs: pip install "moto[server]"')


@pytest.fixture
def store(monkeypatch):
    for name, value in QUICK.items():
        monkeypatch.setattr(lease, name, value)
    return ConditionalStore("memory:///mail")


@pytest.fixture
def writer(store):
    """A writer that has the right to write; it ends with the test."""
    held = WriterLease(store, "s3://mail")
    held.acquire()
    yield held
    held.release()


def stopped(writer):
    """Let a writer renew nothing any more, as if its machine slept."""
    writer._end.set()
    writer._thread.join()


def test_a_second_writer_is_told_at_once_and_let_in_when_the_first_has_ended(store):
    first, second, third = (WriterLease(store, "s3://mail") for _ in range(3))
    first.acquire()
    time.sleep(3 * lease.DEAD_SECONDS)  # it renews meanwhile
    began = time.monotonic()
    with pytest.raises(ia.ArchiveBusyError, match="another machine is writing to the archive s3://mail; wait"):
        second.acquire()
    assert time.monotonic() - began < lease.DEAD_SECONDS
    first.check()
    first.release()
    third.acquire()
    third.release()


def test_a_dead_writer_is_followed_and_writes_nothing_should_it_wake(store, writer, tmp_path):
    (tmp_path / "old").write_bytes(b"of the first"), (tmp_path / "new").write_bytes(b"of the second")
    writer.put("month", tmp_path / "old")
    stopped(writer)
    second = WriterLease(store, "s3://mail")
    second.acquire()
    second.put("month", tmp_path / "new")
    for write in (writer.check, lambda: writer.put("month", tmp_path / "old"), writer.check):
        with pytest.raises(ia.ArchiveBusyError):
            write()
    writer.release()  # says nothing of a right that it has lost
    second.check()
    assert store.read("month")[0] == b"of the second"
    second.release()


def test_a_writer_that_slept_and_was_not_followed_goes_on(store, writer, tmp_path):
    (tmp_path / "rows").write_bytes(b"rows")
    stopped(writer)
    time.sleep(2 * lease.DEAD_SECONDS)
    writer.put("month", tmp_path / "rows")
    assert store.read("month")[0] == b"rows"


def test_what_was_replaced_during_an_upload_is_not_replaced_again(store, writer, tmp_path, monkeypatch):
    (tmp_path / "rows").write_bytes(b"rows")
    store.put("month", b"as it was", None)
    check = writer.check

    def sleep_and_wake():
        check()
        store.put("month", b"of another", store.tag("month"))

    monkeypatch.setattr(writer, "check", sleep_and_wake)
    with pytest.raises(ia.ArchiveBusyError):
        writer.put("month", tmp_path / "rows")
    assert store.read("month")[0] == b"of another"


def test_an_answer_that_was_lost_costs_no_right(store, writer, monkeypatch):
    put = store.put
    monkeypatch.setattr(store, "put", lambda *given: put(*given) and None)
    writer._renew()
    monkeypatch.undo()
    writer._renew()


def test_of_many_who_try_at_once_one_wins(store):
    won = []
    for _ in range(20):
        several = [WriterLease(store, "s3://mail") for _ in range(4)]
        there = store.read(WRITER)
        won.append(sum(store.put(WRITER, one._said(one._id), there and there[1]) is not None for one in several))
        store.put(WRITER, several[0]._said(None), store.tag(WRITER))
    assert won == [1] * 20


def test_a_large_file_is_swapped_whole(store, writer, tmp_path):
    for number in (1, 2):
        (tmp_path / "rows").write_bytes(bytes([number]) * 12_000_000)
        writer.put("month", tmp_path / "rows")
        assert store.read("month")[0] == bytes([number]) * 12_000_000


def test_without_obstore_the_command_to_type_is_told_before_anything_is_written(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ia.ArchiveError, match=r"python -m pip install 'impressions_analytics\[s3\]'"):
        ConditionalStore("s3://mail/archive")


class TwoMachines(Campaign):
    """Two workers that share nothing but the object store: each has a folder of locks of its own."""

    faults, operations, homes = ("none", "none", "kill"), OPERATIONS, ("one", "two")

    def __init__(self, folder, chance, place):
        super().__init__(folder, chance)
        self.archive = place

    def order(self, operation):
        quick = {"RENEW_SECONDS": 0.3, "ASK_SECONDS": 1.0, "DEAD_SECONDS": 2.5, "LOOK_SECONDS": 0.1}
        return super().order(operation) | {"lease": quick}


@with_moto
def test_two_machines_lose_nothing_and_bring_nobody_back(endpoint, tmp_path):  # noqa: F811
    s3 = pafs.S3FileSystem(
        endpoint_override=endpoint, scheme="http", region="eu-west-1", allow_bucket_creation=True, **ACCESS
    )
    s3.create_dir("two-machines")
    print(f"\nseed {SEED}, {ROUNDS} rounds")
    began = time.monotonic()
    campaign = TwoMachines(tmp_path, random.Random(SEED), address(endpoint, "two-machines/archive"))
    try:
        for number in range(ROUNDS):
            campaign.step(number)
        last = [campaign.order("sync")]
        results = campaign.run(last, kill=False)
        assert results[0][0] == "done", results
        campaign.check(last, results, sure=True)
    finally:
        for worker in campaign.workers:
            worker.close()
    assert archive_at(campaign.archive, str(campaign.model.now)).verify().ok
    figures = dict(campaign.figures)
    print(f"{figures}; {len(campaign.model.erased)} persons erased, {time.monotonic() - began:.0f} s; nothing lost")
