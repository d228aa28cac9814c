"""The name of a file or folder is a name, whatever letters it has; and what a killed process left goes."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia
from impressions_analytics.engine.readers import embedded
from impressions_analytics.parquet import seal
from impressions_analytics.parquet.database import connect
from impressions_analytics.parquet.files import drop_leftovers, replace_file
from impressions_analytics.parquet.working_folder import remove_left_folders, working_folder


def archive_of(path, count):
    account = Account()
    account.add("impressions", opens(count))
    archive = archive_at(path)
    archive.sync(account)
    return archive


def rows_over_time(data):
    return int(ia.impressions_over_time(data, every="month")["impressions"].sum())


def per_client(data):
    return int(ia.user_agent_breakdown(data, by="client")["impressions"].sum())


def exported(archive, place, form):
    archive.export(place, format=form)
    query = {
        "parquet": lambda: len(pd.read_parquet(place / "impressions.parquet")),
        "csv": lambda: len(pd.read_csv(place / "impressions.csv")),
        "duckdb": lambda: duckdb.connect(str(place)).sql("FROM impressions").fetchall().__len__(),
    }
    return query[form]()


NAMES = {
    "only[2]": "only2", "mail*": "mail two", "wh?t": "what", "a'b": "ab", 'a"b': "ab", "50% of %41": "50",
    "two  spaces ": "two", "{a,b}": "a", "h\u00e9 \u65e5\u672c": "he", "$(x) & ; #!": "x", "month=2026-01": "month",
}  # fmt: skip


def slow_unless(name, *quick):
    return pytest.param(name, marks=[] if name in quick else pytest.mark.slow)


@pytest.mark.parametrize("name", [slow_unless(name, "mail*", "50% of %41") for name in NAMES])
def test_a_name_is_no_pattern_and_every_call_gives_the_same_answer(tmp_path, name):
    folder = tmp_path / name
    archive = archive_of(folder, 800)
    archive_of(tmp_path / NAMES[name], 5)
    file = ia.write_snapshot(archive.read(), tmp_path / f"{name}.parquet")
    ia.write_snapshot(archive.read().head(3), tmp_path / f"{NAMES[name]}.parquet")
    rows = {
        "scan": archive.scan().count().to_pyarrow().as_py(),
        "verify": archive.verify().rows,
        "archive": rows_over_time(archive),
        "agents": per_client(archive),
        "folder": rows_over_time(folder / "impressions"),
        "folder on DuckDB": per_client(str(folder)),
        "file": rows_over_time(file),
        "file on DuckDB": per_client(file),
        "snapshot": len(ia.read_snapshot(file)),
        "parquet": exported(archive, folder / "exports" / name, "parquet"),
        "duckdb": exported(archive, folder / "exports" / f"{name}.duckdb", "duckdb"),
    }
    assert rows == dict.fromkeys(rows, 800)


def test_a_pattern_that_the_caller_wrote_is_one_after_the_last_folder_that_is_there(tmp_path):
    archive_of(tmp_path / "only[2]", 800)
    archive_of(tmp_path / "only2", 5)
    assert rows_over_time(tmp_path / "only[2]/**/*.parquet") == 800
    assert rows_over_time(tmp_path / "o*/impressions/*/*.parquet") == 805


NO_NAMES = {
    "not UTF-8": (os.fsdecode(b"caf\xe9.parquet"), "is not UTF-8"),
    "a NUL": ("a\0b.parquet", "holds a NUL"),
    "too long": ("x" * 3000 + ".parquet", "is longer than a name may be"),
    "nobody's home": ("~nosuchuser/x.parquet", "names a user that does not exist"),
    "empty": ("", "the path is empty"),
}
CALLS = {
    "Archive": ia.Archive,
    "read_snapshot": ia.read_snapshot,
    "write_snapshot": lambda path: ia.write_snapshot(opens(1), path),
    "over time": rows_over_time,
    "agents": per_client,
    "report of": lambda path: ia.write_report(path, "unused.html"),
    "report to": lambda path: ia.write_report(opens(1), path),
    "read_rules": lambda path: ia.classify_user_agents(["x"], rules=path),
}


@pytest.mark.parametrize(("name", "problem"), NO_NAMES.values(), ids=NO_NAMES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_cannot_be_a_name_is_refused_in_the_same_words_by_every_call(name, problem, call):
    with pytest.raises(ia.InvalidArgumentError, match=problem):
        call(name)


HANG = """
import sys, time
from pathlib import Path
from impressions_analytics.parquet.files import replace_file
from impressions_analytics.parquet.working_folder import working_folder
def write(path):
    Path(f"{path}.db").write_text("half"), Path(f"{path}.db.wal").write_text("half")
    print(working_folder(), flush=True)
    time.sleep(60)
