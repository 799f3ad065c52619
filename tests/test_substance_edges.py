"""Style against substance at its edges: intervals of correlations, counts of soft verdicts, what is refused, and the words for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.dashboard import behind
from dissection.errors import InputError
from dissection.figures.substance import correlation_frame, correlation_hover, index_chart, strengths_chart
from dissection.figures.substance_sentences import MANY, correlations_reading, few_models, index_reading, shares_reading
from dissection.substance import strengths as strengths_module
from dissection.substance.measures import FEW_MODELS, Measures, correlations, read_measures
from dissection.substance.shares import family_shares
from dissection.substance.strengths import MOST_MODELS, Strengths, bradley_terry, strengths, strengths_frame
from tests.conftest import make_dataset
from tests.test_pages import Open, open_page, run, text, write
from tests.test_substance import planted
from tests.test_substance_models import MODELS, TRUE, sure, tournament
from tests.test_substance_page import judged

__all__ = ["open_page"]  # the fixture


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are waited for, as no browser asks again."""
    monkeypatch.setattr(behind, "WAITED_SECONDS", 80.0)


# --- Correlations and strengths ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "truth"), [("spearman", 6 / np.pi * np.arcsin(0.35)), ("kendall", 2 / np.pi * np.arcsin(0.7))])
def test_intervals_of_correlations_cover_that_of_all_such_models(method: str, truth: float) -> None:
    """Twelve models of a population in which strength and measure go together by 0.7; strengths are known up to noise."""
    held = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        strength, measure = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 12).T
        found = strength + rng.normal(0, 0.15, 12)
        ones = np.ones(12)
        one = Strengths("one", MODELS, found, found + rng.normal(0, 0.15, (200, 12)), ones, ones, (), 100, 100)
        row = correlations({"one": one}, Measures(pd.DataFrame({"x": measure}, index=list(MODELS)), ()), method, seed).iloc[0]
        held.append(row["low"] <= truth <= row["high"])
    assert np.mean(held) >= 0.88


def test_soft_verdicts_are_counted_as_whole_comparisons() -> None:
    dataset = tournament(700)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 0, 0] = np.random.default_rng(0).choice([0.1, 0.3, 0.7, 0.9], 700)
    found = strengths(replace(dataset, verdicts=verdicts))
    frame = strengths_frame(found)
    names = dataset.pairs[["model_a", "model_b"]].to_numpy()
    assert [int((names == model).sum()) for model in frame["model"]] == frame["comparisons"].tolist()


def test_what_is_too_much_or_settles_on_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = tournament(MOST_MODELS + 1)
    many = dataset.pairs.assign(model_a=[f"m{i}" for i in range(len(dataset))])
    with pytest.raises(InputError, match="models"):
        strengths(replace(dataset, pairs=many))
    monkeypatch.setattr(strengths_module, "MOST_STEPS", 1)
    with pytest.raises(InputError, match="did not settle"):
        bradley_terry(np.array([[0.0, 900.0, 1.0], [1.0, 0.0, 900.0], [2.0, 1.0, 0.0]]))
    with pytest.raises(InputError, match="Measure 2 has no name"):
        read_measures(b"model,safety, \nmodel-00,1,2\n", "m.csv", MODELS)


# --- Words ------------------------------------------------------------------------------------------------------------------------


def test_readings_of_correlations() -> None:
    table = pd.DataFrame({f"measure {i}": np.roll(TRUE, i) for i in range(MANY)}, index=list(MODELS))
    found = correlations(sure(TRUE), Measures(table, ()))
    assert "of as many that are 0, about 1 would seem so by chance" in correlations_reading(found, 200)
    assert "by chance" not in correlations_reading(found.head(3), 200)
    assert few_models(found) == ""
    flat = correlations(sure(TRUE), Measures(pd.DataFrame({"flat": 1.0}, index=list(MODELS[:4])), ()))
    assert "None could be computed" in correlations_reading(flat, 200)
    assert f"Only 4 models: a rank correlation of fewer than {FEW_MODELS}" in few_models(flat)
    (row,) = correlation_frame(flat).to_dict("records")
    assert "no correlation: the same for all models (4 models)" in correlation_hover(row)


def test_readings_without_a_signal_and_of_one_family() -> None:
    coin = family_shares(planted(80, 1, {"coin": np.zeros(16)}))
    assert coin.index["status"].tolist() == ["no signal"]
    assert "No index is told apart from noise" in index_reading(coin.index, "judge", "in All")
    assert "None is told apart from noise" in shares_reading(coin.shares, "in All")
    symbols = index_chart(coin.index, ["coin"], "judge", {"coin": "#000000"}).data[0]
    assert list(symbols.marker.symbol) == ["x-thin-open"]
    assert [-symbols.error_x.arrayminus[0], symbols.error_x.array[0]] == [-1, 1], "all of the range"
    one = family_shares(make_dataset(400, 3, {"one": [1.5, 0.5, 0.0]}))
    assert "All properties are of one family (other), so its share is 100 % by definition." in shares_reading(one.shares, "in All")


def test_strengths_of_several_judges_stand_side_by_side() -> None:
    frame = strengths_frame({judge: replace(sure(values)["one"], judge=judge) for judge, values in (("one", TRUE), ("other", -TRUE))})
    figure = strengths_chart(frame, list(MODELS), ["one", "other"], {"one": "#111111", "other": "#222222"})
    first, second = figure.data
    assert [below > above for below, above in zip(second.y, first.y, strict=True)] == [True] * len(MODELS)
    np.testing.assert_allclose(first.error_x.array, frame["high"].iloc[:12] - frame["strength"].iloc[:12])
    assert first.error_x.color == "#111111"
    assert figure.layout.shapes[0].x0 == 0


# --- The page ---------------------------------------------------------------------------------------------------------------------


def test_families_and_the_method_are_unfolded(open_page: Open, tmp_path: Path) -> None:
    at = open_page("substance", write(tmp_path, judged(60)))
    at.session_state["share-method"] = True
    run(at)
    assert "What noise in the weights would add is taken out first" in text(at)
    assert any("Family" in frame.proto.columns for frame in at.dataframe)


def test_a_halo_and_a_judge_without_whole_criteria_are_said(open_page: Open, tmp_path: Path) -> None:
    found = judged(80)
    for row in found:
        row["meta"]["criterion.scholar.short"] = row["meta"]["criterion.scholar.correct"]
        row["meta"] |= {"criterion.stylist.correct": "a", "criterion.stylist.safe": None}
    at = open_page("substance", write(tmp_path, found), styleview="criteria")
    assert "mostly go together (correlation 1.00 on these 80 pairs)" in text(at).replace("\\", "")
    found = [row | {"meta": {"criterion.scholar.correct": None}} for row in found]
    at = open_page("substance", write(tmp_path, found, "empty.jsonl"), styleview="criteria")
    assert "scholar goes most by" not in text(at)


def test_models_that_can_not_be_ranked(open_page: Open, tmp_path: Path) -> None:
    alone = [row | {"model_a": "m", "model_b": "m"} for row in judged(20)]
    at = open_page("substance", write(tmp_path, alone), styleview="measures")
    assert "All answers are of one model, m" in text(at)
    silent = [row | {"model_a": "m", "model_b": "m"} if place > 1 else row | {"labels": {}} for place, row in enumerate(judged(20))]
    at = open_page("substance", write(tmp_path, silent, "silent.jsonl"), styleview="measures")
    assert "No judge in view has a verdict on a pair of two models that differ" in text(at)
