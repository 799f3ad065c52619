"""Exposure to style: planted gains are covered, chance makes none; and what published weights say."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.likeness.likelihoods import gather
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.model import STANDARD
from dissection.simulate import draw_comparisons, draw_verdicts
from dissection.sway.basis import basis
from dissection.sway.exposure import LEAST_DIFFERS, PRIOR_SCALE, exposure, likelihood, picked_and_tried, points
from dissection.sway.study import changes_by_weight, published_likes
from tests.conftest import make_dataset, make_pairs

STYLES = 8
TASTES = {"none": np.zeros(STYLES), "strong": np.where(np.arange(STYLES) % 2, 0.7, -0.7), "one": np.r_[0.8, np.zeros(STYLES - 1)]}


def styled(n: int, seed: int) -> tuple[PairDataset, dict[str, FloatArray]]:
    """Judges of the same substance and different tastes in style."""
    rng = np.random.default_rng(seed)
    comparisons = draw_comparisons(n, 18, rng)
    substance = np.random.default_rng(3).normal(0, 0.5, 10)
    whole = {name: np.r_[taste, substance] for name, taste in TASTES.items()}
    verdicts = np.full((n, len(whole), 2), np.nan)
    for place, taste in enumerate(whole.values()):
        verdicts[:, place, 0] = draw_verdicts(comparisons, taste, rng, 0.2)
    properties = tuple(Property(f"p{i}", family="style" if i < STYLES else "substance") for i in range(18))
    made = make_dataset(n, 18, dict.fromkeys(whole, [0.0] * 18), scenarios=("All",))
    return dataclasses.replace(made, pairs=make_pairs(n), properties=properties, comparisons=comparisons, verdicts=verdicts), whole


def test_exposure_covers_the_planted_gain_and_chance_makes_none() -> None:
    inside: dict[str, list[bool]] = {name: [] for name in TASTES}
    lowest = {name: [] for name in TASTES}
    around = dataclasses.replace(STANDARD, prior_scale=PRIOR_SCALE)
    for seed in range(40):
        dataset, whole = styled(800, seed)
        found = exposure(dataset, seed=seed).set_index("judge")
        evidence = gather(dataset, around, [0, 1, 2], [dataset.groups[0]], None)
        for place, (name, taste) in enumerate(whole.items()):
            mask = np.arange(18) < STYLES
            _, _, picked = picked_and_tried(*likelihood(evidence.root[0, place], evidence.score[0, place], mask), seed)
            real = points(float(picked @ taste[:STYLES]))
            inside[name].append(bool(found.loc[name, "low"] - 1e-9 <= real <= found.loc[name, "high"] + 1e-9))
            lowest[name].append(float(found.loc[name, "low"]))
    for name, held in inside.items():
        assert np.mean(held) >= 0.88, name
    assert np.mean(np.array(lowest["none"]) == 0) > 0.9, "a judge without a taste is not exposed"
    assert np.mean(lowest["strong"]) > 40
    assert found.loc["none", "high"] < 15
    assert found.loc["none", "maximum"] > found.loc["none", "exposure"], "the plain maximum makes something of chance"


def test_exposure_is_ranked_bounded_and_named() -> None:
    found = exposure(styled(1500, 1)[0])
    assert found["judge"].tolist() == ["strong", "one", "none"]
    assert found[["exposure", "low", "high"]].stack().between(0, 50).all()
    assert (found["low"] <= found["exposure"]).all()
    assert (found["exposure"] <= found["high"]).all()
    assert found.iloc[1]["change"].startswith("p0 ↑")
    assert set(found.iloc[0]["change"].split(", ")) == {f"p{i} {'↑' if i % 2 else '↓'}" for i in range(STYLES)}
    assert found["n"].eq(1500).all()


def test_exposure_says_what_it_can_not_tell() -> None:
    dataset, _ = styled(300, 2)
    with pytest.raises(InputError, match="No property is of the family style"):
        exposure(make_dataset())
    rare = dataset.comparisons.copy()
    rare[LEAST_DIFFERS - 1 :, 0] = 0
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0] = np.nan
    found = exposure(dataclasses.replace(dataset, comparisons=rare, verdicts=verdicts)).set_index("judge")
    assert found.loc["none", "status"] == "no verdicts"
    assert np.isnan(found.loc["none", "exposure"])
    assert "1 style property left out" in found.loc["one", "remark"]
    assert found.loc["one", "properties"] == STYLES - 1


def test_published_weights_have_a_plain_maximum_without_an_interval(published: Path) -> None:
    dataset = open_dataset(published)
    found = exposure(dataset, group="Code").set_index("judge")
    weights = dataset.estimates[dataset.estimate_groups.index(dataset.group("Code")), dataset.judge_index("human")]  # type: ignore[index]
    style = [property_.family == "style" for property_ in dataset.properties]
    assert found.loc["human", "exposure"] == pytest.approx(points(float(np.abs(weights[style]).sum())))
    assert found[["low", "high"]].isna().all(axis=None)
    likes = published_likes(dataset, "human")
    assert likes["mean"].iloc[0] == likes["mean"].max()
    assert likes["low"].isna().all()
    liked_ones, disliked = (changes_by_weight(likes, direction, 3) for direction in ("liked", "disliked"))
    assert [change.name for change in liked_ones] == [change.name for change in disliked]
    assert all(one.more != other.more for one, other in zip(liked_ones, disliked, strict=True))
    with pytest.raises(InputError, match="came without their pairs"):
        basis(dataset, "human")
