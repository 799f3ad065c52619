"""Of many changes tried one by one few are proposed by chance; what is gained where a change touches; and which numbers are refused."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from dissection.errors import InputError
from dissection.figures.sway_sentences import gains_reading, likes_reading, ranked_reading
from dissection.properties import Property
from dissection.regression.discoveries import LEVEL
from dissection.sway.basis import basis, told_apart
from dissection.sway.changes import Change
from dissection.sway.gains import best_changes, predicted_gain, single_changes
from dissection.sway.study import MOST_TOP, changes_by_weight, ranked, study
from tests.conftest import make_dataset
from tests.test_sway import certain

D = 12


def test_a_judge_of_coins_is_seldom_taken_for_one_with_a_taste() -> None:
    """Of a dozen properties without effect one is told apart alone in every other dataset; as one of many, in one dataset of twenty."""
    decided, told = [], []
    for seed in range(40):
        dataset = make_dataset(150, D, {"coin": [0.0] * D}, seed=seed)
        table = predicted_gain(dataset, basis(dataset, "coin"), single_changes(dataset)[::2]).table
        decided.append(int(table["decided"].sum()))
        told.append(bool(table["discovery"].any()))
        assert (table["discovery"] <= table["decided"]).all()
    assert np.mean(decided) > 0.3, "the plain intervals alone would propose something"
    assert sum(told) <= 6, "5 % of 40 are 2; more than 6 come by chance once in 300"


def test_of_what_is_told_apart_little_is_wrong_and_what_is_strong_is_found() -> None:
    taste = np.array([1.0, -0.9, 0.8, -0.7, *[0.0] * (D - 4)])
    wrong = found = 0
    for seed in range(12):
        dataset = make_dataset(400, D, {"one": taste.tolist()}, seed=seed)
        table = predicted_gain(dataset, basis(dataset, "one"), single_changes(dataset)[::2]).table
        told = table["discovery"].to_numpy(dtype=bool)
        right = told & (np.sign(table["gain"].to_numpy(dtype=float)) == np.sign(taste))
        wrong, found = wrong + int((told & ~right).sum()), found + int(right.sum())
    assert found >= 0.95 * 12 * 4
    assert wrong / (wrong + found) <= 2 * LEVEL


def test_a_gain_and_the_loss_of_the_same_are_one_question() -> None:
    dataset = make_dataset(300, 6, {"one": [0.6, 0.4, 0.25, 0.0, 0.0, 0.0]}, seed=3)
    found = basis(dataset, "one")
    table = predicted_gain(dataset, found, single_changes(dataset)).table
    assert table["discovery"].iloc[::2].tolist() == table["discovery"].iloc[1::2].tolist()
    held = told_apart(found.posterior)
    together = predicted_gain(dataset, found, [[Change("p0", True), Change(f"p{place}", True)] for place in range(1, 6)]).table
    assert together["discovery"].tolist() == (held[1:] & held[0] & together["decided"].to_numpy()).tolist(), "all of a set have to be told"
    assert not held.all()


def test_what_is_gained_where_a_change_touches_has_its_own_interval() -> None:
    """Ten of a hundred queries ask for the property, and all their answers are equal: whichever queries are drawn, the gain there is one."""
    dataset = make_dataset(100, 1, {"one": [1.0]}, conditions={"express_feeling": np.arange(100) < 10})
    dataset = dataclasses.replace(dataset, properties=(Property("empathetic"),), comparisons=np.zeros((100, 1)))
    filled = dataclasses.replace(dataset, comparisons=make_dataset(100, 1).comparisons)
    row = predicted_gain(dataset, certain(filled, [0.9]), [(Change("empathetic", True),)]).table.iloc[0]
    there = 100 * (expit(0.9) - 0.5)
    assert row[["each", "each_low", "each_high"]].tolist() == pytest.approx([there] * 3)
    assert row["changed"] == pytest.approx(10)
    assert row["gain"] == pytest.approx(there / 10)
    assert row["low"] < 0.7 * row["gain"] < 1.3 * row["gain"] < row["high"], "how many queries ask for it is not sure"


def test_words_of_judges_with_and_without_a_taste() -> None:
    dataset = make_dataset(300, 3, {"one": [1.2, -0.9, 0.0], "coin": [0.0, 0.0, 0.0]}, seed=1)
    one, coin = (study(dataset, judge) for judge in ("one", "coin"))
    assert "4 of 6 changes are told apart from 0 at a false discovery rate of 5 % over all properties" in gains_reading(
        one.singles, "all pairs"
    )
    assert "one is most pleased by p0" in likes_reading(one.liked, "one")
    assert "and most put off by p1" in likes_reading(one.liked, "one")
    assert "No gain is told apart from 0." in ranked_reading(ranked(coin.singles))
    assert "neither pleased nor put off by any property" in likes_reading(coin.liked, "coin")
    assert coin.changes == {"liked": [], "disliked": []}


@pytest.mark.parametrize("top", [0, -1, MOST_TOP + 1])
def test_the_number_of_changes_is_checked_by_weights_too(top: int) -> None:
    dataset = make_dataset(120, 3)
    likes = study(dataset, "one").liked
    assert [change.name for change in changes_by_weight(likes, "liked", 2)][:1] == ["p0"]
    with pytest.raises(InputError, match=f"The number of changes is {top}"):
        changes_by_weight(likes, "liked", top)
    with pytest.raises(InputError, match="The number of changes is 0"):
        best_changes(study(dataset, "one").singles, single_changes(dataset), 0)
