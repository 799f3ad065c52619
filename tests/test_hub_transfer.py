"""A file of the Hub that breaks off, and what the next try asks for."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dissection.hub import faults, open_hub
from dissection.hub.client import Progress
from tests.hub_fixtures import SET, hub, jsonl, pairs, parquet, refused
from tests.hub_server import Fault, HubServer

__all__ = ["hub"]  # the fixture

BIG = parquet([{**row, "response_a": os.urandom(30_000).hex()} for row in pairs(20)])


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first break of the connection ends the download."""
    monkeypatch.setattr("dissection.hub.transfer.TRIES", 1)
    return iter(())


def blob(tmp_path: Path) -> Path:
    return tmp_path / "cache" / f"datasets--{SET.replace('/', '--')}" / "blobs" / hashlib.sha256(BIG).hexdigest()


def kept(tmp_path: Path) -> Path:
    return blob(tmp_path).with_name(f"{blob(tmp_path).name}.kept.incomplete")


def breaks_off(hub: HubServer, where: str = "GET /blob/", at: int = 600_000) -> None:
    """The first try ends there."""
    hub.faults = [Fault(where, cut=at, times=1), Fault(where, cut=0, times=1)]
    refused(faults.BrokenOffError)
    hub.asked.clear()


@pytest.mark.parametrize("reset", [False, True])
def test_one_download_goes_on_where_it_broke_off(hub: HubServer, reset: bool) -> None:
    hub.add(SET, {"train.parquet": BIG})
    hub.faults = [Fault("GET /blob/", cut=600_000, reset=reset, times=1)]
    assert len(open_hub(SET)) == 20
    first, second = hub.bodies()
    assert first.sent == 600_000
    start = int(second.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= 600_000 if reset else start == 600_000
    assert second.sent == len(BIG) - start


@pytest.mark.usefixtures("one_try")
def test_the_second_try_asks_for_the_rest_only(hub: HubServer, tmp_path: Path) -> None:
    hub.add(SET, {"train.parquet": BIG})
    breaks_off(hub)
    assert kept(tmp_path).read_bytes() == BIG[:600_000]
    seen: list[Progress] = []
    assert len(open_hub(SET, progress=seen.append)) == 20
    (second,) = hub.bodies()
    assert second.headers["range"] == "bytes=600000-"
    assert second.sent == len(BIG) - 600_000
    assert Progress(0, 1, 600_000, len(BIG)) in seen, "what was here counts as here"
    assert blob(tmp_path).read_bytes() == BIG
    assert not list(tmp_path.rglob("*.incomplete"))


@pytest.mark.usefixtures("one_try")
def test_small_files_of_the_hub_itself_go_on_too(hub: HubServer) -> None:
    body = jsonl([{**row, "response_a": "long " * 200} for row in pairs(100)])
    hub.add(SET, {"train.jsonl": body})
    breaks_off(hub, "GET /datasets/.*train", 50_000)
    assert len(open_hub(SET)) == 100
    assert hub.bodies()[0].headers["range"] == "bytes=50000-"


@pytest.mark.usefixtures("one_try")
def test_what_is_given_up_is_kept(hub: HubServer, tmp_path: Path) -> None:
    class EnoughError(Exception):
        pass

    def until(step: Progress) -> None:
        if step.bytes_done > 300_000:
            raise EnoughError

    hub.add(SET, {"train.parquet": BIG})
    with pytest.raises(EnoughError):
        open_hub(SET, progress=until)
    size = kept(tmp_path).stat().st_size
    assert 300_000 < size < len(BIG)
    assert len(open_hub(SET)) == 20
    assert hub.bodies()[1].headers["range"] == f"bytes={size}-"


@pytest.mark.usefixtures("one_try")
def test_pieces_that_do_not_fit_are_thrown_away(hub: HubServer, tmp_path: Path) -> None:
    hub.add(SET, {"train.parquet": BIG})
    breaks_off(hub)
    kept(tmp_path).write_bytes(b"x" * 600_000)
    assert "don't make up" in refused(faults.BrokenOffError).problem
    assert not list(tmp_path.rglob("*.incomplete"))
    assert len(open_hub(SET)) == 20


@pytest.mark.usefixtures("one_try")
def test_a_server_that_knows_no_ranges_sends_it_all(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": BIG})
    breaks_off(hub)
    hub.faults = [Fault("GET /blob/", 200, body=BIG, times=1)]
    assert len(open_hub(SET)) == 20


@pytest.mark.usefixtures("one_try")
def test_more_than_there_is(hub: HubServer, tmp_path: Path) -> None:
    hub.add(SET, {"train.parquet": BIG})
    breaks_off(hub)
    kept(tmp_path).write_bytes(BIG + b"more")
    hub.faults = [Fault("GET /blob/", 416, times=1)]
    assert "go on" in refused(faults.BrokenOffError).problem
    assert len(open_hub(SET)) == 20
    assert "range" not in hub.bodies()[-1].headers


def test_an_answer_of_another_length_ends_the_download(hub: HubServer) -> None:
    hub.add(SET, {"train.parquet": BIG})
    hub.faults = [Fault("GET /blob/", 200, body=BIG + b"more")]
    refused(faults.BrokenOffError)


def test_an_empty_file_is_one(hub: HubServer) -> None:
    hub.add(SET, {"train.jsonl": b""})
    with pytest.raises(ValueError, match="empty"):
        open_hub(SET)
