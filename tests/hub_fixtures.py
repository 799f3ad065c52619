"""The Hub as tests see it: a local server that the client takes for it, and files to put there."""

import io
import json
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dissection.errors import InputError
from dissection.hub import open_hub
from tests.hub_server import HubServer

TOKEN = "hf_secretsecretsecret"
MEMBER = "hf_membermembermember"
SET = "owner/name"


def stand_in(server: HubServer, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The client takes the server for the Hub, with an empty cache in the folder and nobody logged in."""
    # These are read from HF_ENDPOINT and HF_HOME when the client is imported, which other tests have done before; the command line is
    # tested with the variables themselves.
    constants = huggingface_hub.constants
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[HubServer]:
    """A server that the client takes for the Hub, with an empty cache and nobody logged in. What is logged never holds a token."""
    with HubServer() as server:
        server.tokens = {TOKEN, MEMBER}
        server.members = {MEMBER}
        stand_in(server, monkeypatch, tmp_path)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
        monkeypatch.setattr("dissection.hub.transfer.PAUSE", 0.01)
        caplog.set_level(logging.DEBUG)
        yield server
        for secret in (TOKEN, MEMBER):
            assert secret not in caplog.text


def pairs(n: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "pair_id": f"p{i}",
            "response_a": f"short {i}",
            "response_b": f"a longer answer {i}",
            "labels": {"human": "ab"[i % 2]},
            "properties": {"polite": {"comparison": float((-1) ** i)}},
        }
        for i in range(start, start + n)
    ]


def parquet(rows: list[dict[str, Any]]) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), written)
    return written.getvalue()


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)  # type: ignore[no-any-return]


def zipped(name: str, content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return written.getvalue()


def refused(kind: type[InputError], address: str = SET, **options: Any) -> InputError:
    """The error of opening an address; its words hold no token, and neither does what hangs on it."""
    with pytest.raises(kind) as caught:
        open_hub(address, **options)
    error = caught.value
    assert error.problem.endswith(".")
    assert error.remedy or error.accepted
    for secret in (TOKEN, MEMBER):
        assert secret not in f"{error} {vars(error)}"
    assert error.__suppress_context__ or error.__context__ is None, "a traceback would show the client's request"
    return error
