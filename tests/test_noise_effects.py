"""Effects without the annotator's noise: planted tastes behind planted noise, and what can't be corrected."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.judges import Judge
from dissection.noise.agreement import COMPUTED
from dissection.noise.effects import NOT_AGAIN, calibration, corrected_effects, noise_of
from dissection.properties import Property
from dissection.regression.model import POOLED, STANDARD, choose_model
from dissection.simulate import draw_comparisons, sigmoid
from tests.conftest import make_pairs

WIDE = dataclasses.replace(STANDARD, prior_scale=0.25)


class World(NamedTuple):
    """Pairs whose true comparisons and tastes are known.

    Attributes:
        dataset: with one noisy annotation, and verdicts that follow the true comparisons.
        again: a second annotation of some pairs.
        tastes: (judges × properties).
        clean: the dataset with the true comparisons.
    """

    dataset: PairDataset
    again: PairDataset
    tastes: FloatArray
    clean: PairDataset


def drawn_anew(truth: FloatArray, epsilon: FloatArray, drawn_ties: float, rng: np.random.Generator) -> FloatArray:
    """An annotation: each comparison is drawn anew with its property's probability."""
    fresh = rng.choice([-1.0, 0.0, 1.0], truth.shape, p=[(1 - drawn_ties) / 2, drawn_ties, (1 - drawn_ties) / 2])
    return np.where(rng.random(truth.shape) < epsilon, fresh, truth)


def world(
    seed: int,
    epsilon: float,
    *,
    n: int = 1500,
    d: int = 10,
    judges: int = 6,
    again: int = 400,
    strong: bool = True,
    drawn_ties: float = 0.5,
) -> World:
    """Noise on all properties but the first, which is "longer"; tastes are strong and few, or of the model's prior."""
    rng = np.random.default_rng(seed)
    truth = draw_comparisons(n, d, rng)
    few = np.where(rng.random((judges, d)) < 0.4, rng.choice([-1, 1], (judges, d)) * rng.uniform(0.3, 1.0, (judges, d)), 0.0)
    tastes = few if strong else rng.laplace(0, STANDARD.prior_scale, (judges, d))
    verdicts = np.full((n, judges, 2), np.nan)
    verdicts[:, :, 0] = rng.random((n, judges)) < sigmoid(truth @ tastes.T)
    noise = np.array([0.0] + [epsilon] * (d - 1))
    properties = tuple(Property("longer" if i == 0 else f"p{i}") for i in range(d))
    names = tuple(Judge(f"judge {i}") for i in range(judges))

    def made(comparisons: FloatArray) -> PairDataset:
        return PairDataset("made up", make_pairs(n), properties, comparisons, np.full((n, d, 2), np.nan), names, verdicts)

    rows = np.sort(rng.choice(n, again, replace=False))
    second = made(drawn_anew(truth, noise, drawn_ties, rng))
    second = dataclasses.replace(
        second,
        pairs=second.pairs.iloc[rows],
        comparisons=second.comparisons[rows],
        scores=second.scores[rows],
        judges=(),
        verdicts=np.empty((again, 0, 2)),
    )
    return World(made(drawn_anew(truth, noise, drawn_ties, rng)), second, tastes, made(truth))


def errors(found: pd.DataFrame, made: World, name: str) -> FloatArray:
    """(judges × properties) distance from the planted tastes."""
    return np.asarray(np.abs(found[name].to_numpy().reshape(made.tastes.shape) - made.tastes))


def inside(found: pd.DataFrame, made: World, low: str, high: str) -> FloatArray:
    """(judges × properties) whether the interval holds the planted taste."""
    tastes = made.tastes.ravel()
    return np.asarray((found[low] <= tastes) & (tastes <= found[high]), dtype=float).reshape(made.tastes.shape)


