"""The fast engine against numerical integration and against what symmetry demands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissection.dataset import FloatArray
from dissection.regression import likelihood, propagation
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_direction, tilted_moments, tilted_quantile
from dissection.regression.observations import Observations
from dissection.regression.propagation import Approximation, propagate

SCALE = 0.1
# Cavity means and sds in log-odds for b = 0.1: from a weight the data settle to one they say nothing of.
CAVITIES = [(mean, sd) for mean in (-40.0, -3.0, -0.1, 0.0, 1e-9, 0.02, 0.7, 5.0) for sd in (1e-4, 0.03, 0.1, 1.0, 10.0, 29.0)]


def _grid(mean: float, sd: float, scale: float) -> FloatArray:
    """Points that are dense where the product of the cavity and the prior has its mass, and at the prior's kink."""
    mode = np.sign(mean) * max(abs(mean) - sd**2 / scale, 0.0)
    fine = np.linspace(-40, 40, 80_001)
    width = min(sd, scale)
    return np.unique(np.concatenate([mode + 12 * sd * fine / 40, mode + width * fine, [0.0]]))


def _integrate(mean: float, sd: float, scale: float) -> tuple[float, float, float, FloatArray, FloatArray]:
    """Mean, variance, P(> 0), grid and distribution function of the normalised product, by the trapezoid rule."""
    x = _grid(mean, sd, scale)
    log_density = -0.5 * ((x - mean) / sd) ** 2 - np.abs(x) / scale
    density = np.exp(log_density - log_density.max())
    steps = np.diff(x) * (density[1:] + density[:-1]) / 2
    total = steps.sum()
    cumulative = np.concatenate([[0.0], np.cumsum(steps)]) / total
    centre = np.trapezoid(x * density, x) / total
    variance = np.trapezoid((x - centre) ** 2 * density, x) / total
    return float(centre), float(variance), float(1 - np.interp(0.0, x, cumulative)), x, cumulative


@pytest.mark.parametrize(("mean", "sd"), CAVITIES)
def test_tilted_marginal_against_integration(mean: float, sd: float) -> None:
    centre, variance, above, x, cumulative = _integrate(mean, sd, SCALE)
    moments = tilted_moments(np.array(mean), np.array(sd**2), SCALE)
    spread = np.sqrt(variance)
    assert moments.mean == pytest.approx(centre, abs=1e-4 * spread)
    assert moments.variance == pytest.approx(variance, rel=2e-4)
    assert tilted_direction(np.array(mean), np.array(sd**2), SCALE) == pytest.approx(above, abs=1e-5)
    for probability in (0.025, 0.3, 0.5, 0.975):
        quantile = tilted_quantile(np.array(mean), np.array(sd**2), SCALE, probability)
        assert np.interp(quantile, x, cumulative) == pytest.approx(probability, abs=1e-4)


@given(st.floats(-50, 50), st.floats(1e-5, MAX_CAVITY_SD * SCALE), st.sampled_from([0.001, 0.1, 1.0, 10.0]))
def test_tilted_marginal_is_sound_everywhere(mean: float, sd: float, scale: float) -> None:
    at, variance = np.array([mean]), np.array([sd**2])
    moments = tilted_moments(at, variance, scale)
    assert 0 < moments.variance[0] <= min(variance[0], 2 * scale**2 + variance[0]) * (1 + 1e-6)
    assert abs(moments.mean[0]) <= abs(mean) * (1 + 1e-9) + 1e-12, "the prior only pulls towards zero"
    ends = [tilted_quantile(at, variance, scale, p)[0] for p in (0.025, 0.25, 0.5, 0.75, 0.975)]
    assert np.all(np.diff(ends) > 0)
    direction = tilted_direction(at, variance, scale)[0]
    assert 0 <= direction <= 1
    assert (ends[2] > 0) == (direction > 0.5) or abs(direction - 0.5) < 1e-6
    mirrored = tilted_moments(-at, variance, scale)
    assert mirrored.mean[0] == pytest.approx(-moments.mean[0], rel=1e-6, abs=1e-12)


def test_flat_cavity_gives_the_prior() -> None:
    flat = np.array([(MAX_CAVITY_SD * SCALE) ** 2])
    moments = tilted_moments(np.zeros(1), flat, SCALE)
    assert moments.variance[0] == pytest.approx(2 * SCALE**2, rel=1e-4)
    assert tilted_quantile(np.zeros(1), flat, SCALE, 0.975)[0] == pytest.approx(-SCALE * np.log(0.05), rel=1e-4)


# --- propagate against brute force -------------------------------------------------------------------------------------------------


def _softplus(x: FloatArray) -> FloatArray:
    return np.logaddexp(0.0, x)


