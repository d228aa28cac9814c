"""An archive in an object store keeps the promises of one in a folder, against an imitation of S3 on loopback."""

import sys
from importlib.util import find_spec

import pandas as pd
import pyarrow.fs as pafs
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("moto") is None, reason='needs: pip install "moto[server]" s3fs'),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ACCESS = {"access_key": "invented", "secret_key": "invented"}


@pytest.fixture(scope="module")
def endpoint():
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint, request):
    s3 = pafs.S3FileSystem(
        endpoint_override=endpoint, scheme="http", region="eu-west-1", allow_bucket_creation=True, **ACCESS
    )
    name = f"mail-{abs(hash(request.node.name)) % 10**8}"
    s3.create_dir(name)
    return s3, name


def by_address(s3, bucket, endpoint):
    address = f"s3://invented:invented@{bucket}/archive?endpoint_override={endpoint}&scheme=http&region=eu-west-1"
    return archive_at(address)


def by_pyarrow(s3, bucket, endpoint):
    return archive_at(f"{bucket}/archive", filesystem=s3)


def by_fsspec(s3, bucket, endpoint):
    s3fs = pytest.importorskip("s3fs")
    filesystem = s3fs.S3FileSystem(
        key="invented",
        secret="invented",
        client_kwargs={"endpoint_url": f"http://{endpoint}"},
        use_listings_cache=False,
    )
    return archive_at(f"{bucket}/archive", filesystem=filesystem)


@pytest.mark.parametrize("opened", [by_address, by_pyarrow, by_fsspec])
def test_an_archive_grows_verifies_and_forgets_in_an_object_store(endpoint, bucket, opened, tmp_path):
    s3, name = bucket
    archive = opened(s3, name, endpoint)
    account = Account(rows_per_frame=300)
    account.add("impressions", opens(1200))
    archive.sync(account)
    pd.testing.assert_frame_equal(archive.read(), opens(1200))
    found = s3.get_file_info(pafs.FileSelector(f"{name}/archive", recursive=True))
    assert [info.path.rsplit("/")[-1] for info in found if info.type == pafs.FileType.File] == [
        ".archive.json", *([".writer.json"] if opened is by_address else []),
        "impressions-2026-01.parquet", "impressions-2026-02.parquet", "impressions-2026-03.parquet",
    ]  # fmt: skip
    assert archive.verify().ok
    assert archive.scan("impressions").count().to_pyarrow().as_py() == 1200
    assert archive.erase(destination=7).rows["impressions"] == 1
    archive.sync(account, look_back_days=1000)
    assert len(archive.read()) == 1199
    assert archive.export(tmp_path / "bi").tables["impressions"] == 1199
    assert "invented" not in repr(archive)


def address(endpoint, place):
    return f"s3://invented:invented@{place}?endpoint_override={endpoint}&scheme=http&region=eu-west-1"


def test_exports_and_reports_go_to_the_object_store_and_nowhere_else(endpoint, bucket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    s3, name = bucket
    archive = archive_at(address(endpoint, f"{name}/archive"))
    account = Account()
    account.add("impressions", opens(120))
    archive.sync(account)
    flat = archive.export(address(endpoint, f"{name}/bi"))
    one = archive.export(address(endpoint, f"{name}/mail.duckdb"), format="duckdb")
    page = ia.write_report(archive, address(endpoint, f"{name}/report.html"))
    assert (flat.path, one.path, page) == (
        f"s3://{name}/bi", f"s3://{name}/mail.duckdb", f"s3://{name}/report.html",
    )  # fmt: skip
    found = {info.path for info in s3.get_file_info(pafs.FileSelector(name, recursive=True)) if info.size}
    assert {f"{name}/bi/impressions.parquet", f"{name}/mail.duckdb", f"{name}/report.html"} <= found
    with s3.open_input_file(f"{name}/bi/impressions.parquet") as file:
        assert pd.read_parquet(file)["impression_id"].tolist() == list(range(1, 121))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ia.InvalidArgumentError, match="lies inside the archive"):
        archive.export(address(endpoint, f"{name}/archive/impressions"))
    with pytest.raises(ia.InvalidArgumentError, match="'carrier://pigeon/report' cannot be reached"):
        ia.write_report("nowhere.parquet", "carrier://pigeon/report/page.html")


def test_analyses_snapshots_and_reports_read_an_address_without_other_packages(endpoint, bucket, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    _, name = bucket
    archive = archive_at(address(endpoint, f"{name}/archive"))
    account = Account()
    account.add("impressions", opens(120))
    archive.sync(account)
    whole, kind = address(endpoint, f"{name}/archive"), address(endpoint, f"{name}/archive/impressions")
    month = address(endpoint, f"{name}/archive/impressions/month=2026-01/impressions-2026-01.parquet")
    assert ia.impressions_over_time(kind, every="year")["impressions"].tolist() == [120]
    assert ia.impressions_per_profile(month)["impressions"].sum() == 120
    pd.testing.assert_frame_equal(ia.read_snapshot(month), opens(120))
    assert ia.write_report(whole, tmp_path / "report.html").is_file()
    with pytest.raises(ia.InvalidArgumentError, match=rf"s3://{name}/archive is an archive of several kinds"):
        ia.impressions_over_time(whole)
    with pytest.raises(ia.InvalidArgumentError, match=rf"there is no Parquet file at s3://{name}/none"):
        ia.impressions_over_time(address(endpoint, f"{name}/none"))
    with pytest.raises(ia.ArchiveError, match=rf"there is no file s3://{name}/none.parquet"):
        ia.read_snapshot(address(endpoint, f"{name}/none.parquet"))
    with pytest.raises(ia.InvalidArgumentError, match=r"s3://mail/opens.parquet is an address"):
        ia.write_snapshot(opens(1), "s3://mail/opens.parquet")


def test_an_upload_that_fails_leaves_the_old_object(endpoint, bucket, monkeypatch):
    s3, name = bucket
    archive = by_pyarrow(s3, name, endpoint)
    account = Account()
    account.add("impressions", opens(1200))
    archive.sync(account)

    def cut(*_, **__):
        raise OSError("the connection was lost")

    account.add("impressions", opens(3, first_id=9001, begin="2026-03-01"))
    with monkeypatch.context() as patch, pytest.raises(ia.ArchiveError, match="cannot be reached: the connection was"):
        patch.setattr(pafs, "copy_files", cut)
        archive.sync(account)
    assert len(archive.read()) == 1200
    archive.sync(account)
    assert len(archive.read()) == 1203 and archive.verify().ok


def test_a_bucket_that_is_not_there_is_said(endpoint):
    s3 = pafs.S3FileSystem(endpoint_override=endpoint, scheme="http", region="eu-west-1", **ACCESS)
    with pytest.raises(ia.ArchiveError, match="nowhere/archive"):
        archive_at("nowhere/archive", filesystem=s3).sync(Account())


def test_an_address_that_nothing_can_reach_is_said():
    with pytest.raises(ia.InvalidArgumentError, match="'carrier://pigeon' cannot be reached: pass filesystem="):
        ia.Archive("carrier://pigeon")
