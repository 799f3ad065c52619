"""A table of no known form on the Upload page: proposed, corrected, previewed, opened."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dissection.dashboard import mapping_form
from dissection.dataset import PairDataset
from dissection.mapping import ColumnMapping
from dissection.tables import Table
from tests.test_mapping import ROWS
from tests.test_pages import Open, open_page, run, text

__all__ = ["open_page"]


def uploaded(at: AppTest, rows: list[dict[str, Any]]) -> AppTest:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    at.get("file_uploader")[0].upload("mine.jsonl", content, "application/json")  # type: ignore[attr-defined]
    return run(at)


def test_the_proposal_is_shown_and_opened(open_page: Open) -> None:
    at = uploaded(open_page("upload", kind="dataset"), ROWS)
    assert "of no known form" in at.warning[0].value
    assert at.selectbox(key="map-mine.jsonl-query").value == "user_prompt"
    assert at.dataframe[0].value["judge: P(A)"].tolist() == [1, 0, 0.5]
    assert "The first 3 of 3 pairs" in text(at)
    next(button for button in at.button if button.key == "open").click()
    run(at)
    assert at.session_state["data"].startswith("own-")


def test_codes_are_asked_for(open_page: Open) -> None:
    rows = [row | {"choice": code} for row, code in zip(ROWS, ("X", "Y", "X"), strict=True)]
    at = uploaded(open_page("upload", kind="dataset"), rows)
    assert "What do these values of the winner column stand for?" in text(at)
    assert "No verdict can be read" in at.error[0].value
    at.selectbox(key="map-mine.jsonl-code-X").set_value("b")
    at.selectbox(key="map-mine.jsonl-code-Y").set_value("tie")
    run(at)
    assert at.dataframe[0].value["judge: P(A)"].tolist() == [0, 0.5, 0]


def test_a_wrong_choice_says_so(open_page: Open) -> None:
    at = uploaded(open_page("upload", kind="dataset"), ROWS)
    at.selectbox(key="map-mine.jsonl-response_a").set_value("none")
    run(at)
    assert "one answer" in at.error[0].value


def test_the_file_is_read_once_whatever_is_chosen(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = mapping_form.read_table

    def counted(content: bytes, filename: str) -> Table:
        read.append(filename)
        return real(content, filename)

    monkeypatch.setattr(mapping_form, "read_table", counted)
    at = uploaded(open_page("upload", kind="dataset"), ROWS)
    for column in ("none", "category", "note"):
        at.selectbox(key="map-mine.jsonl-scenario").set_value(column)
        run(at)
    assert read == ["mine.jsonl"]
    assert at.dataframe[0].value["scenario"].tolist() == ["n", "m", "o"]


def test_the_pairs_are_made_once_for_each_choice_and_what_is_wrong_is_said_again(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = mapping_form.read_mapped

    def counted(table: Table, mapping: ColumnMapping) -> PairDataset:
        made.append(mapping.columns.get("response_a", "none"))
        return real(table, mapping)

    monkeypatch.setattr(mapping_form, "read_mapped", counted)
    at = run(run(uploaded(open_page("upload", kind="dataset"), ROWS)))
    assert made == ["answer_1"]
    at.selectbox(key="map-mine.jsonl-response_a").set_value("none")
    assert [error.value for error in run(at).error] == [error.value for error in run(at).error]
    assert "one answer" in at.error[0].value
    assert made == ["answer_1", "none"]


def test_a_judge_that_no_column_names_can_be_named(open_page: Open) -> None:
    at = uploaded(open_page("upload", kind="dataset"), ROWS)
    at.text_input(key="map-mine.jsonl-judge-name").set_value("my crowd")
    assert "my crowd: P(A)" in run(at).dataframe[0].value.columns
    at.text_input(key="map-mine.jsonl-judge-name").set_value("  ")
    assert "judge: P(A)" in run(at).dataframe[0].value.columns
    at.selectbox(key="map-mine.jsonl-judge").set_value("note")
    assert "map-mine.jsonl-judge-name" not in [field.key for field in run(at).text_input]
