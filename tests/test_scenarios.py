"""Scenarios by a column, by words and by computed topics."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError, UnknownNameError
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.scenarios import OTHER, Rule, by_column, by_rules, by_topics, scenario_columns
from tests.conftest import make_dataset


def with_queries(queries: list[str | None], **columns: list[object]) -> PairDataset:
    dataset = make_dataset(n=len(queries), scenarios=("All",))
    pairs = dataset.pairs.copy()
    pairs["query"] = pd.Series(queries, index=pairs.index, dtype=object)
    for name, values in columns.items():
        pairs[f"meta.{name}"] = pd.Series(values, index=pairs.index, dtype=object)
    return dataclasses.replace(dataset, pairs=pairs)


def scenarios(dataset: PairDataset) -> list[str]:
    return dataset.pairs["scenario"].tolist()


def test_by_column() -> None:
    dataset = with_queries(["q"] * 6, language=["en", "de", "en", None, float("nan"), "de"], id=list(range(6)), same=[1] * 6)
    assert scenario_columns(dataset) == ["meta.language"], "an id has too many values and a constant too few"
    found = by_column(dataset, "meta.language")
    assert scenarios(found) == ["en", "de", "en", OTHER, OTHER, "de"]
    assert "values of meta.language" in found.notes[-1]
    assert [p.group.name for p in fit(found, judges=["one"])] == ["en", "de", OTHER]
    assert scenarios(dataset) == ["All"] * 6, "the data stay as they were"
    with pytest.raises(UnknownNameError, match=r"meta\.language"):
        by_column(dataset, "meta.id")


def test_by_words_whole_and_in_any_case() -> None:
    rules = [Rule.parse("Code: python, program*"), Rule.parse("Food: soup, hot dog")]
    queries = ["A Python list", "pythonic ways", "Programming?", "a program.", "Hot dog stand", "hot or dog", None]
    assert scenarios(by_rules(with_queries(queries), rules)) == ["Code", OTHER, "Code", "Code", "Food", OTHER, OTHER]


def test_the_first_rule_counts() -> None:
    rules = [Rule.parse("One: soup"), Rule.parse("Two: soup, bread")]
    assert scenarios(by_rules(with_queries(["soup and bread", "bread"]), rules)) == ["One", "Two"]


def test_marks_are_no_pattern() -> None:
    rule = Rule.parse("Odd: (a+)+$, c++")
    assert rule.matches("what is c++ ?")
    assert rule.matches("so (a+)+$ it is")
    assert not rule.matches("a" * 5000)


@pytest.mark.parametrize("text", ["", "Code", "Code:", ": python", "Code: ,", "Code: *"])
def test_rules_without_name_or_words_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="no name or no words"):
        Rule.parse(text)


def test_many_stars_are_refused() -> None:
    with pytest.raises(InputError, match="more than 2 stars"):
        Rule.parse("Odd: a*a*a*")


def test_rules_that_find_nothing_are_refused() -> None:
    with pytest.raises(DatasetError, match="No query holds"):
        by_rules(with_queries(["soup"]), [Rule.parse("Code: python")])
    with pytest.raises(InputError, match="one name"):
        by_rules(with_queries(["soup"]), [Rule.parse("A: soup"), Rule.parse("A: bread")])


def test_topics_part_what_has_no_words_in_common() -> None:
    rng = np.random.default_rng(0)
    words = {"food": ["soup", "bread", "oven", "salt", "butter"], "code": ["python", "loop", "list", "error", "function"]}
    kinds = ["food", "code"] * 30
    queries: list[str | None] = [" ".join(rng.choice(words[kind], size=4)) for kind in kinds]
    found = by_topics(with_queries(queries), 2)
    names = scenarios(found)
    assert len(set(names)) == 2
    for kind in words:
        own = {name for name, of in zip(names, kinds, strict=True) if of == kind}
        assert len(own) == 1
        assert own.pop().startswith("topic ")
    assert "computed from the queries" in found.notes[-1]
    assert scenarios(by_topics(with_queries(queries), 2)) == names, "the same each time"


def test_topics_need_queries_enough() -> None:
    with pytest.raises(DatasetError, match="too few for 5 topics"):
        by_topics(with_queries(["a b", "c d"] * 10), 5)
    with pytest.raises(InputError, match="from 2 to 40"):
        by_topics(with_queries(["a b"]), 1)
    with pytest.raises(DatasetError, match="no queries"):
        by_topics(with_queries([None] * 4), 2)
    with pytest.raises(DatasetError, match="share no words"):
        by_topics(with_queries([f"w{i}" for i in range(8)]), 2)


def test_topics_need_queries_that_recurring_words_tell_apart() -> None:
    numbered: list[str | None] = [f"Write poem number n{i}" for i in range(20)]
    with pytest.raises(DatasetError, match="only 1 of the queries apart, too few for 8 topics") as one:
        by_topics(with_queries(numbered), 8)
    assert "by words instead" in str(one.value)
    with pytest.raises(DatasetError, match="only 2 of the queries apart, too few for 3 topics") as two:
        by_topics(with_queries([*numbered, *(f"Bake bread b{i}" for i in range(20))]), 3)
    assert "choose fewer topics" in str(two.value)


def test_real_queries_have_topics(shared) -> None:  # type: ignore[no-untyped-def]
    found = by_topics(open_dataset(shared / "pandalm.jsonl"), 8)
    counts = found.pairs["scenario"].value_counts()
    assert len(counts) == 8
    assert counts.sum() == 999
