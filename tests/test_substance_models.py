"""Criteria, models' strengths, and measures: what was planted is found, and bad input is said in plain words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import FloatArray, PairDataset
from dissection.errors import FileError, InputError, LabelError
from dissection.judges import Judge
from dissection.readers import open_dataset
from dissection.substance.criteria import criteria_dataset, criterion_columns, halo, implicit_weights
from dissection.substance.measures import Measures, correlations, read_measures
from dissection.substance.strengths import Strengths, bradley_terry, models_of, strengths, strengths_frame
from tests.conftest import make_dataset, make_pairs

WEIGHTS = {"correct": 2.0, "short": 0.0, "safe": 0.8}
MODELS = tuple(f"model-{i:02}" for i in range(12))
TRUE = np.linspace(-1.2, 1.2, len(MODELS))


def with_criteria(n: int = 800, seed: int = 0, judge: str = "gpt-3.5") -> PairDataset:
    rng = np.random.default_rng(seed)
    values = rng.choice([0.0, 0.5, 1.0], size=(n, len(WEIGHTS)))
    chance = 1 / (1 + np.exp(-(2 * values - 1) @ np.array(list(WEIGHTS.values()))))
    dataset = make_dataset(n=n, weights={"other": [0.0, 0.0, 0.0], judge: [0.0, 0.0, 0.0]}, seed=seed)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 1, 0] = rng.random(n) < chance
    words = {0.0: "b", 0.5: "tie", 1.0: "a"}
    pairs = dataset.pairs.copy()
    for place, name in enumerate(WEIGHTS):
        pairs[f"meta.criterion.{judge}.{name}"] = pd.Series([words[value] for value in values[:, place]], index=pairs.index, dtype=object)
    return replace(dataset, pairs=pairs, verdicts=verdicts)


def tournament(n: int = 3000, seed: int = 0, true: FloatArray = TRUE, ties: float = 0.0) -> PairDataset:
    rng = np.random.default_rng(seed)
    sides = np.array([rng.permutation(len(true))[:2] for _ in range(n)])
    verdicts = (rng.random(n) < 1 / (1 + np.exp(-(true[sides[:, 0]] - true[sides[:, 1]])))).astype(float)
    verdicts[rng.random(n) < ties] = 0.5
    dataset = make_dataset(n=n, weights={"one": [0.0, 0.0, 0.0]})
    pairs = dataset.pairs.assign(
        model_a=pd.Series([MODELS[i] for i in sides[:, 0]], index=dataset.pairs.index, dtype=object),
        model_b=pd.Series([MODELS[i] for i in sides[:, 1]], index=dataset.pairs.index, dtype=object),
    )
    return replace(dataset, pairs=pairs, verdicts=np.stack([verdicts, np.full(n, np.nan)], axis=1)[:, None, :])


# Criteria


def test_criteria_are_found_by_the_longest_name_of_a_judge() -> None:
    dataset = with_criteria(20)
    pairs = dataset.pairs.assign(**{"meta.criterion.nobody.safe": "a", "meta.criterion.other": "a", "meta.language": "en"})
    found = criterion_columns(replace(dataset, pairs=pairs))
    assert list(found.found) == ["gpt-3.5"]
    assert list(found.found["gpt-3.5"]) == ["correct", "short", "safe"]
    assert found.unmatched == ("criterion.nobody.safe", "criterion.other")


def test_criteria_of_a_flat_table_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "pair_id,label.gpt-3.5,property.p,meta.criterion.gpt-3.5.very short\np1,a,1,b\np2,b,-1,\np3,a,0,tie\n", encoding="utf-8"
    )
    found = criteria_dataset(open_dataset(path), "gpt-3.5")
    assert found.property_names == ("very short",)
    assert found.comparisons[:, 0] == pytest.approx([-1.0, np.nan, 0.0], nan_ok=True)


def test_implicit_weights_cover_what_was_planted() -> None:
    inside, truth = [], np.array(list(WEIGHTS.values()))
    for seed in range(20):
        posterior = implicit_weights(criteria_dataset(with_criteria(500, seed), "gpt-3.5"))
        inside.append((posterior.low <= truth) & (truth <= posterior.high))
    assert np.mean(inside) > 0.88
    assert posterior.n == 500
    assert posterior.properties == ("correct", "short", "safe")
    assert posterior.decided.tolist() == [True, False, True]


def test_pairs_that_lack_a_criterion_are_left_out() -> None:
    dataset = with_criteria(300)
    pairs = dataset.pairs.copy()
    pairs.iloc[:100, pairs.columns.get_loc("meta.criterion.gpt-3.5.safe")] = None
    assert implicit_weights(criteria_dataset(replace(dataset, pairs=pairs), "gpt-3.5")).n == 200


def test_soft_criteria_and_both_orders() -> None:
    dataset = with_criteria(4)
    column = "meta.criterion.gpt-3.5.safe"
    values = pd.Series([0.75, {"ab": "a", "ba": "b"}, {"ab": "a", "ba": None}, {"ab": None, "ba": None}], dtype=object)
    pairs = dataset.pairs.assign(**{column: values.set_axis(dataset.pairs.index)})
    found = criteria_dataset(replace(dataset, pairs=pairs), "gpt-3.5").comparisons[:, 2]
    assert found == pytest.approx([0.5, 0.0, 1.0, np.nan], nan_ok=True)


def test_a_criterion_that_is_no_verdict_names_pair_and_column() -> None:
    dataset = with_criteria(5)
    pairs = dataset.pairs.copy()
    pairs.loc["p3", "meta.criterion.gpt-3.5.safe"] = "rather A"
    with pytest.raises(LabelError, match="'rather A' is not a verdict") as caught:
        criteria_dataset(replace(dataset, pairs=pairs), "gpt-3.5")
    assert caught.value.where == "pair 'p3', column criterion.gpt-3.5.safe"
    with pytest.raises(InputError, match="'other' has no verdicts on criteria"):
        criteria_dataset(dataset, "other")


def test_a_halo_is_seen() -> None:
    dataset = with_criteria(200)
    found = halo(criteria_dataset(dataset, "gpt-3.5"))
    assert found is not None
    assert abs(found.correlation) < 0.3
    copied = dataset.pairs.assign(**{"meta.criterion.gpt-3.5.safe": dataset.pairs["meta.criterion.gpt-3.5.correct"]})
    copied.iloc[:50, copied.columns.get_loc("meta.criterion.gpt-3.5.short")] = None
    together = criteria_dataset(replace(dataset, pairs=copied), "gpt-3.5")
    assert halo(together) == ("correct", "safe", pytest.approx(1.0), 150)
    one = replace(together, properties=together.properties[:1], comparisons=together.comparisons[:, :1], scores=together.scores[:, :1])
    assert halo(one) is None, "one criterion goes with no other"


# Strengths


def test_strengths_of_a_tournament_are_found() -> None:
    inside = []
    for seed in range(6):
        found = strengths(tournament(1500, seed), seed=seed)["one"]
        low, high = np.quantile(found.draws, [0.025, 0.975], axis=0)
        inside.append((low <= TRUE) & (high >= TRUE))
    assert np.mean(inside) > 0.88
    assert np.corrcoef(found.mean, TRUE)[0, 1] > 0.97
    assert found.models == MODELS
    assert found.mean.sum() == pytest.approx(0, abs=1e-9)
    assert found.n == 1500
    assert found.draws.shape == (200, 12)


def test_two_models_by_hand() -> None:
    # Six wins and two ties of ten, and one tie more: 7.5 + 0.5 of 11.
    wins = np.array([[0.0, 7.0], [3.0, 0.0]])
    assert bradley_terry(wins)[0] * 2 == pytest.approx(np.log(7.5 / 3.5), abs=1e-6)


def test_ties_are_half_a_win_and_draw_together() -> None:
    plain, tied = (strengths(tournament(1500, 1, ties=share))["one"] for share in (0.0, 0.5))
    assert tied.mean.std() < 0.7 * plain.mean.std()
    frame = strengths_frame({"one": tied})
    assert frame["wins"].sum() == pytest.approx(1500)
    assert frame["comparisons"].sum() == 3000


def test_a_model_that_never_lost_has_a_finite_strength() -> None:
    wins = np.array([[0.0, 5.0, 5.0], [0.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    found = bradley_terry(wins)
    assert np.isfinite(found).all()
    assert found[0] > max(found[1:]) + 1


def test_models_that_are_not_connected_are_said() -> None:
    dataset = tournament(400)
    pairs = dataset.pairs.copy()
    pairs.iloc[:3, pairs.columns.get_loc("model_a")] = "island"
    pairs.iloc[:3, pairs.columns.get_loc("model_b")] = "islet"
    found = strengths(replace(dataset, pairs=pairs))["one"]
    assert found.left_out == ("island", "islet")
    assert found.n == 397
    assert "island" in models_of(replace(dataset, pairs=pairs))


def test_no_models_and_bad_options_are_said() -> None:
    with pytest.raises(InputError, match="No pair is of two models"):
        strengths(make_dataset())
    with pytest.raises(InputError, match="number of resamples is 20"):
        strengths(tournament(50), resamples=20)
    dataset = tournament(60)
    many = dataset.pairs.assign(model_a=[f"m{i}" for i in range(60)])
    assert len(strengths(replace(dataset, pairs=many))["one"].models) > 0


def test_a_judge_without_verdicts_has_no_strengths() -> None:
    dataset = tournament(50).with_judge(Judge("silent"), np.full((50, 2), np.nan))
    assert list(strengths(dataset)) == ["one"]


# Measures


def sure(values: FloatArray, models: tuple[str, ...] = MODELS) -> dict[str, Strengths]:
    noise = np.random.default_rng(0).normal(0, 0.05, (200, len(values)))
    ones = np.ones(len(values))
    return {"one": Strengths("one", models, values, values + noise, ones, ones, (), 100, 100)}


def test_correlations_are_those_of_ranks() -> None:
    from scipy.stats import kendalltau, spearmanr

    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"same": TRUE**3, "reverse": -TRUE, "chance": rng.normal(size=12), "ties": np.round(TRUE), "flat": 1.0}, index=MODELS
    )
    for method, reference in (("spearman", spearmanr), ("kendall", kendalltau)):
        found = correlations(sure(TRUE), Measures(table, ()), method).set_index("measure")
        assert found.loc["same", "correlation"] == pytest.approx(1.0)
        assert found.loc["reverse", "correlation"] == pytest.approx(-1.0)
        for name in ("chance", "ties"):
            assert found.loc[name, "correlation"] == pytest.approx(reference(TRUE, table[name]).statistic)
        assert found.loc["same", "low"] > 0.7
        assert found.loc["chance", "low"] < 0 < found.loc["chance", "high"]
        assert found.loc["flat", "remark"] == "the same for all models"
        assert found["models"].eq(12).all()
        known = found.drop(index="flat")
        assert ((known["low"] <= known["correlation"]) & (known["correlation"] <= known["high"])).all()
        assert known[["low", "high"]].abs().to_numpy().max() <= 1 + 1e-9
    with pytest.raises(InputError, match="no correlation named 'pearson'"):
        correlations(sure(TRUE), Measures(table, ()), "pearson")


def test_few_models_give_no_correlation() -> None:
    table = pd.DataFrame({"safety": [1.0, 2.0, np.nan]}, index=list(MODELS[:3]))
    found = correlations(sure(TRUE), Measures(table, ())).iloc[0]
    assert np.isnan(found["correlation"])
    assert found["remark"] == "fewer than 3 models"
    assert found["models"] == 2


def test_a_table_is_read_with_notes() -> None:
    content = b"Model,safety,world knowledge\nmodel-00,1.5,3\nmodel-01,,4\nstranger,2,2\n"
    found = read_measures(content, "m.csv", MODELS[:3])
    assert found.values.loc["model-00"].tolist() == [1.5, 3.0]
    assert np.isnan(found.values.loc["model-01", "safety"])
    assert list(found.values.columns) == ["safety", "world knowledge"]
    notes = " ".join(found.notes)
    assert "1 model that no pair is of: stranger" in notes
    assert "1 model of the pairs: model-02" in notes
    assert "safety (1 of 2)" in notes


@pytest.mark.parametrize(
    ("content", "problem", "where"),
    [
        (b"name,safety\nmodel-00,1\n", "The columns are", "m.csv"),
        (b"model\nmodel-00\n", "The only column is 'model'", "m.csv"),
        (b"model,safety\nmodel-00,high\n", "'high' is no number", "line 2, column 'safety'"),
        (b"model,safety\nmodel-00,1e999\n", "'1e999' is no number", "line 2"),
        (b"model,safety\nmodel-00,1\nmodel-01,2\nmodel-00,3\n", "'model-00' comes more than once", "m.csv, line 2 and m.csv, line 4"),
        (b"model,safety\n,1\n", "names no model", "line 2"),
        (b"model,safety\nnobody,1\n", "None of its models is in the data", "m.csv"),
        (b'[{"model": "model-00", "safety": [1]}]', "[1] is no number", "item 1"),
        (b'[{"model": "model-00", "safety": true}]', "True is no number", "item 1"),
    ],
)
def test_a_bad_table_says_what_and_where(content: bytes, problem: str, where: str) -> None:
    with pytest.raises(InputError) as caught:
        read_measures(content, "m.csv", MODELS)
    assert problem in caught.value.problem
    assert where in caught.value.where
    assert caught.value.accepted


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02", b"%PDF-1.7", b"model,safety\nmodel-00,1,2\n"])
def test_what_is_no_table_is_said(content: bytes) -> None:
    with pytest.raises(FileError):
        read_measures(content, "m.csv", MODELS)


def test_models_of_published_weights_are_none() -> None:
    dataset = make_dataset(n=1, d=1, weights={"one": [0.0]})
    bare = replace(
        dataset, pairs=make_pairs(0), comparisons=np.empty((0, 1)), scores=np.empty((0, 1, 2)), verdicts=np.empty((0, 1, 2)), estimates=np.ones((1, 1, 1)), estimate_groups=(dataset.groups[0],)
    )  # fmt: skip
    assert models_of(bare) == ()
