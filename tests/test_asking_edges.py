"""What seldom happens while models are asked: interruptions, disks that fail, strange replies, and views with hardly anything to show."""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from dissection import cli_endpoint, cli_judge
from dissection.asking.queries import read_queries
from dissection.asking.scores import read_scores
from dissection.asking.verdicts import read_verdicts
from dissection.dashboard import asking_calls, asking_jobs
from dissection.endpoint import client, faults
from dissection.endpoint.address import Endpoint
from dissection.endpoint.journal import NAME, Journal
from dissection.endpoint.run import Progress
from dissection.errors import DatasetError, InputError
from dissection.judges import Judge
from tests.asking_app import opened
from tests.asking_tools import KEY, ask, asking_command, laptop, marked, marked_file, mind, press, questions, server
from tests.chat_server import Body, ChatServer
from tests.conftest import command
from tests.test_answer_cli import answer
from tests.test_judges_page import connect, instruct, said
from tests.test_pages import Open, open_page, run

__all__ = ["laptop", "mind", "open_page", "server"]  # the fixtures


# --- Strange replies --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, 5, ["A"], {"text": "A"}])
def test_a_reply_without_a_text_is_no_answer(server: ChatServer, monkeypatch: pytest.MonkeyPatch, content: object) -> None:
    real = server.server.RequestHandlerClass.completion  # type: ignore[attr-defined]

    def strange(handler: object, body: Body, words: str) -> Body:
        made: Body = real(handler, body, words)
        made["choices"][0]["message"] = {"role": "assistant", "content": content}
        return made

    monkeypatch.setattr(server.server.RequestHandlerClass, "completion", strange)
    server.mind = lambda _: "A"
    with pytest.raises(faults.RubbishError, match="no answer of the chat protocol"):
        client.connect(Endpoint("m", server.url), None).chat(questions(1)[0].messages)


