"""From a dataset to posteriors: selection, counts, positions, statuses."""

import dataclasses
import json

import numpy as np
import pytest

from dissection.dataset import ALL_PAIRS, Group, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import Judge
from dissection.readers import open_dataset
from dissection.regression.fit import FOLD_SEED, fit
from dissection.regression.model import PAPER, STANDARD, choose_model
from dissection.regression.posterior import EFFECT_COLUMNS, Posterior, effects_frame, probability
from tests.conftest import make_dataset, make_pairs


def same(one: Posterior, other: Posterior) -> bool:
    """Whether two posteriors have the same numbers."""
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in ("mean", "sd", "low", "high", "direction", "n")
    )


def with_verdicts(dataset: PairDataset, verdicts: np.ndarray) -> PairDataset:
    return dataclasses.replace(dataset, verdicts=verdicts)


# --- what is fitted ----------------------------------------------------------------------------------------------------------------


def test_groups_are_outermost_and_judges_in_the_order_of_the_data() -> None:
    dataset = make_dataset(conditions={"w_stances": np.arange(60) % 3 == 0})
    cells = [(p.group.name, p.judge) for p in fit(dataset)]
    assert cells == [(group, judge) for group in ("Code", "Advice", "w_stances") for judge in ("one", "two")]


def test_judges_and_groups_can_be_chosen_in_any_order() -> None:
    dataset = make_dataset(conditions={"w_stances": np.arange(60) % 3 == 0})
    everything = {(p.group.name, p.judge): p for p in fit(dataset)}
    some = fit(dataset, judges=["two", "one"], groups=["w_stances", "Code"])
    assert [(p.group.name, p.judge) for p in some] == [("w_stances", "two"), ("w_stances", "one"), ("Code", "two"), ("Code", "one")]
    for posterior in some:
        np.testing.assert_allclose(posterior.mean, everything[posterior.group.name, posterior.judge].mean, atol=1e-6)
    assert fit(dataset, judges=[]) == []
    assert fit(dataset, groups=[]) == []


def test_all_pairs_is_a_group_of_its_own() -> None:
    (posterior,) = fit(make_dataset(), judges=["one"], groups=[ALL_PAIRS])
    assert (posterior.group, posterior.n) == (Group(ALL_PAIRS, "all"), 60)


def test_unknown_names_are_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match=r"no judge named 'three'.*one, two"):
        fit(make_dataset(), judges=["three"])
    with pytest.raises(UnknownNameError, match=r"no scenario or condition named 'Maths'.*All pairs, Code, Advice"):
        fit(make_dataset(), groups=["Maths"])


