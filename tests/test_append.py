"""Datasets appended: what is united, what is refused, and what is said."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dissection.append import append
from dissection.cli import main
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.native_file import write_native
from dissection.properties import Property, computed_properties
from dissection.readers import open_dataset
from dissection.readers import with_properties as computed_for
from dissection.regression.fit import fit
from tests.conftest import make_dataset


def column(values: list[Any], index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index, dtype=object)


def named(dataset: PairDataset, name: str, prefix: str = "", texts: str = "", **meta: Any) -> PairDataset:
    """The dataset under a name, its ids with a prefix, with texts that begin so, and metadata."""
    pairs = dataset.pairs.set_axis(pd.Index([f"{prefix}{pair_id}" for pair_id in dataset.pairs.index], name="pair_id", dtype=object))
    pairs = pairs.assign(**{f"meta.{key}": column(value, pairs.index) for key, value in meta.items()})
    for part in ("query", "response_a", "response_b") if texts else ():
        pairs[part] = column([f"{texts} {part} {row}" + " more" * (row % 3) for row in range(len(pairs))], pairs.index)
    return dataclasses.replace(dataset, name=name, pairs=pairs)


def rows(dataset: PairDataset, start: int, end: int) -> PairDataset:
    return dataclasses.replace(
        dataset,
        pairs=dataset.pairs.iloc[start:end],
        comparisons=dataset.comparisons[start:end],
        scores=dataset.scores[start:end],
        verdicts=dataset.verdicts[start:end],
        conditions={name: mask[start:end] for name, mask in dataset.conditions.items()},
    )


def with_properties(dataset: PairDataset, *names: str) -> PairDataset:
    return dataclasses.replace(dataset, properties=tuple(Property(name) for name in names))


def same_content(found: PairDataset, expected: PairDataset) -> None:
    assert list(found.pairs.index) == list(expected.pairs.index)
    columns = list(expected.pairs.columns)
    pd.testing.assert_frame_equal(found.pairs[columns].isna(), expected.pairs[columns].isna())
    pd.testing.assert_frame_equal(found.pairs[columns].astype(str), expected.pairs[columns].astype(str))
    np.testing.assert_array_equal(found.comparisons, expected.comparisons)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.verdicts, expected.verdicts)
    assert found.judges == expected.judges
    assert found.properties == expected.properties
    assert {name: mask.tolist() for name, mask in found.conditions.items()} == {n: m.tolist() for n, m in expected.conditions.items()}


def test_parts_of_a_dataset_make_the_whole() -> None:
    whole = make_dataset(120, conditions={"w_stances": np.arange(120) % 3 == 0}, both_orders=True)
    found = append([rows(whole, 0, 50), rows(whole, 50, 51), rows(whole, 51, 120)])
    same_content(found, whole)
    for one, other in zip(fit(found), fit(whole), strict=True):
        np.testing.assert_array_equal(one.mean, other.mean)
    assert found.notes == (
        "Appended: 50 pairs of made up, 1 pair of made up (2), 69 pairs of made up (3).",
        "Judges of one name are one judge (one, two).",
    )
    assert found.pairs["meta.source"].value_counts(sort=False).to_dict() == {"made up": 50, "made up (2)": 1, "made up (3)": 69}


def test_judges_and_conditions_are_united_by_name_and_what_lacks_is_counted() -> None:
    first = make_dataset(30, weights={"human": [1.0, 0, 0], "one": [0, 1.0, 0]}, conditions={"w_stances": np.ones(30, dtype=bool)})
    second = make_dataset(20, weights={"two": [0, 0, 1.0], "human": [1.0, 0, 0]}, conditions={"other": np.ones(20, dtype=bool)}, seed=1)
    found = append([named(first, "x", "x"), named(second, "y", "y")])
    assert found.name == "x + y"
    assert found.judge_names == ("human", "one", "two")
    np.testing.assert_array_equal(found.verdicts[:30, :2], first.verdicts)
    np.testing.assert_array_equal(found.verdicts[30:, [2, 0]], second.verdicts)
    assert np.isnan(found.verdicts[30:, 1]).all()
    assert np.isnan(found.verdicts[:30, 2]).all()
    assert {name: int(mask.sum()) for name, mask in found.conditions.items()} == {"w_stances": 30, "other": 20}
    assert found.notes[-1] == (
        "Judges of one name are one judge (human); without verdicts where their dataset lacks them, in pairs: one 20, two 30."
    )
    cells = {(cell.judge, cell.group.name): cell.n for cell in fit(found, groups=["All pairs"])}
    assert cells == {("human", "All pairs"): 50, ("one", "All pairs"): 30, ("two", "All pairs"): 20}


def test_metadata_and_notes_stay_what_they_were() -> None:
    first = dataclasses.replace(named(make_dataset(4), "x", "x", year=[2020] * 4, language=["en"] * 4), notes=("Read so.", "Both."))
    second = dataclasses.replace(named(make_dataset(4), "y", "y", source=["a", "b", "a", None], stars=[1, 2, 3, 4]), notes=("Both.",))
    found = append([first, second])
    assert found.notes[:3] == ("Both.", "x: Read so.", "Appended: 4 pairs of x, 4 pairs of y.")
    assert found.pairs["meta.year"].tolist() == [2020] * 4 + [None] * 4, "no number becomes another"
    assert found.pairs["meta.stars"].tolist() == [None] * 4 + [1, 2, 3, 4]
    assert found.pairs["meta.source"].tolist() == ["x"] * 4 + ["a", "b", "a", None]
    again = append([found, named(make_dataset(4), "z", "z")])
    assert again.pairs["meta.source"].tolist()[-5:] == [None, "z", "z", "z", "z"]


def test_texts_that_lie_on_disk_stay_there() -> None:
    arrow = pd.ArrowDtype(pa.large_string())
    first, second = named(make_dataset(3), "x", "x", "one"), named(make_dataset(3), "y", "y", "two")
    lazy = dataclasses.replace(first, pairs=first.pairs.assign(query=first.pairs["query"].astype(arrow)))
    found = append([lazy, second])
    assert found.pairs["query"].dtype == arrow
    assert found.pairs["query"].tolist() == [*first.pairs["query"], *second.pairs["query"]]
    broken = dataclasses.replace(second, pairs=second.pairs.assign(query=column(["\ud800", "a", "b"], second.pairs.index)))
    assert append([lazy, broken]).pairs["query"].tolist() == [*first.pairs["query"], "\ud800", "a", "b"]


# --- Ids ---------------------------------------------------------------------------------------------------------------------------


def test_ids_of_different_pairs_get_the_name_of_their_dataset() -> None:
    first, second, third = (named(make_dataset(10), name, "", name) for name in ("x", "y", "y"))
    third = dataclasses.replace(third, pairs=third.pairs.assign(query="third"))
    found = append([rows(first, 0, 5), second, third])
    assert list(found.pairs.index) == [
        *(f"p{i}" for i in range(1, 6)),
        *(f"y:p{i}" for i in range(1, 11)),
        *(f"y (2):p{i}" for i in range(1, 11)),
    ]
    assert "5 ids of y stand for other pairs before, so all its ids begin with y: now." in found.notes
    taken = named(make_dataset(10), "x", "y:", "x")
    crowded = append([dataclasses.replace(taken, pairs=pd.concat([taken.pairs.iloc[:9], first.pairs.iloc[:1]])), second])
    assert list(crowded.pairs.index[10:12]) == ["y#2:p1", "y#2:p2"]


def test_the_same_pair_twice_is_refused_with_what_to_do() -> None:
    first = named(make_dataset(10), "x", "", "same")
    other = named(make_dataset(10, weights={"new": [1.0, 0, 0]}, seed=2), "y", "", "same")
    with pytest.raises(
        DatasetError, match=r"10 pairs are in both datasets, the first is 'p1'.*Where: x and y.*join their labels.*--labels"
    ):
        append([first, other])
    one = dataclasses.replace(other, pairs=other.pairs.assign(query=[*first.pairs["query"][:1], *["else"] * 9]))
    with pytest.raises(DatasetError, match="1 pair is in both datasets, the first is 'p1'"):
        append([first, one])
    with pytest.raises(DatasetError, match="10 pairs are in both"):
        append([named(make_dataset(4), "z", "z"), first, other])


def test_without_texts_pairs_are_the_same_where_they_compare_alike() -> None:
    first, other = make_dataset(30), make_dataset(30, seed=5)
    with pytest.raises(DatasetError, match="30 pairs are in both"):
        append([first, named(make_dataset(30, weights={"new": [0, 1.0, 0]}), "y")])
    with pytest.raises(DatasetError, match="30 pairs are in both"):
        append([named(first, "x", "", "texts"), named(first, "y")])
    assert append([first, named(other, "y")]).pairs.index[30] == "y:p1"


# --- Properties --------------------------------------------------------------------------------------------------------------------


def test_properties_that_all_have_are_kept_and_the_others_named() -> None:
    first = with_properties(make_dataset(40), "polite", "longer", "clear")
    second = with_properties(named(make_dataset(30, seed=1), "y", "y"), "clear", "novel", "polite")
    found = append([first, second])
    assert found.property_names == ("polite", "clear")
    np.testing.assert_array_equal(found.comparisons[:40], first.comparisons[:, [0, 2]])
    np.testing.assert_array_equal(found.comparisons[40:], second.comparisons[:, [2, 0]])
    assert found.assessed.all(), "no pair is lost to fits"
    said = "2 properties are not in every dataset and left out, as pairs without them could not be fitted: longer, novel."
    assert said in found.notes


def test_nothing_in_common_is_refused_with_the_names() -> None:
    second = with_properties(named(make_dataset(10), "y", "y"), "a", "b", "c")
    with pytest.raises(DatasetError, match=r"no property in common.*made up: p0, p1, p2; y: a, b, c"):
        append([make_dataset(10), second])


def test_computed_properties_are_computed_for_all() -> None:
    annotated, bare = (
        named(make_dataset(12), "x", "x", "short"),
        named(make_dataset(9, d=0, weights={"one": [], "two": []}), "y", "y", "long"),
    )
    found = append([annotated, computed_for(bare)])
    assert found.properties == computed_properties()
    assert len(found) == 21
    same_content(rows(found, 12, 21), dataclasses.replace(computed_for(bare), name="x"))
    assert any(note.startswith("x: The 3 annotated properties are set aside") for note in found.notes)
    named_alike = with_properties(annotated, "longer", "p1", "p2")
    assert append([named_alike, computed_for(bare)]).properties == computed_properties(), "rather than the one name that both have"
    with pytest.raises(DatasetError, match="no property in common"):
        append([make_dataset(12), named(computed_for(bare), "y", "y")])


def test_an_annotated_property_of_a_computed_name_is_not_taken_for_computed() -> None:
    computed = dataclasses.replace(make_dataset(5, d=1), properties=(Property("longer", computed="by words"),))
    found = append([computed, with_properties(named(make_dataset(5, d=1), "y", "y"), "longer")])
    assert found.properties == (Property("longer"),), "so that it is written, and not computed anew"


def test_published_weights_and_single_datasets_are_refused(published: Path) -> None:
    with pytest.raises(DatasetError, match="Published weights can't be appended"):
        append([make_dataset(), open_dataset(published)])
    with pytest.raises(DatasetError, match="nothing to append"):
        append([make_dataset()])


def test_simulated_pairs_are_named_beside_real_ones() -> None:
    demo = dataclasses.replace(named(make_dataset(5), "Demo", "d"), simulated=True)
    found = append([demo, make_dataset(5)])
    assert not found.simulated
    assert "Appended: 5 pairs of Demo, 5 pairs of made up; those of Demo and their verdicts are simulated." in found.notes
    assert append([demo, dataclasses.replace(named(demo, "more", "m"), simulated=True)]).simulated


# --- The command line --------------------------------------------------------------------------------------------------------------


def test_append_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = named(make_dataset(60), "whole", "", "text")
    for name, part in (("a", rows(whole, 0, 25)), ("b", rows(whole, 25, 40)), ("c", rows(whole, 40, 60))):
        write_native(part, tmp_path / f"{name}.jsonl")
    labels = tmp_path / "mine.csv"
    labels.write_text("pair_id,mine\n" + "".join(f"{pair_id},{'ab'[i % 2]}\n" for i, pair_id in enumerate(whole.pairs.index)))
    out = tmp_path / "out.jsonl"
    arguments = [str(tmp_path / "a.jsonl"), "--append", str(tmp_path / "b.jsonl"), "--append", str(tmp_path / "c.jsonl")]
    assert main(["convert", *arguments, "--labels", str(labels), "--scenarios-by", "meta.source", "--out", str(out)]) == 0
    assert "a.jsonl + b.jsonl + c.jsonl: 60 pairs, 2 judges" in capsys.readouterr().err
    found = open_dataset(out)
    assert [group.name for group in found.scenarios] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert found.judge_names == ("one", "two", "mine")
    np.testing.assert_array_equal(found.verdicts[:, :2], whole.verdicts)
    assert not np.isnan(found.labels[:, 2]).any(), "labels are joined to the pairs of all files"
    assert main(["inspect", *arguments[:2], arguments[0]]) == 2
    assert "25 pairs are in both datasets" in capsys.readouterr().err


def test_a_mapping_reads_what_no_reader_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def write(name: str) -> str:
        texts = [{"ask": f"{name} {i}", "left": "a b c"[: i % 5], "right": "d e", "won": "ab"[i % 2]} for i in range(8)]
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in texts))
        return str(tmp_path / name)

    mapping = tmp_path / "mapping.json"
    mapping.write_text(json.dumps({"columns": {"query": "ask", "response_a": "left", "response_b": "right", "winner": "won"}}))
    first, second = write("one.jsonl"), write("two.jsonl")
    assert main(["inspect", first, "--append", second, "--mapping", str(mapping)]) == 0
    assert "one.jsonl + two.jsonl: 16 pairs" in capsys.readouterr().err
    assert main(["inspect", first, "--append", second]) == 2
