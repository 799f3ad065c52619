"""Cells that have numbers but should not be believed without more: each says why."""

import dataclasses
import warnings

import numpy as np
import pytest

from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.regression.cautions import cautions
from dissection.regression.cells import cells
from dissection.regression.fit import fit
from dissection.regression.model import PAPER, POOLED, STANDARD, Model
from dissection.regression.nuts import Settings
from tests.conftest import make_dataset


def said(dataset: PairDataset, model: Model = STANDARD) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        posteriors = fit(dataset, model)
    assert all(np.isfinite(p.mean).all() for p in posteriors if p.status == "fitted")
    return "\n".join(cautions(dataset, posteriors))


def with_verdicts(dataset: PairDataset, value: float) -> PairDataset:
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 0] = value
    return dataclasses.replace(dataset, verdicts=verdicts)


def test_plain_data_need_no_caution() -> None:
    assert said(make_dataset(n=200)) == ""


@pytest.mark.parametrize("model", [STANDARD, PAPER, POOLED])
def test_fewer_pairs_than_properties(model: Model) -> None:
    words = said(make_dataset(n=12, d=10), model)
    assert "one in Code (6 pairs); two in Code (6 pairs)" in words
    assert "fewer pairs than the 10 properties" in words


@pytest.mark.parametrize("model", [STANDARD, PAPER, POOLED])
def test_a_judge_that_always_says_a(model: Model) -> None:
    words = said(with_verdicts(make_dataset(n=80), 1.0), model)
    assert "one in Code (n = 40)" in words
    assert "every verdict is the same" in words
    assert "two in" not in words


def test_always_a_tie_is_no_side() -> None:
    assert "every verdict is the same" not in said(with_verdicts(make_dataset(n=80), 0.5))


@pytest.mark.parametrize("model", [STANDARD, PAPER])
def test_perfectly_separated_verdicts(model: Model) -> None:
    dataset = make_dataset(n=100, scenarios=("All",))
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 0] = np.where(dataset.comparisons[:, 0] == 0, 0.5, dataset.comparisons[:, 0] > 0)
    comparisons = np.column_stack([dataset.comparisons[:, 0], np.zeros((100, 2))])
    words = said(dataclasses.replace(dataset, verdicts=verdicts, comparisons=comparisons), model)
    assert "the properties foretell every verdict" in words


def test_a_property_that_never_differs() -> None:
    dataset = make_dataset(n=100)
    comparisons = dataset.comparisons.copy()
    comparisons[::2, 1] = 0  # in "Code"
    words = said(dataclasses.replace(dataset, comparisons=comparisons))
    assert "p1 in Code: the answers never differ in it" in words
    (code, _) = fit(dataclasses.replace(dataset, comparisons=comparisons), judges=["one"])
    assert code.mean[1] == pytest.approx(0, abs=1e-6)
    assert code.high[1] == pytest.approx(STANDARD.prior_reach, rel=0.01), "its interval is the prior's own"


@pytest.mark.parametrize("model", [STANDARD, PAPER, POOLED])
def test_all_labels_missing_have_a_status_and_no_cell(model: Model) -> None:
    dataset = with_verdicts(make_dataset(n=40), np.nan)
    assert {p.status for p in fit(dataset, model, judges=["one"])} == {"no verdicts"}
    assert said(dataset, model) == ""
    assert "one" not in {cell.judge for cell in cells(dataset, model, Settings())}


@pytest.mark.parametrize("model", [STANDARD, PAPER, POOLED])
def test_nan_comparisons_leave_their_pair_out(model: Model) -> None:
    dataset = make_dataset(n=40)
    comparisons = dataset.comparisons.copy()
    comparisons[0, 2] = np.nan
    assert next(p.n for p in fit(dataclasses.replace(dataset, comparisons=comparisons), model)) == 19


def test_infinite_comparisons_are_refused() -> None:
    dataset = make_dataset(n=40)
    comparisons = dataset.comparisons.copy()
    comparisons[3, 2] = np.inf
    with pytest.raises(DatasetError, match=r"'p2' is infinite.*pair p4"):
        dataclasses.replace(dataset, comparisons=comparisons)


def test_many_cells_are_counted_not_listed() -> None:
    words = said(make_dataset(n=24, d=9, scenarios=("a", "b", "c", "d")))
    assert "one in a (6 pairs); two in a (6 pairs); one in b (6 pairs) and 5 more: fewer pairs" in words
