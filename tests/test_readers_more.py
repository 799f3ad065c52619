"""MultiPref and PRISM: files made from the column names of their cards, codebook and published scripts."""

import contextlib
import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError
from dissection.readers import READERS, multipref, prism
from dissection.tables import read_table
from tests.foreign import EXAMPLES, Row, json_lines
from tests.strategies import parquet
from tests.test_readers_foreign_3 import mangled

A2, A1, TIE, B1, B2 = "A-is-clearly-better", "A-is-slightly-better", "Tie", "B-is-slightly-better", "B-is-clearly-better"


def judgment(overall: object, helpful: object = TIE, truthful: object = TIE, harmless: object = TIE, **parts: Any) -> Row:
    """One annotator's judgment in MultiPref."""
    return {
        "evaluator": "e1",
        "overall_pref": overall,
        "overall_confidence": "fairly-confident",
        "helpful_pref": helpful,
        "helpful_checked_reasons": ["Clearer"],
        "truthful_pref": truthful,
        "harmless_pref": harmless,
        "time_spent": 120,
    } | parts


def multipref_row(number: int, normal: list[Row] | None, expert: list[Row] | None, **parts: Any) -> Row:
    """A row of allenai/multipref."""
    return {
        "comparison_id": f"c{number}",
        "prompt_id": "p",
        "text": "Who would win?",
        "model_a": "tulu",
        "completion_a": f"One {number}.",
        "model_b": "gpt",
        "completion_b": f"Two, longer {number}.",
        "source": "sharegpt",
        "category": "Open QA",
        "subject_study": "Sport",
        "highest_level_degree": "Bachelor",
        "normal_worker_annotations": normal,
        "expert_worker_annotations": expert,
    } | parts


def utterance(turn: int, number: int, score: object, conversation: str = "c0", **parts: Any) -> Row:
    """A row of utterances.jsonl of HannahRoseKirk/prism-alignment."""
    return {
        "utterance_id": f"ut{conversation}{turn}{number}",
        "interaction_id": f"int{conversation}{turn}",
        "conversation_id": conversation,
        "user_id": "user1",
        "turn": turn,
        "within_turn_id": number,
        "included_in_balanced_subset": True,
        "conversation_type": "values guided",
        "user_prompt": f"Prompt {turn}?",
        "model_response": f"Answer {turn}.{number}",
        "model_name": f"m{number}" if turn == 0 else "m1",
        "model_provider": "p",
        "score": score,
        "if_chosen": number == 1,
    } | parts


MULTIPREF = [
    multipref_row(0, [judgment(A2, A1, B1), judgment(A1)], [judgment(B2, A2), judgment(TIE)]),
    multipref_row(1, [judgment(None), judgment("")], None, category="Coding"),
    multipref_row(2, [judgment("A  is the best"), judgment(B1, "who knows")], [judgment(B2), judgment(B1)]),
]
PRISM = [
    *(utterance(0, number, score) for number, score in enumerate([10, 90, 10])),
    *(utterance(1, number, score) for number, score in enumerate([50, 70])),
    utterance(0, 0, 30, "c1", user_id="user2", conversation_type="unguided"),
]
MADE: list[tuple[ModuleType, list[Row]]] = [(multipref, MULTIPREF), (prism, PRISM)]


def read(reader: ModuleType, rows: list[Row]) -> PairDataset:
    table = read_table(json_lines(rows), "rows.jsonl")
    assert reader.recognises(table)
    found: PairDataset = reader.read(table)
    return found


def verdicts(dataset: PairDataset, judge: str) -> list[float]:
    return [float(verdict) for verdict in dataset.verdicts[:, dataset.judge_names.index(judge), 0]]


def test_multipref_has_two_kinds_of_annotators() -> None:
    dataset = read(multipref, MULTIPREF)
    assert list(dataset.pairs.index) == ["c0", "c1", "c2"]
    assert dataset.judge_names == ("crowd workers", "experts")
    np.testing.assert_equal(verdicts(dataset, "crowd workers"), [1, np.nan, 0])
    np.testing.assert_equal(verdicts(dataset, "experts"), [0.25, np.nan, 0])
    assert list(dataset.pairs["scenario"]) == ["Open QA", "Coding", "Open QA"]
    assert dataset.pairs["meta.prompt_id"].tolist() == ["p"] * 3
    assert dataset.pairs["meta.subject_study"].tolist() == ["Sport"] * 3
    said = " ".join(dataset.notes)
    assert "1 verdicts in the column 'overall_pref' are unknown" in said
    assert "2 rows or judgments have no verdict" in said
    assert "1 judgments in 'helpful_pref' are unknown" in said


