"""Cells, diagnostics and what is made of draws. The draws are made up where the question is what is said of them; those of a real run are
tested with the jobs."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from dissection.dataset import ALL_PAIRS
from dissection.errors import DatasetError, InputError, UnknownNameError
from dissection.regression import cells as cells_module
from dissection.regression.cells import Cell, cells
from dissection.regression.diagnostics import MAX_RHAT, MIN_BFMI, MIN_ESS, Diagnostics, diagnose
from dissection.regression.model import PAPER, POOLED, STANDARD, choose_model
from dissection.regression.nuts import Draws, Settings
from dissection.regression.predictive import predictive_check
from dissection.regression.sampling import posterior_from_json, posterior_to_json, summarise
from tests.conftest import make_dataset

GOOD = Diagnostics(1.001, 3000.0, 2500.0, 0, 0.9, 4, 1000, 2.5)


def iid(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=(4, 1000, *shape))


def as_dataset(**variables: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {name: (("chain", "draw", *(f"{name}_{i}" for i in range(values.ndim - 2))), values) for name, values in variables.items()}
    )


def stats(rng: np.random.Generator, divergences: int = 0, slow: float = 0.0) -> xr.Dataset:
    """Energies that wander slowly where `slow` is near 1, as a poor exploration of the tails does."""
    energy, noise = np.empty((4, 1000)), rng.normal(size=(4, 1000))
    energy[:, 0] = noise[:, 0]
    for i in range(1, 1000):
        energy[:, i] = slow * energy[:, i - 1] + np.sqrt(1 - slow**2) * noise[:, i]
    diverging = np.zeros((4, 1000), dtype=bool)
    diverging.ravel()[:divergences] = True
    return as_dataset(energy=energy, diverging=diverging)


# --- diagnostics -------------------------------------------------------------------------------------------------------------------


def test_independent_draws_pass() -> None:
    rng = np.random.default_rng(0)
    found = diagnose(as_dataset(weights=iid(rng, 5), position_bias=iid(rng)), stats(rng), 1.5)
    assert found.passed, found.failures
    assert 0.99 < found.rhat < MAX_RHAT
    assert 3000 < found.ess_bulk < 5500, "as many as draws"
    assert found.ess_tail > MIN_ESS
    assert 1.5 < found.bfmi < 2.5, "2 for independent energies"
    assert (found.chains, found.draws, found.divergences, found.seconds) == (4, 1000, 0, 1.5)


def test_one_weight_of_many_is_enough_to_fail() -> None:
    rng = np.random.default_rng(1)
    weights = iid(rng, 5)
    weights[0, :, 3] += 1.0
    found = diagnose(as_dataset(weights=weights), stats(rng), 1.0)
    assert found.rhat > 1.05
    assert not found.passed
    assert any("R-hat" in failure for failure in found.failures)


def test_sticky_chains_have_few_effective_draws() -> None:
    rng = np.random.default_rng(2)
    weights = np.repeat(rng.normal(size=(4, 20, 2)), 50, axis=1)
    found = diagnose(as_dataset(weights=weights), stats(rng), 1.0)
    assert found.ess_bulk < 200
    assert any("bulk ESS" in failure for failure in found.failures)


def test_divergences_and_slow_energies_fail() -> None:
    rng = np.random.default_rng(3)
    weights = as_dataset(weights=iid(rng, 2))
    assert diagnose(weights, stats(rng, divergences=3), 1.0).failures == ("3 divergences, more than 0",)
    slow = diagnose(weights, stats(rng, slow=0.97), 1.0)
    assert slow.bfmi < MIN_BFMI
    assert [failure.split()[0] for failure in slow.failures] == ["energy"]


def test_a_chain_that_does_not_move_fails_and_is_no_traceback() -> None:
    rng = np.random.default_rng(4)
    weights = iid(rng, 2)
    weights[:, :, 1] = 0.5
    with np.errstate(all="ignore"):
        found = diagnose(as_dataset(weights=weights), stats(rng), 1.0)
    assert not (found.passed and np.isnan(found.rhat))


def test_nan_fails_everything() -> None:
    nan = float("nan")
    assert len(dataclasses.replace(GOOD, rhat=nan, ess_bulk=nan, ess_tail=nan, bfmi=nan).failures) == 4


# --- cells -------------------------------------------------------------------------------------------------------------------------


def test_cells_are_judges_in_groups_with_their_rows() -> None:
    dataset = make_dataset(n=60, conditions={"w_stances": np.arange(60) % 3 == 0})
    found = cells(dataset, STANDARD, Settings())
    assert [(cell.groups[0].name, cell.judge) for cell in found] == [
        (group, judge) for group in ("Code", "Advice", "w_stances") for judge in ("one", "two")
    ]
    first = found[0]
    assert first.n == (30,)
    np.testing.assert_array_equal(first.rows[0].design[:, :3], dataset.comparisons[::2])
    np.testing.assert_array_equal(first.rows[0].design[:, 3], 1.0)
    np.testing.assert_array_equal(first.rows[0].verdicts[:, 0], dataset.verdicts[::2, 0, 0])
    assert first.label == "one in Code"


def test_rows_without_a_verdict_and_pairs_not_assessed_are_left_out() -> None:
    dataset = make_dataset(n=40, scenarios=("All",))
    verdicts, comparisons = dataset.verdicts.copy(), dataset.comparisons.copy()
    verdicts[:5, 0] = np.nan
    comparisons[5:8, 1] = np.nan
    (cell,) = cells(dataclasses.replace(dataset, verdicts=verdicts, comparisons=comparisons), PAPER, Settings(), judges=["one"])
    assert cell.n == (32,)
    assert len(cell.rows[0].design) == 32
    assert not np.isnan(cell.rows[0].design).any()


def test_both_orders_are_two_rows_of_half_weight() -> None:
    (cell,) = cells(make_dataset(n=20, scenarios=("All",), both_orders=True), STANDARD, Settings(), judges=["one"])
    assert (cell.n, len(cell.rows[0].design)) == ((20,), 40)
    assert (cell.rows[0].weights == 0.5).all()
    assert cell.rows[0].design[:, -1].sum() == 0


def test_silent_judges_have_no_cell() -> None:
    dataset = make_dataset()
    verdicts = dataset.verdicts.copy()
    verdicts[:, 1] = np.nan
    assert {cell.judge for cell in cells(dataclasses.replace(dataset, verdicts=verdicts), STANDARD, Settings())} == {"one"}


def test_a_pooled_cell_holds_all_scenarios() -> None:
    dataset = make_dataset(n=60, conditions={"w_stances": np.arange(60) % 3 == 0})
    found = cells(dataset, POOLED, Settings(), groups=["w_stances"])
    assert [cell.judge for cell in found] == ["one", "two"]
    assert [group.name for group in found[0].groups] == ["Code", "Advice"]
    assert found[0].label == "one in 2 scenarios"


def test_a_cell_survives_the_pipe() -> None:
    for model in (STANDARD, PAPER, POOLED):
        for cell in cells(make_dataset(both_orders=True), model, Settings(seed=3)):
            there = Cell.from_bytes(cell.to_bytes())
            assert there.key == cell.key
            assert (there.judge, there.groups, there.properties, there.n) == (cell.judge, cell.groups, cell.properties, cell.n)
            assert (there.model, there.settings) == (cell.model, cell.settings)
            np.testing.assert_array_equal(there.differs, cell.differs)


def test_the_key_changes_with_whatever_changes_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset(scenarios=("All",))
    (cell,) = cells(dataset, STANDARD, Settings(), judges=["one"])
    verdicts = dataset.verdicts.copy()
    verdicts[0, 0, 0] = 1 - verdicts[0, 0, 0]
    keys = {cell.key}
    for other in (
        cells(dataset, PAPER, Settings(), judges=["one"]),
        cells(dataset, choose_model("standard", 0.2), Settings(), judges=["one"]),
        cells(dataset, STANDARD, Settings(seed=1), judges=["one"]),
        cells(dataset, STANDARD, Settings(draws=1000), judges=["one"]),
        cells(dataset, STANDARD, Settings(), judges=["two"]),
        cells(dataclasses.replace(dataset, verdicts=verdicts), STANDARD, Settings(), judges=["one"]),
    ):
        keys.add(other[0].key)
    assert len(keys) == 7
    monkeypatch.setattr(cells_module, "sampler_versions", lambda: {"pymc": "0.0"})
    assert cells(dataset, STANDARD, Settings(), judges=["one"])[0].key not in keys, "another version of a library"


def test_the_key_does_not_hang_on_names() -> None:
    dataset = make_dataset(scenarios=("All",))
    renamed = dataclasses.replace(dataset, judges=tuple(dataclasses.replace(judge, name=judge.name + "!") for judge in dataset.judges))
    keys = [[cell.key for cell in cells(data, STANDARD, Settings())] for data in (dataset, renamed)]
    assert keys[0] == keys[1]
    cell = cells(dataset, STANDARD, Settings())[0]
    assert cell.without_rows().key == cell.key
    assert cell.without_rows().rows == ()


def test_what_can_not_be_sampled_is_refused() -> None:
    dataset = make_dataset(scenarios=("All",))
    with pytest.raises(DatasetError, match="at least two scenarios"):
        cells(dataset, POOLED, Settings())
    with pytest.raises(InputError, match="fast engine"):
        cells(dataset, choose_model("paper", folds=10), Settings())
    with pytest.raises(UnknownNameError, match="no judge named 'three'"):
        cells(dataset, STANDARD, Settings(), judges=["three"])
    weights = dataclasses.replace(
        dataset,
        pairs=dataset.pairs.iloc[:0],
        comparisons=dataset.comparisons[:0],
        scores=dataset.scores[:0],
        verdicts=dataset.verdicts[:0],
        estimates=np.zeros((1, 2, 3)),
        estimate_groups=(dataset.groups[0],),
    )
    with pytest.raises(DatasetError, match="no pairs"):
        cells(weights, STANDARD, Settings())


@pytest.mark.parametrize(
    ("changes", "words"), [({"draws": 10}, "draws is 10"), ({"chains": 1}, "from 2 to 16"), ({"tune": 0}, "tune"), ({"seed": -1}, "seed")]
)
def test_impossible_settings_are_refused(changes: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Settings(**changes)


# --- posteriors of draws -----------------------------------------------------------------------------------------------------------


def _draws(rng: np.random.Generator, **variables: np.ndarray) -> Draws:
    return Draws(as_dataset(**variables), stats(rng))


def test_a_posterior_says_what_the_draws_say() -> None:
    rng = np.random.default_rng(5)
    (cell,) = cells(make_dataset(scenarios=("All",)), STANDARD, Settings(), judges=["one"])
    weights, bias = 0.1 * iid(rng, 3) + np.array([0.5, 0.0, -0.5]), 0.2 * iid(rng) + 0.3
    (found,) = summarise(cell, _draws(rng, weights=weights, position_bias=bias), GOOD)
    assert (found.engine, found.status, found.n, found.judge) == ("nuts", "fitted", 60, "one")
    flat = weights.reshape(-1, 3)
    np.testing.assert_allclose(found.mean, flat.mean(axis=0))
    np.testing.assert_allclose(found.low, np.quantile(flat, 0.025, axis=0))
    np.testing.assert_allclose(found.high, [0.5 + 0.196, 0.196, -0.5 + 0.196], atol=0.02)
    np.testing.assert_allclose(found.direction, [1.0, 0.5, 0.0], atol=0.03)
    np.testing.assert_allclose(found.covariance, 0.01 * np.eye(3), atol=1e-3)
    assert found.position_bias is not None
    assert found.position_bias.mean == pytest.approx(0.3, abs=0.02)
    assert found.decided.tolist() == [True, False, True]


def test_a_cell_that_fails_has_no_numbers_but_its_diagnostics() -> None:
    rng = np.random.default_rng(6)
    (cell,) = cells(make_dataset(scenarios=("All",)), STANDARD, Settings(), judges=["one"])
    bad = dataclasses.replace(GOOD, rhat=1.2)
    (found,) = summarise(cell, _draws(rng, weights=iid(rng, 3), position_bias=iid(rng)), bad)
    assert (found.status, found.converged, found.n) == ("not converged", False, 60)
    assert np.isnan([found.mean, found.low, found.high, found.sd, found.direction]).all()
    assert found.position_bias is None
    assert found.diagnostics == bad


def test_a_pooled_cell_gives_each_scenario_and_what_they_share() -> None:
    rng = np.random.default_rng(7)
    (cell,) = cells(make_dataset(), POOLED, Settings(), judges=["one"])
    weights = iid(rng, 2, 3) + np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    draws = _draws(
        rng, weights=weights, position_bias=iid(rng, 2), shared=iid(rng, 3) + 9, shared_bias=iid(rng) - 9, spread=iid(rng, 4) ** 2
    )
    found = summarise(cell, draws, GOOD)
    assert [p.group.name for p in found] == ["Code", "Advice", ALL_PAIRS]
    np.testing.assert_allclose([p.mean for p in found], [[1, 2, 3], [4, 5, 6], [9, 9, 9]], atol=0.1)
    assert [p.n for p in found] == [30, 30, 60]
    assert found[2].position_bias is not None
    assert found[2].position_bias.mean == pytest.approx(-9, abs=0.1)


@pytest.mark.parametrize("rhat", [1.0, 1.5])
def test_posteriors_survive_json(rhat: float) -> None:
    rng = np.random.default_rng(8)
    (cell,) = cells(make_dataset(scenarios=("All",)), STANDARD, Settings(), judges=["one"])
    (found,) = summarise(cell, _draws(rng, weights=iid(rng, 3), position_bias=iid(rng)), dataclasses.replace(GOOD, rhat=rhat))
    there = posterior_from_json(json.loads(json.dumps(posterior_to_json(found))))
    for field in dataclasses.fields(found):
        here, back = getattr(found, field.name), getattr(there, field.name)
        if isinstance(here, np.ndarray):
            np.testing.assert_array_equal(here, back)
        elif field.name != "position_bias" or here is None:
            assert here == back
        else:
            assert dataclasses.asdict(here) == dataclasses.asdict(back)


# --- posterior predictive check ----------------------------------------------------------------------------------------------------


def test_replicates_of_the_true_weights_look_like_the_verdicts() -> None:
    taste = [0.8, 0.0, -0.5]
    inside = []
    for seed in range(30):
        (cell,) = cells(make_dataset(n=200, weights={"one": taste}, scenarios=("All",), seed=seed), PAPER, Settings())
        check = predictive_check(cell.rows[0], np.tile(taste, (10, 1)), cell.properties, seed)
        inside += check["inside"].tolist()
        assert check["n"].tolist() == cell.differs[0].tolist()
    assert 0.88 < np.mean(inside) <= 1.0


def test_replicates_of_wrong_weights_do_not() -> None:
    (cell,) = cells(make_dataset(n=400, weights={"one": [1.0, 0.0, 0.0]}, scenarios=("All",)), PAPER, Settings())
    check = predictive_check(cell.rows[0], np.zeros((10, 3)), cell.properties).set_index("property")
    assert not check.loc["p0", "inside"]
    better = cell.rows[0].design[:, 0]
    wins = (cell.rows[0].verdicts[:, 0] == (better > 0))[better != 0]
    assert check.loc["p0", "observed"] == pytest.approx(100 * wins.mean())


def test_a_property_that_never_differs_is_left_out_of_the_check() -> None:
    dataset = make_dataset(scenarios=("All",))
    comparisons = dataset.comparisons.copy()
    comparisons[:, 1] = 0
    (cell,) = cells(dataclasses.replace(dataset, comparisons=comparisons), PAPER, Settings(), judges=["one"])
    assert predictive_check(cell.rows[0], np.zeros((5, 3)), cell.properties)["property"].tolist() == ["p0", "p2"]
