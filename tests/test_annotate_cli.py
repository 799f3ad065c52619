"""The command `annotate`: dry run, run, resumption, and options that are wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from dissection import cli_annotate, cli_endpoint
from dissection.endpoint.run import Progress
from dissection.errors import InputError
from dissection.native_file import write_native
from dissection.readers import open_dataset
from tests.annotator_server import PAPER, PlantedAnnotator, planted
from tests.asking_tools import asking_command, laptop, server
from tests.chat_server import ChatServer

__all__ = ["laptop", "server"]  # the fixtures

N = 8


@pytest.fixture
def mind() -> PlantedAnnotator:
    return PlantedAnnotator()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    write_native(planted(N, seed=6)[0], path)
    return path


def annotate(server: ChatServer, data: Path, *arguments: object) -> int:
    return asking_command("annotate", server, data, *arguments)


def test_annotations_join_the_pairs(server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, again = tmp_path / "annotated.jsonl", tmp_path / "again.parquet"
    own = ["--own", "kind=Is kind to the person.", "--own", "emoji", "--scenarios", "paper", "--reference"]
    arguments = [*own, "--again", 0.5, "--again-out", again, "--out", out, "--price-in", 1, "--price-out", 2]
    assert annotate(server, data, *arguments) == 0
    truth = planted(N, seed=6)[1]
    found, second = open_dataset(out), open_dataset(again)
    assert found.property_names == (*PAPER[:-1], "kind", "emoji", "longer")
    np.testing.assert_array_equal(found.comparisons[:, :28], truth)
    assert len(second) == N // 2
    rows = found.pairs.index.get_indexer(second.pairs.index)
    np.testing.assert_array_equal(second.comparisons, found.comparisons[rows])
    assert {group.name for group in found.scenarios} == {"Others"}
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "This is an upper bound" in captured.err
    assert f"{N} of {N} pairs have every annotation" in captured.err
    assert f"basic: {N + N // 2} of {N + N // 2} calls answered" in captured.err
    asked = server.requests
    assert annotate(server, data, *arguments) == 0
    assert server.requests == asked, "the journal has them all"
    assert "0 calls (" in capsys.readouterr().err


def test_a_dry_run_shows_prompts_and_estimate_and_asks_nothing(server: ChatServer, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert annotate(server, data, "--dry-run") == 0
    out = capsys.readouterr().out
    assert server.requests == 0
    assert not (data.parent / "journal").exists()
    texts = open_dataset(data)
    for row in range(5):
        for stage in ("basic", "errors"):
            assert out.count(f"=== {stage} of pair p{row + 1}, ab") == 1
        assert out.count(f"=== query check of pair p{row + 1}") == 1
        assert (texts.text(row, "response_a") or "?") in out
    assert "pair p6" not in out
    assert f"Estimate: {4 * N} calls; about" in out
    assert "This is an upper bound" in out


def test_a_dry_run_of_some_pairs_goes_through_all_stages_and_the_run_does_not_ask_again(
    server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert annotate(server, data, "--dry-run=3") == 0
    out = capsys.readouterr().out
    assert out.count("=== reply") == server.requests
    assert "=== reply, specific of pair p1, ab" in out
    assert "=== specific of pair p1, ab (specific-1)" in out, "the prompt that followed is shown, too"
    assert annotate(server, data, "--out", tmp_path / "annotated.jsonl") == 0
    assert set(server.answered.values()) == {1}


def test_a_budget_writes_what_there_is_and_says_so(
    server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "annotated.jsonl"
    assert annotate(server, data, "--max-calls", 12, "--out", out) == 1
    assert server.requests == 12
    assert int((~np.isnan(open_dataset(out).comparisons[:, 0])).sum()) == 4
    assert "The run stopped: the budget" in capsys.readouterr().err
    assert annotate(server, data, "--out", out) == 0
    assert set(server.answered.values()) == {1}
    assert not np.isnan(open_dataset(out).comparisons).any()


def test_what_fails_is_listed(server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.faults = ["refusal"]
    assert annotate(server, data, "--stages", "basic", "--concurrency", 1, "--out", tmp_path / "a.jsonl") == 1
    err = capsys.readouterr().err
    assert "missing: basic of pair p1, ab: The model refuses to answer." in err
    assert "basic: 7 of 8 calls answered, 1 without a usable reply (1 refused)" in err
    assert "1 pair: no usable reply to the question on basic properties" in err


def test_the_pairs_that_a_second_annotator_gets(server: ChatServer, data: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "again.jsonl", tmp_path / "other.jsonl"
    arguments = ["--stages", "basic", "--seed", 2]
    assert annotate(server, data, *arguments, "--again", 0.25, "--again-out", one, "--out", tmp_path / "first.jsonl") == 0
    assert annotate(server, data, *arguments, "--share", 0.25, "--swapped", "--out", two) == 0
    assert list(open_dataset(one).pairs.index) == list(open_dataset(two).pairs.index)
    assert set(server.answered.values()) == {1}, "the same questions"
    assert json.loads(two.read_text().splitlines()[0])["meta"]["annotation"] == "basic-1"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--stages", "style"],
        ["--stages", "none"],
        ["--own", "kind"],
        ["--own", "=Is kind."],
        ["--own", "kind=Is kind.", "--own", "kind=Is very kind."],
        ["--scenarios", "/nowhere/kinds.txt"],
        ["--stages", "basic", "--reference"],
        ["--again", "0.5"],
        ["--again-out", "x.jsonl"],
        ["--share", "2"],
        ["--seed", "-1"],
        ["--max-tokens", "0"],
        ["--budget", "1"],
        ["--concurrency", "0"],
        ["--out", "annotated.txt"],
    ],
)
def test_options_that_are_wrong_cost_nothing(server: ChatServer, data: Path, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(InputError):
        annotate(server, data, "--out", tmp_path / "x.jsonl", *arguments)
    assert server.requests == 0


def test_what_is_missing_is_named(server: ChatServer, data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no place for the result"):
        annotate(server, data)
    with pytest.raises(InputError, match="one file"):
        annotate(server, data, "--out", tmp_path / "x.jsonl", "--again", 0.5, "--again-out", tmp_path / "x.jsonl")
    assert annotate(server, data, "--stages", "basic", "--out", tmp_path / "first.jsonl") == 0
    with pytest.raises(InputError, match="already"):
        annotate(server, tmp_path / "first.jsonl", "--stages", "basic", "--out", tmp_path / "second.jsonl")


def test_many_failures_are_listed_in_part(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "many.jsonl"
    write_native(planted(24)[0], path)
    server.always = "refusal"
    assert annotate(server, path, "--stages", "basic", "--out", tmp_path / "a.jsonl") == 1
    err = capsys.readouterr().err
    assert err.count("missing: basic of pair") == cli_annotate.SHOWN_FAILURES
    assert "missing: 4 more" in err
    assert np.isnan(open_dataset(tmp_path / "a.jsonl").comparisons[:, :-1]).all()


def test_interrupted_it_says_where_the_answers_are_and_goes_on(
    server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    out = tmp_path / "annotated.jsonl"
    with monkeypatch.context() as patched:
        patched.setattr(cli_endpoint, "show_progress", press)
        with pytest.raises(KeyboardInterrupt):
            annotate(server, data, "--concurrency", 1, "--out", out)
    assert "the same command goes on from there" in capsys.readouterr().err
    assert not out.exists()
    assert server.requests < 3 * N
    assert annotate(server, data, "--out", out) == 0
    assert set(server.answered.values()) == {1}
