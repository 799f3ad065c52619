"""Pairs to read first: verdicts nobody expected, contested pairs, near-duplicates, and what unites a fit's mistakes."""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from dissection.dataset import FloatArray, PairDataset
from dissection.mistakes import LEAST_PAIRS, Mistakes, mistakes
from dissection.regression.fit import fit
from dissection.regression.scores import score
from dissection.surprise import Foretold, contested, foretell, near_duplicates, surprising, unlikely
from tests.conftest import make_dataset


def with_texts(dataset: PairDataset, query: Sequence[object], a: Sequence[object], b: Sequence[object]) -> PairDataset:
    """The same dataset with these texts."""
    pairs = dataset.pairs.assign(
        **{
            name: pd.Series(list(texts), index=dataset.pairs.index, dtype=object)
            for name, texts in zip(("query", "response_a", "response_b"), (query, a, b), strict=True)
        }
    )
    return PairDataset(
        dataset.name, pairs, dataset.properties, dataset.comparisons, dataset.scores, dataset.judges, dataset.verdicts, dataset.conditions
    )


def with_verdicts(dataset: PairDataset, verdicts: FloatArray) -> PairDataset:
    return PairDataset(dataset.name, dataset.pairs, dataset.properties, dataset.comparisons, dataset.scores, dataset.judges, verdicts)


def foretold(dataset: PairDataset, judge: str = "one") -> Foretold:
    group = dataset.selectable_groups[0]
    return foretell(dataset, score(dataset, judges=[judge], groups=[group.name])[0], fit(dataset, judges=[judge], groups=[group.name])[0])


# Surprising verdicts


def test_planted_contradictions_come_first() -> None:
    data = make_dataset(n=400, d=2, weights={"one": [3.0, 0.0]}, scenarios=("All",))
    verdicts, first = data.verdicts.copy(), data.comparisons[:, 0]
    verdicts[:, 0, 0] = np.where(first == 0, verdicts[:, 0, 0], first > 0)
    odd = np.flatnonzero(first != 0)[[3, 40, 90]]
    verdicts[odd, 0, 0] = 1 - verdicts[odd, 0, 0]
    found = foretold(with_verdicts(data, verdicts))
    assert found.source == "held out"
    frame = surprising(data, found, top=10)
    assert set(frame["row"][:3]) == set(odd)
    assert list(frame["pair_id"][:3]) == [f"p{row + 1}" for row in frame["row"][:3]]
    assert frame["chance"].is_monotonic_increasing
    assert len(frame) == 10


def test_the_chance_of_a_plain_verdict_is_its_probability_and_a_tie_s_is_the_best_at_50() -> None:
    data = make_dataset(n=300, d=2, weights={"one": [1.0, 0.0]}, scenarios=("All",))
    verdicts = data.verdicts.copy()
    verdicts[:50, 0, 0] = 0.5
    frame = foretold(with_verdicts(data, verdicts)).frame
    plain = frame[frame["verdict"] != "tie"]
    given = np.where(plain["verdict"] == "A", plain["predicted"], 100 - plain["predicted"])
    np.testing.assert_allclose(plain["chance"], given)
    ties = frame[frame["verdict"] == "tie"]
    p = ties["predicted"] / 100
    np.testing.assert_allclose(ties["chance"], 200 * np.sqrt(p * (1 - p)))
    assert (ties["side"] == 0.5).all()


def test_few_pairs_fall_back_on_the_fit_itself_and_say_so() -> None:
    data = make_dataset(n=12, d=2, scenarios=("All",))
    found = foretold(data)
    assert found.source == "own fit"
    assert "12 pairs" in found.reason
    assert len(found.frame) == 12


def test_the_own_fit_knows_the_order() -> None:
    data = make_dataset(n=200, d=2, weights={"one": [0.0, 0.0]}, scenarios=("All",), position_bias=2.0, both_orders=True)
    posterior = fit(data)[0]
    score_ = score(data.without_judges(set()), judges=["one"], groups=["All"])[0]
    own = foretell(data, score(make_dataset(n=5, d=2, weights={"one": [0.0, 0.0]}, scenarios=("All",)), groups=["All"])[0], posterior)
    held = foretell(data, score_, posterior)
    assert own.source == "own fit"
    assert np.corrcoef(own.frame["chance"], held.frame["chance"])[0, 1] > 0.95
    assert own.frame["chance"].median() > 70, "what is shown first wins, and that was expected"


def test_no_verdicts_foretell_nothing() -> None:
    data = make_dataset(n=30)
    silent = with_verdicts(data, np.full(data.verdicts.shape, np.nan))
    found = foretold(silent)
    assert found.source == ""
    assert found.frame.empty
    assert "no verdict" in found.reason
    assert surprising(silent, found).empty
    assert unlikely(found) == (0, 0.0)
    assert mistakes(silent, found).reason


