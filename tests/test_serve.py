"""The server that others visit: each setting of the environment, bad ones with their words, and one real start under a base path."""

import base64
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from dissection import serve, settings
from dissection.errors import InputError
from dissection.tables import MAX_BYTES
from tests.browser import ROOT, free_port

SPACE = {"SPACE_ID": "owner/name"}


def options(environ: Mapping[str, str]) -> dict[str, str]:
    """Streamlit's options by name."""
    run, app, *rest = serve.arguments(environ)
    assert (run, app) == ("run", str(ROOT / "app.py"))
    rest = rest[: rest.index("--")] if "--" in rest else rest
    names = rest[::2]
    assert all(name.startswith("--") for name in names)
    assert len(set(names)) == len(names)
    return dict(zip((name[2:] for name in names), rest[1::2], strict=True))


def test_without_settings() -> None:
    found = options({})
    assert found == {
        "server.port": "7860",
        "server.address": "0.0.0.0",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.websocketPingInterval": "20",
        "browser.gatherUsageStats": "false",
        "logger.hideWelcomeMessage": "true",
    }
    assert "--" not in serve.arguments({})


def test_streamlit_knows_every_option() -> None:
    from streamlit import config

    everything = {**SPACE, "DISSECTION_BASE_PATH": "a", "DISSECTION_UPLOAD_MB": "5"}
    assert len(options(everything)) == len(options({})) + 4
    for name in options(everything):
        config.get_option(name)


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"PORT": "8080"}, "8080"),
        ({"DISSECTION_PORT": "9000", "PORT": "8080"}, "9000"),
        ({"DISSECTION_PORT": " ", "PORT": ""}, "7860"),
        ({"DISSECTION_PORT": " 65535 "}, "65535"),
    ],
)
def test_port(environ: dict[str, str], port: str) -> None:
    assert options(environ)["server.port"] == port
    assert serve.health_address(environ) == f"http://127.0.0.1:{port}/_stcore/health"


@pytest.mark.parametrize("path", ["tools/dissection", "/tools/dissection/", "//tools/dissection"])
def test_base_path(path: str) -> None:
    environ = {"DISSECTION_BASE_PATH": path}
    assert options(environ)["server.baseUrlPath"] == "tools/dissection"
    assert serve.health_address(environ) == "http://127.0.0.1:7860/tools/dissection/_stcore/health"


@pytest.mark.parametrize("path", ["", "/", "  "])
def test_no_base_path(path: str) -> None:
    assert "server.baseUrlPath" not in options({"DISSECTION_BASE_PATH": path})


@pytest.mark.parametrize(
    "path", ["a//b", "..", "a/../b", "a b", "https://x.org/a", "a?b", "a%2fb", "a\nb", "-a", "ä", "/".join("abcdefghi")]
)
def test_no_such_base_path(path: str) -> None:
    with pytest.raises(InputError, match=r"The base path is .* DISSECTION_BASE_PATH\. Accepted: up to 8 names .*mend the variable"):
        serve.arguments({"DISSECTION_BASE_PATH": path})


def test_upload_size() -> None:
    assert settings.UPLOAD_MB.most * 1_000_000 == MAX_BYTES
    assert options({"DISSECTION_UPLOAD_MB": "50"})["server.maxUploadSize"] == "50"
    assert "server.maxUploadSize" not in options({"DISSECTION_UPLOAD_MB": ""}), "the configuration file says it"


def test_ping() -> None:
    assert options({"DISSECTION_PING_SECONDS": "5"})["server.websocketPingInterval"] == "5"


@pytest.mark.parametrize(
    ("name", "most", "usual"),
    [
        ("PORT", 65535, 7860),
        ("DISSECTION_PORT", 65535, 7860),
        ("DISSECTION_UPLOAD_MB", 200, 200),
        ("DISSECTION_PING_SECONDS", 600, 20),
    ],
)
@pytest.mark.parametrize("words", ["0", "-1", "many", "1e3", "8.5", "²", "9" * 200, None])
def test_no_such_number(name: str, most: int, usual: int, words: str | None) -> None:
    with pytest.raises(InputError) as caught:
        serve.arguments({name: words or str(most + 1)})
    assert caught.value.where == f"the environment variable {name}"
    assert caught.value.accepted == f"a whole number from 1 to {most}; {usual} where it is not set"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("environ", [{}, {"SPACE_ID": ""}, {"SPACE_HOST": "x.hf.space"}, {"DISSECTION_BASE_PATH": "a"}])
