"""Foreign forms, continued: strengths, chosen and rejected, AnnotatedPairs, and the paper's own data rule by rule."""

import json
from typing import Any

import numpy as np
import pytest

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError
from dissection.properties import paper_properties
from dissection.readers import open_dataset
from tests.foreign import ANNOTATED, BASIC_FIELDS, EXAMPLES, PAPER, Row, errors, gair_row, json_lines, specific, talk
from tests.strategies import parquet


def opened(*rows: Row) -> PairDataset:
    return open_dataset(json_lines(list(rows)), "x.jsonl")


def annotated(**parts: Any) -> PairDataset:
    return open_dataset(json.dumps(ANNOTATED | parts).encode(), "x.json")


# --- preferences with a strength --------------------------------------------------------------------------------------------------------


def test_strengths_are_read_by_sign() -> None:
    row = {"prompt": "p", "response_1": "one", "response_2": "two"}
    dataset = opened(*[row | {"preference_strength": s} for s in (-3, "-1", 0, 2, None, 4, "much")])
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, 1, 0.5, 0, np.nan, np.nan, np.nan])
    assert any("2 verdicts in the column 'preference_strength' are unknown" in note for note in dataset.notes)


def test_helpsteer3_context_is_the_query() -> None:
    row = EXAMPLES["preference-strength"][1][0]
    dataset = opened(row, row | {"context": talk("Hi?", "Yes?", "Tell me."), "overall_preference": -1, "domain": "stem"})
    assert dataset.pairs["query"].tolist() == ["Hi?", "user: Hi?\n\nassistant: Yes?\n\nuser: Tell me."]
    assert [group.name for group in dataset.scenarios] == ["code", "stem"]
    np.testing.assert_array_equal(dataset.labels[:, 0], [0, 1])


# --- chosen and rejected -----------------------------------------------------------------------------------------------------------------