@pytest.mark.parametrize(("epsilon", "drawn_ties"), [(0.1, 1 / 3), (0.1, 0.7), (0.25, 1 / 3), (0.25, 0.7)])
def test_corrected_effects_are_closer_to_strong_tastes(epsilon: float, drawn_ties: float) -> None:
    plain, corrected, held, held_plain = [], [], [], []
    for seed in range(8):
        made = world(seed, epsilon, drawn_ties=drawn_ties)
        found = corrected_effects(made.dataset, made.again, "All", WIDE, resamples=12, seed=seed)
        plain.append(errors(found, made, "mean"))
        corrected.append(errors(found, made, "corrected"))
        held.append(inside(found, made, "corrected_low", "corrected_high"))
        held_plain.append(inside(found, made, "low", "high"))
    by_property = [np.mean(part, axis=(0, 1))[1:] for part in (plain, corrected)]
    assert np.mean(corrected) < np.mean(plain)
    assert (by_property[1] < by_property[0] + 0.002).mean() >= (0.8 if epsilon == 0.25 else 0.6)
    assert np.mean(held) >= 0.93
    assert np.mean(held) > np.mean(held_plain)
    # A strong taste is where noise hurts, and where plain intervals fail.
    large = [np.abs(world(seed, epsilon).tastes) > 0.2 for seed in range(8)]
    before, after = (np.mean([part[mask].mean() for part, mask in zip(parts, large, strict=True)]) for parts in (plain, corrected))
    assert after < 0.9 * before


@pytest.mark.parametrize("epsilon", [0.1, 0.25])
def test_tastes_of_the_prior_are_held_at_the_nominal_rate(epsilon: float) -> None:
    distance, held = [], []
    for seed in range(10):
        made = world(100 + seed, epsilon, strong=False, drawn_ties=1 / 3)
        found = corrected_effects(made.dataset, made.again, "All", resamples=12, seed=seed)
        distance.append([errors(found, made, name).mean() for name in ("mean", "corrected")])
        held.append(inside(found, made, "corrected_low", "corrected_high").mean())
    plain, corrected = np.mean(distance, axis=0)
    assert corrected < plain * (1.0 if epsilon == 0.25 else 1.01)
    assert 0.92 <= np.mean(held) <= 0.98


def test_without_noise_nothing_changes() -> None:
    made = world(0, 0.0, again=800)
    found = corrected_effects(made.dataset, made.again, "All", resamples=10)
    assert (found["corrected"] - found["mean"]).abs().max() < 0.02
    assert (found["epsilon"] < 0.02).all()
    assert (found["attenuation"] > 0.97).all()
    width = (found["corrected_high"] - found["corrected_low"]) / (found["high"] - found["low"])
    assert width.between(0.97, 1.06).all()


def test_computed_properties_have_no_noise_and_do_not_cover_for_others() -> None:
    """What is longer is often also better in p1: noise in p1 makes length look wanted, and the correction takes that back."""
    seen = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        made = world(seed, 0.4, d=2, judges=1, n=4000, again=1500, drawn_ties=1 / 3)
        together = made.clean.comparisons.copy()
        together[:, 0] = np.where(rng.random(4000) < 0.7, together[:, 1], together[:, 0])
        verdicts = np.full((4000, 1, 2), np.nan)
        verdicts[:, 0, 0] = rng.random(4000) < sigmoid(together @ np.array([0.0, 1.0]))
        noisy = made.dataset.comparisons.copy()
        noisy[:, 0] = together[:, 0]
        data = dataclasses.replace(made.dataset, comparisons=noisy, verdicts=verdicts)
        found = corrected_effects(data, made.again, "All", WIDE, resamples=10).set_index("property")
        assert found.loc["longer", "epsilon"] == 0
        assert found.loc["longer", "remark"] == COMPUTED
        assert found.loc["longer", "attenuation"] == pytest.approx(1)
        seen.append(found.loc["longer", ["mean", "corrected"]].to_numpy(dtype=float))
    plain, corrected = np.mean(seen, axis=0)
    assert plain > 0.1
    assert abs(corrected) < plain / 2


def test_calibration_of_known_noise() -> None:
    rng = np.random.default_rng(0)
    truth = draw_comparisons(400_000, 4, rng)
    epsilon, drawn_ties = np.array([0.0, 0.1, 0.3, 0.6]), 0.4
    seen = drawn_anew(truth, epsilon, drawn_ties, rng)
    moments = seen.T @ seen / len(seen)
    matrix, left = calibration(moments, epsilon, epsilon * (1 - drawn_ties))
    np.testing.assert_allclose(matrix, (truth.T @ seen / len(seen)) @ np.linalg.inv(moments), atol=0.012)
    rest = truth - seen @ matrix.T
    np.testing.assert_allclose(left, rest.T @ rest / len(rest), atol=0.01)
    assert (matrix[0] == [1, 0, 0, 0]).all()
    assert (left[0] == 0).all()