def _exact(design: FloatArray, verdicts: FloatArray, weights: FloatArray, scale: float, intercept_sd: float | None) -> Approximation:
    """The posterior of one judge over one or two weights on a grid; means, sds, 95 % ends and directions."""
    d = design.shape[1]
    # Points lie on both sides of zero at the same distance, so that the prior's kink falls between cells.
    axis = np.linspace(-3.5, 3.5, 4000 if d == 1 else 600)
    points = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), axis=-1).reshape(-1, d)
    log_density = -np.abs(points).sum(axis=1) / scale
    if intercept_sd is not None:
        log_density = -np.abs(points[:, :-1]).sum(axis=1) / scale - 0.5 * (points[:, -1] / intercept_sd) ** 2
    for row, verdict, weight in zip(design, verdicts, weights, strict=True):
        if not np.isnan(verdict):
            f = points @ row
            log_density += weight * (verdict * f - _softplus(f))
    density = np.exp(log_density - log_density.max()).reshape([len(axis)] * d)
    density /= density.sum()
    parts = []
    for i in range(d):
        marginal = density.sum(axis=tuple(j for j in range(d) if j != i))
        mean = (axis * marginal).sum()
        cumulative = np.cumsum(marginal)
        low, high = np.interp([0.025, 0.975], cumulative, axis + (axis[1] - axis[0]) / 2)
        parts.append([mean, np.sqrt(((axis - mean) ** 2 * marginal).sum()), low, high, marginal[axis > 0].sum()])
    mean, sd, low, high, direction = np.array(parts).T
    nothing = np.empty(0)
    return Approximation(mean, sd, low, high, direction, nothing, nothing, nothing, np.array([True]), 0)