def test_sides_are_drawn_by_lot_and_stay() -> None:
    rows = [{"prompt": f"p{i}", "chosen": f"good {i}", "rejected": f"bad {i}", "chosen_model": "x"} for i in range(400)]
    dataset = opened(*rows)
    first = dataset.labels[:, 0] == 1
    assert 160 < first.sum() < 240
    for i, is_a in enumerate(first):
        assert dataset.pairs["response_a" if is_a else "response_b"].iloc[i] == f"good {i}"
        assert dataset.pairs["model_a" if is_a else "model_b"].iloc[i] == "x"
    again = opened(*rows[::-1])
    np.testing.assert_array_equal(again.labels[::-1], dataset.labels)
    assert any(f"by lot (seed 2402), else A would always win: the chosen answer is A in {first.sum()} of 400" in n for n in dataset.notes)
    turned = opened(*[{"prompt": row["prompt"], "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows])
    assert turned.pairs["response_a"].tolist() == dataset.pairs["response_a"].tolist(), "a pair has the same sides whoever is chosen"
    np.testing.assert_array_equal(turned.labels, 1 - dataset.labels)


def answers(dataset: PairDataset, row: int = 0) -> tuple[str, str]:
    """The chosen and the rejected answer of a row."""
    sides = dataset.pairs.iloc[row][["response_a", "response_b"]].tolist()
    return tuple(sides if dataset.labels[row, 0] == 1 else sides[::-1])


def test_whole_dialogues_are_split() -> None:
    start = "\n\nHuman: Hi?\n\nAssistant: Yes?\n\nHuman: Tell me."
    dataset = opened({"chosen": f"{start}\n\nAssistant: Gladly.", "rejected": f"{start}\n\nAssistant: No."})
    assert dataset.pairs["query"].iloc[0] == "user: Hi?\n\nassistant: Yes?\n\nuser: Tell me."
    assert answers(dataset) == ("Gladly.", "No.")
    early = opened({"chosen": "\n\nHuman: Hi?\n\nAssistant: Hello.", "rejected": "\n\nHuman: Ho?\n\nAssistant: Hello."})
    assert early.pairs["query"].isna().all(), "nothing is shared"
    assert answers(early)[1] == "user: Ho?\n\nassistant: Hello."


def test_lists_of_messages_are_split() -> None:
    row = {"prompt": "Hi?", "chosen": talk("Hi?", "Hello."), "rejected": talk("Hi?", "Go.")}
    for made in (row, row | {"prompt": talk("Hi?")}, {key: json.dumps(row[key]) for key in ("chosen", "rejected")}):
        dataset = opened(made)
        assert dataset.pairs["query"].tolist() == ["Hi?"]
        assert answers(dataset) == ("Hello.", "Go.")


def test_subsets_annotators_and_missing_answers() -> None:
    rows = [{"prompt": "p", "chosen": "x", "rejected": "y", "subset": "hard", "annotator": 3}]
    rows.append({"prompt": "q", "chosen": "x", "rejected": None, "subset": "easy", "annotator": "z"})
    dataset = opened(*rows)
    assert [group.name for group in dataset.scenarios] == ["hard", "easy"]
    assert dataset.judge_names == ("3", "z")
    assert np.isnan(dataset.labels[1]).all()
    with pytest.raises(DatasetError, match=r"rejected is 3.*item 1, column 'rejected'"):
        opened({"prompt": "p", "chosen": "x", "rejected": 3})


# --- AnnotatedPairs ----------------------------------------------------------------------------------------------------------------------


def test_principles_become_properties() -> None:
    dataset = annotated()
    assert dataset.pairs.index.tolist() == ["a4e9", "b7e1"]
    assert dataset.judge_names == ("preferred_text",)
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, np.nan])
    assert dataset.property_names == ("is more concise", "has a friendly tone")
    assert dataset.properties[0].meaning == "Select the response that is more concise"
    np.testing.assert_array_equal(dataset.comparisons, [[1, 0], [np.nan, -1]])
    assert dataset.pairs["model_a"].tolist() == ["gpt-4", None]
    notes = " ".join(dataset.notes)
    for words in ("2 annotators are principles", "'invalid' in item 2", "'ffff' in item 2", "1 rows or judgments have no verdict"):
        assert words in notes


def test_names_that_annotators_share_are_kept_apart() -> None:
    principle = {"description": "Select the response that is polite", "type": "principle"}
    both = {"id": "1", "response_a": {"text": "x"}, "response_b": {"text": "y"}, "annotations": {"k1": {"pref": "a"}, "k2": {"pref": "b"}}}
    dataset = annotated(annotators={"k1": principle, "k2": principle}, comparisons=[both])
    assert dataset.property_names == ("is polite", "is polite (k2)")
    np.testing.assert_array_equal(dataset.comparisons, [[1, -1]])


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"comparisons": []}, "no pairs"),
        ({"comparisons": {}}, "comparisons is no list"),
        ({"annotators": {"x": "y"}}, "annotator 'x' is 'y'"),
        ({"comparisons": [{"annotations": [1]}]}, r"annotations is \[1\].*item 1"),
        ({"comparisons": [{"annotations": {"ba75": "a"}}]}, "annotations is 'a'.*item 1"),
        ({"comparisons": [{"response_a": {"text": 3}}]}, "response_a is 3.*item 1"),
        ({"comparisons": [3]}, "row is 3.*item 1"),
    ],
)
def test_annotated_pairs_that_are_none(parts: Row, words: str) -> None:
    with pytest.raises(InputError, match=words):
        annotated(**parts)


# --- the paper's data --------------------------------------------------------------------------------------------------------------------


def compared(name: str, **parts: Any) -> float:
    """The comparison of one property in a row whose answers are alike but for `parts`."""
    return float(opened(gair_row(**parts)).comparisons[0, PAPER.index(name)])


def basic(field: str, one: object, two: object) -> Row:
    """Both answers' ratings, alike but in one field."""
    return {f"basic_response_{side}": dict.fromkeys(BASIC_FIELDS, 1) | {field: value} for side, value in ((1, one), (2, two))}