def test_progress_counts_groups() -> None:
    seen: list[tuple[int, int]] = []
    fit(make_dataset(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_point_estimates_pass_through() -> None:
    weights = [0.01 * i for i in range(29)]
    content = json.dumps({"Code": {"me": weights}, "Advice": {"me": weights[::-1], "you": weights}})
    dataset = open_dataset(content.encode(), "w.json")
    found = fit(dataset, judges=["you", "me"])
    assert [(p.group.name, p.judge, p.status) for p in found] == [
        ("Code", "you", "no verdicts"),
        ("Code", "me", "point estimate"),
        ("Advice", "you", "point estimate"),
        ("Advice", "me", "point estimate"),
    ]
    np.testing.assert_array_equal(found[1].mean, weights)
    np.testing.assert_array_equal(found[3].mean, weights[::-1])
    for posterior in found:
        assert posterior.n == 0
        assert np.isnan([posterior.sd, posterior.low, posterior.high, posterior.direction]).all()
        assert not posterior.decided.any()
        assert posterior.position_bias is None


# --- n and differs -----------------------------------------------------------------------------------------------------------------


def test_n_counts_pairs_with_a_verdict_and_all_properties() -> None:
    dataset = make_dataset(n=40, scenarios=("All",), both_orders=True)
    verdicts, comparisons = dataset.verdicts.copy(), dataset.comparisons.copy()
    verdicts[:4, 0] = np.nan  # no verdict at all
    verdicts[4:7, 0, 1] = np.nan  # asked in one order only: still one pair
    comparisons[10:15, 1] = np.nan  # one property not assessed
    dataset = dataclasses.replace(dataset, verdicts=verdicts, comparisons=comparisons)
    one, two = fit(dataset)
    assert (one.n, two.n) == (31, 35)
    kept = np.r_[4:10, 15:40]
    np.testing.assert_array_equal(one.differs, (comparisons[kept] != 0).sum(axis=0))


def test_a_pair_not_assessed_has_no_influence() -> None:
    dataset = make_dataset(n=40, scenarios=("All",))
    comparisons, verdicts = dataset.comparisons.copy(), dataset.verdicts.copy()
    comparisons[5:9, 2] = np.nan
    verdicts[5:9] = 1 - verdicts[5:9]
    without = dataclasses.replace(dataset, comparisons=comparisons)
    for one, other in zip(fit(without), fit(with_verdicts(without, verdicts)), strict=True):
        assert same(one, other)


def test_groups_do_not_touch_each_other() -> None:
    dataset = make_dataset()
    verdicts = dataset.verdicts.copy()
    verdicts[1::2] = 1 - verdicts[1::2]  # every second pair is in "Advice"
    before, after = fit(dataset), fit(with_verdicts(dataset, verdicts))
    assert all(same(one, other) for one, other in zip(before[:2], after[:2], strict=True))
    np.testing.assert_allclose(before[2].mean, -after[2].mean, atol=1e-6)


# --- orders and position ------------------------------------------------------------------------------------------------------------


def test_both_orders_count_as_one_pair_in_the_paper_model() -> None:
    dataset = make_dataset(n=80, both_orders=True)
    collapsed = with_verdicts(dataset, np.stack([dataset.labels, np.full(dataset.labels.shape, np.nan)], axis=2))
    assert (dataset.labels == 0.5).any()
    for one, other in zip(fit(dataset, PAPER), fit(collapsed, PAPER), strict=True):
        assert same(one, other)


def test_asking_twice_and_hearing_the_same_is_not_more_evidence() -> None:
    dataset = make_dataset(n=200, scenarios=("All",))
    once = dataset.verdicts
    twice = with_verdicts(dataset, np.stack([once[:, :, 0], once[:, :, 0]], axis=2))
    paper_once, paper_twice = fit(dataset, PAPER), fit(twice, PAPER)
    for one, other in zip(paper_once, paper_twice, strict=True):
        assert same(one, other)
    for one, other in zip(paper_once, fit(twice, STANDARD), strict=True):
        # A judge who never changes sides has no position bias, so the models agree but for the position's own uncertainty.
        assert np.abs((one.mean - other.mean) / one.sd).max() < 0.15
        assert np.abs(other.sd / one.sd - 1).max() < 0.05
        assert other.position_bias is not None
        assert abs(other.position_bias.mean) < 1e-3


@pytest.mark.parametrize("bias", [-0.8, 0.0, 0.8])
def test_planted_position_bias_is_found(bias: float) -> None:
    dataset = make_dataset(n=800, scenarios=("All",), position_bias=bias, both_orders=True, seed=4)
    for posterior in fit(dataset):
        assert posterior.position_bias is not None
        assert posterior.position_bias.low < bias < posterior.position_bias.high
        assert posterior.position_bias.sd < 0.2
        if bias:
            assert np.sign(posterior.position_bias.low) == np.sign(posterior.position_bias.high) == np.sign(bias)


def test_a_judge_asked_in_the_second_order_only_is_fitted() -> None:
    dataset = make_dataset(n=400, scenarios=("All",), position_bias=1.0, both_orders=True)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 0] = np.nan
    one, two = fit(with_verdicts(dataset, verdicts))
    assert one.n == two.n == 400
    assert one.position_bias is not None
    assert one.position_bias.mean == pytest.approx(1.0, abs=0.4)


def test_a_judge_with_both_orders_does_not_change_another() -> None:
    dataset = make_dataset(n=100, scenarios=("All",), both_orders=True)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 1] = np.nan
    mixed = with_verdicts(dataset, verdicts)
    assert [p.judge for p in fit(mixed)] == ["one", "two"]
    assert same(fit(mixed)[0], fit(mixed, judges=["one"])[0])
    assert same(fit(mixed)[1], fit(mixed, judges=["two"])[0])


