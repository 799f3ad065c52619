"""The rival of the correction in use, MC-SIMEX, even with the noise known to it: why effects are not corrected by it."""

import numpy as np

from dissection.dataset import FloatArray
from dissection.noise.effects import corrected_effects
from dissection.regression.fit import fit_rows
from dissection.regression.model import STANDARD, Model
from tests.test_noise_effects import World, drawn_anew, errors, world

LAMBDAS = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
PARTS = ("mean", "likelihood_mean")
POLES = np.geomspace(1.05, 60.0, 80)


def quadratic(values: FloatArray) -> FloatArray:
    """Least squares over (lambdas × weights), at λ = -1."""
    return np.asarray((np.vander([-1.0], 3) @ np.linalg.lstsq(np.vander(LAMBDAS, 3), values, rcond=None)[0])[0])


def rational(values: FloatArray) -> FloatArray:
    """The same with a + b/(c + λ), the pole at the left of -1."""
    best, found = np.full(values.shape[1], np.inf), np.zeros(values.shape[1])
    for pole in POLES:
        design = np.column_stack([np.ones(len(LAMBDAS)), 1 / (pole + LAMBDAS)])
        parts = np.linalg.lstsq(design, values, rcond=None)[0]
        rest = ((values - design @ parts) ** 2).sum(axis=0)
        at = parts[0] + parts[1] / (pole - 1)
        found, best = np.where(rest < best, at, found), np.minimum(rest, best)
    return found


def noisier(made: World, epsilon: float, drawn_ties: float, model: Model, replicates: int) -> dict[str, FloatArray]:
    """What MC-SIMEX extrapolates: "mean" (posterior means) and "likelihood_mean", each (lambdas × judges · properties).

    Noise of strength λ is drawn anew with probability 1 - (1 - ε)^λ: the power λ of the matrix of misclassification.
    """
    rng = np.random.default_rng(0)
    seen, verdicts = made.dataset.comparisons, made.dataset.verdicts
    noise = np.array([0.0] + [epsilon] * (seen.shape[1] - 1))
    points: dict[str, list[FloatArray]] = {part: [] for part in PARTS}
    for strength in LAMBDAS:
        fits = []
        for _ in range(replicates if strength else 1):
            more = drawn_anew(seen, 1 - (1 - noise) ** strength, drawn_ties, rng)
            fits.append(fit_rows(more, verdicts, model))
        for part, found in points.items():
            found.append(np.mean([getattr(one, part)[:, : seen.shape[1]] for one in fits], axis=0).ravel())
    return {part: np.array(found) for part, found in points.items()}


def test_extrapolations_are_exact_for_their_own_curves() -> None:
    np.testing.assert_allclose(quadratic((2 - LAMBDAS + 0.5 * LAMBDAS**2)[:, None]), [3.5])
    np.testing.assert_allclose(rational((0.1 + 0.6 / (POLES[40] + LAMBDAS))[:, None]), [0.1 + 0.6 / (POLES[40] - 1)], rtol=1e-6)


def test_the_correction_in_use_is_closer_on_tastes_of_the_prior() -> None:
    ours: list[float] = []
    theirs: dict[str, list[float]] = {part: [] for part in PARTS}
    for seed in range(3):
        made = world(seed, 0.25, n=800, strong=False, drawn_ties=1 / 3)
        ours.append(errors(corrected_effects(made.dataset, made.again, "All", resamples=10), made, "corrected").mean())
        for part, points in noisier(made, 0.25, 1 / 3, STANDARD, 3).items():
            theirs[part].append(np.abs(quadratic(points) - made.tastes.ravel()).mean())
    assert np.mean(ours) < 0.97 * min(np.mean(found) for found in theirs.values())