def _cell(seed: int, n: int, d: int, kind: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    design = rng.integers(-1, 2, size=(n, d)).astype(float)
    truth = 1 / (1 + np.exp(-(design @ rng.laplace(scale=0.4, size=d))))
    verdicts = (rng.random(n) < truth).astype(float)
    weights = np.ones(n)
    if kind == "soft":
        verdicts = np.where(rng.random(n) < 0.2, 0.5, truth)
    if kind == "missing":
        verdicts[rng.random(n) < 0.3] = np.nan
    if kind == "half":
        weights = np.where(rng.random(n) < 0.5, 0.5, 1.0)
    if kind == "graded":
        design = rng.normal(scale=1.5, size=(n, d))
    return design, verdicts, weights


@pytest.mark.parametrize("kind", ["hard", "soft", "missing", "half", "graded"])
@pytest.mark.parametrize(("d", "intercept_sd"), [(1, None), (2, None), (2, 1.0)])
def test_propagate_against_integration(kind: str, d: int, intercept_sd: float | None) -> None:
    for seed in range(2):
        design, verdicts, weights = _cell(seed, 40, d, kind)
        if intercept_sd is not None:
            design[:, -1] = np.random.default_rng(seed).choice([-1.0, 1.0], size=len(design))
        exact = _exact(design, verdicts, weights, SCALE, intercept_sd)
        found = propagate(Observations(design, verdicts[:, None], weights[:, None]), SCALE, intercept_sd)
        assert found.converged.all()
        assert np.abs((found.mean[0] - exact.mean) / exact.sd).max() < 0.02
        assert np.abs(found.sd[0] / exact.sd - 1).max() < 0.02
        assert np.abs((found.low[0] - exact.low) / exact.sd).max() < 0.05
        assert np.abs((found.high[0] - exact.high) / exact.sd).max() < 0.05
        assert np.abs(found.direction[0] - exact.direction).max() < 0.01


# --- what must hold exactly --------------------------------------------------------------------------------------------------------


def _batch(n: int = 150, d: int = 6, judges: int = 5, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    design = np.column_stack([rng.integers(-1, 2, size=(n, d)), np.ones(n)]).astype(float)
    verdicts = (rng.random((n, judges)) < 1 / (1 + np.exp(-design @ rng.laplace(scale=0.3, size=(d + 1, judges))))).astype(float)
    verdicts[rng.random((n, judges)) < 0.1] = np.nan
    return design, verdicts, np.ones((n, judges))


def _same(one: Approximation, other: Approximation, tolerance: float = 1e-8) -> None:
    for name in ("mean", "sd", "low", "high", "direction", "covariance"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0, atol=tolerance, err_msg=name)


def test_a_batch_of_judges_equals_each_alone() -> None:
    design, verdicts, weights = _batch()
    together = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    for j in range(verdicts.shape[1]):
        alone = propagate(Observations(design, verdicts[:, [j]], weights[:, [j]]), SCALE, 1.0)
        # A judge in a batch is swept until the slowest has converged, so the two agree to the tolerance of convergence only.
        assert np.abs((together.mean[j] - alone.mean[0]) / alone.sd[0]).max() < 10 * propagation.TOLERANCE
        assert np.abs(together.sd[j] / alone.sd[0] - 1).max() < 10 * propagation.TOLERANCE
        assert np.abs((together.low[j] - alone.low[0]) / alone.sd[0]).max() < 10 * propagation.TOLERANCE


def test_the_order_of_rows_does_not_matter() -> None:
    design, verdicts, weights = _batch()
    shuffle = np.random.default_rng(1).permutation(len(design))
    _same(
        propagate(Observations(design, verdicts, weights), SCALE, 1.0),
        propagate(Observations(design[shuffle], verdicts[shuffle], weights[shuffle]), SCALE, 1.0),
    )


@pytest.mark.parametrize("rows", [1, 7, 37, 149])
def test_the_partition_into_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """With few rows a block the products are recomputed every sweep, as they are for more than four blocks of data."""
    design, verdicts, weights = _batch()
    whole = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    monkeypatch.setattr(likelihood, "BLOCK_ROWS", rows)
    assert len(list(likelihood._blocks(Observations(design, verdicts, weights)))) == -(-len(design) // rows)
    _same(whole, propagate(Observations(design, verdicts, weights), SCALE, 1.0))


def test_a_mirrored_judge_has_mirrored_weights() -> None:
    design, verdicts, weights = _batch()
    one, other = (
        propagate(Observations(design, verdicts, weights), SCALE, 1.0),
        propagate(Observations(design, 1 - verdicts, weights), SCALE, 1.0),
    )
    np.testing.assert_allclose(one.mean, -other.mean, atol=1e-9)
    np.testing.assert_allclose(one.low, -other.high, atol=1e-9)
    np.testing.assert_allclose(one.direction, 1 - other.direction, atol=1e-9)


def test_a_pair_twice_at_half_weight_is_a_pair() -> None:
    """EP holds one site for each row, so splitting rows changes its approximation a little, and the posterior not at all."""
    design, verdicts, weights = _batch()
    one = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    two = propagate(Observations(np.tile(design, (2, 1)), np.tile(verdicts, (2, 1)), np.tile(weights / 2, (2, 1))), SCALE, 1.0)
    assert np.abs((one.mean - two.mean) / one.sd).max() < 0.01
    assert np.abs(one.sd / two.sd - 1).max() < 0.01


def test_a_property_that_never_differs_keeps_its_prior() -> None:
    design, verdicts, weights = _batch()
    design[:, 2] = 0.0
    found = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    assert found.converged.all()
    np.testing.assert_allclose(found.mean[:, 2], 0.0, atol=1e-12)
    np.testing.assert_allclose(found.sd[:, 2], np.sqrt(2) * SCALE, rtol=1e-3)
    np.testing.assert_allclose(found.low[:, 2], SCALE * np.log(0.05), rtol=1e-3)
    np.testing.assert_allclose(found.high[:, 2], -SCALE * np.log(0.05), rtol=1e-3)
    np.testing.assert_allclose(found.direction[:, 2], 0.5, atol=1e-9)


def test_no_rows_at_all_give_the_prior() -> None:
    found = propagate(Observations(np.empty((0, 3)), np.empty((0, 2)), np.empty((0, 2))), SCALE, 1.0)
    np.testing.assert_allclose(found.mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.sd[:, :2], np.sqrt(2) * SCALE, rtol=1e-3)
    np.testing.assert_allclose(found.sd[:, 2], 1.0, rtol=1e-6)


def test_more_pairs_narrow_the_intervals() -> None:
    design, verdicts, weights = _batch(n=800)
    few = propagate(Observations(design[:100], verdicts[:100], weights[:100]), SCALE, 1.0)
    many = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    assert (many.sd < few.sd).all()


@pytest.mark.parametrize("scale", [0.001, 1.0, 3.0, 10.0])
def test_any_allowed_prior_scale_settles(scale: float) -> None:
    """From the wide start that a wide prior would give, the sites of many rows overshoot."""
    rng = np.random.default_rng(0)
    design = np.sign(rng.normal(size=(600, 12))) * (rng.random((600, 12)) < 0.6)
    verdicts = (rng.random((600, 8)) < 1 / (1 + np.exp(-design @ rng.laplace(scale=0.3, size=(12, 8))))).astype(float)
    found = propagate(Observations(design, verdicts, np.ones_like(verdicts)), scale, None)
    assert found.converged.all()
    assert found.sweeps < 30


@pytest.mark.parametrize("size", [1e5, 1e30, 1e100, 1e155, 1e200, 1e308])
def test_overflow_is_marked_and_silent(size: float) -> None:
    """Warnings are errors in these tests, so this shows as well that none is given."""
    design, verdicts, weights = _batch()
    design[3, 1] = size
    found = propagate(Observations(design, verdicts, weights), SCALE, 1.0)
    assert found.converged.shape == (5,)
    assert np.isfinite(found.mean[found.converged]).all()
    assert np.isfinite(found.low[found.converged]).all()
    if size >= 1e200:
        assert not found.converged.any()
