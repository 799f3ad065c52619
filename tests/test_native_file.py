"""What is written in the native form reads back equal."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dissection.cli import main
from dissection.dataset import PairDataset
from dissection.errors import DatasetError, UnknownNameError
from dissection.native_file import FORMS, native_bytes, write_native
from dissection.readers import open_dataset
from tests.conftest import make_dataset
from tests.test_readers import RECORDS, json_lines


def same(one: PairDataset, other: PairDataset) -> None:
    assert one.pairs.index.tolist() == other.pairs.index.tolist()
    for name in one.pairs.columns:
        here, there = (data.pairs[name].astype(object).where(data.pairs[name].notna(), None).tolist() for data in (one, other))
        assert here == there, name
    assert one.judge_names == other.judge_names
    assert set(one.property_names) == set(other.property_names)
    order = [other.property_names.index(name) for name in one.property_names]
    np.testing.assert_array_equal(one.comparisons, other.comparisons[:, order])
    np.testing.assert_array_equal(one.scores, other.scores[:, order])
    np.testing.assert_array_equal(one.verdicts, other.verdicts)
    assert list(one.conditions) == list(other.conditions)
    for name, mask in one.conditions.items():
        np.testing.assert_array_equal(mask, other.conditions[name])


def rich() -> PairDataset:
    """Soft verdicts, ties, both orders, gaps, scores and comparisons beyond a sign, conditions."""
    dataset = make_dataset(n=24, both_orders=True, conditions={"w_stances": np.arange(24) % 3 == 0})
    verdicts, comparisons, scores = dataset.verdicts.copy(), dataset.comparisons.copy(), dataset.scores.copy()
    verdicts[:4, 0] = [[0.25, np.nan], [0.5, np.nan], [np.nan, np.nan], [0.75, 0.5]]
    verdicts[4, 1] = [np.nan, 1.0]
    comparisons[:3, 0] = [0.5, np.nan, -2.25]
    scores[5:8, 1] = [[3, 1], [0, 0], [2.5, np.nan]]
    comparisons[5:8, 1] = [1, 0, np.nan]
    pairs = dataset.pairs.copy()
    pairs["query"] = [f'Zeile {i}\nmit „Zeichen“, "und" so' for i in range(24)]
    pairs["meta.language"] = ["de"] * 23 + [None]
    return dataclasses.replace(dataset, pairs=pairs, verdicts=verdicts, comparisons=comparisons, scores=scores)


@pytest.mark.parametrize("form", FORMS)
def test_a_round_trip_is_equal(tmp_path: Path, form: str) -> None:
    dataset = rich()
    path = tmp_path / f"data{'.jsonl' if form == '.gz' else ''}{form}"
    write_native(dataset, path)
    same(dataset, open_dataset(path))


@pytest.mark.parametrize("name", ["llmbar.jsonl", "haluquestqa.jsonl", "pandalm.jsonl"])
@pytest.mark.parametrize("form", [".jsonl", ".parquet"])
def test_real_data_make_the_round_trip(shared: Path, tmp_path: Path, name: str, form: str) -> None:
    dataset = open_dataset(shared / name)
    path = tmp_path / f"data{form}"
    write_native(dataset, path)
    same(dataset, open_dataset(path))


def test_the_example_of_the_documentation_makes_the_round_trip(tmp_path: Path) -> None:
    dataset = open_dataset(json_lines(RECORDS), "x")
    write_native(dataset, tmp_path / "x.jsonl")
    same(dataset, open_dataset(tmp_path / "x.jsonl"))


def test_cells_that_a_spreadsheet_would_run_are_made_safe() -> None:
    dataset = make_dataset(n=4)
    pairs = dataset.pairs.copy()
    pairs["query"] = ["=1+1", "+x", "@y", "plain"]
    text = native_bytes(dataclasses.replace(dataset, pairs=pairs), ".csv").decode()
    assert "'=1+1" in text
    assert "\n=1" not in text


def test_a_condition_with_a_separator_needs_json_lines() -> None:
    dataset = make_dataset(n=6, conditions={"a;b": np.ones(6, dtype=bool)})
    with pytest.raises(DatasetError, match=r"'a;b'.*JSON Lines"):
        native_bytes(dataset, ".parquet")
    assert json.loads(native_bytes(dataset, ".jsonl").splitlines()[0])["conditions"] == ["a;b"]


def test_other_forms_and_published_weights_are_refused(published: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"\.xlsx"):
        native_bytes(make_dataset(n=4), ".xlsx")
    with pytest.raises(DatasetError, match="no pairs to write"):
        native_bytes(open_dataset(published), ".jsonl")


def test_convert_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "b.parquet"
    write_native(rich(), source)
    assert main(["convert", str(source), "--out", str(out)]) == 0
    same(open_dataset(source), open_dataset(out))
    assert "24 pairs" in capsys.readouterr().err
    assert main(["convert", str(source), "--out", str(tmp_path / "b.xlsx")]) == 2
