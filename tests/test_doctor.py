"""What the doctor finds: each check on data with a planted count, and real data counted again from the file."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dissection.agreement import wilson
from dissection.dataset import FloatArray, PairDataset
from dissection.doctor import CHECKS, Finding, examine, findings_frame
from dissection.readers import open_dataset
from tests.conftest import make_dataset

Rows = list[dict[str, Any]]


def clean(n: int = 240, **options: Any) -> PairDataset:
    """Pairs with texts of random length, in which nothing is odd."""
    dataset = make_dataset(n=n, weights={"one": [0.8, 0, 0], "two": [-0.8, 0.2, 0]}, **options)
    rng = np.random.default_rng(1)
    pairs = dataset.pairs.copy()
    pairs["query"] = [f"Question {i}?" for i in range(n)]
    for side in "ab":
        pairs[f"response_{side}"] = [f"{side} answers {i}" + " at length" * rng.integers(1, 9) for i in range(n)]
    return dataclasses.replace(dataset, pairs=pairs)


def with_texts(dataset: PairDataset, **changes: dict[int, str | None]) -> PairDataset:
    pairs = dataset.pairs.copy()
    for column, cells in changes.items():
        pairs[column] = [cells.get(row, text) for row, text in enumerate(pairs[column])]
    return dataclasses.replace(dataset, pairs=pairs)


def with_verdicts(dataset: PairDataset, judge: int, values: FloatArray) -> PairDataset:
    verdicts = dataset.verdicts.copy()
    verdicts[:, judge] = values if values.ndim == 2 else np.column_stack([values, np.full(len(values), np.nan)])
    return dataclasses.replace(dataset, verdicts=verdicts)


def with_comparisons(dataset: PairDataset, column: int, values: FloatArray) -> PairDataset:
    comparisons = dataset.comparisons.copy()
    comparisons[:, column] = values
    return dataclasses.replace(dataset, comparisons=comparisons)


def odd(dataset: PairDataset) -> set[str]:
    return {finding.code for finding in examine(dataset) if finding.severity != "fact"}


def only(dataset: PairDataset, code: str) -> Finding:
    """The finding of that code, in data where nothing else is odd."""
    assert odd(dataset) <= {code}
    return next(finding for finding in examine(dataset) if finding.code == code)


def test_clean_data_has_nothing_odd() -> None:
    assert odd(clean()) == set()
    assert odd(make_dataset(n=240)) == set(), "without texts"
    assert {finding.code for finding in examine(clean())} <= {"length-wins", "ties"}


def test_published_weights_are_not_examined(published: Path) -> None:
    assert examine(open_dataset(published)) == []


def test_nothing_to_examine_breaks_nothing() -> None:
    dataset = clean(n=2)
    assert examine(dataset.without_judges({"one", "two"}))
    none = dataclasses.replace(dataset, properties=(), comparisons=np.empty((2, 0)), scores=np.empty((2, 0, 2)))
    assert examine(none)
    assert examine(make_dataset(n=1, both_orders=True))


# Texts


def test_duplicates_are_counted_beyond_the_first() -> None:
    base = clean()
    pairs = base.pairs
    same = dict.fromkeys((3, 5), 0) | {9: 8}
    columns = ("query", "response_a", "response_b")
    dataset = with_texts(base, **{name: {row: f" {pairs[name].iloc[first]}\n" for row, first in same.items()} for name in columns})
    finding = only(dataset, "duplicate-pairs")
    assert (finding.rows, finding.severity) == (3, "problem")
    assert finding.share == pytest.approx(100 * 3 / 240)
    assert [(example.pair_id, example.value) for example in finding.examples] == [
        ("p4", "the same as p1"),
        ("p6", "the same as p1"),
        ("p10", "the same as p9"),
    ]


def test_the_same_answers_to_another_query_are_no_duplicates() -> None:
    base = clean()
    columns = ("response_a", "response_b")
    assert not odd(with_texts(base, **{name: {5: base.pairs[name].iloc[0]} for name in columns}))


def test_swapped_twins_name_each_other() -> None:
    base = clean()
    pairs = base.pairs
    dataset = with_texts(
        base,
        query={7: pairs["query"].iloc[2]},
        response_a={7: pairs["response_b"].iloc[2]},
        response_b={7: pairs["response_a"].iloc[2]},
    )
    finding = only(dataset, "swapped-twins")
    assert finding.rows == 2
    assert [(example.pair_id, example.value) for example in finding.examples] == [
        ("p3", "p8 the other way round"),
        ("p8", "p3 the other way round"),
    ]


def test_empty_identical_and_missing_answers() -> None:
    base = clean()
    finding = only(with_texts(base, response_a={0: "", 1: " \n", 2: ""}, response_b={2: "", 4: "\t"}), "empty-answers")
    assert finding.rows == 4
    assert "only A in 2, only B in 1, both in 1" in finding.title
    assert [example.value for example in finding.examples] == ["A empty", "A empty", "both empty", "B empty"]
    same = only(with_texts(base, response_b={6: base.pairs["response_a"].iloc[6]}), "identical-answers")
    assert (same.rows, same.examples[0].pair_id) == (1, "p7")
    lacking = only(with_texts(base, query={0: None}, response_a={0: None, 3: None}), "missing-texts")
    assert lacking.rows == 2
    assert "query in 1, answer A in 2" in lacking.title
    assert lacking.examples[0].value == "no query, no answer A"


def test_a_query_that_makes_up_much_of_the_data() -> None:
    finding = only(with_texts(clean(), query=dict.fromkeys(range(30), "Again?")), "frequent-query")
    assert finding.rows == 30
    assert finding.examples[0].value == "Again?"
    assert not odd(with_texts(clean(), query=dict.fromkeys(range(20), "Again?"))), "20 of 240 are below a tenth"


# Verdicts


def test_missing_labels_silent_judges_and_ties() -> None:
    base = clean()
    values = base.verdicts[:, 0, 0].copy()
    values[[4, 9]] = np.nan
    values[[10, 11, 12]] = 0.5
    found = with_verdicts(base, 0, values)
    missing = only(found, "missing-labels")
    assert (missing.rows, missing.unit) == (2, "verdict")
    assert missing.share == pytest.approx(100 * 2 / 480)
    assert [(e.pair_id, e.value, e.judge) for e in missing.examples] == [("p5", "one: 2 of 240", "one")]
    ties = next(finding for finding in examine(found) if finding.code == "ties")
    assert (ties.rows, ties.severity) == (3, "fact")
    silent = only(with_verdicts(base, 1, np.full(240, np.nan)), "silent-judges")
    assert (silent.rows, silent.severity) == (1, "problem")
    assert "two" in silent.title


@pytest.mark.parametrize(("side", "value"), [("A", 1.0), ("B", 0.0)])
def test_a_judge_that_always_says_the_same_side(side: str, value: float) -> None:
    found = examine(with_verdicts(clean(), 1, np.full(240, value)))
    finding = next(finding for finding in found if finding.code == "one-sided-judges")
    assert finding.title == f"two always says {side} (240 verdicts)"
    assert finding.rows == 240


def test_flips_are_odd_where_a_judge_is_unsteady() -> None:
    base = clean()
    first = base.verdicts[:, 0, 0]
    second = first.copy()
    second[:12] = 1 - second[:12]
    few = next(f for f in examine(with_verdicts(base, 0, np.column_stack([first, second]))) if f.code == "order-flips")
    assert (few.rows, few.severity, few.share) == (12, "fact", 5.0)
    second[:60] = 1 - first[:60]
    many = next(f for f in examine(with_verdicts(base, 0, np.column_stack([first, second]))) if f.code == "order-flips")
    assert (many.rows, many.severity) == (60, "odd")
    assert many.title.endswith("on at least 20 % of pairs for 1 of 1 judge asked twice")


def test_copies_are_found_on_the_pairs_that_both_judged() -> None:
    base = clean()
    copy = base.verdicts[:, 0, 0].copy()
    copy[:40] = np.nan
    found = examine(with_verdicts(base, 1, copy))
    finding = next(finding for finding in found if finding.code == "copied-judges")
    assert finding.rows == 200
    assert "one = two (200)" in finding.title
    copy[50] = 1 - copy[50]
    assert "copied-judges" not in {finding.code for finding in examine(with_verdicts(base, 1, copy))}


def test_copies_have_the_same_probabilities() -> None:
    soft = np.random.default_rng(0).random(240)
    dataset = with_verdicts(with_verdicts(clean(), 0, soft), 1, np.clip(soft + np.where(soft > 0.5, 0.01, -0.01), 0, 1))
    found = {finding.code: finding for finding in examine(dataset)}
    assert "copied-judges" not in found
    assert found["soft-verdicts"].rows == sum(
        int(((values > 0) & (values < 1) & (values != 0.5)).sum()) for values in dataset.verdicts[:, :, 0].T
    )


def test_the_side_that_wins_is_tested() -> None:
    base = clean().without_judges({"two"})
    values = np.r_[np.ones(180), np.zeros(60)]
    finding = next(f for f in examine(with_verdicts(base, 0, values)) if f.code == "winning-side")
    assert (finding.rows, finding.share, finding.severity) == (180, 75.0, "odd")
    assert "Answer A wins 180 of 240" in finding.title
    even = np.r_[np.ones(130), np.zeros(110)]
    assert "winning-side" not in {f.code for f in examine(with_verdicts(base, 0, even))}


def test_length_that_decides_is_flagged_with_its_interval() -> None:
    base = clean().without_judges({"two"})
    a, b = (base.pairs[f"response_{side}"].str.len().to_numpy() for side in "ab")
    values = np.where(a == b, 0.5, a > b).astype(float)
    decided = np.flatnonzero(a != b)
    lost = decided[: len(decided) // 10]
    values[lost] = 1 - values[lost]
    finding = next(f for f in examine(with_verdicts(base, 0, values)) if f.code == "length-wins")
    assert finding.severity == "odd"
    assert finding.rows == len(decided) - len(lost)
    low, high = (100 * float(end) for end in wilson(finding.rows / len(decided), len(decided)))
    assert f"(95 %: {low:.0f}–{high:.0f}) of {len(decided)} verdicts" in finding.title


def test_wilson_interval_of_a_known_case() -> None:
    # By the formula: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) for 8 of 10.
    assert tuple(100 * float(end) for end in wilson(0.8, 10)) == pytest.approx((49.02, 94.33), abs=0.01)


# Properties and groups


def test_properties_that_never_or_seldom_differ() -> None:
    base = clean()
    assert only(with_comparisons(base, 1, np.zeros(240)), "property-never-differs").title.endswith(": p1")
    some = np.zeros(240)
    some[[3, 5, 200]] = 1
    finding = only(with_comparisons(base, 2, some), "property-seldom-differs")
    assert (finding.rows, finding.unit) == (1, "property")
    assert (finding.examples[0].pair_id, finding.examples[0].value) == ("p4", "p2: 3 pairs")


def test_properties_not_assessed_and_large() -> None:
    base = clean()
    values = base.comparisons[:, 0].copy()
    values[[1, 2]] = np.nan
    finding = only(with_comparisons(base, 0, values), "not-assessed")
    assert (finding.rows, finding.severity, finding.examples[0].value) == (2, "odd", "no p0")
    values[:24] = np.nan
    assert only(with_comparisons(base, 0, values), "not-assessed").severity == "problem"
    large = base.comparisons[:, 0].copy()
    large[[7, 8]] = [-12, 5]
    finding = only(with_comparisons(base, 0, large), "large-comparisons")
    assert finding.rows == 2
    assert "p0 (up to 12)" in finding.title
    assert finding.examples[0].pair_id == "p8"


@pytest.mark.parametrize("sign", [1, -1])
def test_properties_that_say_the_same(sign: int) -> None:
    base = clean()
    finding = only(with_comparisons(base, 2, sign * base.comparisons[:, 0]), "same-properties")
    assert finding.examples[0].value == "p0 = p2"


def test_each_small_group_is_named_once() -> None:
    base = clean()
    pairs = base.pairs.copy()
    pairs["scenario"] = ["tiny"] * 9 + ["small"] * 49 + ["fit"] * (240 - 58)
    found = {finding.code: finding for finding in examine(dataclasses.replace(base, pairs=pairs))}
    assert found["tiny-groups"].title == "1 group has fewer than 10 pairs: tiny (9)"
    assert found["small-groups"].title == "1 group has fewer than 50 pairs: small (49)"
    assert "groups-below-properties" not in found


# What a finding is


def test_findings_are_sorted_short_and_unique() -> None:
    dataset = with_texts(clean(), response_a=dict.fromkeys(range(20), ""))
    found = examine(with_comparisons(dataset, 0, np.full(240, 50.0)))
    order = [("problem", "odd", "fact").index(finding.severity) for finding in found]
    assert order == sorted(order)
    assert len({finding.code for finding in found}) == len(found)
    assert all(len(finding.examples) <= 5 and finding.title and finding.explanation for finding in found)
    assert all(0 <= finding.share <= 100 for finding in found)
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)
    frame = findings_frame(found)
    assert list(frame["code"]) == [finding.code for finding in found]
    assert "(pair p1)" in frame.loc[frame["code"] == "empty-answers", "examples"].item()


# Real data, counted again from the file


def raw(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sides(label: Any) -> list[float]:
    """P(A) in each order that was asked."""
    given = [label.get("ab"), label.get("ba")] if isinstance(label, dict) else [label]
    known = {"a": 1.0, "b": 0.0, "tie": 0.5}
    return [known.get(value, value) for value in given if value is not None]


def counts(found: Rows, judges: set[str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    keys = [(row["query"].strip(), row["response_a"].strip(), row["response_b"].strip()) for row in found]
    every = set(keys)
    for row, key in zip(found, keys, strict=True):
        query, a, b = key
        counted["empty-answers"] += not a or not b
        counted["identical-answers"] += a == b != ""
        counted["duplicate-pairs"] += key in seen
        counted["swapped-twins"] += a != b and (query, b, a) in every
        seen.add(key)
        for judge in judges:
            verdicts = sides(row["labels"].get(judge))
            mean = sum(verdicts) / len(verdicts) if verdicts else None
            counted["missing-labels"] += mean is None
            counted["ties"] += mean == 0.5
            counted["order-flips"] += len(verdicts) == 2 and np.sign(verdicts[0] - 0.5) != np.sign(verdicts[1] - 0.5)
            if mean is not None and mean != 0.5 and len(a) != len(b):
                counted["length-wins"] += (mean > 0.5) == (len(a) > len(b))
    return counted


@pytest.mark.parametrize("name", ["pandalm", "llmbar", "haluquestqa"])
def test_real_data_is_counted_as_in_the_file(shared: Path, name: str) -> None:
    path = shared / f"{name}.jsonl"
    dataset, found = open_dataset(path), raw(path)
    counted = counts(found, {judge for row in found for judge in row["labels"]})
    said = {finding.code: finding.rows for finding in examine(dataset)}
    for code, number in counted.items():
        assert said.get(code, 0) == number, code
    if name == "pandalm":
        assert said["empty-answers"] == 54