# --- hard judges --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [STANDARD, PAPER], ids=["standard", "paper"])
def test_one_sided_and_perfectly_predictable_judges_are_fitted(model: object) -> None:
    dataset = make_dataset(n=300, scenarios=("All",))
    verdicts = np.full((300, 2, 2), np.nan)
    verdicts[:, 0, 0] = 1.0
    verdicts[:, 1, 0] = np.where(dataset.comparisons[:, 0] == 0, 0.5, dataset.comparisons[:, 0] > 0)
    always, perfect = fit(with_verdicts(dataset, verdicts), model)  # type: ignore[arg-type]
    assert (always.status, perfect.status) == ("fitted", "fitted")
    assert np.isfinite([*always.low, *always.high, *perfect.low, *perfect.high]).all()
    assert perfect.low[0] > 1
    assert not perfect.decided[1:].any()
    if always.position_bias is not None:
        assert always.position_bias.low > 1.5


def test_no_verdicts_is_said() -> None:
    dataset = make_dataset()
    verdicts = dataset.verdicts.copy()
    verdicts[::2, 1] = np.nan  # "Code"
    silent, spoken = (fit(with_verdicts(dataset, verdicts), judges=["two"], groups=[name])[0] for name in ("Code", "Advice"))
    assert (silent.status, silent.n, silent.converged) == ("no verdicts", 0, False)
    assert np.isnan([silent.mean, silent.sd, silent.low, silent.high, silent.direction, silent.differs]).all()
    assert (spoken.status, spoken.n) == ("fitted", 30)


def test_an_empty_condition_has_no_verdicts() -> None:
    dataset = make_dataset(conditions={"w_mistakes": np.zeros(60, dtype=bool)})
    assert [p.status for p in fit(dataset, groups=["w_mistakes"])] == ["no verdicts"] * 2


def test_one_pair_is_fitted() -> None:
    (posterior,) = fit(make_dataset(n=1, scenarios=("All",)), judges=["one"])
    assert (posterior.status, posterior.n) == ("fitted", 1)
    assert not posterior.decided.any()


@pytest.mark.parametrize("model", [STANDARD, PAPER], ids=["standard", "paper"])
def test_overflow_is_not_converged_and_without_numbers(model: object) -> None:
    dataset = make_dataset()
    comparisons = dataset.comparisons.copy()
    comparisons[2, 0] = 1e200  # in "Code"
    found = fit(dataclasses.replace(dataset, comparisons=comparisons), model)  # type: ignore[arg-type]
    assert [p.status for p in found] == ["not converged"] * 2 + ["fitted"] * 2
    for posterior in found[:2]:
        assert not posterior.converged
        assert posterior.n == 30
        assert np.isnan([posterior.mean, posterior.sd, posterior.low, posterior.high, posterior.direction]).all()
        assert posterior.position_bias is None


def test_no_properties_but_a_position() -> None:
    dataset = PairDataset(
        "none",
        make_pairs(50),
        (),
        np.empty((50, 0)),
        np.empty((50, 0, 2)),
        (Judge("one"),),
        np.stack([np.ones((50, 1)), np.zeros((50, 1))], 2),
    )
    (posterior,) = fit(dataset)
    assert posterior.mean.shape == (0,)
    assert posterior.position_bias is not None
    assert posterior.position_bias.low > 1


# --- the model and the frame --------------------------------------------------------------------------------------------------------