def sides(column: str, one: object, two: object) -> Row:
    return {f"{column}_1": one, f"{column}_2": two}


def test_the_properties_are_those_of_the_published_weights() -> None:
    dataset = opened(gair_row())
    assert dataset.properties == paper_properties()
    np.testing.assert_array_equal(dataset.comparisons, np.zeros((1, 29)))
    assert dataset.judge_names == ("human", "gpt-4-1106-preview")
    np.testing.assert_array_equal(dataset.labels, [[1, 0]])
    assert dataset.pairs["scenario"].tolist() == ["Knowledge-aware"]
    assert dataset.conditions == {}


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, field in zip(PAPER[:20], BASIC_FIELDS, strict=True)])
def test_basic_ratings_are_compared_by_sign(name: str, field: str) -> None:
    turned = -1 if name == "non-repetitive" else 1
    for one, two in ((3, 0), (0, 2), (2, 2)):
        assert compared(name, **basic(field, one, two)) == turned * np.sign(one - two)
    assert compared(name, **basic(field, 3, 1)) == (0 if name == "relevant" else turned)


def test_relevance_counts_zero_against_the_rest() -> None:
    field = "relevance without considering inaccuracy"
    assert [compared("relevant", **basic(field, one, two)) for one, two in ((3, 1), (1, 0), (0, 1), (0, 0))] == [0, 1, -1, 0]


@pytest.mark.parametrize("severity", ["minor", "moderate", "severe"])
def test_errors_are_counted_by_severity(severity: str) -> None:
    name = f"no {severity} errors"
    assert compared(name, **sides("errors_response", errors(), errors(severity))) == 1
    assert compared(name, **sides("errors_response", errors(severity.title(), severity), errors(severity))) == -1
    others = [other for other in ("minor", "moderate", "severe") if other != severity]
    assert compared(name, **sides("errors_response", errors(severity), errors(severity, *others))) == 0


def test_pairs_whose_accuracy_could_not_be_checked() -> None:
    dataset = opened(gair_row(), gair_row(**sides("errors_response", errors("severe"), errors(flag="not applicable"))))
    assert np.isnan(dataset.comparisons[1, 20:23]).all()
    assert dataset.assessed.tolist() == [True, False]
    assert any("In 1 of 2 pairs the accuracy of an answer could not be checked" in note for note in dataset.notes)


def test_either_name_of_the_error_fields() -> None:
    raw = {"accuracy check": "applicable", "inaccuracies": [{"severity": "severe"}, {"severity": "odd"}]}
    dataset = opened(gair_row(errors_response_1=raw))
    assert dataset.comparisons[0, PAPER.index("no severe errors")] == -1
    assert any("no known severity" in note and "'odd' in item 1" in note for note in dataset.notes)


QUERY: list[tuple[str, Row, str, object, object, float]] = [
    ("clarifies intent", {"clear intent": "No"}, "intent", 3, "1", 1),
    ("empathetic", {"explicitly express feelings": "Yes"}, "empathy", 0, 2, -1),
    ("meets constraints", {"explicit constraints": ["x", "y"]}, "constraints", [3, 0], ["2", "2"], -1),
    ("meets constraints", {"explicit constraints": ["x"]}, "constraints", {"x": 3}, {"x": 2, "y": None}, 1),
    ("supports stances", {"explicit subjective stances": ["x", "y"]}, "stances", ["Neutral", "neutral"], ["Strongly opposed", "Weakly supported"], 1),
    ("supports stances", {"explicit subjective stances": ["x"]}, "stances", ["Weakly opposed"], ["Strongly opposed"], 1),
    ("supports stances", {"explicit subjective stances": ["x"]}, "stances", ["weakly supported"], ["strongly supported"], -1),
    ("corrects mistakes", {"explicit mistakes or biases": ["x"]}, "mistakes", ["Pointed out and corrected"],
     ["Corrected without being pointed out"], 1),
    ("corrects mistakes", {"explicit mistakes or biases": ["x"]}, "mistakes", ["Pointed out but not corrected"],
     ["Corrected without being pointed out"], -1),
    ("corrects mistakes", {"explicit mistakes or biases": ["x", "y"]}, "mistakes", ["pointed out but not corrected"] * 2,
     ["Corrected without being pointed out", "Neither pointed out nor corrected"], 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "condition", "field", "one", "two", "expected"), QUERY)