replace_file(Path(sys.argv[1]), write)
"""


def hanging_writer(place, temporary):
    return subprocess.Popen(
        [sys.executable, "-c", HANG, str(place)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(temporary)},
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="locks files by flock")
def test_what_a_killed_writer_left_goes_with_the_next_one_and_what_a_living_one_has_stays(tmp_path):
    place, temporary = tmp_path / "bi.duckdb", tmp_path / "temporary"
    temporary.mkdir()
    with hanging_writer(place, temporary) as writer:
        folder = Path(writer.stdout.readline().strip())
        replace_file(place, lambda path: path.write_text("whole"))
        remove_left_folders(temporary)
        assert len(list(tmp_path.glob(".bi.duckdb.*"))) == 3 and folder.is_dir()
        writer.kill()
    replace_file(place, lambda path: path.write_text("whole"))
    remove_left_folders(temporary)
    assert not list(tmp_path.glob(".bi.duckdb.*")) and not list(temporary.iterdir())


def test_duckdb_is_one_within_one_bound_of_memory_and_installs_nothing(tmp_path):
    wanted = {
        "temp_directory": str(working_folder() / "spill"),
        "autoinstall_known_extensions": False,
        "memory_limit": "2.7 GiB",
    }
    for backend in (connect(), embedded().backend, archive_of(tmp_path, 5).scan().get_backend()):
        settings = {name: backend.con.sql(f"SELECT current_setting('{name}')").fetchall()[0][0] for name in wanted}
        assert settings == wanted


def in_a_fork(folder, answer):
    answer.put((working_folder() != folder, rows_over_time(opens(7))))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_has_a_database_and_a_folder_of_its_own_and_leaves_its_parents_alone():
    fork = multiprocessing.get_context("fork")
    answer = fork.Queue()
    child = fork.Process(target=in_a_fork, args=(working_folder(), answer))
    child.start()
    assert answer.get(timeout=60) == (True, 7)
    child.join()
    assert working_folder().is_dir()


def test_leftovers_of_one_file_go_and_those_of_another_stay(tmp_path):
    for name in ("a.parquet", "b.parquet"):
        (tmp_path / f".{name}.0123abcd.tmp").touch()
    drop_leftovers(tmp_path, of="a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == [".b.parquet.0123abcd.tmp"]
    drop_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_working_folder_that_the_system_cleaned_away_is_made_again(tmp_path):
    shutil.rmtree(working_folder())
    archive = archive_of(tmp_path / "mail", 30)
    assert archive.export(tmp_path / "bi.duckdb", format="duckdb").tables["impressions"] == 30
    assert rows_over_time(archive) == 30


def test_a_footer_longer_than_one_read_is_read_and_sealed_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(seal, "FIRST_READ", 64)
    path = ia.write_snapshot(opens(30), tmp_path / "rows.parquet")
    assert len(ia.read_snapshot(path)) == 30
    data = bytearray(path.read_bytes())
    data[-400] ^= 1
    path.write_bytes(data)
    with pytest.raises(ia.DamagedFileError, match=r"rows\.parquet"):
        ia.read_snapshot(path)
