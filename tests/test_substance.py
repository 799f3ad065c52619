"""Shares of families and the index: planted judges are found, shares are shares, and noise is not taken for taste."""

from pathlib import Path

import numpy as np
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import Judge
from dissection.properties import Family, Property
from dissection.readers import open_dataset
from dissection.substance.shares import (
    INDEX_COLUMNS,
    NO_SIGNAL,
    PUBLISHED,
    SHARE_COLUMNS,
    family_shares,
    shares_by_group,
)
from dissection.substance.spread import Forms, ratio
from tests.conftest import make_dataset, make_pairs

FAMILIES: tuple[Family, ...] = ("substance",) * 5 + ("style",) * 6 + ("safety",) * 2 + ("interaction",) * 3
STYLE, SUBSTANCE = (np.array([family == wanted for family in FAMILIES]) for wanted in ("style", "substance"))
TASTE = np.random.default_rng(5).choice([-1.0, 1.0], len(FAMILIES)) * np.random.default_rng(6).uniform(0.3, 0.8, len(FAMILIES))
JUDGES = {"style": STYLE * TASTE, "substance": SUBSTANCE * TASTE, "coin": 0 * TASTE, "both": TASTE}


def planted(n: int, seed: int, judges: dict[str, FloatArray] = JUDGES, scenarios: tuple[str, ...] = ("All",)) -> PairDataset:
    rng = np.random.default_rng(seed)
    comparisons = rng.integers(-1, 2, size=(n, len(FAMILIES))).astype(float)
    verdicts = np.full((n, len(judges), 2), np.nan)
    for place, taste in enumerate(judges.values()):
        verdicts[:, place, 0] = rng.random(n) < 1 / (1 + np.exp(-comparisons @ taste))
    return PairDataset(
        name="planted",
        pairs=make_pairs(n, scenarios),
        properties=tuple(Property(f"p{i}", family=family) for i, family in enumerate(FAMILIES)),
        comparisons=comparisons,
        scores=np.full((n, len(FAMILIES), 2), np.nan),
        judges=tuple(Judge(name) for name in judges),
        verdicts=verdicts,
    )


def truth(dataset: PairDataset, taste: FloatArray) -> tuple[dict[str, float], float]:
    """Shares and index of planted weights on these pairs."""
    moments = dataset.comparisons.T @ dataset.comparisons / len(dataset)
    spread = {}
    for family in dict.fromkeys(FAMILIES):
        mask = np.array([one == family for one in FAMILIES])
        spread[family] = float(taste[mask] @ moments[np.ix_(mask, mask)] @ taste[mask])
    total = sum(spread.values())
    sides = spread["style"] + spread["substance"]
    return {family: value / total for family, value in spread.items()}, (spread["style"] - spread["substance"]) / sides


def test_planted_judges_are_found() -> None:
    found = family_shares(planted(1500, 0))
    index = found.index.set_index("judge")
    assert index.loc["style", "index"] > 0.95
    assert index.loc["style", "high"] == 1.0
    assert index.loc["substance", "index"] < -0.95
    assert index.loc["substance", "low"] == -1.0
    assert index.loc["style", "low"] > index.loc["both", "high"] > index.loc["both", "low"] > index.loc["substance", "high"]
    assert list(found.index["judge"]) == ["style", "both", "substance", "coin"]
    assert index.loc[["style", "both", "substance"], ["first", "last"]].to_numpy().tolist() == [[1, 1], [2, 2], [3, 3]]
    assert index.loc["coin", ["first", "last"]].isna().all()


def test_intervals_cover_what_was_planted() -> None:
    inside: dict[str, list[bool]] = {name: [] for name in JUDGES if name != "coin"}
    for seed in range(40):
        dataset = planted(300, seed)
        found = family_shares(dataset)
        for name, held in inside.items():
            shares, index = truth(dataset, JUDGES[name])
            rows = found.shares[found.shares["judge"] == name].set_index("family")
            held += [bool(rows.loc[family, "low"] - 1e-9 <= share <= rows.loc[family, "high"] + 1e-9) for family, share in shares.items()]
            row = found.index[found.index["judge"] == name].iloc[0]
            held.append(bool(row["low"] - 1e-9 <= index <= row["high"] + 1e-9))
    for name, held in inside.items():
        assert np.mean(held) > 0.9, name


def test_noise_is_not_taken_for_equal_shares() -> None:
    told = [family_shares(planted(300, seed, {"coin": 0 * TASTE})).index["status"].iloc[0] for seed in range(60)]
    assert told.count("told") <= 9, "5 % of judges without a taste would be 3"
    silent = family_shares(planted(300, told.index("no signal"), {"coin": 0 * TASTE}))
    assert silent.shares["share"].isna().all()
    assert (silent.shares["low"] == 0).all()
    assert (silent.shares["high"] == 1).all()
    assert silent.shares["remark"].eq(NO_SIGNAL).all()
    assert silent.index[["low", "high"]].to_numpy().tolist() == [[-1.0, 1.0]]


