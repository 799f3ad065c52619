"""Verdicts of models: a judge of planted taste is asked through the protocol, and its taste is found again."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dissection.asking.judging import Plan, ask
from dissection.asking.prompts import messages, template
from dissection.asking.verdicts import Instruction, Order, Verdicts, judge_name, read_answer, read_text, verdict_calls
from dissection.dataset import PairDataset
from dissection.endpoint.address import Endpoint
from dissection.endpoint.client import connect
from dissection.endpoint.journal import Journal
from dissection.endpoint.limits import USUAL, Limits
from dissection.endpoint.protocol import Answer, Letter
from dissection.endpoint.run import Run
from dissection.errors import DatasetError, InputError, LabelError, UnknownNameError
from dissection.judges import DATA_FOLDER
from dissection.regression.fit import fit
from dissection.regression.model import choose_model
from tests.asking_tools import BIAS, STUBBORN, TASTE, marked
from tests.chat_server import ChatServer, Mind, PlantedJudge, tagged
from tests.conftest import make_dataset


def asked(
    server: ChatServer, dataset: PairDataset, folder: Path, plan: Plan | None = None, limits: Limits = USUAL
) -> tuple[PairDataset, Verdicts, Run]:
    endpoint = Endpoint("m", server.url)
    client = connect(endpoint, "key", patience=STUBBORN, allow_private=True)
    with Journal(folder) as journal:
        found = ask(dataset, plan or Plan(), client, endpoint, journal, limits)
    first = next(iter(found.found.values()))
    assert isinstance(first, Verdicts)
    return found.dataset, first, found.run


# --- The whole way ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "offered"), [("letter", True), ("text", True), ("letter", False)])
def test_a_planted_taste_and_position_bias_are_found_again(tmp_path: Path, way: str, offered: bool) -> None:
    mind: Mind = PlantedJudge(TASTE, BIAS, sampled=way == "text")
    if not offered:
        planted = PlantedJudge(TASTE, BIAS, sampled=True)
        mind = lambda body: planted(body)[-3]  # type: ignore[index]  # noqa: E731 - the letter within the brackets
    n = 500
    with ChatServer(mind) as server:
        server.offers -= set() if offered else {"logprobs", "top20"}
        dataset, verdicts, made = asked(server, marked(n, seed=1), tmp_path, Plan(way=way), Limits(8))  # type: ignore[arg-type]
        assert sum(server.answered.values()) == 2 * n
    assert made.failures == ()
    assert verdicts.soft == (2 * n if way == "letter" and offered else 0)
    # A prior as wide as the taste, so that the ends are those of the verdicts and not of the usual prior, which draws towards 0.
    posterior = fit(dataset, choose_model("standard", 0.5), groups=["All"])[0]
    assert posterior.judge == "m"
    assert posterior.n == n
    truth = np.array(list(TASTE.values()))
    assert (posterior.low <= truth).all()
    assert (truth <= posterior.high).all()
    bias = posterior.position_bias
    assert bias is not None
    assert bias.low <= BIAS <= bias.high
    assert posterior.decided.tolist() == [True, True, False]


def test_both_orders_are_kept_in_terms_of_a_and_b(tmp_path: Path) -> None:
    data = marked(6)
    with ChatServer(PlantedJudge(TASTE, BIAS)) as server:
        found, _, _ = asked(server, data, tmp_path)
    odds = data.comparisons @ np.array(list(TASTE.values()))
    expected = np.column_stack([1 / (1 + np.exp(-(odds + BIAS))), 1 / (1 + np.exp(-(odds - BIAS)))])
    np.testing.assert_allclose(found.verdicts[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(found.labels[:, 0], expected.mean(axis=1), atol=1e-9)
    assert found.own_judges == ("m",)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_one_order_alone(tmp_path: Path, order: Order) -> None:
    with ChatServer(PlantedJudge(TASTE)) as server:
        found, _, _ = asked(server, marked(4), tmp_path, Plan(orders=(order,)))
        assert server.requests == 4
        assert ("answer b" in tagged(server.bodies[0], "answer_a")) == (order == "ba")
    other = 1 if order == "ab" else 0
    assert np.isnan(found.verdicts[:, 0, other]).all()
    assert not np.isnan(found.verdicts[:, 0, 1 - other]).any()


def test_instructions_make_judges_of_their_own(tmp_path: Path) -> None:
    def mind(body: dict[str, object]) -> dict[str, float]:
        likes = "short" in body["messages"][0]["content"]  # type: ignore[index]
        return {"A": 0.9, "B": 0.1} if likes else {"A": 0.2, "B": 0.8}

    plan = Plan(instructions=(Instruction("brief", "Prefer short answers."), Instruction("long", "Prefer length.")), orders=("ab",))
    with ChatServer(mind) as server:
        found, _, _ = asked(server, marked(3), tmp_path, plan)
    assert found.judge_names == ("m/brief", "m/long")
    np.testing.assert_allclose(found.labels, [[0.9, 0.2]] * 3)


def test_refusals_and_failures_are_missing_and_not_sides(tmp_path: Path) -> None:
    with ChatServer(PlantedJudge(TASTE)) as server:
        server.faults = ["refusal", "400", "400", "400", "filter"]  # with 20, with 5 and without log-probabilities
        found, verdicts, made = asked(server, marked(4), tmp_path, Plan(orders=("ab",)), Limits(1))
        server.mind = lambda _: "A fair question, but I can't choose between them."
        _, silent, _ = asked(server, marked(4), tmp_path / "2", Plan(orders=("ab",)))
    assert np.isnan(found.verdicts[:3, 0, 0]).all()
    assert not np.isnan(found.verdicts[3, 0, 0])
    assert [label for label, _ in verdicts.failed] == ["pair p1, ab", "pair p2, ab", "pair p3, ab"]
    assert len(made.failures) == 3
    assert np.isnan(silent.values).all()
    assert len(silent.unread) == 4
    assert "4 replies name no side" in silent.sentence()


def test_a_refusal_with_likely_letters_is_no_side() -> None:
    place = (Letter("I", -0.1), Letter("A", -3.0), Letter("B", -9.0))
    assert math.isnan(read_answer(Answer("I won't judge this.", top_logprobs=(place,))).first)


def test_pairs_without_texts_are_not_asked(tmp_path: Path) -> None:
    data = marked(4)
    pairs = data.pairs.copy()
    pairs.loc["p2", "response_b"] = None
    data = dataclasses.replace(data, pairs=pairs)
    with ChatServer(PlantedJudge(TASTE)) as server:
        found, verdicts, _ = asked(server, data, tmp_path)
        assert server.requests == 6
    assert np.isnan(found.verdicts[1]).all()
    assert np.isnan(found.verdicts).sum() == 2
    assert verdicts.asked == 6
    with pytest.raises(DatasetError, match="no answers to judge"):
        verdict_calls(make_dataset())


def test_names_are_refused_before_anything_is_paid(tmp_path: Path) -> None:
    with ChatServer(PlantedJudge(TASTE)) as server:
        data, _, _ = asked(server, marked(2), tmp_path)
        before = server.requests
        with pytest.raises(LabelError, match="already a judge"):
            asked(server, data, tmp_path / "other")
        with pytest.raises(LabelError):
            asked(server, marked(2), tmp_path, Plan(instructions=(Instruction("<b>"),)))
        assert server.requests == before
    with pytest.raises(InputError):
        Plan(instructions=(Instruction("x"), Instruction("x")))
    assert judge_name("org/model") == "org/model"


# --- Reading --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "side"),
    [("A", 1.0), (" B\n", 0.0), ("**A**", 1.0), ("(B).", 0.0), ("[[A]]", 1.0), ("Shorter, so [[B]].", 0.0), ("[[C]]", 0.5), ("C", 0.5),
     ('{"verdict": "A"}', 1.0), ('{"verdict": "C", "reason": "equal"}', 0.5), ("[[A]] and again [[A]]", 1.0)],
)  # fmt: skip
def test_replies_that_name_a_side(text: str, side: float) -> None:
    assert read_text(text) == side


@pytest.mark.parametrize(
    "text", ["", "a", "A good question", "As an AI I can't", "[[A]] or [[B]]", "Answer A and B", "[[D]]", "[A]B", '{"verdict": "D"}', '{"verdict": ["A"]}',
             '"A or B"', "AB", "Both", "I would say A", '{"verdict": 1}', "[" * 5000]
)  # fmt: skip
def test_replies_that_name_none(text: str) -> None:
    assert math.isnan(read_text(text))


def place(*tokens: tuple[str, float]) -> tuple[Letter, ...]:
    return tuple(Letter(token, math.log(share)) for token, share in (tokens[0], *tokens))


@pytest.mark.parametrize(
    ("text", "places", "first"),
    [
        ("A", [place(("A", 0.6), ("B", 0.2))], 0.75),
        (" A", [place((" A", 0.3), ("A", 0.2), ("B", 0.1), (" B", 0.15), ("The", 0.1))], 0.5 / 0.75),
        ("B", [place(("\u2581B", 0.8), ("\u0120A", 0.2))], 0.2),
        ("[[A]]", [place(("[[", 1.0)), place(("A", 0.9), ("B", 0.1)), place(("]]", 1.0))], 0.9),
        ("A", [place(("A", 0.9), ("a", 0.05), ("b", 0.05))], 1.0),
        ("[[C]]", [place(("[[", 1.0)), place(("C", 0.5), ("A", 0.3), ("B", 0.2))], 0.5),
        ("B", [], 0.0),
        ("A", [place(("AB", 0.9), ("A", 0.1))], 1.0),
    ],
)
def test_the_share_of_the_letters(text: str, places: Sequence[tuple[Letter, ...]], first: float) -> None:
    assert read_answer(Answer(text, top_logprobs=tuple(places))).first == pytest.approx(first)


# --- Prompts ----------------------------------------------------------------------------------------------------------------------


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    values = {"instruction": "{first}", "query": "{{second}}", "first": "{query}", "second": "\\1 {x} }}"}
    system, user = messages("judge/verdict-letter-1", values)
    assert "{first}" in system["content"]
    for text in ("{{second}}", "{query}", "\\1 {x} }}"):
        assert text in user["content"]


def test_a_query_that_is_not_known_leaves_its_place_empty_and_an_empty_message_is_left_out() -> None:
    assert [message["role"] for message in messages("judge/answer-1", {"instruction": "", "query": "q"})] == ["user"]


@pytest.mark.parametrize("path", sorted((DATA_FOLDER / "prompts" / "judge").glob("*.md")), ids=lambda path: path.stem)
def test_every_prompt_has_a_message_of_the_user(path: Path) -> None:
    roles = [role for role, _ in template(f"judge/{path.stem}")]
    assert roles in (["user"], ["system", "user"])


@pytest.mark.parametrize("name", ["judge/none-1", "../judge/verdict-letter-1", "judge/verdict-letter", "properties"])
def test_a_prompt_that_is_none(name: str) -> None:
    with pytest.raises(UnknownNameError):
        template(name)


def test_every_order_and_pair_has_a_label_of_its_own() -> None:
    labels = [call.label for call in verdict_calls(marked(5))]
    assert labels == [f"pair p{row}, {order}" for row, order in itertools.product(range(1, 6), ("ab", "ba"))]
