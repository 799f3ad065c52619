"""Agreement of judges: percent, kappa and alpha side by side, and the confusion of verdicts. (Kappa alone: tests/test_labels.py.)"""

import math

import krippendorff
import numpy as np
import pytest

from dissection.agreement import (
    AGREEMENT_COLUMNS,
    agreement_frame,
    confusion,
    krippendorff_alpha,
    wilson,
)
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import UnknownNameError
from dissection.figures.agreement import agreement_chart, agreement_reading, confusion_chart, confusion_reading
from tests.conftest import make_dataset

NAN = math.nan


def said(words: str) -> FloatArray:
    """Verdicts from letters: A, t(ie), B, or a dot where there is none."""
    return np.array([{"A": 1.0, "t": 0.5, "B": 0.0, ".": NAN}[letter] for letter in words])


def dataset_of(*judges: str, scenarios: tuple[str, ...] = ("All",)) -> PairDataset:
    """Judges by their verdicts as letters."""
    found = make_dataset(n=len(judges[0]), scenarios=scenarios, weights={f"j{i}": [0.0] * 3 for i in range(len(judges))})
    verdicts = np.full(found.verdicts.shape, NAN)
    verdicts[:, :, 0] = np.stack([said(words) for words in judges], axis=1)
    verdicts.setflags(write=False)
    object.__setattr__(found, "verdicts", verdicts)
    return found


def pair_of_judges(rng: np.random.Generator, n: int, agree: float) -> FloatArray:
    """Two judges of three verdicts who say the same with probability `agree`, else draw anew."""
    first = rng.choice([0.0, 0.5, 1.0], p=[0.4, 0.2, 0.4], size=n)
    anew = rng.choice([0.0, 0.5, 1.0], p=[0.4, 0.2, 0.4], size=n)
    return np.stack([first, np.where(rng.random(n) < agree, first, anew)], axis=1)


def test_alpha_is_the_library_s_with_missing_verdicts_and_many_judges() -> None:
    labels = np.random.default_rng(0).choice([0.0, 0.5, 1.0, NAN], p=[0.4, 0.1, 0.3, 0.2], size=(80, 5))
    found = krippendorff_alpha(labels, resamples=200)
    assert found.alpha == pytest.approx(krippendorff.alpha(labels.T, level_of_measurement="nominal"), abs=1e-12)
    assert found.n == ((~np.isnan(labels)).sum(axis=1) >= 2).sum()
    assert found.judges == 5
    assert found.low < found.alpha < found.high


def test_soft_verdicts_count_by_their_side() -> None:
    soft = np.array([[0.9, 0.7], [0.2, 0.4], [0.5, 0.5], [0.6, 0.1]])
    assert krippendorff_alpha(soft).alpha == pytest.approx(krippendorff_alpha((1 + np.sign(soft - 0.5)) / 2).alpha)


def test_each_resample_is_counted_as_the_library_would() -> None:
    labels = np.random.default_rng(3).choice([0.0, 0.5, 1.0, NAN], size=(30, 4))
    counts = np.stack([(labels == value).sum(axis=1) for value in (1.0, 0.5, 0.0)], axis=1)
    counts = counts[counts.sum(axis=1) >= 2]
    kinds, frequency = np.unique(counts, axis=0, return_counts=True)
    from dissection.agreement import _resampled_alphas

    times = np.random.default_rng(7).multinomial(len(counts), frequency / len(counts), size=20)
    slow = [krippendorff.alpha(value_counts=np.repeat(kinds, row, axis=0), level_of_measurement="nominal") for row in times]
    np.testing.assert_allclose(_resampled_alphas(counts, 20, 7), slow, atol=1e-12)


def test_alpha_s_interval_holds_the_truth_in_about_95_of_100() -> None:
    truth = krippendorff_alpha(pair_of_judges(np.random.default_rng(1), 400_000, 0.5), resamples=1).alpha
    assert truth == pytest.approx(0.5, abs=0.01)
    held = 0
    for seed in range(300):
        found = krippendorff_alpha(pair_of_judges(np.random.default_rng(100 + seed), 150, 0.5), resamples=300, seed=seed)
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 300 <= 0.985