def test_the_checks_of_foreign_pages_stay_on_elsewhere(environ: dict[str, str]) -> None:
    assert not {"server.enableXsrfProtection", "server.enableCORS"} & set(options(environ))


def test_the_checks_of_foreign_pages_are_off_on_a_space() -> None:
    found = options(SPACE)
    assert found["server.enableXsrfProtection"] == found["server.enableCORS"] == "false"


def test_default_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-mine.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert serve.arguments({"DISSECTION_DATA": "-mine.jsonl"})[-2:] == ["--", str(tmp_path / "-mine.jsonl")]
    assert serve.arguments({"DISSECTION_DATA": str(tmp_path)})[-2:] == ["--", str(tmp_path)]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert serve.arguments({"DISSECTION_DATA": "~/-mine.jsonl"})[-1] == str(tmp_path / "-mine.jsonl")


@pytest.mark.parametrize("words", ["hf://datasets/owner/name", "https://huggingface.co/datasets/owner/name"])
def test_a_default_dataset_of_the_hub(words: str) -> None:
    assert serve.arguments({"DISSECTION_DATA": words})[-2:] == ["--", "hf://datasets/owner/name"]


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"DISSECTION_DATA.*hf://datasets/owner/name"):
        serve.arguments({"DISSECTION_DATA": "https://huggingface.co/spaces/owner/name"})


def test_no_such_default_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no default dataset at .*DISSECTION_DATA"):
        serve.arguments({"DISSECTION_DATA": str(tmp_path / "none.jsonl")})


def started(**environ: str) -> subprocess.Popen[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT", "SPACE", "PORT"))}
    command = [sys.executable, "-m", "dissection.serve"]
    return subprocess.Popen(command, cwd=ROOT, env={**known, **environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_bad_setting_ends_the_start_with_its_words() -> None:
    words, _ = (process := started(DISSECTION_PORT="none")).communicate(timeout=60)
    assert process.returncode == 2
    assert words.startswith("error: This is no number for the port: 'none'. Where: the environment variable DISSECTION_PORT.")
    assert len(words.splitlines()) == 1


def status(address: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def pinged(port: str, path: str) -> bool:
    """Whether the server asks a browser that says nothing whether it is there."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Origin: http://127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Protocol: streamlit",
    ]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as connection, connection.makefile("rb") as answer:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in answer.readline()
        while answer.readline() != b"\r\n":
            pass
        kind, length = answer.read(2)
        return kind & 0x0F == 0x9 and length < 126  # RFC 6455, 5.5.2


def test_a_real_start_under_a_base_path() -> None:
    environ = {"DISSECTION_PORT": str(free_port()), "DISSECTION_BASE_PATH": "/tools/dissection", "DISSECTION_PING_SECONDS": "1"}
    address = serve.health_address(environ)
    server = started(**environ)
    try:
        end = time.monotonic() + 60
        while status(address) != 200 and server.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        assert status(address) == 200
        base = address.removesuffix("/_stcore/health")
        with urllib.request.urlopen(f"{base}/", timeout=5) as page:
            assert b"<title>" in page.read()
        assert status(address.replace("/tools/dissection", "")) != 200
        assert pinged(environ["DISSECTION_PORT"], "/tools/dissection/_stcore/stream")
        # No Space: what brings no cookie along is turned away before it is looked at.
        assert status(f"{base}/_stcore/upload_file/nobody/nothing", "PUT") == 403
    finally:
        server.terminate()
        words, _ = server.communicate(timeout=20)
    # The message of where the app is was not made, for which it would have asked the internet for its address.
    assert "URL" not in words
