"""The server that others visit: each setting of the environment, bad ones with their words, and one real start under a base path."""

import base64
import os
import platform
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dissection import serve, settings
from dissection.errors import InputError
from dissection.tables import MAX_BYTES
from tests.browser import ROOT, free_port

SPACE = {"SPACE_ID": "owner/name"}


def test_without_settings() -> None:
    assert serve.options({}) == {
        "server.port": 7860,
        "server.address": "0.0.0.0",
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.websocketPingInterval": 20,
        "browser.gatherUsageStats": False,
        "logger.hideWelcomeMessage": True,
        "runner.postScriptGC": False,
        "logger.enableRich": False,
    }
    assert serve.data({}) == []


def test_streamlit_knows_every_option() -> None:
    from streamlit import config

    found = serve.options({**SPACE, "DISSECTION_BASE_PATH": "a", "DISSECTION_UPLOAD_MB": "5"})
    assert len(found) == len(serve.options({})) + 4
    for name, value in found.items():
        assert type(config.get_option(name)) in (type(value), type(None)), name


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"PORT": "8080"}, 8080),
        ({"DISSECTION_PORT": "9000", "PORT": "8080"}, 9000),
        ({"DISSECTION_PORT": " ", "PORT": ""}, 7860),
        ({"DISSECTION_PORT": " 65535 "}, 65535),
    ],
)
def test_port(environ: dict[str, str], port: int) -> None:
    assert serve.options(environ)["server.port"] == port
    assert serve.health_address(environ) == f"http://127.0.0.1:{port}/_stcore/health"


@pytest.mark.parametrize("path", ["tools/dissection", "/tools/dissection/", "//tools/dissection"])
def test_base_path(path: str) -> None:
    environ = {"DISSECTION_BASE_PATH": path}
    assert serve.options(environ)["server.baseUrlPath"] == "tools/dissection"
    assert serve.health_address(environ) == "http://127.0.0.1:7860/tools/dissection/_stcore/health"


@pytest.mark.parametrize("path", ["", "/", "  "])
def test_no_base_path(path: str) -> None:
    assert "server.baseUrlPath" not in serve.options({"DISSECTION_BASE_PATH": path})


@pytest.mark.parametrize(
    "path", ["a//b", "..", "a/../b", "a b", "https://x.org/a", "a?b", "a%2fb", "a\nb", "-a", "ä", "/".join("abcdefghi")]
)
def test_no_such_base_path(path: str) -> None:
    with pytest.raises(InputError, match=r"The base path is .* DISSECTION_BASE_PATH\. Accepted: up to 8 names .*mend the variable"):
        serve.options({"DISSECTION_BASE_PATH": path})


def test_upload_size() -> None:
    assert settings.UPLOAD_MB.most * 1_000_000 == MAX_BYTES
    assert serve.options({"DISSECTION_UPLOAD_MB": "50"})["server.maxUploadSize"] == 50
    assert "server.maxUploadSize" not in serve.options({"DISSECTION_UPLOAD_MB": ""}), "the configuration file says it"


def test_ping() -> None:
    assert serve.options({"DISSECTION_PING_SECONDS": "5"})["server.websocketPingInterval"] == 5


@pytest.mark.parametrize(
    ("name", "most", "usual"),
    [
        ("PORT", 65535, 7860),
        ("DISSECTION_PORT", 65535, 7860),
        ("DISSECTION_UPLOAD_MB", 200, 200),
        ("DISSECTION_PING_SECONDS", 600, 20),
        ("DISSECTION_PAIRS", 100_000_000, 1_000_000),
    ],
)
@pytest.mark.parametrize("words", ["0", "-1", "many", "1e3", "8.5", "²", "9" * 200, None])
def test_no_such_number(name: str, most: int, usual: int, words: str | None) -> None:
    with pytest.raises(InputError) as caught:
        serve.check({name: words or str(most + 1)})
    assert caught.value.where == f"the environment variable {name}"
    assert caught.value.accepted == f"a whole number from 1 to {most}; {usual} where it is not set"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("environ", [{}, {"SPACE_ID": ""}, {"SPACE_HOST": "x.hf.space"}, {"DISSECTION_BASE_PATH": "a"}])
