"""Judges as a series, and the pairs behind a difference."""

import json
from pathlib import Path

import numpy as np
import pytest

from dissection.contrasts.disagreements import disagreement_groups, disagreements, records
from dissection.contrasts.rounds import rounds
from dissection.errors import InputError
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from tests.conftest import make_dataset
from tests.test_contrasts import with_verdicts

FEW = 50
SERIES = {"round 1": [0.2, 0.5, 0.0], "round 2": [0.8, 0.5, 0.0], "round 3": [1.6, 0.5, 0.0]}


def test_a_growing_taste_is_seen_round_by_round() -> None:
    dataset = make_dataset(n=900, d=3, weights=SERIES, scenarios=("Code",))
    seen: list[tuple[int, int]] = []
    found = rounds(dataset, list(SERIES), "Code", resamples=FEW, progress=lambda done, total: seen.append((done, total)))
    effects = found.effects()
    path = effects[effects["property"] == "p0"]
    assert path["round"].tolist() == [1, 2, 3]
    assert path["mean"].is_monotonic_increasing
    assert (path["low"] < path["mean"]).all()
    assert (path["n"] == 900).all()
    assert [one.decided.tolist() for one in found.to_first] == [[True, False, False]] * 2
    assert [(one.first.judge, one.second.judge) for one in found.to_previous] == [("round 2", "round 1"), ("round 3", "round 2")]
    assert (found.to_first[-1].difference > found.to_previous[-1].difference - 1e-9)[0]
    total = found.drift[-1]
    assert (total.first, total.second) == ("round 1", "round 3")
    assert total.distance.low > 0
    assert total.distance.low < 1.4 < total.distance.high
    assert total.ratio.low > 1
    assert seen[-1][0] == seen[-1][1]
    assert len({total for _, total in seen}) == 1


def test_rounds_that_do_not_drift() -> None:
    dataset = make_dataset(n=600, d=3, weights={name: [0.8, -0.4, 0.0] for name in SERIES}, scenarios=("Code",))
    found = rounds(dataset, list(SERIES), "Code", resamples=FEW)
    assert not any(one.decided.any() for one in (*found.to_first, *found.to_previous))
    assert found.drift[-1].distance.low == 0


def test_a_series_needs_two_rounds() -> None:
    dataset = make_dataset(n=60)
    for judges in ([], ["one"], ["one", "one"]):
        with pytest.raises(InputError, match="The rounds are"):
            rounds(dataset, judges, "Code")


# --- the pairs behind a difference -------------------------------------------------------------------------------------------------------


def test_the_property_that_turns_verdicts_is_named() -> None:
    dataset = make_dataset(n=400, d=3)
    found = disagreements(dataset, "one", "two", "Code")
    labels = dataset.labels
    rows = [dataset.pairs.index.get_loc(one.pair_id) for one in found]
    assert len(found) == int((labels[:, 0] != labels[:, 1])[dataset.members(dataset.group("Code"))].sum())
    assert all(labels[row, 0] != labels[row, 1] for row in rows)
    assert found[0].property == "p0"
    groups = disagreement_groups(found)
    assert groups["property"].tolist()[0] == "p0"
    assert groups["share"].sum() == pytest.approx(1)
    assert groups["pairs"].sum() == len(found)
    one, two = fit(dataset, judges=["one", "two"], groups=["Code"])
    for record, row in zip(found, rows, strict=True):
        parts = (one.mean - two.mean) * dataset.comparisons[row] * (1 if record.verdict_a == "A" else -1)
        assert record.explained == pytest.approx(parts.sum())
        assert record.contribution == pytest.approx(max(parts.max(), 0.0))
        assert (record.property is None) == (parts.max() <= 0)


def test_order_ties_and_the_form_for_relabelling() -> None:
    dataset = make_dataset(n=100, d=2)
    tied = with_verdicts(dataset, "tied", np.where(np.arange(100) % 3 == 0, 0.5, dataset.labels[:, 0]))
    found = disagreements(tied, "tied", "one", "Code")
    assert {one.verdict_a for one in found} == {"tie"}
    assert {one.verdict_b for one in found} == {"A", "B"}
    places = [one.property for one in found]
    assert places == sorted(places, key=places.index), "each property's pairs stand together"
    named = [one for one in found if one.property == places[0]]
    assert [one.contribution for one in named] == sorted((one.contribution for one in named), reverse=True)
    line = json.loads(json.dumps(records(found)[0]))
    assert {"pair_id", "query", "response_a", "response_b", "verdict_a", "verdict_b", "property", "contribution"} <= set(line)
    assert disagreements(with_verdicts(dataset, "copy", dataset.labels[:, 0]), "one", "copy", "Code") == []
    assert disagreement_groups([]).empty


def test_pairs_that_are_not_there() -> None:
    dataset = make_dataset(n=100)
    labels = dataset.labels[:, 0]
    split = with_verdicts(
        with_verdicts(dataset, "early", np.where(np.arange(100) < 50, labels, np.nan)),
        "late",
        np.where(np.arange(100) < 50, np.nan, labels),
    )
    with pytest.raises(InputError, match="no pair in common"):
        disagreements(split, "early", "late", "Code")
    with pytest.raises(InputError, match="Both judges are 'one'"):
        disagreements(dataset, "one", "one", "Code")


def test_published_weights_have_no_disagreements_to_list(published: Path) -> None:
    with pytest.raises(InputError, match="without their pairs"):
        disagreements(open_dataset(published), "human", "yi-6b", "Code")
