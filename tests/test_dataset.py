"""PairDataset: frozen, checked at its door, and known by its content."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import ALL_PAIRS, Group, PairDataset
from dissection.errors import DatasetError, UnknownNameError
from dissection.judges import Judge
from dissection.properties import Property
from tests.conftest import make_dataset, make_pairs


def changed(**parts: Any) -> PairDataset:
    """The small dataset with some parts replaced."""
    return dataclasses.replace(make_dataset(n=6, d=2, conditions={"w_stances": np.arange(6) < 2}), **parts)


def put(array: np.ndarray, place: tuple[int, ...], value: float) -> np.ndarray:
    copy = array.copy()
    copy[place] = value
    return copy


# --- frozen ------------------------------------------------------------------------------------------------------------------------


def test_fields_and_arrays_are_frozen() -> None:
    dataset = changed()
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]
    for array in (dataset.comparisons, dataset.scores, dataset.verdicts, dataset.conditions["w_stances"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    estimates = changed(estimates=np.zeros((1, 2, 2)), estimate_groups=(Group("Code", "scenario"),)).estimates
    assert estimates is not None
    with pytest.raises(ValueError, match="read-only"):
        estimates[0] = 1


# --- the door ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"comparisons": np.zeros((6, 3))}, r"comparisons has shape \(6, 3\).*Where: made up.*Accepted: \(6, 2\)"),
        ({"comparisons": np.zeros((5, 2))}, r"comparisons has shape \(5, 2\)"),
        ({"scores": np.zeros((6, 2))}, r"scores has shape \(6, 2\).*\(6, 2, 2\)"),
        ({"verdicts": np.zeros((6, 2))}, r"verdicts has shape \(6, 2\).*\(6, 2, 2\)"),
        ({"verdicts": np.zeros((6, 3, 2))}, r"verdicts has shape"),
        ({"conditions": {"w_stances": np.ones(5, dtype=bool)}}, r"condition w_stances has shape \(5,\).*\(6,\)"),
        ({"estimates": np.zeros((2, 2, 2)), "estimate_groups": (Group("Code", "scenario"),)}, r"estimates has shape .*\(1, 2, 2\)"),
        ({"judges": (Judge("same"), Judge("same"))}, r"judge 'same' comes more than once"),
        ({"properties": (Property("same"), Property("same"))}, r"property 'same' comes more than once"),
        ({"pairs": make_pairs(6).set_axis(list("abcbcb"))}, r"3 pair ids come more than once, the first is 'b'.*own id"),
        ({"comparisons": np.array([[0, 0]] * 4 + [[0, np.inf], [-np.inf, 0]])}, r"comparison on 'p1' is infinite.*pair p5.*finite number"),
        ({"verdicts": np.full((6, 2, 2), 1.5)}, r"verdict of 'one' is outside \[0, 1\].*pair p1.*from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        changed(**parts)


@pytest.mark.parametrize("value", [-0.001, 1.001, np.inf, -np.inf])
def test_verdicts_outside_their_range_are_refused_with_the_place(value: float) -> None:
    with pytest.raises(DatasetError, match=r"verdict of 'two'.*pair p4"):
        changed(verdicts=put(changed().verdicts, (3, 1, 1), value))


def test_what_is_unusual_is_accepted() -> None:
    dataset = changed(comparisons=np.array([[np.nan, -2.5]] * 6), verdicts=np.full((6, 2, 2), np.nan))
    assert not dataset.assessed.any()
    nothing = changed(judges=(), verdicts=np.empty((6, 0, 2)), properties=(), comparisons=np.empty((6, 0)), scores=np.empty((6, 0, 2)))
    assert len(nothing) == 6
    assert nothing.assessed.all()


# --- the hash ----------------------------------------------------------------------------------------------------------------------

BASE = changed()
CHANGES: dict[str, Callable[[], dict[str, Any]]] = {
    "name": lambda: {"name": "other"},
    "a comparison": lambda: {"comparisons": put(BASE.comparisons, (5, 1), 0.25)},
    "a comparison not assessed": lambda: {"comparisons": put(BASE.comparisons, (5, 1), np.nan)},
    "a score": lambda: {"scores": put(BASE.scores, (0, 0, 1), 2.0)},
    "a verdict": lambda: {"verdicts": put(BASE.verdicts, (2, 1, 0), 0.5)},
    "the order of a verdict": lambda: {"verdicts": BASE.verdicts[:, :, ::-1]},
    "a judge's name": lambda: {"judges": (Judge("one"), Judge("three"))},
    "a judge's size": lambda: {"judges": (Judge("one"), Judge("two", size=7))},
    "a judge's origin": lambda: {"judges": (Judge("one"), Judge("two", origin="upload"))},
    "a property's meaning": lambda: {"properties": (Property("p0"), Property("p1", meaning="other"))},
    "a property's direction": lambda: {"properties": (Property("p0"), Property("p1", good=-1))},
    "a condition's pairs": lambda: {"conditions": {"w_stances": np.arange(6) < 3}},
    "a condition's name": lambda: {"conditions": {"w_mistakes": np.arange(6) < 2}},
    "no condition": lambda: {"conditions": {}},
    "a note": lambda: {"notes": ("something was left out",)},
    "a scenario": lambda: {"pairs": make_pairs(6, ("Advice", "Code"))},
    "a pair's id": lambda: {"pairs": BASE.pairs.rename(index={"p6": "p7"})},
    "the order of ids": lambda: {"pairs": BASE.pairs.set_axis(["p2", "p1", "p3", "p4", "p5", "p6"])},
    "a text": lambda: {"pairs": BASE.pairs.assign(query=["", None, None, None, None, None])},
    "a meta column": lambda: {"pairs": BASE.pairs.assign(**{"meta.language": "en"})},
    "a meta value's type": lambda: {"pairs": BASE.pairs.assign(**{"meta.x": "1"})},
    "a meta value's other type": lambda: {"pairs": BASE.pairs.assign(**{"meta.x": 1})},
    "estimates": lambda: {"estimates": np.zeros((1, 2, 2)), "estimate_groups": (Group("Code", "scenario"),)},
    "other estimates": lambda: {"estimates": np.ones((1, 2, 2)), "estimate_groups": (Group("Code", "scenario"),)},
    "estimates of a condition": lambda: {"estimates": np.ones((1, 2, 2)), "estimate_groups": (Group("Code", "condition"),)},
}


def test_the_hash_changes_with_any_change() -> None:
    hashes = {"nothing": BASE.content_hash, **{what: dataclasses.replace(BASE, **parts()).content_hash for what, parts in CHANGES.items()}}
    shared = [(one, other) for one in hashes for other in hashes if one < other and hashes[one] == hashes[other]]
    assert shared == []


def test_the_hash_is_that_of_the_content() -> None:
    """Neither identity nor memory layout matters, and a known dataset keeps its hash from session to session."""
    assert changed().content_hash == BASE.content_hash
    turned = changed(comparisons=np.asfortranarray(BASE.comparisons), verdicts=BASE.verdicts.copy())
    assert turned.content_hash == BASE.content_hash
    assert len(BASE.content_hash) == 64


# --- groups ------------------------------------------------------------------------------------------------------------------------


def test_groups_are_scenarios_then_conditions() -> None:
    assert [(group.name, group.kind) for group in BASE.groups] == [("Code", "scenario"), ("Advice", "scenario"), ("w_stances", "condition")]
    assert [group.name for group in BASE.scenarios] == ["Code", "Advice"]
    assert [group.name for group in BASE.selectable_groups] == [ALL_PAIRS, "Code", "Advice", "w_stances"]
    assert BASE.group("w_stances").label == "Shows subjective stances"
    assert BASE.group("Code").label == "Code"


def test_all_pairs_is_offered_only_where_it_is_something_else() -> None:
    alone = make_dataset(scenarios=("All",))
    assert alone.selectable_groups == alone.groups == (Group("All", "scenario"),)
    with pytest.raises(UnknownNameError):
        alone.group(ALL_PAIRS)


def test_members() -> None:
    assert BASE.members(BASE.group("Code")).tolist() == [True, False] * 3
    assert BASE.members(BASE.group("w_stances")).tolist() == [True, True, False, False, False, False]
    assert BASE.members(BASE.group(ALL_PAIRS)).tolist() == [True] * 6
    scenarios = np.stack([BASE.members(group) for group in BASE.scenarios])
    assert (scenarios.sum(axis=0) == 1).all(), "scenarios are disjoint and whole"


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="All pairs, Code, Advice, w_stances") as caught:
        BASE.group("code")
    assert caught.value.where == "made up"
    with pytest.raises(UnknownNameError, match="Accepted: one, two"):
        BASE.judge_index("One")
    with pytest.raises(UnknownNameError, match="the data has no judge"):
        BASE.without_judges({"one", "two"}).judge_index("one")
    assert BASE.judge_index("two") == 1


# --- verdicts ----------------------------------------------------------------------------------------------------------------------


def test_labels_are_the_mean_of_the_orders() -> None:
    verdicts = np.full((6, 2, 2), np.nan)
    verdicts[:, 0] = [[1, 1], [1, 0], [0, 0], [0.8, np.nan], [np.nan, 0.2], [np.nan, np.nan]]
    labels = changed(verdicts=verdicts).labels
    np.testing.assert_allclose(labels[:, 0], [1, 0.5, 0, 0.8, 0.2, np.nan])
    assert np.isnan(labels[:, 1]).all()


def test_assessed_needs_every_property() -> None:
    dataset = changed(comparisons=put(put(BASE.comparisons, (1, 0), np.nan), (4, 1), np.nan))
    assert np.flatnonzero(~dataset.assessed).tolist() == [1, 4]


def test_with_and_without_judges() -> None:
    new = np.full((6, 2), np.nan)
    new[:, 0] = [1, 0, 0.5, 1, 0, 1]
    more = BASE.with_judge(Judge("three", origin="upload"), new)
    assert more.judge_names == ("one", "two", "three")
    np.testing.assert_array_equal(more.verdicts[:, 2], new)
    np.testing.assert_array_equal(more.verdicts[:, :2], BASE.verdicts)
    assert BASE.judge_names == ("one", "two"), "the old one is untouched"
    assert more.without_judges({"three"}).content_hash == BASE.content_hash
    fewer = more.without_judges({"two", "nobody"})
    assert fewer.judge_names == ("one", "three")
    np.testing.assert_array_equal(fewer.verdicts[:, 1], new)


def test_a_judge_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"'three' have shape \(6,\).*\(6, 2\)"):
        BASE.with_judge(Judge("three"), np.zeros(6))
    with pytest.raises(DatasetError, match="judge 'one' comes more than once"):
        BASE.with_judge(Judge("one"), np.zeros((6, 2)))
    with pytest.raises(DatasetError, match="outside"):
        BASE.with_judge(Judge("three"), np.full((6, 2), 2.0))


def test_has_texts_and_pairs() -> None:
    assert not BASE.has_texts
    assert BASE.has_pairs
    assert changed(pairs=BASE.pairs.assign(response_b=[None] * 5 + ["text"])).has_texts
    assert not changed(pairs=BASE.pairs.assign(query="only a question")).has_texts
    points = changed(estimates=np.zeros((1, 2, 2)), estimate_groups=(Group("Code", "scenario"),))
    assert not points.has_pairs
    assert points.groups == points.selectable_groups == (Group("Code", "scenario"),)


def test_the_frame_handed_in_is_not_changed() -> None:
    pairs = make_pairs(6)
    before = pairs.copy()
    dataset = changed(pairs=pairs)
    _ = (dataset.content_hash, dataset.groups, dataset.labels)
    pd.testing.assert_frame_equal(pairs, before)


def test_half_a_character_has_a_hash() -> None:
    dataset = make_dataset(n=3)
    pairs = dataset.pairs.set_axis(pd.Index(["\ud800", "b", "c"], dtype=object))
    pairs["query"] = pd.Series(["\ud800", None, None], index=pairs.index, dtype=object)
    odd = dataclasses.replace(dataset, pairs=pairs)
    assert odd.content_hash != dataset.content_hash