def test_the_checks_of_foreign_pages_stay_on_elsewhere(environ: dict[str, str]) -> None:
    assert not {"server.enableXsrfProtection", "server.enableCORS"} & set(serve.options(environ))


def test_the_checks_of_foreign_pages_are_off_on_a_space() -> None:
    found = serve.options(SPACE)
    assert found["server.enableXsrfProtection"] is found["server.enableCORS"] is False


@pytest.mark.parametrize("words", ["yes", "2", "true", "on"])
def test_no_such_switch(words: str) -> None:
    with pytest.raises(InputError, match=r"neither switches on nor off.*DISSECTION_READ_ONLY"):
        serve.check({"DISSECTION_READ_ONLY": words})


def test_every_number_and_switch_is_looked_at() -> None:
    found = {value.variable for value in vars(settings).values() if isinstance(value, settings.Number)}
    assert found == {number.variable for number in settings.NUMBERS} | {"PORT"}


def test_the_table_has_every_variable_and_none_more() -> None:
    sources = [path for folder in ("dissection", "pages") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r'"(DISSECTION_[A-Z_]*[A-Z])"', path.read_text(encoding="utf-8"))}
    table = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8").split("## Settings")[1].split("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row[1])]
    assert {name for name in listed if name.startswith("DISSECTION")} == read
    assert set(listed) - read == {"PORT", "XDG_STATE_HOME", "OPENAI_API_KEY", "HF_TOKEN", "HF_HOME", "SPACE_ID", *serve.MEMORY}
    assert len(listed) == len(set(listed))
    usual = {row[1].strip(" `"): row[-2].strip() for row in rows}
    for number in settings.NUMBERS:
        assert usual[number.variable] in (str(number.usual), "the cores", "a quarter of the memory"), number.variable
    assert ", ".join(serve.MEMORY.values()) in usual.values()


def test_the_readme_is_a_spaces_card() -> None:
    from huggingface_hub import SpaceCard

    card = SpaceCard.load(ROOT / "README.md").data
    assert (card.title, card.sdk, card.app_port, card.license) == ("Preference Dissection", "docker", settings.PORT.usual, "apache-2.0")
    facts = card.to_dict()
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}  # those of the Hub's documentation
    assert {facts["colorFrom"], facts["colorTo"]} <= colours
    assert re.fullmatch(r"[^\x00-\u203b]\ufe0f?", facts["emoji"]), "one emoji"
    assert 0 < len(facts["short_description"]) <= 60
    assert card.tags
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", tag) for tag in card.tags)
    known = {"title", "emoji", "colorFrom", "colorTo", "sdk", "app_port", "license", "short_description", "tags"}
    assert set(facts) == known
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "Version 2.0" in licence
    assert f"EXPOSE {card.app_port}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_default_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "-mine.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert serve.data({"DISSECTION_DATA": "-mine.jsonl"}) == [str(tmp_path / "-mine.jsonl")]
    assert serve.data({"DISSECTION_DATA": str(tmp_path)}) == [str(tmp_path)]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert serve.data({"DISSECTION_DATA": "~/-mine.jsonl"})[0] == str(tmp_path / "-mine.jsonl")


@pytest.mark.parametrize("words", ["hf://datasets/owner/name", "https://huggingface.co/datasets/owner/name"])
def test_a_default_dataset_of_the_hub(words: str) -> None:
    assert serve.data({"DISSECTION_DATA": words}) == ["hf://datasets/owner/name"]


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match=r"DISSECTION_DATA.*hf://datasets/owner/name"):
        serve.data({"DISSECTION_DATA": "https://huggingface.co/spaces/owner/name"})