def test_presets() -> None:
    assert (STANDARD.prior_scale, STANDARD.intercept_sd) == (0.1, 1.0)
    assert (PAPER.prior_scale, PAPER.intercept_sd) == (0.1, None)
    assert choose_model() == STANDARD
    assert choose_model("paper", 0.3) == dataclasses.replace(PAPER, prior_scale=0.3)
    assert "position bias" in STANDARD.description
    assert "no intercept" in PAPER.description


@pytest.mark.parametrize("scale", [0.0, -1.0, 11.0, float("nan"), float("inf")])
def test_impossible_prior_scales_are_refused(scale: float) -> None:
    with pytest.raises(InputError, match=r"from 0.001 to 10"):
        choose_model("standard", scale)


def test_the_mean_of_ten_fits_is_that_of_fits_without_a_tenth() -> None:
    dataset = make_dataset(n=100, scenarios=("All",))
    (mean,) = fit(dataset, choose_model("paper", folds=10), judges=["one"])
    part = np.random.default_rng(FOLD_SEED).permutation(100) % 10
    fits = []
    for fold in range(10):
        verdicts = dataset.verdicts.copy()
        verdicts[part == fold] = np.nan
        fits.append(fit(with_verdicts(dataset, verdicts), PAPER, judges=["one"])[0])
    np.testing.assert_allclose(mean.mean, np.mean([one.mean for one in fits], axis=0), atol=1e-6)
    np.testing.assert_allclose(mean.high, np.mean([one.high for one in fits], axis=0), atol=1e-6)
    (whole,) = fit(dataset, PAPER, judges=["one"])
    assert mean.likelihood_sd.mean() > whole.likelihood_sd.mean(), "each fit has fewer pairs"
    assert np.abs(mean.mean - whole.mean).max() < 0.05
    assert mean.n == 100


def test_folds_are_for_the_paper_model_alone() -> None:
    with pytest.raises(InputError, match="paper"):
        choose_model("standard", folds=10)
    with pytest.raises(InputError, match="from 2 to 100"):
        choose_model("paper", folds=1)


def test_unknown_models_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="standard, paper, pooled"):
        choose_model("ridge")


def test_a_wider_prior_pulls_less() -> None:
    dataset = make_dataset(n=200, scenarios=("All",))
    found = [fit(dataset, choose_model("standard", scale), judges=["one"])[0] for scale in (0.001, 0.02, 0.1, 1.0, 10.0)]
    assert all(posterior.status == "fitted" for posterior in found)
    assert np.all(np.diff([posterior.mean[0] for posterior in found]) > 0), "the planted weight is 1"


def test_probability_reads_log_odds_as_per_cent() -> None:
    np.testing.assert_allclose(probability(np.array([0.0, np.log(3), -np.log(3), np.nan])), [50, 75, 25, np.nan])
    np.testing.assert_allclose(probability(np.array([-1e4, 1e4])), [0, 100])


def test_effects_frame_has_a_row_for_each_cell_and_property() -> None:
    dataset = make_dataset(conditions={"w_stances": np.zeros(60, dtype=bool)})
    posteriors = fit(dataset)
    frame = effects_frame(posteriors)
    assert tuple(frame.columns) == (*EFFECT_COLUMNS, "differs", "decided", "status", "engine")
    assert len(frame) == 3 * 2 * 3
    row = frame[(frame["judge"] == "two") & (frame["group"] == "Advice") & (frame["property"] == "p0")].iloc[0]
    posterior = posteriors[3]
    assert (row["mean"], row["low"], row["n"], row["kind"]) == (posterior.mean[0], posterior.low[0], 30, "scenario")
    assert row["probability"] == pytest.approx(100 / (1 + np.exp(-posterior.mean[0])))
    empty = frame[frame["group"] == "w_stances"]
    assert set(empty["status"]) == {"no verdicts"}
    assert not empty["converged"].any()
    assert not empty["decided"].any()
    assert effects_frame([]).empty
    assert tuple(effects_frame([]).columns) == tuple(frame.columns)
