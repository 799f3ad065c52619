"""Annotation by a model: a planted annotator is asked through the protocol, and what was planted is found again."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dissection.annotating.annotation import Annotated, annotate
from dissection.annotating.plan import AnnotationPlan, paper_scenarios
from dissection.annotating.waves import expected_calls
from dissection.asking.judging import Plan, ask
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.calls import estimate
from dissection.endpoint.client import Patience, connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import Budget, Limits
from dissection.endpoint.run import Progress
from dissection.properties import offered_properties
from dissection.regression.fit import fit
from dissection.regression.model import choose_model
from tests.annotator_server import PAPER, QUERY_MARKS, PlantedAnnotator, kind, planted
from tests.asking_tools import STUBBORN, server
from tests.chat_server import Body, ChatServer, PlantedJudge, tagged

ROOT = Path(__file__).resolve().parents[1]
__all__ = ["server"]  # the fixture

FEW = AnnotationPlan(stages=("basic",))


@pytest.fixture
def mind() -> PlantedAnnotator:
    return PlantedAnnotator()


def go(server: ChatServer, folder: Path, dataset: PairDataset, plan: AnnotationPlan | None = None, **options: object) -> Annotated:
    endpoint = Endpoint("m", server.url)
    client = connect(endpoint, "key", patience=STUBBORN, allow_private=True)
    given = {"limits": Limits(8), **options}
    with Journal(folder) as journal:
        return annotate(dataset, plan or AnnotationPlan(), client, endpoint, journal, **given)  # type: ignore[arg-type]


def column(dataset: PairDataset, name: str) -> np.ndarray:
    return dataset.comparisons[:, dataset.property_names.index(name)]


def once_each(server: ChatServer) -> bool:
    return set(server.answered.values()) == {1}


# --- What was planted is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("reference", [False, True])
def test_every_planted_comparison_is_found(
    server: ChatServer, mind: PlantedAnnotator, tmp_path: Path, *, swapped: bool, reference: bool
) -> None:
    data, truth = planted(40, seed=3)
    found = go(server, tmp_path, data, AnnotationPlan(swapped=swapped, reference=reference))
    assert found.dataset.property_names == PAPER
    for name in truth:
        np.testing.assert_array_equal(column(found.dataset, name), truth[name], err_msg=name)
    queries = list(data.texts("query"))
    for condition, mark in QUERY_MARKS.items():
        assert found.dataset.conditions[condition].tolist() == [f"<<{mark}>>" in (query or "") for query in queries]
    assert (found.complete, found.unchecked, found.missing, found.run.failures) == (40, 0, (), ())
    errors = "errors-reference-1" if reference else "errors-1"
    holds = ["<<" in (query or "") for query in queries]
    asked = {row: f"query-check-1 {'reference-1 ' if reference else ''}basic-1 {errors}{' specific-1' * holds[row]}" for row in range(40)}
    assert found.dataset.pairs["meta.annotation"].tolist() == list(asked.values())
    assert set(found.dataset.pairs["meta.annotator"]) == {"m"}
    assert "Annotated by m (query-check-1" in found.dataset.notes[-1]
    assert mind.seen["specific"] == sum(holds) < 40, "asked only where something applies"
    first = next(body for body in server.bodies if kind(body) == "basic")
    assert tagged(first, "answer_a").startswith("response_b" if swapped else "response_a")


def test_annotate_ask_fit_finds_the_planted_taste_and_position_bias(tmp_path: Path) -> None:
    n, bias = 400, 0.4
    data, truth = planted(n, seed=11)
    rng = np.random.default_rng(5)
    taste = {name: float(weight) for name, weight in zip(truth, rng.normal(0, 0.6, len(truth.columns)), strict=True)}
    annotator = PlantedAnnotator()
    judge = PlantedJudge({name.replace(" ", "_").replace("-", "_"): weight for name, weight in taste.items()}, bias, sampled=True)

    def mind(body: Body) -> object:
        return judge(body) if "You compare two answers" in body["messages"][0]["content"] else annotator(body)

    with ChatServer(mind) as server:  # type: ignore[arg-type]
        annotated = go(server, tmp_path / "annotations", data).dataset
        endpoint = Endpoint("m", server.url)
        client = connect(endpoint, "key", patience=STUBBORN, allow_private=True)
        with Journal(tmp_path / "verdicts") as journal:
            judged = ask(annotated, Plan(way="text"), client, endpoint, journal, Limits(8)).dataset
    posterior = fit(judged, choose_model("standard", 0.5), groups=["All"])[0]
    weights = np.array([taste.get(name, 0.0) for name in judged.property_names])
    outside = (weights < posterior.low) | (weights > posterior.high)
    # Of 29 intervals at 95 %, 1.5 are expected to miss; five or more would come once in fifty seeds.
    assert outside.sum() <= 4
    assert np.corrcoef(weights, posterior.mean)[0, 1] > 0.9
    assert posterior.n == n
    found = posterior.position_bias
    assert found is not None
    assert found.low <= bias <= found.high


def test_scenarios_own_properties_and_a_second_annotation(server: ChatServer, mind: PlantedAnnotator, tmp_path: Path) -> None:
    data, _ = planted(30, seed=2)
    pairs = data.pairs.copy()
    pairs["query"] = [f"question {row // 3} {'<<code>>' if row < 15 else ''}" for row in range(30)]
    pairs["response_a"] = pairs["response_a"] + [" <<emoji>>" if row % 2 else "" for row in range(30)]
    mind.position = 0.5
    own = tuple(property_ for property_ in offered_properties() if property_.name in ("emoji", "warm"))
    plan = AnnotationPlan(stages=("basic",), own=own, scenarios=paper_scenarios(), again=0.4, seed=4)
    found = go(server, tmp_path, dataclasses.replace(data, pairs=pairs), plan)
    assert dict(mind.seen) == {"scenario": 10, "basic": 42, "own": 42}, "one query is asked about once"
    assert found.dataset.pairs["scenario"].tolist() == ["Code"] * 15 + ["Others"] * 15
    assert found.dataset.property_names[-3:] == ("emoji", "warm", "longer")
    assert found.dataset.properties[-3].family == "style"
    again = found.again
    assert again is not None
    assert len(again) == 12
    assert again.property_names == found.dataset.property_names
    assert again.judges == ()
    rows = found.dataset.pairs.index.get_indexer(again.pairs.index)
    shown = (found.dataset.comparisons[rows] - again.comparisons)[:, :-1] / 2
    assert shown.mean() > 0.2, "what is shown first is rated higher, so the two orders differ to its side"
    assert list(again.pairs["query"]) == list(found.dataset.pairs["query"].iloc[rows])


def test_what_cannot_be_checked_is_missing_and_said(server: ChatServer, tmp_path: Path) -> None:
    data, truth = planted(6)
    pairs = data.pairs.copy()
    pairs.loc["p2", "response_b"] += " <<unknowable>>"
    pairs.loc["p3", "response_a"] = None
    pairs.loc["p4", "query"] = None
    found = go(server, tmp_path, dataclasses.replace(data, pairs=pairs))
    severe = column(found.dataset, "no severe errors")
    assert np.isnan(severe).tolist() == [False, True, True, False, False, False]
    assert np.isnan(column(found.dataset, "polite")).tolist() == [False, False, True, False, False, False]
    assert np.isnan(column(found.dataset, "meets constraints")).tolist() == [False, False, True, True, False, False]
    assert found.dataset.assessed.tolist() == [True, False, False, False, True, True]
    assert (found.complete, found.unchecked) == (3, 1)
    assert dict(found.missing) == {
        "an answer has no text, so nothing was asked": 1,
        "there is no query to check or to sort": 1,
    }
    assert severe[0] == truth["no severe errors"].iloc[0]


# --- Faults -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["refusal", "rubbish", "wrong json", "400", "cut", "500", "timeout"])
def test_faults_become_missing_and_counted(server: ChatServer, tmp_path: Path, fault: str) -> None:
    data, truth = planted(6, specific=False)
    broken = {"wrong json": 2, "cut": 3, "500": 3, "timeout": 3, "400": 3}
    server.faults = [None, None, *([fault] * broken.get(fault, 1))]
    plan = AnnotationPlan(stages=("basic",), max_tokens=300)
    patience = Patience(timeout=0.3, attempts=3, first=0.01, longest=0.02) if fault == "timeout" else STUBBORN
    endpoint = Endpoint("m", server.url)
    with Journal(tmp_path) as journal:
        client = connect(endpoint, "key", patience=patience, allow_private=True)
        found = annotate(data, plan, client, endpoint, journal, Limits(1))
    missing = np.isnan(found.dataset.comparisons[:, :-1])
    assert missing[2].all()
    assert missing.sum() == missing[2].sum()
    assert column(found.dataset, "polite")[3] == truth["polite"].iloc[3]
    stage = found.stages[0]
    assert (stage.calls, stage.answered, stage.refused) == (6, 5, int(fault == "refusal"))
    assert [label for label, _ in stage.failures] == ["basic of pair p3, ab"]
    assert found.complete == 5
    assert found.missing == (("no usable reply to the question on basic properties", 1),)
    assert "1 call of the annotation had no usable reply" in found.dataset.notes[-1]
    assert found.dataset.pairs["meta.annotation"].isna().tolist() == missing[:, 0].tolist()


def test_a_check_that_failed_leaves_what_depends_on_it_missing(server: ChatServer, mind: PlantedAnnotator, tmp_path: Path) -> None:
    data, truth = planted(5, seed=1)
    server.faults = ["refusal"]
    found = go(server, tmp_path, data, AnnotationPlan(stages=("check", "specific")), limits=Limits(1))
    specific = found.dataset.comparisons[:, :5]
    assert np.isnan(specific[0]).all()
    np.testing.assert_array_equal(specific[1:], truth.iloc[1:, 23:28])
    assert not any(mask[0] for mask in found.dataset.conditions.values())
    assert mind.seen["check"] == 4
    assert mind.seen["specific"] <= 4


@pytest.mark.parametrize(("fault", "waits"), [("refusal", False), ("400", True)])
def test_a_reference_that_failed_for_now_is_waited_for(server: ChatServer, tmp_path: Path, fault: str, *, waits: bool) -> None:
    data, _ = planted(3, specific=False)
    server.faults = [fault] * (1 if fault == "refusal" else 3)
    plan = AnnotationPlan(stages=("errors",), reference=True)
    found = go(server, tmp_path, data, plan, limits=Limits(1))
    assert bool(np.isnan(column(found.dataset, "no severe errors")[0])) is waits
    again = go(server, tmp_path, data, plan, limits=Limits(1))
    assert not np.isnan(again.dataset.comparisons).any()
    assert once_each(server)
    said = [versions.split()[-1] for versions in again.dataset.pairs["meta.annotation"]]
    assert said == ["errors-reference-1" if waits else "errors-1", "errors-reference-1", "errors-reference-1"]


# --- Limits and resumption --------------------------------------------------------------------------------------------------------


def test_one_budget_holds_over_all_stages_also_when_resumed(server: ChatServer, tmp_path: Path) -> None:
    data, _ = planted(12, seed=6)
    whole = len({call.key(Endpoint("m", server.url)) for call in expected_calls(data, AnnotationPlan())})
    for most in (5, 20, 30):
        found = go(server, tmp_path, data, limits=Limits(3, budget=Budget(calls=most)))
        assert server.requests == found.run.spent.requests == most
        assert "budget" in found.run.stopped
    # A check that is asked again must not go beyond the budget for what later stages have spent.
    found = go(server, tmp_path, data, limits=Limits(3, budget=Budget(calls=30)))
    assert server.requests == 30
    found = go(server, tmp_path, data)
    assert found.run.failures == ()
    assert server.requests == found.run.spent.requests <= whole
    assert once_each(server)


def test_the_estimate_is_an_upper_bound_and_nothing_is_left_afterwards(server: ChatServer, tmp_path: Path) -> None:
    data, _ = planted(10, seed=7)
    endpoint, plan = Endpoint("m", server.url), AnnotationPlan(reference=True, again=0.5)
    before = estimate(expected_calls(data, plan), endpoint)
    seen: list[Progress] = []
    found = go(server, tmp_path, data, plan, progress=seen.append)
    assert len(found.run.outcomes) <= before.calls
    assert sum(len(str(body["messages"])) for body in server.bodies) / 4 < before.tokens_in
    assert seen[0].total == before.calls
    assert [step.done for step in seen] == list(range(1, len(found.run.outcomes) + 1))
    assert seen[-1].done == seen[-1].total == len(found.run.outcomes)
    with Journal(tmp_path) as journal:
        after = estimate(expected_calls(data, plan, endpoint, journal), endpoint, finished=journal)
    assert (after.calls, after.finished) == (0, len(found.run.outcomes))


KILLED = """
import os, signal, sys
from pathlib import Path
from dissection.annotating.plan import AnnotationPlan
from dissection.endpoint.limits import Limits
from tests.annotator_server import planted
from tests.test_annotating import go
from tests.chat_server import ChatServer
class Server:
    url = sys.argv[1]
def die(progress):
    if progress.done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
go(Server, Path(sys.argv[2]), planted(12, seed=6)[0], limits=Limits(1), progress=die)
"""


def test_killed_in_any_stage_and_resumed_no_call_is_made_twice(server: ChatServer, tmp_path: Path) -> None:
    for at in (5, 20, 40):  # checks, basic, errors or specific
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, server.url, str(tmp_path), str(at)], cwd=ROOT, env=os.environ, check=False, timeout=60
        )
        assert ended.returncode == -signal.SIGKILL
        assert server.requests == at
    data, truth = planted(12, seed=6)
    found = go(server, tmp_path, data)
    assert found.run.from_journal == 40
    assert once_each(server)
    np.testing.assert_array_equal(found.dataset.comparisons[:, :28], truth)


def test_cancelling_keeps_what_there_is(server: ChatServer, tmp_path: Path) -> None:
    data, _ = planted(8)
    found = go(server, tmp_path, data, limits=Limits(1), cancelled=lambda: server.requests >= 10)
    assert found.run.stopped == "cancelled"
    assert server.requests == 10
    assert np.isnan(column(found.dataset, "no severe errors")).all()
    assert go(server, tmp_path, data).complete == 8