def test_no_such_default_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no default dataset at .*DISSECTION_DATA"):
        serve.data({"DISSECTION_DATA": str(tmp_path / "none.jsonl")})


def started(**environ: str) -> subprocess.Popen[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMLIT", "SPACE", "PORT"))}
    command = [sys.executable, "-m", "dissection.serve"]
    return subprocess.Popen(command, cwd=ROOT, env={**known, **environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


# Results that stay, each between temporary arrays that go, as reruns and work behind pages leave them.
GAPS = """
import numpy as np
def megabytes():
    return next(int(line.split()[1]) / 1000 for line in open("/proc/self/status") if line.startswith("RssAnon"))
first = np.ones(4_000_000)  # 32 MB; once it is freed, glibc by itself takes arrays up to this size from its pools
del first
before = megabytes()
stay, go = [], []
for _ in range(60):
    go.append(np.ones(400_000))  # 3.2 MB
    stay.append(np.ones(1_000))
most = megabytes() - before
go.clear()
print(most, megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="how glibc keeps memory")
def test_freed_memory_goes_back_to_the_system() -> None:
    def run(settings: dict[str, str]) -> list[float]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC")}
        words = subprocess.run([sys.executable, "-c", GAPS], env=known | settings, check=True, capture_output=True, text=True).stdout
        return [float(word) for word in words.split()]

    most, left = run({})
    assert most > 180, "192 MB of temporary arrays"
    assert left > 150, "what glibc does by itself: without this the settings would be for nothing"
    most, left = run(serve.MEMORY)
    assert most > 180
    assert left < 20


def test_a_server_has_the_settings_of_memory_but_for_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[str] = []
    monkeypatch.setattr(os, "execv", lambda program, words: became.extend([program, *words]))
    known = {name: value for name, value in os.environ.items() if name not in serve.MEMORY}
    environ = known | {"MALLOC_ARENA_MAX": "7", settings.HOSTED: "0"}
    monkeypatch.setattr(os, "environ", environ)
    serve.main()
    assert {name: environ[name] for name in serve.MEMORY} == {**serve.MEMORY, "MALLOC_ARENA_MAX": "7"}
    assert environ[settings.HOSTED] == "0", "whoever sets it knows"
    assert became[:4] == [sys.executable, sys.executable, "-m", "dissection.dashboard.server"]


def test_a_bad_setting_ends_the_start_with_its_words() -> None:
    words, _ = (process := started(DISSECTION_PORT="none")).communicate(timeout=60)
    assert process.returncode == 2
    assert words.startswith("error: This is no number for the port: 'none'. Where: the environment variable DISSECTION_PORT.")
    assert len(words.splitlines()) == 1


def test_a_bad_option_of_streamlit_ends_the_start_too() -> None:
    words, _ = (process := started(STREAMLIT_SERVER_MAX_MESSAGE_SIZE="much")).communicate(timeout=60)
    assert process.returncode == 2
    assert "'much' is not a valid integer" in words


def status(address: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method=method), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def pinged(port: str, path: str, origin: str = "") -> bool:
    """Whether the server asks a browser that says nothing whether it is there."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Origin: {origin or f'http://127.0.0.1:{port}'}",
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
    environ["STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS"] = "https://tools.example"
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
        assert pinged(environ["DISSECTION_PORT"], "/tools/dissection/_stcore/stream", "https://tools.example"), (
            "Streamlit's own options hold"
        )
        # No Space: what brings no cookie along is turned away before it is looked at.
        assert status(f"{base}/_stcore/upload_file/nobody/nothing", "PUT") == 403
    finally:
        server.terminate()
        words, _ = server.communicate(timeout=20)
    # The message of where the app is was not made, for which it would have asked the internet for its address.
    assert "URL" not in words


def test_a_file_in_place_of_the_cache_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match=r"is not a folder.*DISSECTION_CACHE"):
        serve.check({"DISSECTION_CACHE": str(tmp_path / "cache")})
