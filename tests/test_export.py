"""Results as files."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dissection.errors import InputError, UnknownNameError
from dissection.export import check_output, effects_table, published_json, safe_cells, table_bytes, write_effects
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.posterior import Posterior
from tests.conftest import make_dataset

COLUMNS = ["judge", "group", "kind", "property", "mean", "sd", "low", "high", "probability", "direction", "n", "converged"]


@pytest.fixture(scope="module")
def posteriors() -> list[Posterior]:
    return fit(make_dataset(weights={"one": [1.0, 0, 0], "=two()": [0, 1.0, 0]}, conditions={"w_stances": np.zeros(60, dtype=bool)}))


def test_the_table_has_exactly_these_columns(posteriors: list[Posterior]) -> None:
    table = effects_table(posteriors)
    assert list(table.columns) == COLUMNS
    assert len(table) == 3 * 2 * 3
    assert list(effects_table([]).columns) == COLUMNS


@pytest.mark.parametrize("ending", [".csv", ".CSV", ".parquet", ".jsonl", ".json"])
def test_files_hold_what_the_table_holds(posteriors: list[Posterior], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"effects{ending}"
    write_effects(posteriors, path)
    read = {
        ".csv": pd.read_csv,
        ".parquet": pd.read_parquet,
        ".jsonl": lambda file: pd.read_json(file, lines=True, precise_float=True),
        ".json": lambda file: pd.DataFrame(json.loads(file.read_text())),
    }[ending.lower()]
    found, expected = read(path), effects_table(posteriors)
    if ending.lower() == ".csv":
        found["judge"] = found["judge"].str.removeprefix("'")
    assert list(found.columns) == COLUMNS
    for column in COLUMNS:
        if expected[column].dtype == float:
            np.testing.assert_allclose(found[column].astype(float), expected[column], atol=1e-12)
        else:
            assert found[column].tolist() == expected[column].tolist(), column


def test_cells_without_numbers_are_empty_and_no_words(posteriors: list[Posterior], tmp_path: Path) -> None:
    write_effects(posteriors, tmp_path / "effects.jsonl")
    write_effects(posteriors, tmp_path / "effects.json")
    rows = [json.loads(line) for line in (tmp_path / "effects.jsonl").read_text().splitlines()]

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    assert json.loads((tmp_path / "effects.json").read_text(), parse_constant=no_constant) == rows
    empty = [row for row in rows if row["group"] == "w_stances"]
    assert len(empty) == 6
    assert all(row["mean"] is None and row["low"] is None and row["converged"] is False and row["n"] == 0 for row in empty)


def test_json_of_nothing_is_an_empty_list_and_any_text_stays_one_value() -> None:
    assert json.loads(table_bytes(effects_table([]), ".json")) == []
    frame = pd.DataFrame({"x": ["a\nb", "},\n{", "\u2028"]})
    assert [row["x"] for row in json.loads(table_bytes(frame, ".json"))] == frame["x"].tolist()


def test_a_spreadsheet_runs_nothing(posteriors: list[Posterior], tmp_path: Path) -> None:
    write_effects(posteriors, tmp_path / "effects.csv")
    text = (tmp_path / "effects.csv").read_text()
    assert "'=two()" in text
    assert "\n=two" not in text
    frame = pd.DataFrame({"@x": ["+1", "-1", "ok", "\tx", 3, -4.5]}, index=["=a", *"bcdef"])
    safe = safe_cells(frame)
    assert safe.columns.tolist() == ["'@x"]
    assert safe.index.tolist() == ["'=a", *"bcdef"]
    assert safe["'@x"].tolist() == ["'+1", "'-1", "ok", "'\tx", 3, -4.5], "numbers stay numbers"


def test_where_nothing_can_be_written(tmp_path: Path, posteriors: list[Posterior]) -> None:
    with pytest.raises(UnknownNameError, match=r"'.xlsx'.*\.csv, \.parquet, \.jsonl, \.json"):
        write_effects(posteriors, tmp_path / "effects.xlsx")
    with pytest.raises(InputError, match=r"folder does not exist.*make it first"):
        check_output(tmp_path / "absent" / "effects.csv", (".csv",))
    check_output(tmp_path / "effects.csv", (".csv",))
    assert list(tmp_path.iterdir()) == []


def test_published_weights_come_back_as_they_went(published: Path, tmp_path: Path) -> None:
    weights = open_dataset(published)
    path = tmp_path / "again.json"
    path.write_text(published_json(fit(weights)), encoding="utf-8")
    again = open_dataset(path)
    assert again.groups == weights.groups
    assert again.judge_names == weights.judge_names
    assert weights.estimates is not None
    assert again.estimates is not None
    np.testing.assert_array_equal(again.estimates, weights.estimates)


def test_published_form_leaves_out_cells_without_numbers(posteriors: list[Posterior]) -> None:
    found = json.loads(published_json(posteriors))
    assert list(found) == ["Code", "Advice"]
    assert found["Code"]["one"] == posteriors[0].mean.tolist()


def test_scenarios_and_conditions_of_any_name_come_back_as_what_they_were(tmp_path: Path) -> None:
    dataset = make_dataset(
        n=80, d=29, scenarios=("[odd] name", "Code"), conditions={"mine": np.arange(80) % 2 == 0, "w_stances": np.arange(80) > 9}
    )
    path = tmp_path / "weights.json"
    path.write_text(published_json(fit(dataset, groups=[group.name for group in dataset.selectable_groups])), encoding="utf-8")
    again = open_dataset(path)
    assert set(again.groups) == set(dataset.groups), "all pairs together are no scenario"
