"""False discoveries over many cells, and the smallest effect that pairs could have shown."""

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.regression.discoveries import discoveries, smallest_effect
from dissection.regression.fit import fit_rows
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_direction, tilted_quantile
from dissection.regression.model import PAPER, STANDARD, Model


def cells(direction: list[float], status: str = "fitted") -> pd.DataFrame:
    return pd.DataFrame({"direction": direction, "status": status})


def planted_fits(n: int, truth: FloatArray, model: Model, seed: int, *, together: bool = False) -> tuple[FloatArray, FloatArray]:
    """P(weight > 0) and the likelihood's sd of each of J judges' d weights (truth: d × J) on n pairs; of properties that go together or not."""
    rng = np.random.default_rng(seed)
    comparisons = rng.integers(-1, 2, size=(n, len(truth))).astype(float)
    if together:
        latent = rng.normal(size=(n, len(truth))) + rng.normal(size=(n, 2)) @ rng.choice([-1.0, 1.0], size=(2, len(truth)))
        comparisons = np.sign(latent) * (np.abs(latent) > 0.7)
    verdicts = np.full((n, truth.shape[1], 2), np.nan)
    verdicts[:, :, 0] = rng.random((n, truth.shape[1])) < 1 / (1 + np.exp(-comparisons @ truth))
    found = fit_rows(comparisons, verdicts, model)
    return found.direction[:, : len(truth)], found.likelihood_sd[:, : len(truth)]


# False discoveries


def test_the_procedure_by_hand() -> None:
    """Tails 0.01, 0.02, 0.028, 0.2, 0.9 against 0.05·k/5: the first three stay, the third only with the others."""
    direction = [0.995, 0.01, 0.986, 0.9, 0.45]
    np.testing.assert_array_equal(discoveries(cells(direction)), [True, True, True, False, False])
    np.testing.assert_array_equal(discoveries(cells([*direction[:1], 0.9, 0.985])), [True, False, True])
    np.testing.assert_array_equal(discoveries(cells([0.985, *[0.6] * 9])), [False] * 10)


@pytest.mark.parametrize("status", ["no verdicts", "not converged", "point estimate"])
def test_cells_without_a_fit_are_none_and_do_not_count(status: str) -> None:
    frame = pd.concat([cells([0.985]), cells([np.nan] * 50, status)])
    np.testing.assert_array_equal(discoveries(frame), [True] + [False] * 50)
    assert not discoveries(cells([np.nan], status)).any()
    assert discoveries(cells([])).shape == (0,)


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan")])
def test_levels_out_of_range_are_refused(level: float) -> None:
    with pytest.raises(InputError):
        discoveries(cells([0.9]), level)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("prior_scale", "level"), [(0.1, 0.05), (0.1, 0.2), (1.0, 0.1)])
def test_false_discoveries_stay_below_their_rate(prior_scale: float, level: float, together: bool) -> None:
    """Views of 20 properties and 10 judges, of which three properties in each judge have a taste."""
    model = Model("test", prior_scale)
    wrong, power = [], []
    for seed in range(60):
        truth = np.zeros((20, 10))
        truth[:3] = np.random.default_rng([9, seed]).choice([-0.9, 0.9], size=(3, 10))
        direction, _ = planted_fits(300, truth, model, seed, together=together)
        found = discoveries(cells(direction.ravel().tolist()), level)
        real = (truth.T != 0).ravel()
        wrong.append((found & ~real).sum() / max(found.sum(), 1))
        power.append(found[real].mean())
    assert np.mean(wrong) <= level + 2 * np.std(wrong) / np.sqrt(len(wrong))
    assert np.mean(power) > (0.1 if together else 0.5), "without discoveries there are no false ones"


def test_where_nothing_is_there_hardly_any_view_has_a_discovery() -> None:
    views = [discoveries(cells(planted_fits(200, np.zeros((15, 8)), STANDARD, seed)[0].ravel().tolist())).any() for seed in range(120)]
    assert np.mean(views) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 120)


# The smallest effect


@pytest.mark.parametrize("prior_scale", [0.02, 0.1, 1.0])
def test_at_the_threshold_the_interval_just_leaves_out_zero(prior_scale: float) -> None:
    sd = np.array([[0.02, 0.1], [0.4, 1.5]])
    half = smallest_effect(sd, prior_scale, power=0.5)
    np.testing.assert_allclose(tilted_direction(half, sd**2, prior_scale), 0.975, atol=1e-6)
    np.testing.assert_allclose(tilted_quantile(half * (1 + 1e-6), sd**2, prior_scale, 0.025), 0, atol=1e-3)
    np.testing.assert_allclose(smallest_effect(sd, prior_scale, 0.8) - half, 0.8416212 * sd, rtol=1e-5)


def test_with_a_flat_prior_it_is_the_usual_power_formula() -> None:
    assert smallest_effect(np.array([0.1]), 1e4)[0] == pytest.approx((1.959964 + 0.841621) * 0.1, rel=1e-3)


def test_more_pairs_show_smaller_effects_and_caution_costs() -> None:
    found = smallest_effect(np.array([0.05, 0.1, 0.2, 0.5]), 0.1)
    assert (np.diff(found) > 0).all()
    assert smallest_effect(np.array([0.2]), 0.05)[0] > smallest_effect(np.array([0.2]), 0.5)[0]


def test_what_is_not_known_stays_so() -> None:
    found = smallest_effect(np.array([np.nan, MAX_CAVITY_SD * 0.1, 0.1]), 0.1)
    assert np.isnan(found[0])
    assert np.isinf(found[1])
    assert np.isfinite(found[2])
    assert smallest_effect(np.empty(0), 0.1).shape == (0,)


def test_powers_out_of_range_are_refused() -> None:
    with pytest.raises(InputError):
        smallest_effect(np.array([0.1]), 0.1, power=1.0)


@pytest.mark.parametrize(("n", "model"), [(300, STANDARD), (800, PAPER), (300, Model("wide", 0.5))])
def test_an_effect_of_that_size_is_decided_in_four_of_five_data_sets(n: int, model: Model) -> None:
    """Found at the size itself: the scatter is taken from fits of judges that have it."""
    truth = np.zeros((5, 40))
    truth[0] = 0.3
    for _ in range(4):  # the scatter depends a little on the size
        sd = np.mean([planted_fits(n, truth, model, seed)[1][:, 0].mean() for seed in range(3)])
        truth[0] = smallest_effect(np.array([sd]), model.prior_scale)[0]
    decided = np.concatenate([planted_fits(n, truth, model, 100 + seed)[0][:, 0] >= 0.975 for seed in range(20)])
    assert len(decided) == 800
    assert decided.mean() == pytest.approx(0.8, abs=0.06)