def test_calibration_survives_what_does_not_fit_together() -> None:
    moments = np.array([[0.5, 0.49, 0.0], [0.49, 0.5, 0.0], [0.0, 0.0, 0.0]])
    matrix, left = calibration(moments, np.array([0.4, 1.0, 0.2]), np.array([0.3, 0.9, 0.1]))
    assert np.isfinite(matrix).all()
    assert np.isfinite(left).all()
    assert np.linalg.eigvalsh(left).min() > -1e-9


def test_what_is_not_corrected_says_why() -> None:
    made = world(1, 0.2, n=400, again=200)
    fewer = dataclasses.replace(
        made.again,
        properties=made.again.properties[:8],
        comparisons=np.where(np.arange(8) == 5, 0.0, made.again.comparisons[:, :8]),
        scores=made.again.scores[:, :8],
    )
    graded = made.dataset.comparisons.copy()
    graded[:, 6] /= 2
    graded[:, 5] = 0
    data = dataclasses.replace(made.dataset, comparisons=graded)
    found = corrected_effects(data, fewer, "All", judges=["judge 2"], resamples=10).set_index("property")
    assert set(found["judge"]) == {"judge 2"}
    assert found.loc["p9", "remark"] == NOT_AGAIN
    assert found.loc["p9", "n_again"] == 0
    assert "not only -1, 0 and 1" in found.loc["p6", "remark"]
    assert "differ in only 0 of 200 pairs" in found.loc["p5", "remark"]
    assert found.loc[["p5", "p6", "p8", "p9"], "epsilon"].isna().all()
    assert found.loc["p1", "remark"] == ""
    assert found[["mean", "corrected", "corrected_low", "corrected_high"]].notna().all(axis=None)


def test_judges_without_verdicts_have_no_numbers() -> None:
    made = world(2, 0.2, n=200, again=100, judges=2)
    silent = made.dataset.verdicts.copy()
    silent[:, 1] = np.nan
    found = corrected_effects(dataclasses.replace(made.dataset, verdicts=silent), made.again, "All", resamples=10)
    assert found.groupby("judge")["status"].first().tolist() == ["fitted", "no verdicts"]
    nothing = found[found["judge"] == "judge 1"]
    assert nothing[["mean", "corrected", "corrected_low"]].isna().all(axis=None)
    assert (nothing["n"] == 0).all()


def test_the_same_seed_gives_the_same_numbers_and_progress_ends_the_work() -> None:
    made = world(3, 0.2, n=200, again=100, judges=1)
    steps: list[tuple[int, int]] = []
    found = [corrected_effects(made.dataset, made.again, "All", resamples=10, seed=4, progress=lambda *at: steps.append(at)) for _ in "12"]
    pd.testing.assert_frame_equal(*found)
    assert steps[:11] == [(i, 10) for i in range(11)]

    def stop(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corrected_effects(made.dataset, made.again, "All", resamples=10, progress=stop)


def test_bad_input_is_said() -> None:
    made = world(4, 0.1, n=60, again=30, judges=1)
    for model in (POOLED, choose_model("paper", folds=10)):
        with pytest.raises(InputError, match="single fits"):
            corrected_effects(made.dataset, made.again, "All", model)
    with pytest.raises(InputError, match="number of fits is 3"):
        corrected_effects(made.dataset, made.again, "All", resamples=3)
    with pytest.raises(InputError, match="no judge named"):
        corrected_effects(made.dataset, made.again, "All", judges=["nobody"])
    with pytest.raises(InputError, match="no scenario or condition"):
        corrected_effects(made.dataset, made.again, "None")


def test_noise_is_that_of_the_properties() -> None:
    made = world(5, 0.25, n=1000, again=1000, drawn_ties=1 / 3)
    found = noise_of(made.dataset, made.again, 20)
    assert found.epsilon[0] == 0
    assert found.epsilon[1:].mean() == pytest.approx(0.25, abs=0.04)
    assert (found.pairs == 1000).all()
    assert found.draws.shape == (20, 10, 2)
    assert not found.draws[:, 0].any()
