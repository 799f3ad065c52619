"""Everything that can go wrong between here and the Hub, each with its own error."""

import gzip
import io
import os
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from dissection.errors import FileError
from dissection.hub import faults, open_hub
from dissection.hub.address import parse
from dissection.hub.client import list_parts
from dissection.hub.parts import RemoteFile
from dissection.hub.transfer import TRIES
from tests.hub_fixtures import SET, hub, jsonl, pairs, parquet, refused, zipped, zstd
from tests.hub_server import Fault, HubServer

__all__ = ["hub"]  # the fixture


def test_revision_that_is_not_there(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    assert "'v9'" in refused(faults.MissingError, f"hf://datasets/{SET}@v9").problem


def test_file_that_went_away(hub: HubServer) -> None:
    repo = hub.add(SET, {"train.parquet": parquet(pairs(3))})
    listing = list_parts(parse(SET))
    gone = RemoteFile("train2.parquet", 3, str(repo.commit("main")))
    part = listing.parts["default/train"]._replace(files=(gone,))
    assert "train" in refused(faults.MissingError, listing=listing._replace(parts={"default/train": part})).problem


def test_no_tables(hub: HubServer) -> None:
    hub.add(SET, {"README.md": b"hello", "picture.png": b"x"})
    assert "no tables" in refused(faults.MissingError).problem


@pytest.mark.parametrize("where", ["GET /api/", "HEAD /datasets/"])
def test_rate_limit(hub: HubServer, where: str) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    hub.faults = [Fault(where, 429, {"Retry-After": "77"})]
    error = refused(faults.RateLimitError)
    assert isinstance(error, faults.RateLimitError)
    assert error.retry_after == 77
    assert "77 seconds" in error.remedy
    hub.faults = [Fault(where, 429, {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'})]
    assert "55 seconds" in refused(faults.RateLimitError).remedy
    hub.faults = [Fault(where, 429)]
    assert "few minutes" in refused(faults.RateLimitError).remedy


@pytest.mark.parametrize("where", ["GET /api/", "HEAD /datasets/", "GET /blob/"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors(hub: HubServer, where: str, status: int) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    hub.faults = [Fault(where, status, body=b"<html>busy</html>")]
    assert str(status) in refused(faults.ServerError).problem


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in</html>",
        b"",
        b"[]",
        b"{}",
        b'"x"',
        b"null",
        b'{"id": "a/b"}',
        b"\xff\xfe",
        b'{"id": 1, "siblings": [1]}',
        b'{"id": "a/b", "sha": "x", "siblings": [{"rfilename": "a", "size": "many"}]}',
        b'{"id": "a/b", "sha": "x", "siblings": [], "cardData": [1]}',
    ],
)
def test_rubbish_instead_of_json(hub: HubServer, body: bytes) -> None:
    hub.faults = [Fault("GET /api/", 200, body=body)]
    refused(faults.ServerError)


def test_rubbish_instead_of_a_file(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    hub.faults = [Fault("HEAD /datasets/", 200, body=b"<html>")]
    refused(faults.ServerError)
    hub.faults = []
    hub.add("owner/broken", {"train.parquet": b"PAR1 but not really"})
    with pytest.raises(FileError, match="broken"):
        open_hub("owner/broken")


def test_other_refusals(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    hub.faults = [Fault("GET /api/", 403, {"X-Error-Message": "Access to this resource is disabled."})]
    assert "switched" in refused(faults.MissingError).problem
    hub.faults = [Fault("GET /api/", 403)]
    assert "not open to everyone" in refused(faults.AccessError).problem
    hub.faults = [Fault("GET /blob/", 403)]  # an address of storage that has run out
    refused(faults.AccessError)


def test_a_download_that_breaks_off_for_good(hub: HubServer) -> None:
    whole = parquet(pairs(10))
    hub.add(SET, {"train-00000-of-00002.parquet": whole, "train-00001-of-00002.parquet": parquet(pairs(10, 10))})
    hub.faults = [Fault("GET /blob/", cut=None, times=1), Fault("GET /blob/", cut=0)]
    error = refused(faults.BrokenOffError)
    assert "train-00001" in error.where
    assert "only the rest" in error.remedy
    assert len(hub.bodies()) == 1 + TRIES
    hub.faults = []
    hub.asked.clear()
    assert len(open_hub(SET)) == 20
    assert len(hub.bodies()) == 1, "the file that was complete is kept"


def test_a_server_that_does_not_answer(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dissection.hub.client.TIMEOUT", 0.2)
    monkeypatch.setattr("dissection.hub.transfer.TIMEOUT", 0.2)
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    for request in ("GET /api/", "HEAD "):
        hub.faults = [Fault(request, delay=1, times=1)]
        error = refused(faults.BrokenOffError)
        assert error.problem == "The Hub did not answer in time.", "a connection that broke off is something else"
    assert len(open_hub(SET)) == 3


@pytest.mark.usefixtures("hub")
def test_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "can't be reached" in refused(faults.OfflineError).problem
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://no-such-host.invalid")
    assert "can't be reached" in refused(faults.OfflineError).problem


def test_too_large(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(SET, {f"train-0000{i}-of-00002.parquet": parquet(pairs(10, 10 * i)) for i in range(2)})
    error = refused(faults.TooLargeError, max_bytes=1000)
    assert "2 files" in error.problem
    assert not hub.bodies()
    monkeypatch.setattr("dissection.hub.opening.MAX_UNPACKED", 1000)
    with pytest.raises(FileError, match="bytes once unpacked"):
        open_hub(SET)
    rows = jsonl(pairs(40))
    for path, body in (("a.jsonl.gz", gzip.compress(rows)), ("a.jsonl.zst", zstd(rows)), ("a.jsonl.zip", zipped("a.jsonl", rows))):
        assert len(body) < 1000 < len(rows)
        hub.add("owner/packed", {path: body})
        with pytest.raises(FileError, match="bytes once unpacked"):
            open_hub("owner/packed")


def test_too_many_rows(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(SET, {f"train-0000{i}-of-00002.parquet": parquet(pairs(10, 10 * i)) for i in range(2)})
    monkeypatch.setattr("dissection.tables_text.MAX_ROWS", 15)
    with pytest.raises(FileError, match="20 rows"):
        open_hub(SET)


@pytest.mark.parametrize("number", [28, 30, 122])
def test_a_disk_that_takes_no_more(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int) -> None:
    class Full(io.BytesIO):
        def write(self, *_: object) -> int:
            raise OSError(number, os.strerror(number))

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        return Full() if path.name.endswith(".incomplete") and mode in ("wb", "ab") else actual(path, mode, *rest, **more)

    actual = Path.open
    hub.add(SET, {"train.parquet": parquet(pairs(3))})
    monkeypatch.setattr(Path, "open", opened)
    assert "HF_HOME" in refused(faults.DiskError).where
    assert not list(tmp_path.rglob("*.incomplete"))


def test_a_file_that_leads_out_of_the_cache(hub: HubServer) -> None:
    hub.add(SET, {"../../train.parquet": parquet(pairs(3))})
    refused(faults.HubError)
