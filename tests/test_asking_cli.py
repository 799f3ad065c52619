"""The command `judge`: dry run, run, resumption, limits, and keys from the environment alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from dissection.endpoint import keys
from dissection.endpoint.address import Endpoint
from dissection.endpoint.faults import AddressRefusedError, UnauthorisedError
from dissection.errors import InputError
from dissection.labels import read_labels
from dissection.readers import open_dataset
from tests.asking_tools import KEY, TASTE, asking_command, laptop, marked_file, mind, server
from tests.chat_server import ChatServer, PlantedGrader
from tests.conftest import command

__all__ = ["laptop", "mind", "server"]  # the fixtures


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return marked_file(tmp_path, 8)


def judge(server: ChatServer, data: Path, *arguments: object) -> int:
    return asking_command("judge", server, data, *arguments)


def test_verdicts_join_the_pairs(server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "judged.jsonl"
    arguments = ["--instruction", "short=Prefer short answers.", "--instruction", "long=Prefer long answers.", "--out", out]
    assert judge(server, data, *arguments, "--price-in", "1000", "--price-out", "2000") == 0
    assert server.requests == 32
    found = open_dataset(out)
    assert found.judge_names == ("m/short", "m/long")
    assert not np.isnan(found.verdicts).any()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "32 calls; about" in captured.err
    assert "m/short: 16 verdicts of 16 asked, 16 of them from log-probabilities" in captured.err
    assert "spent: 32 requests" in captured.err
    assert judge(server, data, *arguments) == 0
    assert server.requests == 32, "the journal has them all"


def test_labels_are_read_by_the_option_labels(server: ChatServer, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    assert judge(server, data, "--write", "labels", "--out", out) == 0
    dataset = open_dataset(data)
    for report in read_labels(out, out.name, dataset):
        dataset = report.join(dataset)
    assert judge(server, data, "--out", tmp_path / "judged.jsonl") == 0
    np.testing.assert_allclose(dataset.verdicts, open_dataset(tmp_path / "judged.jsonl").verdicts)


def test_scores(server: ChatServer, data: Path, tmp_path: Path) -> None:
    server.mind = PlantedGrader(TASTE)
    out = tmp_path / "labels.jsonl"
    assert judge(server, data, "--mode", "scores", "--repeats", 2, "--round", 1, "--write", "labels", "--out", out) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 8
    assert {row["judge"] for row in rows} == {"m/round-1"}
    dataset = open_dataset(data)
    for report in read_labels(out, out.name, dataset):
        dataset = report.join(dataset)
    np.testing.assert_array_equal(dataset.labels[:, 0], [(1 + np.sign(row["score_a"] - row["score_b"])) / 2 for row in rows])


def test_a_dry_run_shows_five_pairs_whole_and_asks_nothing(server: ChatServer, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judge(server, data, "--dry-run") == 0
    out = capsys.readouterr().out
    assert server.requests == 0
    assert not (data.parent / "journal").exists()
    texts = open_dataset(data)
    for row in range(5):
        assert out.count(f"=== m, pair p{row + 1}, ab") == out.count(f"=== m, pair p{row + 1}, ba") == 1
        assert (texts.text(row, "response_a") or "?") in out
    assert "pair p6" not in out
    assert "Estimate: 16 calls; about" in out
    assert "no prices given" in out


def test_a_dry_run_of_some_pairs_shows_their_replies_and_the_run_does_not_ask_again(
    server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judge(server, data, "--dry-run=3", "--price-in", 1, "--price-out", 1) == 0
    out = capsys.readouterr().out
    assert server.requests == 6
    assert out.count("=== reply") == 6
    assert "likeliest first tokens" in out
    assert "Spent: 6 requests" in out
    assert judge(server, data, "--out", tmp_path / "judged.jsonl") == 0
    assert server.requests == 16
    assert set(server.answered.values()) == {1}


def test_a_budget_writes_what_there_is_and_says_so(
    server: ChatServer, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "judged.jsonl"
    assert judge(server, data, "--max-calls", 5, "--out", out) == 1
    assert server.requests == 5
    assert int((~np.isnan(open_dataset(out).verdicts)).sum()) == 5
    err = capsys.readouterr().err
    assert "The run stopped: the budget" in err
    assert judge(server, data, "--out", out) == 0
    assert server.requests == 16


def test_the_key_comes_from_the_environment_and_goes_into_no_file(
    server: ChatServer, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.key = KEY
    assert judge(server, data, "--out", tmp_path / "judged.jsonl") == 1
    assert server.requests <= 4, "a key that is missing ends the run"
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    judge(server, data, "--out", tmp_path / "judged.jsonl")
    assert not any("authorization" in heads for heads in server.heads), "other programs' keys stay with their own hosts"
    monkeypatch.setenv("DISSECTION_ENDPOINT_KEY", KEY)
    server.faults = ["echo"]
    assert judge(server, data, "--out", tmp_path / "judged.jsonl") == 0
    captured = capsys.readouterr()
    assert "key from DISSECTION_ENDPOINT_KEY" in captured.err
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) >= 3
    assert not any(KEY in text for text in (*written, captured.out, captured.err))


@pytest.mark.parametrize(
    ("address", "provider", "name"),
    [
        ("https://api.openai.com/v1", "", "OPENAI_API_KEY"),
        ("https://x.endpoints.huggingface.cloud/v1", "", "HF_TOKEN"),
        ("", "auto", "HF_TOKEN"),
        ("https://openai.com.example/v1", "", ""),
        ("https://notopenai.com/v1", "", ""),
        ("https://models.example/v1", "", ""),
    ],
)
def test_keys_of_other_programs_go_to_their_own_hosts(monkeypatch: pytest.MonkeyPatch, address: str, provider: str, name: str) -> None:
    monkeypatch.delenv("DISSECTION_ENDPOINT_KEY", raising=False)
    for variable in keys.KEYS_OF_HOSTS:
        monkeypatch.setenv(variable, variable.lower())
    endpoint = Endpoint("m", address, provider)
    assert keys.key_for(endpoint) == ((name.lower() or None), name)
    monkeypatch.setenv("DISSECTION_ENDPOINT_KEY", "own")
    assert keys.key_for(endpoint) == ("own", "DISSECTION_ENDPOINT_KEY")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mode", "grades"],
        ["--way", "words"],
        ["--orders", "aba"],
        ["--write", "csv"],
        ["--instruction", "no equals sign"],
        ["--instruction", "=text"],
        ["--instruction", "a=x", "--instruction", "a=y"],
        ["--budget", "1"],
        ["--price-in", "1"],
        ["--max-calls", "-1"],
        ["--concurrency", "0"],
        ["--repeats", "0", "--mode", "scores"],
        ["--round", "-1"],
        ["--max-tokens", "0"],
        ["--out", "labels.txt"],
    ],
)
def test_options_that_are_wrong_cost_nothing(server: ChatServer, data: Path, tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(InputError):
        judge(server, data, "--out", tmp_path / "x.jsonl", *arguments)
    assert server.requests == 0


def test_what_is_missing_is_named(server: ChatServer, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no place for the result"):
        judge(server, data)
    monkeypatch.delenv("DISSECTION_PRIVATE_ENDPOINTS")
    with pytest.raises(AddressRefusedError, match="DISSECTION_PRIVATE_ENDPOINTS=1"):
        judge(server, data, "--out", tmp_path / "x.jsonl")
    with pytest.raises(UnauthorisedError):
        command("judge", data, "--provider", "auto", "--model", "m", "--journal", str(tmp_path / "j"), "--out", str(tmp_path / "x.jsonl"))
    assert server.requests == 0
