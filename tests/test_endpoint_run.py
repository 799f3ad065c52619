"""Runs of many calls: kept in a journal, within a budget, never one twice."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dissection.endpoint import faults
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import Call, estimate
from dissection.endpoint.journal import LOCK, NAME, Journal
from dissection.endpoint.limits import Budget, Limits, Prices
from dissection.endpoint.protocol import most_tokens
from dissection.endpoint.run import Progress
from dissection.errors import InputError
from tests.asking_tools import KEY, STUBBORN, ask, questions
from tests.chat_server import ChatServer

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer(lambda body: f"to {body['messages'][0]['content']}") as found:
        yield found


def once_each(server: ChatServer, n: int) -> bool:
    return len(server.answered) == n and set(server.answered.values()) == {1}


# --- Order, concurrency, progress -------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_calls(server: ChatServer, tmp_path: Path) -> None:
    server.pause = 0.01
    seen: list[Progress] = []
    found = ask(server, tmp_path, questions(20), Limits(5, prices=Prices(1e6, 2e6)), progress=seen.append)
    assert [outcome.answer.text for outcome in found.outcomes if outcome.answer] == [f"to question {i}" for i in range(20)]
    assert 1 < server.most <= 5
    assert [progress.done for progress in seen] == list(range(1, 21))
    assert found.spent == (20, 40, 60, 160.0), "two words in, three out"
    assert found.stopped == ""
    assert seen[-1].spent == found.spent


def test_equal_calls_are_made_once(server: ChatServer, tmp_path: Path) -> None:
    found = ask(server, tmp_path, questions(2) + questions(2) + questions(1, repeat=1))
    assert [outcome.answer.text for outcome in found.outcomes if outcome.answer] == [f"to question {i}" for i in (0, 1, 0, 1, 0)]
    assert server.requests == 3, "a repeat is a call of its own"


def test_a_rate_is_kept(server: ChatServer, tmp_path: Path) -> None:
    begun = time.monotonic()
    ask(server, tmp_path, questions(5), Limits(5, 600))
    assert time.monotonic() - begun >= 0.4, "a tenth of a second between two"


def test_failures_are_listed_and_the_rest_goes_on(server: ChatServer, tmp_path: Path) -> None:
    server.faults = [None, "400", "refusal", None]
    found = ask(server, tmp_path, questions(4), Limits(1))
    assert [outcome.answer is not None for outcome in found.outcomes] == [True, False, False, True]
    assert [outcome.call.label for outcome in found.failures] == ["call 1", "call 2"]
    assert [count for _, count in found.reasons()] == [1, 1]
    again = ask(server, tmp_path, questions(4))
    assert server.requests == 5, "what was refused is paid for; what was not taken is asked again"
    assert isinstance(again.failures[0].error, faults.RefusedError)


@pytest.mark.parametrize("fault", ["401", "404", "402", "429"])
def test_what_every_call_would_meet_ends_the_run(server: ChatServer, tmp_path: Path, fault: str) -> None:
    server.always = fault
    found = ask(server, tmp_path, questions(30), Limits(1))
    assert found.stopped
    assert len(found.failures) == 30
    assert server.requests <= STUBBORN.attempts
    assert isinstance(found.failures[-1].error, faults.StoppedError)


def test_cancelling_lets_nothing_more_begin(server: ChatServer, tmp_path: Path) -> None:
    stop = threading.Event()
    found = ask(server, tmp_path, questions(50), Limits(2), progress=lambda p: stop.set() if p.done == 10 else None, cancelled=stop.is_set)
    assert found.stopped == "cancelled"
    assert 10 <= server.requests <= 12
    assert len(found.outcomes) == 50
    assert ask(server, tmp_path, questions(50)).failures == ()
    assert once_each(server, 50)


def test_cancelling_ends_a_wait(server: ChatServer, tmp_path: Path) -> None:
    server.always, server.wait = "429", "3"
    stop = threading.Timer(0.2, lambda: None)
    stop.start()
    found = ask(server, tmp_path, questions(3), cancelled=lambda: not stop.is_alive())
    assert found.stopped == "cancelled"


# --- Budgets ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_budget_of_calls_is_never_exceeded(server: ChatServer, tmp_path: Path, concurrency: int) -> None:
    server.pause = 0.01
    found = ask(server, tmp_path, questions(40), Limits(concurrency, budget=Budget(calls=13)))
    assert server.requests == found.spent.requests == 13
    assert "budget" in found.stopped
    assert len(found.failures) == 27
    assert ask(server, tmp_path, questions(40), Limits(budget=Budget(calls=13))).spent.requests == 13, "the journal's are counted"
    assert server.requests == 13


def test_a_budget_of_money_is_never_exceeded(server: ChatServer, tmp_path: Path) -> None:
    prices = Prices(1000.0, 2000.0)
    most = prices.of(most_tokens(questions(1)[0].messages), 10)
    real = prices.of(2, 3)
    budget = most + 5.5 * real
    found = ask(server, tmp_path, questions(40), Limits(8, budget=Budget(money=budget), prices=prices))
    assert found.spent.money is not None
    assert found.spent.money <= budget
    assert server.requests == 6, "as many as fit even if the next one took the most that it can"


def test_what_may_be_charged_for_is_counted(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["cut", "500"]
    found = ask(server, tmp_path, questions(1), Limits(prices=Prices(1e6, 0)))
    assert server.requests == 3
    assert found.spent.requests == 2, "the answer and the one that broke off"
    assert found.spent.money == most_tokens(questions(1)[0].messages) + 2


def test_repairs_are_counted(server: ChatServer, tmp_path: Path) -> None:
    server.always = "wrong json"
    found = ask(server, tmp_path, questions(9, schema=SCHEMA), Limits(3, budget=Budget(calls=7)))
    assert server.requests == found.spent.requests == 7


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (lambda: Limits(budget=Budget(money=1.0)), "needs prices"),
        (lambda: Budget(calls=-1), "budget is no amount"),
        (lambda: Prices(float("nan"), 1), "price is no amount"),
        (lambda: Limits(0), "0 requests at a time"),
        (lambda: Limits(per_minute=0), "0 requests a minute"),
    ],
)
def test_limits_that_are_none(limits: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        limits()


def test_the_estimate_leaves_out_what_is_finished(server: ChatServer, tmp_path: Path) -> None:
    ask(server, tmp_path, questions(3))
    with Journal(tmp_path) as journal:
        found = estimate(questions(10) + questions(10), Endpoint("m", server.url), Prices(1e6, 2e6), journal)
    assert (found.calls, found.finished, found.tokens_in, found.tokens_out, found.cost) == (7, 3, 21, 70, 161.0)
    assert "7 calls (3 more are in the journal)" in found.sentence()


# --- The journal ------------------------------------------------------------------------------------------------------------------

KILLED = """
import os, sys
from pathlib import Path
from dissection.endpoint.address import Endpoint
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.protocol import most_tokens
from dissection.endpoint.run import run
from tests.asking_tools import KEY, STUBBORN, KEY, questions
from dissection.endpoint.client import connect
url, folder, at = sys.argv[1:]
def die(progress):
    if progress.done == int(at):
        os._exit(9)
