"""The command `answer`, and pairs for training and win rates of `judge`: from queries to judged pairs, resumable, and limited as a whole."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dissection import cli
from dissection.asking.creating import Creation, create, name_authors
from dissection.asking.queries import from_lines, queries_of, read_queries
from dissection.endpoint.address import Endpoint
from dissection.endpoint.client import connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.journals import finished_keys
from dissection.endpoint.limits import Budget, Limits, Prices
from dissection.endpoint.meter import Spent
from dissection.endpoint.run import Progress
from dissection.errors import DatasetError, FileError, InputError
from dissection.native_file import write_native
from dissection.readers import open_dataset
from tests.asking_tools import KEY, QUICK, asking_command, laptop, marked, server, until
from tests.browser import ROOT
from tests.chat_server import ChatServer, Mind
from tests.test_judges_page import answering

__all__ = ["laptop", "server"]  # the fixtures

QUERIES = [f"question {n}" for n in range(10)]


@pytest.fixture(autouse=True)
def key(laptop: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 -- which has none
    monkeypatch.setenv("DISSECTION_ENDPOINT_KEY", KEY)


@pytest.fixture
def mind() -> Mind:
    return answering


def answer(server: ChatServer, folder: Path, *arguments: object) -> int:
    """The command, with queries, journal and output in their usual places."""
    path = folder / "queries.txt"
    path.write_text("\n".join(QUERIES))
    return asking_command("answer", server, path, "--out", folder / "out.jsonl", *arguments, model="kind")


def test_two_models_answer_and_a_judge_compares_them(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(server, tmp_path, "--model2", "curt") == 0
    assert server.requests == 20
    made = open_dataset(tmp_path / "out.jsonl")
    assert len(made) == 10
    assert made.judge_names == ()
    assert set(made.pairs["model_a"]) == {"kind", "curt"}, "sides are drawn"
    judge = ["judge", str(tmp_path / "out.jsonl"), "--endpoint", server.url, "--model", "j", "--journal", str(tmp_path / "journal")]
    dpo = tmp_path / "dpo.jsonl"
    assert cli.main([*judge, "--out", str(tmp_path / "judged.jsonl"), "--dpo", str(dpo)]) == 0
    err = capsys.readouterr().err
    assert "win rate by j: kind against curt: 88.1 % (no interval: all verdicts are equal; n = 10 pairs)" in err
    assert "10 pairs for training (0 ties and 0 pairs without a verdict or a text left out)" in err
    lines = [json.loads(line) for line in dpo.read_text().splitlines()]
    assert [set(line) for line in lines] == [{"prompt", "chosen", "rejected", "margin"}] * 10
    assert all("<<polite>>" in line["chosen"] and 0 < line["margin"] <= 1 for line in lines)
    assert not any(KEY in path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in err


def test_best_of_k_is_graded_and_gone_on_with(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--best-of", 2, "--model2", "curt", "--judge-model", "j", "--repeats", 1, "--verdicts", "--dpo", tmp_path / "dpo.jsonl"]
    assert answer(server, tmp_path, *arguments, "--max-calls", 55) == 1
    assert server.requests == 55
    err = capsys.readouterr().err
    assert "The run stopped: the budget does not cover one more request" in err
    assert "Nothing is written: not every grade was asked for" in err
    assert not (tmp_path / "out.jsonl").exists()
    assert answer(server, tmp_path, *arguments) == 0
    assert server.requests == 10 * (4 + 4 + 2)
    assert set(server.answered.values()) == {1}
    made = open_dataset(tmp_path / "out.jsonl")
    assert made.judge_names == ("j/grades", "j")
    assert {tuple(sorted(pair)) for pair in made.pairs[["model_a", "model_b"]].to_numpy().tolist()} == {("curt", "kind")}
    err = capsys.readouterr().err
    assert "win rate by j/grades: kind against curt: 100.0 %" in err
    assert "win rate by j: kind against curt: 88.1 %" in err


def test_one_model_answers_twice(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(server, tmp_path) == 0
    assert server.requests == 20
    assert {body["seed"] for body in server.bodies} == {0, 1}
    assert "win rate" not in capsys.readouterr().err
    made = open_dataset(tmp_path / "out.jsonl")
    assert not (made.pairs["response_a"] == made.pairs["response_b"]).any()


def test_a_dry_run_shows_and_asks_as_little_as_it_says(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model2", "curt", "--system2", "Be curt.", "--verdicts", "--price-in", 1, "--price-out", 1]
    assert answer(server, tmp_path, *arguments, "--dry-run") == 0
    out = capsys.readouterr().out
    assert server.requests == 0
    assert out.count("=== kind, query") == out.count("=== curt, query") == 5
    assert "Be curt." in out
    assert "Estimate: 40 calls; about" in out
    assert "greatest length" in out
    assert answer(server, tmp_path, *arguments, "--dry-run=3") == 0
    assert server.requests == 3
    assert "=== reply, query 3, answer 1" in capsys.readouterr().out
    assert answer(server, tmp_path, *arguments) == 0
    assert server.requests == 40


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model2", "kind"],
        ["--system2", "x"],
        ["--answers", "1"],
        ["--answers", "33"],
        ["--dpo", "x.jsonl"],
        ["--dpo", "x.txt", "--verdicts"],
        ["--repeats", "0"],
        ["--max-tokens", "0"],
        ["--budget", "1"],
        ["--out", "pairs.txt"],
        ["--dry-run", "-1"],
    ],
)
def test_options_that_are_wrong_cost_nothing(server: ChatServer, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(InputError):
        answer(server, tmp_path, *arguments)
    assert server.requests == 0


def test_what_fails_is_counted_and_a_refusal_leaves_its_query_out(
    server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = ["refusal", "500", "500", "500"]
    assert answer(server, tmp_path, "--concurrency", 1) == 1
    err = capsys.readouterr().err
    assert "failed: 1 call: The model refuses to answer" in err
    assert "failed: 1 call: The endpoint failed with error 500" in err
    assert len(open_dataset(tmp_path / "out.jsonl")) == 8
    assert answer(server, tmp_path) == 1, "the refusal stays"
    assert len(open_dataset(tmp_path / "out.jsonl")) == 9
    assert set(server.answered.values()) == {1}


def test_killed_in_the_middle_no_call_is_made_twice(server: ChatServer, tmp_path: Path) -> None:
    server.pause = 0.05
    (tmp_path / "queries.txt").write_text("\n".join(QUERIES))
    arguments = [str(tmp_path / "queries.txt"), "--endpoint", server.url, "--model", "kind", "--model2", "curt", "--verdicts"]
    arguments += ["--journal", str(tmp_path / "journal"), "--out", str(tmp_path / "out.jsonl"), "--concurrency", "2"]
    killed = subprocess.Popen([sys.executable, "-m", "dissection", "answer", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    until(lambda: len(server.answered) >= 24 or killed.poll() is not None)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(0.3)
    server.pause = 0.0
    kept, answered = len(finished_keys(tmp_path / "journal")), len(server.answered)
    assert 22 <= kept < 40, "it was killed while the judge was asked"
    assert cli.main(["answer", *arguments]) == 0
    assert sum(times - 1 for times in server.answered.values()) == answered - kept <= 2
    assert len(open_dataset(tmp_path / "out.jsonl")) == 10


# --- Parts ------------------------------------------------------------------------------------------------------------------------


def test_one_budget_holds_over_all_stages(server: ChatServer, tmp_path: Path) -> None:
    prices = Prices(1000.0, 1000.0)
    endpoint = Endpoint("kind", server.url)
    creation = Creation(tuple(QUERIES), name_authors([("kind", ""), ("curt", "")]), 1, "j", max_tokens=20)
    steps: list[Progress] = []

    def made(money: float | None) -> Spent:
        with Journal(tmp_path / "journal") as journal:
            clients = {
                model: connect(Endpoint(model, server.url), None, patience=QUICK, allow_private=True) for model in ("kind", "curt", "j")
            }
            limits = Limits(budget=Budget(money), prices=prices)
            found = create(creation, endpoint, lambda whom: clients[whom.model], journal, limits, progress=steps.append)
            assert found.run.spent == steps[-1].spent
            return found.run.spent

    spent = made(2.0)
    assert spent.money is not None
    assert 0 < spent.money <= 2.0
    assert server.requests < 40
    steps.clear()
    whole = made(None)
    assert whole.requests == 40
    assert steps[-1].done == steps[-1].total == 40
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert {step.total for step in steps} == {40}
    assert set(server.answered.values()) == {1}


def test_queries_from_every_kind_of_file(tmp_path: Path) -> None:
    assert from_lines("one\n\n two \none\n", "x").texts == ("one", "two")
    assert from_lines("one\n\none\n", "x").notes == ("1 empty query left out", "1 query left out, as the same was there before")
    assert read_queries(b'query,n\n"a, b",1\nc,2\n', "q.csv").texts == ("a, b", "c")
    assert read_queries(b'{"query": "a"}\n{"query": "b\\nc"}\n', "q.jsonl").texts == ("a", "b\nc")
    assert read_queries("\ufeffä, ö\nb".encode(), "q.txt").texts == ("ä, ö", "b")
    data = marked(4)
    write_native(data, tmp_path / "pairs.jsonl")
    assert read_queries(tmp_path / "pairs.jsonl", "pairs.jsonl").texts == queries_of(data).texts == tuple(f"question {n}" for n in range(4))
    with pytest.raises(DatasetError, match="no column 'query'"):
        read_queries(b"prompt,n\na,1\n", "q.csv")
    with pytest.raises(DatasetError, match="no queries"):
        read_queries(b"\n \n", "q.txt")
    with pytest.raises(DatasetError, match="not a text"):
        read_queries(b'{"query": 3}\n', "q.jsonl")
    with pytest.raises(FileError, match="UTF-8"):
        read_queries(b"\xff\xfe\xfa", "q.txt")


def test_authors_have_names_of_their_own() -> None:
    assert [author.name for author in name_authors([("m", ""), ("n", "x")])] == ["m", "n"]
    assert [author.name for author in name_authors([("m", ""), ("m", "x")])] == ["m", "m/instruction-2"]
    assert [author.name for author in name_authors([("m", "y"), ("m", "x")])] == ["m/instruction-1", "m/instruction-2"]
    with pytest.raises(InputError, match="same model"):
        name_authors([("m", "x"), ("m", "x")])


def test_the_estimate_of_later_calls_is_never_too_low(server: ChatServer, tmp_path: Path) -> None:
    creation = Creation(tuple(QUERIES), name_authors([("kind", "")]), 3, "j", repeats=2)
    expected = {call.key(Endpoint("kind", server.url)) for call in creation.later_calls()}
    assert len(expected) == 10 * (3 * 2 + 2)
    with Journal(tmp_path) as journal:
        found = create(
            creation,
            Endpoint("kind", server.url),
            lambda whom: connect(whom, None, patience=QUICK, allow_private=True),
            journal,
        )
    assert server.requests == 30 + 80
    assert found.dataset is not None
    assert np.isfinite(found.dataset.verdicts[:, 1]).all()
    assert found.dataset.judge_names == ("j/grades", "j")
