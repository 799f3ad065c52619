"""Grades of answers, rounds, and datasets from queries alone."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from dissection.asking.judging import Plan, ask
from dissection.asking.online import answer_calls, chosen_rejected, pair_up, win_rates
from dissection.asking.scores import Grades, best_against_worst, means_of, score_calls
from dissection.asking.scores import answer_calls as grade_calls
from dissection.asking.verdicts import Instruction
from dissection.endpoint.address import Endpoint
from dissection.endpoint.client import connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Limits
from dissection.endpoint.run import run
from dissection.errors import DatasetError, InputError
from dissection.judges import Judge
from dissection.regression.fit import fit
from tests.asking_tools import STUBBORN, marked
from tests.chat_server import Body, ChatServer, PlantedGrader, PlantedJudge

TASTE = {"p0": 1.0, "p1": -1.0, "p2": 0.0}


def graded(server: ChatServer, folder: Path, plan: Plan, n: int = 60) -> tuple[object, Grades]:
    endpoint = Endpoint("m", server.url)
    client = connect(endpoint, None, patience=STUBBORN, allow_private=True)
    with Journal(folder) as journal:
        found = ask(marked(n), plan, client, endpoint, journal, Limits(8))
    grades = next(iter(found.found.values()))
    assert isinstance(grades, Grades)
    return found.dataset, grades


def test_the_higher_grade_wins_and_equal_is_a_tie(tmp_path: Path) -> None:
    data = marked(200)
    with ChatServer(PlantedGrader(TASTE)) as server:
        dataset, grades = graded(server, tmp_path, Plan("scores", repeats=1), n=200)
        assert sum(server.answered.values()) == 400
    odds = data.comparisons @ np.array(list(TASTE.values()))
    np.testing.assert_array_equal(grades.verdicts[:, 0], np.where(odds > 0, 1.0, np.where(odds < 0, 0.0, 0.5)))
    assert np.isnan(grades.verdicts[:, 1]).all()
    assert (grades.verdicts[:, 0] == 0.5).any()
    posterior = fit(dataset, groups=["All"])[0]  # type: ignore[arg-type]
    assert posterior.low[0] > 0 > posterior.high[1]


def test_repeats_are_averaged_and_differ_in_their_seed(tmp_path: Path) -> None:
    def mind(body: Body) -> str:
        return json.dumps({"reason": "r", "score": 1 + body["seed"] * 2})

    with ChatServer(mind) as server:
        _, grades = graded(server, tmp_path, Plan("scores", repeats=3), n=2)
        assert {body["temperature"] for body in server.bodies} == {1.0}
    np.testing.assert_array_equal(grades.values, np.full((2, 2), 3.0))
    assert grades.counts.sum() == 12
    assert (grades.verdicts[:, 0] == 0.5).all()


def test_a_grade_that_is_none_leaves_the_mean_of_the_others(tmp_path: Path) -> None:
    def mind(body: Body) -> str:
        return "4, I think" if body["seed"] == 0 else '{"reason": "r", "score": 2}'

    with ChatServer(mind) as server:
        _, grades = graded(server, tmp_path, Plan("scores", repeats=2), n=2)
    assert (grades.counts == 1).all()
    assert (grades.values == 2).all()
    assert len(grades.failed) == 4
    assert "4 calls without a grade" in grades.sentence()
    means, counts = means_of(np.array([[math.nan, math.nan], [1.0, math.nan]]))
    assert math.isnan(means[0])
    assert means[1] == 1
    assert counts.tolist() == [0, 1]


def test_rounds_are_judges_of_their_own(tmp_path: Path) -> None:
    plan = Plan("scores", (Instruction(), Instruction("brief", "Short is good.")), repeats=1, round=2)
    assert plan.judges("m") == ["m/round-2", "m/round-2/brief"]
    with ChatServer(PlantedGrader(TASTE)) as server:
        dataset, _ = graded(server, tmp_path, plan, n=3)
    assert dataset.judge_names == ("m/round-2", "m/round-2/brief")  # type: ignore[attr-defined]
    with pytest.raises(InputError):
        score_calls(marked(2), repeats=0)


def test_best_against_worst_of_k() -> None:
    queries = [f"q{row}" for row in range(40)]
    answers = [["bad", "good", "middling"]] * 38 + [["x", "y", "z"], ["only", "one", "graded"]]
    grades = [[1.0, 5.0, 3.0]] * 38 + [[2.0, 2.0, 2.0], [math.nan, 4.0, math.nan]]
    found = best_against_worst("m", queries, answers, grades)
    assert len(found) == 39, "one graded answer makes no pair"
    sides = found.pairs["response_a"].to_numpy()[:38]
    assert set(sides) == {"good", "bad"}, "sides are drawn"
    np.testing.assert_array_equal(found.labels[:38, 0], (sides == "good").astype(float))
    assert found.labels[38, 0] == 0.5
    assert len(grade_calls(queries, answers, repeats=2)) == 40 * 3 * 2
    with pytest.raises(DatasetError):
        best_against_worst("m", ["q"], [["a", "b"]], [[math.nan, 1.0]])


def test_from_queries_alone_to_win_rates_and_training_pairs(tmp_path: Path) -> None:
    queries = [f"What is {number}?" for number in range(60)]
    models = ("plain", "polite")
    calls = answer_calls(queries, instruction="Be short.")
    outcomes = []
    for model in models:
        mark = "<<polite>>" if model == "polite" else "so"
        with (
            ChatServer(lambda body, mark=mark: f"{mark} {body['messages'][-1]['content']}") as server,
            Journal(tmp_path / model) as journal,
        ):  # type: ignore[misc]
            endpoint = Endpoint(model, server.url)
            server.faults = ["400"] if model == "polite" else []
            made = run(calls, connect(endpoint, None, patience=STUBBORN, allow_private=True), endpoint, journal, Limits(1))
            assert server.bodies[0]["messages"][0] == {"role": "system", "content": "Be short."}
            outcomes.append(made.outcomes)
    dataset = pair_up(queries, models, outcomes[0], outcomes[1])
    assert len(dataset) == 59, "a query without both answers makes no pair"
    assert {*dataset.pairs["model_a"]} == set(models), "sides are drawn"
    assert dataset.text(0, "query") == "What is 1?"
    with ChatServer(PlantedJudge({"polite": 1.0}, bias=0.5)) as server, Journal(tmp_path / "judge") as journal:
        endpoint = Endpoint("j", server.url)
        judged = ask(dataset, Plan(), connect(endpoint, None, patience=STUBBORN, allow_private=True), endpoint, journal).dataset
    rates = {(rate.model, rate.other): rate for rate in win_rates(judged, "j")}
    polite, plain = rates["polite", "plain"], rates["plain", "polite"]
    expected = (1 / (1 + math.exp(-1.5)) + 1 / (1 + math.exp(-0.5))) / 2
    assert polite.rate == pytest.approx(expected)
    assert polite.rate + plain.rate == pytest.approx(1)
    assert polite.interval == "none: all verdicts are equal", "its taste is the same in every pair"
    assert math.isnan(polite.low)
    assert polite.n == 59
    export = chosen_rejected(judged, "j")
    rows = [json.loads(line) for line in export.lines.splitlines()]
    assert (export.written, export.ties, export.missing) == (59, 0, 0)
    assert all(row["chosen"].startswith("<<polite>>") and row["rejected"].startswith("so") for row in rows)
    assert rows[0] == {**rows[0], "prompt": "What is 1?", "margin": pytest.approx(2 * expected - 1, abs=1e-6)}


def test_win_rates_of_sides_have_wilsons_interval_and_ties_are_left_out_of_training() -> None:
    data = marked(10)
    pairs = data.pairs.copy()
    pairs["model_a"], pairs["model_b"] = "x", "y"
    sides = np.full((10, 2), np.nan)
    sides[:, 0] = [1] * 8 + [0] * 2
    import dataclasses

    data = dataclasses.replace(data, pairs=pairs).with_judge(Judge("hard"), sides)
    soft = sides.copy()
    soft[:3, 0] = [0.5, math.nan, 0.75]
    data = data.with_judge(Judge("soft"), soft).with_judge(Judge("silent"), np.full((10, 2), np.nan))
    rate = next(found for found in win_rates(data, "hard") if found.model == "x")
    assert (rate.rate, rate.n, rate.interval) == (0.8, 10, "Wilson")
    assert (rate.low, rate.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    silent = win_rates(data, "silent")[0]
    assert silent.n == 0
    assert silent.interval.startswith("none")
    export = chosen_rejected(data, "soft")
    assert (export.written, export.ties, export.missing) == (8, 1, 1)
    assert json.loads(export.lines.splitlines()[0])["margin"] == 0.5
    with pytest.raises(DatasetError):
        win_rates(marked(3).with_judge(Judge("j"), np.full((3, 2), np.nan)), "j")


def test_no_queries() -> None:
    with pytest.raises(InputError, match="no queries"):
        answer_calls([])
    with pytest.raises(InputError, match="empty"):
        answer_calls(["a", " "])
