"""What tests of asked models share: the machine they run on, a planted judge behind a server, pairs with marked answers, and commands."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import asking_run, behind
from dissection.dataset import PairDataset
from dissection.endpoint import client
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call
from dissection.endpoint.client import ChatClient, Patience, connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.run import Run
from dissection.endpoint.run import run as run_calls
from dissection.native_file import write_native
from tests.chat_server import ChatServer, Mind, PlantedJudge
from tests.conftest import command, make_dataset
from tests.test_pages import run

KEY = "sk-secretsecretsecret"
KEYS = ("OPENAI_API_KEY", "HF_TOKEN", "DISSECTION_ENDPOINT_KEY")
QUICK = Patience(timeout=5, attempts=2, first=0.01, longest=0.05, asked=1)
STUBBORN = QUICK._replace(attempts=3, asked=3)
TASTE = {"p0": 0.8, "p1": -0.5, "p2": 0.0}
BIAS = 0.4


# --- Fixtures, for the modules that import them -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One's own machine, without keys: it may ask a local server, which is not waited for when it fails."""
    for name in (*KEYS, "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    monkeypatch.setenv("DISSECTION_JOURNALS", str(tmp_path / "journals"))
    # Results are waited for, as no browser asks again.
    for module in (asking_run, behind):
        monkeypatch.setattr(module, "WAITED_SECONDS", 60.0)
    monkeypatch.setattr(client, "Patience", lambda *_, **__: QUICK)


@pytest.fixture
def mind() -> Mind:
    return PlantedJudge(TASTE, BIAS)


@pytest.fixture
def server(mind: Mind) -> Iterator[ChatServer]:
    """A server of the module's own `mind`, or of the judge above."""
    with ChatServer(mind) as found:
        yield found


# --- Pages ------------------------------------------------------------------------------------------------------------------------


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return run(at)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)


# --- What is asked ----------------------------------------------------------------------------------------------------------------


def marked(n: int, seed: int = 0) -> PairDataset:
    """Pairs whose answers bear a mark of each property that they have more of; no judges yet."""
    plain = make_dataset(n, scenarios=("All",), seed=seed).without_judges({"one", "two"})
    pairs = plain.pairs.copy()
    for side, sign in (("a", 1), ("b", -1)):
        pairs[f"response_{side}"] = pd.Series(
            [
                f"answer {side} of {row} "
                + " ".join(f"<<{name}>>" for name, more in zip(plain.property_names, found, strict=True) if more == sign)
                for row, found in enumerate(plain.comparisons)
            ],
            index=pairs.index,
            dtype=object,
        )
    pairs["query"] = pd.Series([f"question {row}" for row in range(n)], index=pairs.index, dtype=object)
    return dataclasses.replace(plain, pairs=pairs)


def marked_file(folder: Path, n: int) -> Path:
    path = folder / "marked.jsonl"
    write_native(marked(n), path)
    return path


def questions(n: int, **options: object) -> list[Call]:
    return [Call(f"call {i}", ({"role": "user", "content": f"question {i}"},), "test-1", max_tokens=10, **options) for i in range(n)]  # type: ignore[arg-type]


def stubborn_client(server: ChatServer, key: str | None = KEY, **patience: float) -> ChatClient:
    return connect(Endpoint("m", server.url), key, patience=STUBBORN._replace(**patience), allow_private=True)


def ask(server: ChatServer, folder: Path, calls: list[Call], limits: Limits = USUAL, **options: object) -> Run:
    """A run of calls with its journal in `folder`."""
    with Journal(folder) as journal:
        return run_calls(calls, stubborn_client(server), Endpoint("m", server.url), journal, limits, **options)  # type: ignore[arg-type]


# --- The command line -------------------------------------------------------------------------------------------------------------


def asking_command(name: str, server: ChatServer, data: Path, *arguments: object, model: str = "m") -> int:
    """A command that asks a model about a file, beside which it has its journal."""
    return command(name, data, "--endpoint", server.url, "--model", model, "--journal", data.parent / "journal", *arguments)
