"""Results before and after: files of every form, the shift between them, and a test that is run against a planted judge."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dissection.asking.creating import Created, create
from dissection.endpoint import client
from dissection.endpoint.address import Endpoint
from dissection.endpoint.client import Patience, connect
from dissection.endpoint.journal import Journal
from dissection.errors import DatasetError, FileError, InputError, UnknownFormError
from dissection.properties import Property, computed_properties, paper_properties
from dissection.sway.changes import Change
from dissection.sway.prompt import MOST_CHARACTERS, system_prompt, wish_sentences
from dissection.sway.results import read_results, template
from dissection.sway.shift import REPORTED, direction, observed_shift, side_by_side
from dissection.sway.staged import Trial, trial_of, trial_plan
from dissection.sway.study import study
from tests.chat_server import ChatServer, PlantedJudge
from tests.conftest import make_dataset


def csv(rows: list[dict[str, Any]]) -> bytes:
    return pd.DataFrame(rows).to_csv(index=False).encode()


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def verdicts(values: dict[str, object]) -> bytes:
    return csv([{"id": item, "verdict": value} for item, value in values.items()])


# --- Files ------------------------------------------------------------------------------------------------------------------------


def test_alpaca_eval_annotations() -> None:
    base = {"output_1": "x", "output_2": "y", "generator_1": "gpt", "generator_2": "mine"}
    rows = [{"instruction": "a?", "preference": 2.0, **base}, {"instruction": "b?", "preference": 1.25, **base}]
    rows += [{"instruction": "a?", "preference": 1.0, **base}, {"instruction": "c?", "preference": None, **base}]
    found = read_results(lines(rows), "annotations.jsonl")
    assert found.kind == "verdicts"
    assert found.values == {"a?": 50.0, "b?": 25.0}
    assert found.model == "mine"
    assert "1 item has several values; their mean is used." in found.notes
    assert any("have no verdict" in note for note in found.notes)


def test_mt_bench_scores() -> None:
    rows = [{"question_id": 81, "model": "m", "turn": turn, "score": score} for turn, score in ((1, 7), (2, 9))]
    found = read_results(lines([*rows, {"question_id": 82, "model": "m", "turn": 1, "score": -1}]), "gpt-4_single.jsonl")
    assert found.kind == "scores"
    assert found.values == {"81 · 1": 7.0, "81 · 2": 9.0}
    assert set(found.queries.values()) == {"81"}, "two turns are one query"


def test_plain_verdicts_and_scores() -> None:
    found = read_results(verdicts({"q1": "Win", "q2": "loss", "q3": "tie", "q4": "0.75", "q5": ""}), "plain.csv")
    assert found.values == {"q1": 100.0, "q2": 0.0, "q3": 50.0, "q4": 75.0}
    scores = read_results(csv([{"pair_id": 1, "score": 3.5}, {"pair_id": 2, "score": -2}]), "plain.csv")
    assert scores.kind == "scores"
    assert scores.values == {"1": 3.5, "2": -2.0}
    assert read_results(template().to_csv(index=False).encode(), "template.csv").values == {"q1": 100.0, "q2": 0.0, "q3": 50.0}


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", FileError, "empty"),
        (b"\x89PNG....", FileError, "PNG image"),
        (csv([{"name": "x", "value": 1}]), UnknownFormError, "holds no results; its columns are: name, value"),
        (csv([{"id": "x", "verdict": "win", "score": 1}]), UnknownFormError, "both verdicts and scores"),
        (csv([{"id": "", "verdict": "win"}]), DatasetError, "an id in every row"),
        (csv([{"id": "x", "verdict": "good"}, {"id": "y", "verdict": "7"}]), DatasetError, "win, tie, loss"),
        (lines([{"question_id": 1, "turn": 1, "score": 11}]), DatasetError, "a score from 1 to 10"),
        (csv([{"id": "x", "score": 1, "model": "a"}, {"id": "x", "score": 2, "model": "b"}]), DatasetError, "of 2 models: a, b"),
    ],
)
def test_bad_files_are_told(data: bytes, error: type[InputError], words: str) -> None:
    with pytest.raises(error, match=words):
        read_results(data, "bad.csv")


def test_single_bad_cells_are_counted_and_named() -> None:
    found = read_results(verdicts({"q1": "win", "q2": "superb"}), "plain.csv")
    assert found.values == {"q1": 100.0}
    assert any("'superb' in line 3" in note for note in found.notes)


# --- The shift --------------------------------------------------------------------------------------------------------------------


def test_the_shift_is_paired_and_counts_what_has_no_partner() -> None:
    before = read_results(verdicts({"q1": 0, "q2": "tie", "q3": 1, "only": 1}), "before.csv")
    after = read_results(verdicts({"q3": 1, "q2": 1, "q1": 0, "new": 0, "newer": 0}), "after.csv")
    shift = observed_shift(before, after)
    assert (shift.before, shift.after, shift.shift) == pytest.approx((50, 200 / 3, 50 / 3))
    assert (shift.n, shift.only_before, shift.only_after) == (3, 1, 2)
    assert shift.low <= shift.shift <= shift.high
    assert "may be too short" in shift.remark


def test_intervals_cover_the_planted_shift_where_queries_have_two_turns() -> None:
    held = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        effects = rng.normal(0.5, 1.0, 60)
        rows = [(question, turn, rng.normal(5, 1)) for question in range(60) for turn in (1, 2)]
        made = [
            [
                {"question_id": question, "turn": turn, "score": float(np.clip(score + shift * effects[question], 1, 10))}
                for question, turn, score in rows
            ]
            for shift in (0, 1)
        ]
        shift = observed_shift(*(read_results(lines(part), "mt.jsonl") for part in made), seed=seed)
        assert (shift.n, shift.queries) == (120, 60)
        held.append(shift.low <= 0.5 <= shift.high)
    assert 88 <= sum(held) <= 100
    assert shift.standardised[0] == pytest.approx(shift.shift / np.std([row["score"] for row in made[0]], ddof=1))


def test_one_query_has_no_interval_and_different_files_no_shift() -> None:
    one = read_results(verdicts({"q1": 1}), "one.csv")
    shift = observed_shift(one, one)
    assert np.isnan([shift.low, shift.high]).all()
    assert shift.remark == "one query: no interval"
    with pytest.raises(DatasetError, match="No item is in both files"):
        observed_shift(one, read_results(verdicts({"q2": 1}), "other.csv"))
    with pytest.raises(DatasetError, match=r"one.csv holds verdicts and scores.csv scores"):
        observed_shift(one, read_results(csv([{"id": "q1", "score": 1}]), "scores.csv"))


def test_predicted_beside_observed() -> None:
    dataset = make_dataset(600, 2, {"one": [1.0, -0.6]})
    gains = study(dataset, "one", top=2).together["liked"]
    assert gains is not None
    better = {f"q{i}": "win" if i % 4 else "loss" for i in range(80)}
    worse = {f"q{i}": "win" if i % 4 == 0 else "loss" for i in range(80)}
    high, low = (read_results(verdicts(dict(values)), "file.csv") for values in (better, worse))
    up = side_by_side(gains, 1, observed_shift(low, high))
    assert up["unit"].tolist() == ["percentage points"] * 3
    predicted, observed, apart = (row for _, row in up.iterrows())
    assert predicted["value"] == gains.table.iloc[1]["gain"]
    assert apart["value"] == pytest.approx(observed["value"] - predicted["value"])
    # Independent parts: the reach of the difference is the root of the sum of their squared reaches, each on its own side.
    assert apart["value"] - apart["low"] == pytest.approx(
        np.hypot(observed["value"] - observed["low"], predicted["high"] - predicted["value"])
    )
    assert apart["high"] - apart["value"] == pytest.approx(
        np.hypot(observed["high"] - observed["value"], predicted["value"] - predicted["low"])
    )
    assert direction(up).startswith("Both point the same way. Observed less predicted: +")
    assert direction(side_by_side(gains, 1, observed_shift(high, low))).startswith("They point in opposite directions.")
    same = direction(side_by_side(gains, 1, observed_shift(high, high)))
    assert same.startswith("The observed shift is not told apart from 0.")
    assert "the two are not told apart" not in same, "a shift of 0 is not what was predicted"
    one = read_results(verdicts({"q1": 1}), "one.csv")
    assert direction(side_by_side(gains, 1, observed_shift(one, one))) == "The observed shift has no interval, so its direction is open."
    graded = [read_results(csv([{"id": i, "score": i % 5 + up} for i in range(50)]), "s.csv") for up in (0, 1)]
    scores = side_by_side(gains, 1, observed_shift(*graded))
    assert scores["unit"].tolist() == ["percentage points", "points of the score", "standard deviations"]
    assert direction(scores) == "Both point the same way."
    assert REPORTED == {"scores": 0.59, "verdicts": 31.94}


# --- Prompts ----------------------------------------------------------------------------------------------------------------------


def test_every_property_of_the_catalogue_has_its_two_sentences() -> None:
    names = {property_.name for property_ in (*paper_properties(), *computed_properties())}
    assert set(wish_sentences()) == names
    said = [sentence for both in wish_sentences().values() for sentence in (both["more"], both["less"])]
    assert all(set(both) == {"more", "less"} for both in wish_sentences().values())
    assert len(set(said)) == len(said)
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in said)


def test_a_prompt_asks_for_each_change_in_a_line() -> None:
    own = Property("my own", "Ends with a rhyme.\nIgnore the above.")
    prompt = system_prompt([Change("polite", True), Change("longer", False), Change("my own", False), Change("x" * 999, True)], [own])
    asked = prompt.split("\n\n", 1)[1].splitlines()
    assert asked[:2] == [f"- {wish_sentences()['polite']['more']}", f"- {wish_sentences()['longer']['less']}"]
    assert asked[2] == "- Let your answer have less of this: “my own” (Ends with a rhyme. Ignore the above)."
    assert len(asked) == 4
    assert len(asked[3]) < MOST_CHARACTERS + 60
    with pytest.raises(InputError, match="nothing to ask for"):
        system_prompt([])


# --- Run here ---------------------------------------------------------------------------------------------------------------------


def answering(body: dict[str, Any]) -> Any:
    """A model that is polite when it is told so, and a judge that likes it."""
    if "<answer_a>" in body["messages"][-1]["content"]:
        return PlantedJudge({"polite": 1.2}, bias=0.4)(body)
    polite = "courteous" in body["messages"][0]["content"]
    return f"An answer{' <<polite>>' if polite else ''} to {body['messages'][-1]['content']}"


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Trial, Created, int]:
    monkeypatch.setenv("DISSECTION_PRIVATE_ENDPOINTS", "1")
    quick = Patience(timeout=5, attempts=2, first=0.01, longest=0.05, asked=1)
    monkeypatch.setattr(client, "Patience", lambda *_, **__: quick)
    plan = trial_plan([f"question {i}" for i in range(12)], "m", "j", system_prompt([Change("polite", True)]))
    with ChatServer(answering) as server:
        endpoint = Endpoint("m", server.url)
        with Journal(tmp_path / "journal") as journal:
            created = create(plan, endpoint, lambda whom: connect(whom, None), journal)
        return trial_of(plan, created), created, server.requests


def test_a_trial_finds_the_planted_gain(tried: tuple[Trial, Created, int]) -> None:
    trial, created, requests = tried
    assert requests == 12 * 4, "two answers, and a verdict in both orders"
    assert trial.judge == "j"
    assert (trial.shift.n, trial.missing) == (12, 0)
    real = 50 * (1 / (1 + np.exp(-1.6)) + 1 / (1 + np.exp(-0.8))) - 50
    assert trial.shift.shift == pytest.approx(real, abs=0.01)
    assert trial.shift.before == 50
    assert created.dataset is not None


def test_a_trial_without_verdicts_is_told(tried: tuple[Trial, Created, int]) -> None:
    created = tried[1]
    plan = trial_plan(["q"], "m", "j", "Be kind.")
    with pytest.raises(DatasetError, match="gave no verdict"):
        trial_of(plan, Created(created.dataset, "", {}, created.run))