def test_nothing_is_asked_offline(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = client.connect(Endpoint("m", server.url), None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(faults.UnreachableError, match="HF_HUB_OFFLINE is set"):
        asking.chat(questions(1)[0].messages)
    assert server.requests == 0


# --- Disks and interruptions ------------------------------------------------------------------------------------------------------


def test_a_journal_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(faults.JournalError, match="name a folder with room"), Journal(tmp_path / "taken"):
        pass
    assert (tmp_path / "taken").read_text() == "mine"


def test_an_answer_that_is_half_written_is_taken_back(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.mind = lambda _: "A"
    ask(server, tmp_path, questions(2))
    before = (tmp_path / NAME).read_bytes()
    real = os.fsync

    def broken(number: int) -> None:
        real(number)
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(faults.JournalError, match="input/output error"):
            ask(server, tmp_path, questions(3))
    assert (tmp_path / NAME).read_bytes() == before
    assert ask(server, tmp_path, questions(3)).from_journal == 2


def test_a_key_that_is_pressed_ends_a_run_that_goes_on_later(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(progress: Progress) -> None:
        if progress.done == 5:
            raise KeyboardInterrupt

    data = marked_file(tmp_path, 20)
    monkeypatch.setattr(cli_endpoint, "show_progress", pressed)
    with pytest.raises(KeyboardInterrupt):
        asking_command("judge", server, data, "--out", tmp_path / "judged.jsonl", "--concurrency", 1)
    assert server.requests == 5
    assert "Interrupted. What was answered is kept in" in capsys.readouterr().err
    assert not (tmp_path / "judged.jsonl").exists()
    monkeypatch.undo()
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    assert asking_command("judge", server, data, "--out", tmp_path / "judged.jsonl") == 0
    assert server.requests == 40
    assert set(server.answered.values()) == {1}


def test_a_fault_of_ours_is_said_without_its_words(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"with {KEY}")

    monkeypatch.setattr(asking_jobs, "make_room", broken)
    at = press(opened(server.url, key=KEY), "start-calls")
    assert "It failed here with RuntimeError" in at.error[0].value
    assert KEY not in at.error[0].value
    assert not asking_jobs.runs()._running, "its place is free again"
    monkeypatch.undo()


# --- The command line -------------------------------------------------------------------------------------------------------------


def test_what_was_left_out_and_how_far_it_is(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli_endpoint, "looked_at", lambda: True)
    server.offers -= {"logprobs", "top20"}
    server.mind = lambda _: "A"
    prices = ("--price-in", 1, "--price-out", 1)
    assert asking_command("judge", server, marked_file(tmp_path, 3), "--out", tmp_path / "judged.jsonl", *prices) == 0
    err = capsys.readouterr().err
    assert "note: the endpoint does not take 20 log-probabilities, log-probabilities, so it was asked without" in err
    assert "\r6 of 6 calls, cost so far 0.00" in err


def test_nothing_written_is_not_said_to_be_somewhere(server: ChatServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server.always = "400"
    assert answer(server, tmp_path) == 1
    err = capsys.readouterr().err
    assert "Nothing is written: No query has two answers." in err
    assert "→" not in err
    assert not (tmp_path / "out.jsonl").exists()


def test_more_win_rates_than_anybody_reads_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    data = marked(30)
    table = data.pairs.copy()
    table["model_a"], table["model_b"] = [f"m{row % 6}" for row in range(30)], [f"m{row // 6}" for row in range(30)]
    sides = np.column_stack([np.arange(30) % 2.0, np.full(30, np.nan)])
    cli_judge.say_win_rates(dataclasses.replace(data, pairs=table).with_judge(Judge("j"), sides), "j")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 13
    assert lines[-1].startswith("… and ")
    assert lines[-1].endswith(" win rates more")


def test_what_a_command_can_not_do_without(server: ChatServer, tmp_path: Path) -> None:
    data = marked_file(tmp_path, 3)
    two = ["--instruction", "a=x", "--instruction", "b=y"]
    with pytest.raises(InputError, match="of one judge"):
        asking_command("judge", server, data, "--out", tmp_path / "x.jsonl", "--dpo", tmp_path / "d.jsonl", *two)
    bare = ["--endpoint", server.url, "--model", "m"]
    with pytest.raises(InputError, match="no place for the journal"):
        command("judge", data, *bare, "--out", tmp_path / "x.jsonl")
    (tmp_path / "q.txt").write_text("one\n")
    with pytest.raises(InputError, match="no place for the result"):
        command("answer", tmp_path / "q.txt", *bare, "--journal", tmp_path / "j")
    assert server.requests == 0


def test_outcomes_of_other_calls_are_refused() -> None:
    with pytest.raises(InputError, match="0 outcomes came of 4 calls"):
        read_verdicts(marked(2), [])
    with pytest.raises(InputError, match="0 outcomes came of 12 calls"):
        read_scores(marked(2), [])


def test_queries_of_a_file_of_plain_lines_and_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_queries(json.dumps([{"query": "a"}, {"query": None}, {"query": "a"}]).encode(), "q.json").notes == (
        "1 empty query left out",
        "1 query left out, as the same was there before",
    )
    monkeypatch.setattr("dissection.asking.queries.MAX_QUERIES", 2)
    with pytest.raises(DatasetError, match="There are 3 queries"):
        read_queries(b"a\nb\nc\n", "q.txt")


# --- The page ---------------------------------------------------------------------------------------------------------------------


def test_one_model_without_a_judge(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda body: f"{body['messages'][-1]['content']} {body['seed']}"
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.text_area(key="online-queries").set_value("only one")
    run(at)
    at.toggle(key="online-verdicts").set_value(False)
    press(run(at), "start-online")
    assert server.requests == 2
    assert "1 pair, 0 judges" in said(at)
    assert "No judge was asked" in "".join(info.value for info in at.info)


def test_one_model_has_nobody_to_win_against(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda body: "A" if "<answer_a>" in body["messages"][-1]["content"] else f"answer {body['seed']}"
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.text_area(key="online-queries").set_value("one\ntwo")
    press(run(at), "start-online")
    assert "One model gave all answers, so there is nobody to win against" in said(at)
    assert "2 ties" in said(at), "it always prefers what is shown first"


def test_two_models_and_a_judge_that_says_nothing(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: "I would rather not."
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.text_area(key="online-queries").set_value("one\ntwo")
    run(at)
    at.text_input(key="online-model-2").set_value("n")
    press(run(at), "start-online")
    assert "No pair of two models has a verdict" in said(at)
    assert "2 pairs without a verdict or a text" in said(at)


def test_a_judge_that_names_no_side_is_not_added(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda _: "Both have their merits."
    at = connect(open_page("judges", marked_file(tmp_path, 3)), server)
    press(at, "start-judges")
    assert "No pair got a verdict, so there is nothing to add" in said(at)
    assert not any(button.key == "judges-add" for button in at.button)


def test_no_instruction_is_ticked(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    at = connect(open_page("judges", marked_file(tmp_path, 3)), server)
    instruct(at)
    assert "No instruction is ticked" in "".join(info.value for info in run(at).info)
    assert not any(button.key == "start-judges" for button in at.button)


def test_queries_of_a_file(open_page: Open, server: ChatServer, tmp_path: Path) -> None:
    server.mind = lambda body: f"answer {body['seed']}"
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.button_group(key="queries-from").set_value("file")
    assert "Give some queries" in said(run(at))
    at.file_uploader(key="online-file").upload("q.csv", b"query,n\none,1\ntwo,2\none,3\n", "text/csv")
    assert "1 query left out, as the same was there before" in said(run(at))
    assert "2 answers to each of 2 queries by m" in said(at)
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.button_group(key="queries-from").set_value("file")
    run(at).file_uploader(key="online-file").upload("p.csv", b"prompt,n\none,1\n", "text/csv")
    assert "no column 'query'" in "".join(info.value for info in run(at).info)


def test_more_than_a_page_can_hold_is_refused(open_page: Open, server: ChatServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(asking_calls, "MOST_CALLS", 20)
    assert "20 calls" in said(connect(open_page("judges", marked_file(tmp_path, 10)), server))
    (tmp_path / "more").mkdir()
    at = connect(open_page("judges", marked_file(tmp_path / "more", 11)), server)
    info = "".join(info.value for info in at.info)
    assert "These would be 22 calls." in info
    assert "up to 20 calls" in info
    assert not any(button.key == "start-judges" for button in at.button)


def test_prompts_of_answers_that_may_be_very_long_are_refused_before_they_are_made(
    open_page: Open, server: ChatServer, tmp_path: Path
) -> None:
    at = connect(open_page("judges", marked_file(tmp_path, 2), ask="online"), server)
    at.text_area(key="online-queries").set_value("one\ntwo")
    run(at).number_input(key="online-tokens").set_value(10**9)
    assert "with prompts of 32,000,000,000 characters" in "".join(info.value for info in run(at).info)
    assert not any(button.key == "start-online" for button in at.button)