def test_unlikely_verdicts_come_as_often_as_a_right_fit_says() -> None:
    data = make_dataset(n=3000, d=3, weights={"one": [1.5, -1.0, 0.5]}, scenarios=("All",))
    came, due = unlikely(foretold(data))
    assert due > 50
    assert abs(came - due) < 3 * np.sqrt(due)


# Contested pairs


def test_the_most_divided_come_first_and_many_judges_before_two() -> None:
    data = make_dataset(n=5, weights={f"j{i}": [0.0, 0.0, 0.0] for i in range(10)}, scenarios=("All",))
    verdicts = np.full(data.verdicts.shape, np.nan)
    verdicts[0, :, 0] = 1.0  # all agree
    verdicts[1, :, 0] = [1.0] * 9 + [0.0]
    verdicts[2, :, 0] = [1.0] * 5 + [0.0] * 5
    verdicts[3, :2, 0] = [1.0, 0.0]  # two judges only
    verdicts[4, :, 0] = 0.5  # all say tie
    frame = contested(with_verdicts(data, verdicts), data.groups[0])
    assert list(frame["pair_id"]) == ["p3", "p4", "p2"]
    assert frame[["a", "tie", "b", "n"]].to_numpy().tolist() == [[5, 0, 5, 10], [1, 0, 1, 2], [9, 0, 1, 10]]
    assert frame["outside"].tolist() == pytest.approx([50, 50, 10])
    assert ((frame["low"] < frame["outside"]) & (frame["outside"] < frame["high"])).all()


def test_one_judge_contests_nothing() -> None:
    data = make_dataset(weights={"one": [1.0, 0.0, 0.0]})
    assert contested(data, data.groups[0]).empty


# Near-duplicates