with Journal(Path(folder)) as journal:
    run(questions(40), connect(Endpoint("m", url), KEY, patience=STUBBORN, allow_private=True), Endpoint("m", url), journal,
        Limits(1), progress=die)
"""


def test_killed_and_resumed_no_call_is_made_twice(server: ChatServer, tmp_path: Path) -> None:
    for at in (7, 23):
        ended = subprocess.run([sys.executable, "-c", KILLED, server.url, str(tmp_path), str(at)], cwd=ROOT, check=False, timeout=60)
        assert ended.returncode == 9
        assert server.requests == at
    found = ask(server, tmp_path, questions(40))
    assert found.failures == ()
    assert found.from_journal == 23
    assert once_each(server, 40)
    assert [outcome.answer.text for outcome in found.outcomes if outcome.answer] == [f"to question {i}" for i in range(40)]
    assert found.spent.requests == 40


def test_a_journal_gives_back_all_that_it_was_given(server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: {"A": 0.25, "B": 0.75}
    calls = questions(2, logprobs=True)
    first, second = ask(server, tmp_path, calls), ask(server, tmp_path, calls)
    assert [outcome.answer for outcome in first.outcomes] == [outcome.answer for outcome in second.outcomes]
    assert server.requests == 2


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_cut_off_is_asked_again(server: ChatServer, tmp_path: Path, cut: int) -> None:
    ask(server, tmp_path, questions(5), Limits(1))
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-cut] + b"x" * 5000)
    assert ask(server, tmp_path, questions(5)).failures == ()
    assert server.requests == 6
    assert b"x" * 9 not in path.read_bytes()
    assert ask(server, tmp_path, questions(5)).from_journal == 5


@pytest.mark.parametrize("content", [b"", b'{"jour'])
def test_a_journal_that_had_hardly_begun(server: ChatServer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert ask(server, tmp_path, questions(2)).failures == ()
    assert ask(server, tmp_path, questions(2)).from_journal == 2


@pytest.mark.parametrize(
    "content", [b"my notes", b"my notes\n", b'{"journal": "preference-dissection", "version": 1}\nbroken\n', b"\xff\n"]
)
def test_a_file_that_is_no_journal_is_left_as_it_is(server: ChatServer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(faults.JournalError):
        ask(server, tmp_path, questions(2))
    assert (tmp_path / NAME).read_bytes() == content
    assert server.requests == 0


def test_two_writers_do_not_share_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(faults.JournalError, match="Another process"), Journal(tmp_path):
        pass
    with Journal(tmp_path):
        assert (tmp_path / LOCK).exists()


def test_a_disk_that_is_full_ends_the_run(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def full(number: int) -> None:
        if server.requests >= 3:
            raise OSError(28, "No space left on device")
        real(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(faults.JournalError, match="no space left"):
        ask(server, tmp_path, questions(30), Limits(1))
    assert server.requests == 3
    monkeypatch.undo()
    assert ask(server, tmp_path, questions(30)).from_journal == 2, "the last one was not kept, and nothing else is broken"


def test_the_key_is_in_no_file(server: ChatServer, tmp_path: Path) -> None:
    server.faults = ["echo", "401", "400", "refusal"]
    ask(server, tmp_path, questions(3), Limits(1))
    ask(server, tmp_path, questions(3))
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"Bearer" in content for content in written), "the endpoint did send it back"
    assert not any(KEY.encode() in content for content in written)


@pytest.mark.parametrize(
    "changed", [{"temperature": 0.5}, {"seed": 1}, {"repeat": 1}, {"prompt": "test-2"}, {"logprobs": True}, {"schema": SCHEMA}]
)
def test_the_key_of_a_call_tells_apart_all_that_matters(changed: dict[str, object]) -> None:
    call = {"label": "x", "messages": questions(1)[0].messages, "prompt": "test-1"}
    plain, other = Call(**call), Call(**{**call, **changed})  # type: ignore[arg-type]
    here = Endpoint("m", "https://host/v1")
    assert plain.key(here) == Call(**{**call, "label": "y"}).key(here)  # type: ignore[arg-type]
    assert (
        len({plain.key(here), other.key(here), plain.key(Endpoint("n", "https://host/v1")), plain.key(Endpoint("m", "https://two/v1"))})
        == 4
    )
    assert len(plain.key(here)) == 64