@pytest.mark.parametrize(
    ("words", "why", "n"),
    [
        (("A.B", ".B."), "no pair", 0),
        (("AAA", "AAA"), "only one verdict", 3),
        (("ABt", "ABt"), "agree on every pair", 3),
        (("A..", "B.."), "one pair", 1),
    ],
)
def test_where_alpha_or_its_interval_is_not_defined_the_reason_is_given(words: tuple[str, str], why: str, n: int) -> None:
    found = krippendorff_alpha(np.stack([said(part) for part in words], axis=1))
    assert why in found.reason
    assert found.n == n
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_the_same_seed_gives_the_same_interval() -> None:
    labels = pair_of_judges(np.random.default_rng(0), 60, 0.4)
    assert krippendorff_alpha(labels, seed=5) == krippendorff_alpha(labels, seed=5)
    assert krippendorff_alpha(labels, seed=5) != krippendorff_alpha(labels, seed=6)


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs × judges"):
        krippendorff_alpha(np.zeros(4))
    with pytest.raises(ValueError, match="both must be"):
        confusion(np.zeros(4), np.zeros(5))


def test_wilson_is_elementwise_and_unknown_without_pairs() -> None:
    low, high = wilson(np.array([0.8, 0.0, NAN]), np.array([10, 6, 0]))
    np.testing.assert_allclose([low[0], high[0]], [0.4902, 0.9433], atol=1e-4)
    assert low[1] == pytest.approx(0, abs=1e-12)
    assert np.isnan([low[2], high[2]]).all()


def test_one_row_for_all_pairs_and_one_a_scenario() -> None:
    data = dataset_of("AABBtABBAA", "ABBBtAABA.", scenarios=("Code", "Advice"))
    frame = agreement_frame(data, "j0", "j1", resamples=50)
    assert tuple(frame.columns) == AGREEMENT_COLUMNS
    assert list(frame["scenario"]) == ["All pairs", "Code", "Advice"]
    assert list(frame["n"]) == [9, 5, 4]
    assert frame["percent"].tolist() == pytest.approx([700 / 9, 80, 75])
    assert ((frame["percent_low"] < frame["percent"]) & (frame["percent"] < frame["percent_high"])).all()
    assert len(agreement_frame(dataset_of("AB", "AB"), "j0", "j1")) == 1


def test_a_scenario_that_only_one_judged_says_so() -> None:
    frame = agreement_frame(dataset_of("ABABAB", "A.A.B.", scenarios=("Code", "Advice")), "j0", "j1", resamples=20)
    row = frame[frame["scenario"] == "Advice"].iloc[0]
    assert row["n"] == 0
    assert row["reason"] == "no pair was judged by both"
    assert row[["percent", "kappa", "alpha"]].isna().all()


def test_an_unknown_judge_is_named() -> None:
    with pytest.raises(UnknownNameError, match="nobody"):
        agreement_frame(make_dataset(), "one", "nobody")


def test_confusion_counts_ties_and_shares_of_rows() -> None:
    frame = confusion(said("AAAAttBB."), said("AABtttBAA"))
    table = frame.pivot(index="first", columns="second", values="count")
    assert table.loc["A"].to_dict() == {"A": 2, "B": 1, "tie": 1}
    assert table.loc["tie"].to_dict() == {"A": 0, "B": 0, "tie": 2}
    assert table.loc["B"].to_dict() == {"A": 1, "B": 1, "tie": 0}
    row = frame[(frame["first"] == "A") & (frame["second"] == "A")].iloc[0]
    assert (row["n"], row["percent"]) == (4, 50)
    assert row["low"] < 50 < row["high"]
    assert confusion(said("AA"), said("AA")).loc[lambda part: part["first"] == "B", "percent"].isna().all()


def test_figures_show_every_number_with_its_n() -> None:
    data = make_dataset(n=200)
    frame = agreement_frame(data, "one", "two", resamples=100)
    figure = agreement_chart(frame)
    assert [list(trace.x) for trace in figure.data] == [frame[name].tolist() for name in ("percent", "kappa", "alpha")]
    assert all(f"n = {n:,} pairs" in text for n, text in zip(frame["n"], figure.data[0].hovertext, strict=True))
    assert "200 pairs" in agreement_reading(frame, "one", "two")
    table = confusion(data.labels[:, 0], data.labels[:, 1])
    heat = confusion_chart(table, "one", "two").data[0]
    np.testing.assert_array_equal(np.array(heat.z), table["percent"].to_numpy().reshape(3, 3))
    assert "n = 200" in confusion_reading(table, "one", "two")


def test_readings_without_a_common_pair_say_so() -> None:
    data = dataset_of("A.A.", ".B.B", scenarios=("Code", "Advice"))
    frame, table = agreement_frame(data, "j0", "j1"), confusion(data.labels[:, 0], data.labels[:, 1])
    assert "no pair in common" in agreement_reading(frame, "j0", "j1")
    assert "no pair in common" in confusion_reading(table, "j0", "j1")
    assert len(agreement_chart(frame).data) == 3
    assert len(confusion_chart(table, "j0", "j1").data) == 1