def texts(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    words = np.array(["".join(letters) for letters in itertools.islice(itertools.product("bcdfglmn", "aeiou", "kprst", "ou"), 400)])
    return [" ".join(rng.choice(words, 25)) for _ in range(n)]


def doubled(n: int = 40) -> PairDataset:
    """The last pair is the first with its answers swapped and a word changed; the one before it is the second, unchanged."""
    data = make_dataset(n=n, scenarios=("All",))
    query, a, b = (texts(n, seed) for seed in range(3))
    query[-1], a[-1], b[-1] = query[0], b[0] + " more", a[0]
    query[-2], a[-2], b[-2] = query[1], a[1], b[1]
    verdicts = data.verdicts.copy()
    verdicts[[0, 1, -2, -1], 0, 0] = [1.0, 1.0, 1.0, 0.0]
    return with_texts(with_verdicts(data, verdicts), query, a, b)


def test_copies_and_swapped_copies_are_found_and_their_verdicts_compared() -> None:
    data = doubled()
    found = near_duplicates(data, data.groups[0], "one")
    assert (found.found, found.compared, found.total) == (2, 40, 40)
    frame = found.frame
    assert list(zip(frame["pair_id"], frame["other"], strict=True)) == [("p2", "p39"), ("p1", "p40")]
    assert frame["cosine"][0] == pytest.approx(1, abs=1e-5)
    assert frame["swapped"].tolist() == [False, True]
    assert frame["verdict"].tolist() == ["A", "A"]
    assert frame["other_verdict"].tolist() == ["A", "B"]
    assert frame["same"].tolist() == [True, True], "a swapped double with the swapped verdict agrees"


def test_blocks_and_bounds_change_nothing_but_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    data = doubled()
    whole = near_duplicates(data, data.groups[0], "one")
    monkeypatch.setattr("dissection.surprise.BLOCK", 7)
    pd.testing.assert_frame_equal(near_duplicates(data, data.groups[0], "one").frame, whole.frame)
    assert len(near_duplicates(data, data.groups[0], "one", top=1).frame) == 1
    bounded = near_duplicates(data, data.groups[0], "one", most=30)
    assert (bounded.found, bounded.compared, bounded.total) == (0, 30, 40)


@pytest.mark.parametrize(("texts_", "why"), [([None] * 6, "no pair"), (["  "] * 6, "no pair"), (["a word", *[None] * 5], "only one pair")])
def test_without_texts_nothing_is_compared_and_it_says_so(texts_: list[object], why: str) -> None:
    data = with_texts(make_dataset(n=6, scenarios=("All",)), texts_, [None] * 6, [None] * 6)
    found = near_duplicates(data, data.groups[0], "one")
    assert why in found.reason
    assert found.frame.empty
    assert "same" in found.frame


# What unites the mistakes


def simulated(seed: int, hidden: float = 0.0, n: int = 400) -> tuple[PairDataset, Foretold, Mistakes]:
    """Predictions from known weights; the verdicts also follow a taste for the word "zebra", of size `hidden`, that the fit doesn't know."""
    rng = np.random.default_rng(seed)
    data = make_dataset(n=n, d=4, scenarios=("All",), seed=seed)
    query, a, b = (texts(n, 10 * seed + part) for part in range(3))
    has = rng.random((n, 2)) < 0.3
    a, b = ([text + " zebra" * int(word) for text, word in zip(side, has[:, place], strict=True)] for place, side in enumerate((a, b)))
    data = with_texts(data, query, a, b)
    expected = data.comparisons @ np.array([1.0, -0.7, 0.4, 0.0]) + 0.01
    truth = expected + hidden * (has[:, 0].astype(float) - has[:, 1])
    p = 100 / (1 + np.exp(-expected))
    won = rng.random(n) < 1 / (1 + np.exp(-truth))
    frame = pd.DataFrame(
        {
            "row": np.arange(n),
            "verdict": np.where(won, "A", "B"),
            "predicted": p,
            "chance": np.where(won, p, 100 - p),
            "side": ((p > 50) == won).astype(float),
        }
    )
    found = Foretold(frame, "held out")
    return data, found, mistakes(data, found)


def test_a_planted_taste_that_the_fit_does_not_know_is_found() -> None:
    _, found, marks = simulated(1, hidden=2.5)
    top = marks.frame[marks.frame["discovery"]]
    assert set(zip(top["mark"], top["where"], strict=True)) >= {("zebra", "in the other answer alone")}
    row, rows = (
        top[top["where"] == "in the other answer alone"].iloc[0],
        marks.members[int(top.index[top["where"] == "in the other answer alone"][0])],
    )
    assert row["wrong"] == len(rows)
    assert row["low"] > 1
    assert row["wrong"] > 1.3 * row["expected"]
    chosen = found.frame.set_index("row").loc[rows]
    assert (chosen["side"] == 0).all()
    assert chosen["chance"].is_monotonic_increasing


def test_where_the_fit_is_right_hardly_any_mark_holds() -> None:
    runs = [simulated(seed)[2] for seed in range(20, 40)]
    # No mark is true here, so that at most 5 % of views may hold one: more than 4 of 20 would come once in 400 times.
    assert sum(marks.frame["discovery"].any() for marks in runs) <= 4
    assert all(marks.tried > 1000 for marks in runs)


def test_p_values_of_one_stratum_are_fisher_s() -> None:
    _, found, marks = simulated(4, n=90)
    wrong, n = marks.wrong, marks.n
    small = marks.frame[marks.frame["p"] < 0.1]
    assert len(small)
    for row in small.to_dict("records"):
        cells = [[row["wrong"], row["pairs"] - row["wrong"]], [wrong - row["wrong"], n - wrong - row["pairs"] + row["wrong"]]]
        assert row["p"] == pytest.approx(fisher_exact(cells, alternative="greater").pvalue, rel=1e-8)
    assert len(found.frame) == n


def test_a_property_s_counts_are_those_of_the_pairs() -> None:
    data, found, marks = simulated(3)
    row = marks.frame[(marks.frame["mark"] == "p1") & (marks.frame["where"] == "the favourite has less")]
    if row.empty:
        row = mistakes(data, found, top=10_000).frame.query("mark == 'p1' and where == 'the favourite has less'")
    towards = data.comparisons[:, 1] * np.where(found.frame["predicted"] > 50, 1, -1)
    wrong = (found.frame["side"] == 0).to_numpy()
    assert row["pairs"].item() == (towards < 0).sum()
    assert row["wrong"].item() == ((towards < 0) & wrong).sum()
    expected = np.minimum(found.frame["predicted"], 100 - found.frame["predicted"]).to_numpy() / 100
    assert row["expected"].item() == pytest.approx(expected[towards < 0].sum())
    assert row["low"].item() < row["odds_ratio"].item() < row["high"].item()


def test_without_texts_properties_alone_are_tried() -> None:
    data = make_dataset(n=300, d=3, scenarios=("All",))
    marks = mistakes(data, foretold(data))
    assert set(marks.frame["kind"]) == {"property"}
    assert marks.read == 0
    assert (marks.frame["pairs"] >= LEAST_PAIRS).all()


@pytest.mark.parametrize(("side", "why"), [(1.0, "none of"), (0.0, "each of"), (0.5, "no prediction")])
def test_all_right_all_wrong_and_all_undecided_have_a_reason(side: float, why: str) -> None:
    data = make_dataset(n=30, scenarios=("All",))
    frame = pd.DataFrame({"row": range(30), "verdict": "A", "predicted": 60.0, "chance": 60.0, "side": side})
    found = mistakes(data, Foretold(frame, "held out"))
    assert why in found.reason
    assert found.frame.empty
    assert not found.members


def test_too_few_pairs_to_tell_have_a_reason() -> None:
    data = make_dataset(n=8, scenarios=("All",))
    frame = pd.DataFrame({"row": range(8), "verdict": "A", "predicted": 60.0, "chance": 60.0, "side": [0.0, 1.0] * 4})
    assert "comes on 10" in mistakes(data, Foretold(frame, "own fit")).reason