def test_shares_are_bounded_and_add_to_one() -> None:
    found = family_shares(planted(200, 3), groups=None)
    assert tuple(found.shares.columns) == SHARE_COLUMNS
    assert tuple(found.index.columns) == INDEX_COLUMNS
    told = found.shares.dropna(subset=["share"])
    assert len(told)
    assert told["share"].between(0, 1).all()
    assert (told["low"] <= told["share"]).all()
    assert (told["share"] <= told["high"]).all()
    assert told[["low", "high"]].stack().between(0, 1).all()
    assert told.groupby("judge")["share"].sum().to_numpy() == pytest.approx(1.0)


def test_shares_do_not_hang_on_which_answer_is_a() -> None:
    dataset = planted(300, 4)
    turned = np.random.default_rng(0).random(300) < 0.5
    sign = np.where(turned, -1.0, 1.0)
    verdicts = np.where(turned[:, None, None], 1 - dataset.verdicts, dataset.verdicts)
    # Without an intercept, the model knows no sides either.
    from dataclasses import replace

    from dissection.regression.model import PAPER

    one = family_shares(dataset, PAPER)
    other = family_shares(replace(dataset, comparisons=dataset.comparisons * sign[:, None], verdicts=verdicts), PAPER)
    assert other.shares["share"].to_numpy() == pytest.approx(one.shares["share"].to_numpy(), nan_ok=True, abs=1e-6)


def test_scenarios_are_taken_together() -> None:
    dataset = planted(1200, 7, scenarios=("Code", "Advice", "Exam"))
    together, alone = family_shares(dataset), family_shares(dataset, groups=["Code"])
    widths = [frame.index.set_index("judge").eval("high - low")["both"] for frame in (together, alone)]
    assert widths[0] < widths[1]
    assert together.index["groups"].eq(3).all()
    assert together.index["n"].eq(1200).all()
    shares, index = shares_by_group(dataset, "both")
    assert list(index["group"]) == ["Code", "Advice", "Exam"]
    first = alone.shares[alone.shares["judge"] == "both"]["share"].to_numpy()
    assert shares[shares["group"] == "Code"]["share"].to_numpy() == pytest.approx(first)


def test_a_sure_ratio_is_the_ratio() -> None:
    forms = Forms(np.array([3.0, 1.0]), np.zeros(2), np.zeros((2, 2)), np.zeros((2, 2)))
    found = ratio(forms, np.array([True, False]), np.array([True, True]))
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.75, 0.75))


def test_families_can_be_given() -> None:
    dataset = make_dataset(n=400, d=3, weights={"one": [1.5, 0.0, 0.0]})
    plain = family_shares(dataset)
    assert set(plain.shares["family"]) == {"other"}
    assert plain.index["index"].isna().all()
    assert "no property of the family style or substance" in plain.index["remark"].iloc[0]
    given = family_shares(dataset, families={"p0": "style", "p1": "substance"})
    assert given.index["low"].iloc[0] > 0.5
    with pytest.raises(UnknownNameError, match="no property named 'nothing'"):
        family_shares(dataset, families={"nothing": "style"})
    with pytest.raises(UnknownNameError, match="no family named 'tone'"):
        family_shares(dataset, families={"p0": "tone"})  # type: ignore[dict-item]


def test_a_judge_without_verdicts_has_no_shares() -> None:
    dataset = planted(200, 1)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0] = np.nan
    from dataclasses import replace

    found = family_shares(replace(dataset, verdicts=verdicts))
    silent = found.shares[found.shares["judge"] == "style"]
    assert silent["status"].eq("no verdicts").all()
    assert silent[["share", "low", "high"]].isna().all(axis=None)


def test_no_properties_is_said() -> None:
    with pytest.raises(InputError, match="no properties"):
        family_shares(make_dataset(d=0, weights={"one": []}))


def test_published_weights_of_a_human_and_gpt4(published: Path) -> None:
    dataset = open_dataset(published)
    found = family_shares(dataset)
    shares = found.shares.pivot_table(index="judge", columns="family", values="share")
    assert shares.loc["human"].to_dict() == pytest.approx(
        {"substance": 0.622, "style": 0.299, "safety": 0.064, "interaction": 0.015}, abs=0.001
    )
    assert shares.loc["gpt-4-1106-preview"].to_dict() == pytest.approx(
        {"substance": 0.776, "style": 0.211, "safety": 0.001, "interaction": 0.011}, abs=0.001
    )
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)
    index = found.index.set_index("judge")["index"]
    assert index["gpt-4-1106-preview"] < index["human"] < 0
    assert found.shares[["low", "high"]].isna().all(axis=None)
    assert found.shares["remark"].eq(PUBLISHED).all()


def test_text_properties_of_real_data(shared: Path) -> None:
    found = family_shares(open_dataset(shared / "llmbar.jsonl"), groups=["All pairs"]).index.set_index("judge")
    # Built so that the worse answer looks better: no judge of it is found to go by substance that can be counted in words.
    assert found.loc["ChatGPT/CoT", "low"] > 0