def test_multiprefs_aspects_are_properties() -> None:
    dataset = read(multipref, MULTIPREF)
    assert dataset.property_names == ("helpful", "truthful", "harmless")
    assert dataset.comparisons[0].tolist() == [0.5, -0.25, 0.0]
    assert dataset.comparisons[2].tolist() == [0.0, 0.0, 0.0]


def test_multipref_in_parquet() -> None:
    lists = [multipref_row(0, [judgment(A2)], [judgment(B1)]), multipref_row(1, [judgment(TIE)], [judgment(A1)])]
    table = read_table(parquet(lists), "train.parquet")
    assert multipref.recognises(table)
    assert verdicts(multipref.read(table), "experts") == [0, 1]


def test_multipref_of_which_nothing_is_understood_is_refused() -> None:
    with pytest.raises(DatasetError, match="No verdict can be read"):
        read(multipref, [multipref_row(0, [judgment("left")], [])])
    with pytest.raises(DatasetError, match="a list of judgments"):
        read(multipref, [multipref_row(0, [judgment(A1)], "none")])  # type: ignore[arg-type]


def test_prism_makes_pairs_within_a_turn() -> None:
    dataset = read(prism, PRISM)
    assert list(dataset.pairs.index) == ["c0:0:1-2", "c0:0:1-3", "c0:0:2-3", "c0:1:1-2"]
    assert dataset.judge_names == ("user1",), "of the other there is no pair"
    assert verdicts(dataset, "user1") == [0, 0.5, 1, 0]
    assert set(dataset.pairs["scenario"]) == {"values guided"}
    assert dataset.pairs["model_a"].tolist() == ["m0", "m0", "m1", "m1"]
    first, last = dataset.pairs.iloc[0], dataset.pairs.iloc[3]
    assert first["query"] == "Prompt 0?"
    assert last["query"] == "user: Prompt 0?\n\nassistant: Answer 0.1\n\nuser: Prompt 1?", "what was said before is part of the query"
    assert (last["response_a"], last["response_b"]) == ("Answer 1.0", "Answer 1.1")
    said = " ".join(dataset.notes)
    assert "6 scored answers make 4 pairs" in said
    assert "1 turns have one answer" in said
    assert "share answers" in said


def test_prisms_participants_are_one_judge_when_they_are_many() -> None:
    rows = [utterance(0, number, 10 * number + 1, f"c{who}", user_id=f"user{who}") for who in range(300) for number in range(2)]
    dataset = read(prism, rows)
    assert dataset.judge_names == ("participants",)
    assert dataset.pairs["meta.user_id"].nunique() == 300
    assert set(verdicts(dataset, "participants")) == {0.0}


def test_prisms_empty_answers_and_scores() -> None:
    rows = [utterance(0, 0, None), utterance(0, 1, 80, model_response="EMPTY STRING"), utterance(0, 2, "lots")]
    dataset = read(prism, rows)
    np.testing.assert_equal(verdicts(dataset, "user1"), [np.nan] * 3)
    assert dataset.pairs["response_b"].iloc[0] == ""
    said = " ".join(dataset.notes)
    assert "1 answers are the words EMPTY STRING" in said
    assert "1 scores are no numbers" in said
    with pytest.raises(DatasetError, match="score"):
        read(prism, [utterance(0, 0, "x"), utterance(0, 1, "y")])
    with pytest.raises(DatasetError, match="one turn"):
        read(prism, [utterance(0, 0, 1), utterance(1, 0, 1)])
    with pytest.raises(DatasetError, match="turn"):
        read(prism, [utterance(0, 0, 1), {**utterance(0, 1, 1), "turn": "first"}])


@pytest.mark.parametrize(("reader", "rows"), MADE)
def test_no_other_form_is_taken_for_it(reader: ModuleType, rows: list[Row]) -> None:
    own = read_table(json_lines(rows), "rows.jsonl")
    assert not [other.NAME for other in READERS if other.recognises(own) and other.NAME != reader.NAME]
    for name, files in EXAMPLES.items():
        for example in files:
            if name != reader.NAME:
                assert not reader.recognises(read_table(json.dumps(example).encode(), "example.json")), name


@pytest.mark.parametrize(("reader", "rows"), MADE)
@settings(max_examples=150)
@given(data=st.data())
def test_mangled_files_are_read_or_refused_in_words(reader: ModuleType, rows: list[Row], data: st.DataObject) -> None:
    made = data.draw(mangled(rows))
    with contextlib.suppress(InputError):
        dataset = reader.read(read_table(json.dumps(made).encode(), "rows.json"))
        assert len(dataset) == len(set(dataset.pairs.index))
        assert not ((dataset.verdicts < 0) | (dataset.verdicts > 1)).any()
