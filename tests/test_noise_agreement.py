"""Agreement of two annotations: values by hand, the position effect, what has no number, and what can't be joined."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.noise.agreement import (
    AGREEMENT_COLUMNS,
    COMPUTED,
    GRADED,
    NEVER_BOTH,
    NO_SCATTER,
    ONE_QUERY,
    ONE_VALUE,
    agreement_of_annotations,
    ordinal_alpha,
    weighted_kappa,
)
from dissection.noise.twice import is_computed, join
from dissection.properties import Property
from tests.conftest import make_dataset, make_pairs


def annotated(comparisons: FloatArray, names: tuple[str, ...] = ("one", "two"), ids: range | None = None) -> PairDataset:
    """Pairs p1, p2, … with these comparisons and no judge; `ids` are the numbers of the pairs."""
    n, d = comparisons.shape
    pairs = make_pairs(n)
    if ids is not None:
        pairs = pairs.set_axis(pd.Index([f"p{i}" for i in ids], name="pair_id", dtype=object))
    properties = tuple(Property(name) for name in names[:d])
    return PairDataset("notes", pairs, properties, comparisons.astype(float), np.full((n, d, 2), np.nan), (), np.empty((n, 0, 2)))


def test_kappa_and_alpha_by_hand() -> None:
    table = np.array([[2.0, 1, 0], [0, 3, 1], [1, 0, 2]])
    # Disagreement 1+1+2 = 4 of 10. Rows are 3, 4, 3 and columns 3, 4, 3: expected (3·4·1 + 3·3·2 + 4·3·1 + 4·3·1 + 3·3·2 + 3·4·1)/10 = 8.4.
    assert weighted_kappa(table) == pytest.approx(1 - 4 / 8.4)
    import krippendorff

    first, second = np.nonzero(table)
    coded = np.array([[i, j] for i, j in zip(first, second, strict=True) for _ in range(int(table[i, j]))]).T
    expected = krippendorff.alpha(reliability_data=coded, level_of_measurement="ordinal")
    assert ordinal_alpha(table) == pytest.approx(expected)
    # Values 6, 8 and 6 of 20: their middles lie at 3, 10 and 17, so distances are 49, 49 and 196.
    observed = 2 * (49 + 49 + 196)
    chance = 2 * (6 * 8 * 49 + 8 * 6 * 49 + 6 * 6 * 196) / 19
    assert ordinal_alpha(table) == pytest.approx(1 - observed / chance)


def test_a_row_by_hand() -> None:
    first = np.array([[1], [1], [0], [-1], [0], [1]])
    second = np.array([[1], [-1], [0], [-1], [1], [1]])
    row = agreement_of_annotations(annotated(first), annotated(second), swapped=False).iloc[0]
    assert list(agreement_of_annotations(annotated(first), annotated(second), swapped=False).columns) == list(AGREEMENT_COLUMNS)
    assert (row["n"], row["differ"]) == (6, 5)
    assert row["equal"] == pytest.approx(100 * 4 / 6)
    assert row["opposed"] == pytest.approx(100 / 6)
    assert row["equal_low"] < row["equal"] < row["equal_high"]
    assert np.isnan(row["position"])
    assert np.isnan(row["epsilon"])
    assert "6 pairs annotated twice are too few" in row["remark"]


def test_joined_by_id_in_any_order() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(-1, 2, (30, 2))
    second = annotated(first[::-1][:20], ids=range(30, 10, -1))
    found = agreement_of_annotations(annotated(first), second, swapped=False)
    assert found["n"].tolist() == [20, 20]
    assert found["equal"].tolist() == [100, 100]
    # By Wilson, of 20 queries.
    assert found["equal_low"].tolist() == pytest.approx([83.9, 83.9], abs=0.1)
    assert found["kappa"].tolist() == [1, 1]
    assert found["kappa_low"].isna().all()
    assert found["remark"].str.contains(NO_SCATTER).all()


def test_a_planted_position_effect_is_found() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(40):
        truth = rng.integers(-1, 2, (200, 1)).astype(float)
        pushed = rng.random((2, 200, 1)) < 0.2  # in one of five annotations what is shown first is rated one step up
        first, second = np.clip(truth + pushed[0], -1, 1), np.clip(truth - pushed[1], -1, 1)
        row = agreement_of_annotations(annotated(first), annotated(second), swapped=True, resamples=200, seed=seed).iloc[0]
        held += row["position_low"] <= 0.2 * 2 / 3 <= row["position_high"]  # of three comparisons two can be pushed
        assert row["position_low"] > 0
    assert held >= 34


def test_pairs_of_one_query_are_drawn_together() -> None:
    rng = np.random.default_rng(2)
    values = rng.integers(-1, 2, (20, 1))
    agree = rng.random(20) < 0.6
    first = np.repeat(values, 10, axis=0)
    second = np.repeat(np.where(agree[:, None], values, -1), 10, axis=0)
    alone = annotated(first)
    pairs = alone.pairs.assign(query=np.repeat([f"query {i}" for i in range(20)], 10))
    apart, together = (
        agreement_of_annotations(data, annotated(second), swapped=False).iloc[0]
        for data in (alone, dataclasses.replace(alone, pairs=pairs))
    )
    assert apart["equal"] == together["equal"]
    width = [row["equal_high"] - row["equal_low"] for row in (apart, together)]
    assert width[1] > 2 * width[0]


def test_what_has_no_number_says_why() -> None:
    n = 40
    rng = np.random.default_rng(3)
    plain = rng.integers(-1, 2, n).astype(float)
    columns = {"only ties": np.zeros(n), "graded": plain / 2, "longer": plain, "missing": np.full(n, np.nan), "plain": plain}
    first = annotated(np.column_stack(list(columns.values())), tuple(columns))
    changed = np.column_stack(list(columns.values())).copy()
    changed[:8, 4] = 0
    found = agreement_of_annotations(first, annotated(changed, tuple(columns)), swapped=True).set_index("property")
    assert ONE_VALUE in found.loc["only ties", "remark"]
    assert np.isnan(found.loc["only ties", "kappa"])
    assert "differ in only 0 of 40 pairs" in found.loc["only ties", "remark"]
    assert GRADED in found.loc["graded", "remark"]
    assert np.isnan(found.loc["graded", "epsilon"])
    assert COMPUTED in found.loc["longer", "remark"]
    assert found.loc["longer", "epsilon"] == 0
    assert found.loc["missing", "remark"] == NEVER_BOTH
    assert found.loc["missing", "n"] == 0
    assert found.loc["plain", "remark"] == ""
    assert found.loc["plain"].drop("remark").notna().all()
    with_scatter = found.loc["plain"]
    for name in ("equal", "kappa", "alpha", "position", "epsilon"):
        assert with_scatter[f"{name}_low"] <= with_scatter[name] <= with_scatter[f"{name}_high"]


def test_one_query_has_no_intervals() -> None:
    values = np.array([[1], [0], [-1], [1]])
    data = annotated(values)
    one = dataclasses.replace(data, pairs=data.pairs.assign(query="the same"))
    row = agreement_of_annotations(one, annotated(np.array([[1], [0], [1], [1]])), swapped=True).iloc[0]
    assert ONE_QUERY in row["remark"]
    assert row[["equal_low", "kappa_low", "alpha_low", "position_low"]].isna().all()


def test_nothing_in_common_is_said() -> None:
    data = annotated(np.ones((3, 2)))
    with pytest.raises(InputError, match="no pair in common") as caught:
        join(data, annotated(np.ones((3, 2)), ids=range(7, 10)))
    assert "p1, p2, p3" in caught.value.where
    assert "p7" in caught.value.where
    with pytest.raises(InputError, match="no property in common") as caught:
        join(data, annotated(np.ones((3, 1)), ("other",)))
    assert "one, two" in caught.value.where
    with pytest.raises(InputError, match="No comparison was made in both"):
        join(data, annotated(np.full((3, 2), np.nan)))
    with pytest.raises(InputError, match="number of resamples is 3"):
        agreement_of_annotations(data, data, swapped=False, resamples=3)
    weights = dataclasses.replace(
        make_dataset(n=0, d=2), estimates=np.zeros((1, 2, 2)), estimate_groups=make_dataset(n=4).groups[:1], pairs=make_pairs(0)
    )
    with pytest.raises(InputError, match="came without their pairs"):
        join(weights, data)


def test_ids_that_stand_for_other_answers_are_refused() -> None:
    first = annotated(np.ones((30, 2)))
    texts = {"response_a": [f"one\r\n of {i}" for i in range(30)], "response_b": [f"two of {i}" for i in range(30)]}
    first = dataclasses.replace(first, pairs=first.pairs.assign(**texts))
    assert join(first, annotated(np.ones((30, 2)))).both.all(), "without texts nothing can be told"
    other_ends = [text.replace("\r\n", "\n") + " " for text in texts["response_a"]]
    assert len(join(first, dataclasses.replace(first, pairs=first.pairs.assign(response_a=other_ends))).first) == 30
    exchanged = first.pairs.assign(response_a=texts["response_b"], response_b=texts["response_a"])
    with pytest.raises(InputError, match="'p1' has A and B exchanged") as caught:
        join(first, dataclasses.replace(first, pairs=exchanged))
    assert "with the comparisons" in caught.value.remedy
    with pytest.raises(InputError, match="'p8' has other answers"):
        join(first, dataclasses.replace(first, pairs=first.pairs.assign(response_b=[*texts["response_b"][:7], *["else"] * 23])))


def test_an_annotated_property_is_not_computed_for_its_name() -> None:
    assert not is_computed(Property("hedges"))
    assert is_computed(Property("hedges", computed="counted"))
    assert is_computed(Property("longer"))
