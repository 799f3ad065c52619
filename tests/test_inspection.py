"""What a dataset is said to hold."""

import dataclasses

import numpy as np

from dissection.inspection import inspect, judge_table
from dissection.readers import open_dataset
from tests.conftest import make_dataset
from tests.test_readers import RECORDS, WEIGHTS, json_lines


def test_counts_of_verdicts() -> None:
    dataset = make_dataset(n=10, both_orders=True)
    verdicts = np.full((10, 2, 2), np.nan)
    verdicts[:6, 0] = [[1, 1], [1, 0], [0, 0], [0.5, 0.5], [0.9, 0.6], [0.5, 1]]
    verdicts[6:8, 0, 0] = [1, 0.5]
    table = judge_table(dataclasses.replace(dataset, verdicts=verdicts)).set_index("judge")
    one = table.loc["one"]
    assert one["verdicts"] == 8
    assert one["missing"] == 2
    assert one["both_orders"] == 6
    assert one["inconsistent"] == 2, "a against b, and a tie against a"
    assert one["ties"] == 3, "0.5 twice, 0.5 once, and one pair split between the orders"
    assert one["share_a"] == 100 * np.mean([1, 0.5, 0, 0.5, 0.75, 0.75, 1, 0.5])
    assert table.loc["two", "verdicts"] == 0
    assert np.isnan(table.loc["two", "share_a"])


def test_sentences_of_the_example() -> None:
    lines = "\n".join(inspect(open_dataset(json_lines(RECORDS), "x")).lines())
    assert "3 pairs in 2 scenarios and 2 conditions" in lines
    assert "5 judges with 13 verdicts" in lines
    assert "1 pair has a property that was not assessed" in lines
    assert "empty answer" in lines
    assert "4 groups have fewer than 10 pairs" in lines


def test_what_is_missing_is_said_with_its_remedy() -> None:
    dataset = make_dataset(n=4, scenarios=("All",), weights={"one": [0, 0, 0]})
    found = inspect(dataset)
    assert any("second judge" in line for line in found.impossible)
    assert any("query, response_a, response_b" in line for line in found.impossible)
    assert any("add a scenario" in line for line in found.impossible)
    nobody = inspect(dataset.without_judges({"one"}))
    assert any("add a judge's labels" in line for line in nobody.impossible)
    assert nobody.possible == ()


def test_properties_that_never_differ_are_named() -> None:
    dataset = make_dataset()
    comparisons = dataset.comparisons.copy()
    comparisons[:, 1] = 0
    found = inspect(dataclasses.replace(dataset, comparisons=comparisons))
    assert any("1 property never differs" in line and line.endswith("p1") for line in found.warnings)


def test_published_weights_say_what_they_lack() -> None:
    found = inspect(open_dataset(str({"Code": WEIGHTS, "w_stances": WEIGHTS}).replace("'", '"').encode(), "me.json"))
    assert any("intervals" in line for line in found.impossible)
    assert any("1 judge" in line and "1 condition" in line for line in found.facts)


def test_one_sided_judges_and_groups_with_fewer_pairs_than_properties() -> None:
    dataset = make_dataset(n=22, d=12)
    verdicts = dataset.verdicts.copy()
    verdicts[:, 1, 0] = 0.0
    lines = "\n".join(inspect(dataclasses.replace(dataset, verdicts=verdicts)).warnings)
    assert "two always says B (22 verdicts)" in lines
    assert "one always" not in lines
    assert "2 groups have fewer pairs than there are properties (12): Code (11), Advice (11)" in lines


def test_lines_have_examples_and_what_to_do() -> None:
    lines = inspect(open_dataset(json_lines(RECORDS), "x")).lines()
    place = next(i for i, line in enumerate(lines) if "an empty answer" in line)
    assert lines.index("Odd:") < place < lines.index("Can be done:")
    assert lines[place + 1].strip().startswith("for example")
    assert "(pair " in lines[place + 1]
    assert lines[place + 2].strip().startswith("what to do: ")