def test_query_specific_properties(name: str, condition: Row, field: str, one: object, two: object, expected: float) -> None:
    values = sides("query-specific_response", specific(**{field: one}), specific(**{field: two}))
    assert compared(name, **condition, **values) == expected
    assert compared(name, **values) == 0, "the condition does not hold"


def test_conditions() -> None:
    holds: Row = {}
    for _, condition, *_ in QUERY:
        holds |= condition
    values = specific(intent=1, empathy=1, constraints=[1], stances=["neutral"], mistakes=["pointed out and corrected"])
    dataset = opened(gair_row(), gair_row(**holds, **sides("query-specific_response", values, values)))
    names = ("intent_unclear", "express_feeling", "w_constraints", "w_stances", "w_mistakes")
    assert {name: mask.tolist() for name, mask in dataset.conditions.items()} == {name: [False, True] for name in names}


def test_an_unassessed_condition_leaves_the_pair_out() -> None:
    dataset = opened(gair_row(**{"clear intent": "No"}))
    assert dataset.assessed.tolist() == [False]
    assert any("2 answers are not assessed on 'clarify user intent'" in note for note in dataset.notes)


@pytest.mark.parametrize(("words", "expected"), [((5, 5), 0), ((5, 9), 0), ((5, 10), -1), ((70, 100), -1), ((100, 75), 1), ((100, 85), 0)])
def test_length_is_the_papers_rule(words: tuple[int, int], expected: int) -> None:
    answer = {"content": "x", "model": "m"}
    assert compared("longer", **sides("response", *({**answer, "num_words": count} for count in words))) == expected


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"errors_response_1": {"found": []}}, r"errors_response_1.*line 2.*'applicable to detect errors' or 'accuracy check'"),
        ({"errors_response_2": {"accuracy check": "applicable"}}, r"line 2, column 'errors_response_2'.*'errors' or 'inaccuracies'"),
        ({"errors_response_1": errors(flag="perhaps")}, "'perhaps'.*line 2.*applicable or not"),
        ({"basic_response_2": {}}, "line 2, column 'basic_response_2'.*'harmless'"),
        (basic("polite", 1, 7), "basic_response_2 is 7.*line 2.*0 to 3"),
        ({"clear intent": "maybe"}, "clear intent is 'maybe'.*line 2.*Yes or No"),
        ({"explicit constraints": "none"}, "explicit constraints is 'none'.*line 2.*a list"),
        ({"response_1": "x"}, "response_1 is 'x'.*line 2"),
        ({"response_1": {"content": "x", "num_words": "many"}}, "response_1 is 'many'.*num_words"),
        ({"clear intent": "No", "query-specific_response_1": {}}, "query-specific_response_1.*line 2.*'clarify user intent'"),
        ({"preference_labels": None}, "preference_labels is None.*line 2"),
    ],
)
def test_faults_in_the_papers_data(parts: Row, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        opened(gair_row(), gair_row(**parts))


def test_the_papers_data_as_parquet() -> None:
    """A column of Parquet has one type, so this is a row in which every list is filled."""
    values = specific(intent=1, empathy=2, constraints=[3, 1], stances=["Neutral"], mistakes=["Pointed out and corrected"])
    holds = {"explicit constraints": ["x", "y"], "explicit subjective stances": ["x"], "explicit mistakes or biases": ["x"]}
    row = gair_row(
        **holds, **sides("query-specific_response", values, values), **sides("errors_response", errors("minor"), errors("severe"))
    )
    one, other = open_dataset(parquet([row, row]), "x"), opened(row, row)
    np.testing.assert_array_equal(one.comparisons, other.comparisons)
    np.testing.assert_array_equal(one.verdicts, other.verdicts)
