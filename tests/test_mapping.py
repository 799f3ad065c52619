"""Column mappings: proposed by names and content, kept as JSON, and turned into a dataset."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dissection.cli import main
from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError, InputError
from dissection.mapping import ColumnMapping, propose, read_mapped
from dissection.tables import Table, read_table

ROWS: list[dict[str, Any]] = [
    {
        "uid": "x1",
        "user_prompt": "Why?",
        "answer_1": "Because.",
        "answer_2": "No.",
        "choice": "left",
        "category": "chat",
        "fun_1": 3,
        "fun_2": 1,
        "note": "n",
    },
    {
        "uid": "x2",
        "user_prompt": "How?",
        "answer_1": "So.",
        "answer_2": "Thus.",
        "choice": "right",
        "category": "code",
        "fun_1": 1,
        "fun_2": 1,
        "note": "m",
    },
    {
        "uid": "x3",
        "user_prompt": "When?",
        "answer_1": "Now.",
        "answer_2": "Then.",
        "choice": "tie",
        "category": "chat",
        "fun_1": 0,
        "fun_2": 2,
        "note": "o",
    },
]


def table(rows: list[dict[str, Any]]) -> Table:
    return read_table("".join(json.dumps(row) + "\n" for row in rows).encode(), "mine.jsonl")


def read(rows: list[dict[str, Any]], **changes: Any) -> PairDataset:
    mapping = propose(table(rows)).mapping
    return read_mapped(table(rows), ColumnMapping(**{"columns": mapping.columns, "properties": mapping.properties} | changes))


def test_a_proposal_by_names_and_content() -> None:
    found = propose(table(ROWS))
    assert found.mapping.columns == {
        "pair_id": "uid",
        "query": "user_prompt",
        "response_a": "answer_1",
        "response_b": "answer_2",
        "winner": "choice",
        "scenario": "category",
    }
    assert found.mapping.properties == {"fun": ("fun_1", "fun_2")}
    assert "texts" in found.reasons["query"]
    assert "3 of 3 cells say a side" in found.reasons["winner"]


def test_names_alone_are_not_enough() -> None:
    rows = [{"prompt": 1, "winner": f"text {i}", "judge": "", "id": "same"} for i in range(10)]
    assert propose(table(rows)).mapping.columns == {}


def test_the_dataset_of_a_mapping() -> None:
    dataset = read(ROWS)
    assert dataset.pairs.index.tolist() == ["x1", "x2", "x3"]
    assert dataset.pairs["scenario"].tolist() == ["chat", "code", "chat"]
    assert dataset.pairs["response_b"].tolist() == ["No.", "Thus.", "Then."]
    assert dataset.pairs["meta.note"].tolist() == ["n", "m", "o"]
    assert dataset.judge_names == ("judge",)
    assert dataset.verdicts[:, 0, 0].tolist() == [1, 0, 0.5]
    assert dataset.comparisons[:, 0].tolist() == [1, 0, -1]
    assert dataset.notes[0] == "Read by a column mapping."


def test_codes_of_ones_own_are_said_never_guessed() -> None:
    rows = [row | {"choice": code} for row, code in zip(ROWS, ("X", "Y", "Z"), strict=True)]
    columns = {"pair_id": "uid", "response_a": "answer_1", "response_b": "answer_2", "winner": "choice"}
    with pytest.raises(DatasetError, match="No verdict can be read"):
        read(rows, columns=columns)
    dataset = read(rows, columns=columns, verdicts={"X": "b", "Y": "a", "Z": "none"}, judge_name="me")
    assert dataset.judge_names == ("me",)
    np.testing.assert_array_equal(dataset.verdicts[:, 0, 0], [0, 1, np.nan])


def test_scores_say_who_wins() -> None:
    rows = [
        {"prompt": "q", "response_a": f"a{i}", "response_b": "b", "score_a": a, "score_b": b}
        for i, (a, b) in enumerate(((3, 1), (2, 2), (0, 4), (None, 1)))
    ]
    np.testing.assert_array_equal(read(rows).verdicts[:, 0, 0], [1, 0.5, 0, np.nan])


def test_rows_of_several_judges_are_gathered_and_turned() -> None:
    swapped = {"answer_1": "No.", "answer_2": "Because.", "choice": "right"}
    rows = [ROWS[0] | {"rater": "ann"}, ROWS[0] | {"rater": "bob"} | swapped, ROWS[1] | {"rater": "ann"}]
    dataset = read(rows, columns=dict(propose(table(rows)).mapping.columns) | {"pair_id": "uid"})
    assert dataset.pairs.index.tolist() == ["x1", "x2"]
    assert dataset.judge_names == ("ann", "bob")
    np.testing.assert_array_equal(dataset.verdicts[:, :, 0], [[1, 1], [0, np.nan]])
    assert dataset.pairs["scenario"].tolist() == ["chat", "code"]
    assert dataset.comparisons[:, 0].tolist() == [1, 0]
    assert any("gathered into 2 pairs" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"query": "prompt"}, "no column 'prompt' for query"),
        ({"question": "user_prompt"}, "no field 'question'"),
        ({"response_a": "answer_1"}, "one answer"),
        ({"score_a": "fun_1"}, "one score"),
        ({"winner": "choice", "score_a": "fun_1", "score_b": "fun_2"}, "a winner and scores"),
    ],
)
def test_mappings_that_do_not_fit_are_refused(columns: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_mapped(table(ROWS), ColumnMapping(columns))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"columns": {"query": 3}}', '{"columns": {}, "properties": {"p": "x"}}', "[" * 100_000])
def test_broken_mappings_are_refused(text: str) -> None:
    with pytest.raises(FileError, match="mapping"):
        ColumnMapping.from_json(text)


def test_a_mapping_survives_its_file() -> None:
    mapping = ColumnMapping({"query": "q"}, {"fun": ("a", "b"), "odd": ("c",)}, "me", {"X": "a"})
    assert ColumnMapping.from_json(mapping.to_json()) == mapping
    with pytest.raises(InputError, match="stands for 'c'"):
        ColumnMapping.from_json('{"columns": {}, "verdicts": {"X": "c"}}')


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, mapping = tmp_path / "mine.jsonl", tmp_path / "mapping.json"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert main(["mapping", str(data), "--out", str(mapping)]) == 0
    said = capsys.readouterr().err
    assert "winner: named 'choice'" in said
    assert "taken for nothing (kept as meta): note" in said
    assert main(["inspect", str(data), "--mapping", str(mapping)]) == 0
    assert "3 pairs in 2 scenarios" in capsys.readouterr().out
    assert main(["inspect", str(data), "--mapping", str(tmp_path / "none.json")]) == 2


def test_a_winner_makes_scores_needless_and_says_nothing_of_them() -> None:
    proposal = propose(table([row | {"score_a": 1, "score_b": 2} for row in ROWS]))
    assert "winner" in proposal.mapping.columns
    assert not {"score_a", "score_b"} & (proposal.mapping.columns.keys() | proposal.reasons.keys())


def test_pairs_without_verdicts_and_properties_of_one_column() -> None:
    rows = [{"answer_a": f"x{i}", "answer_b": "y", "polite": value} for i, value in enumerate([1, -1, "?"])]
    sides = {"response_a": "answer_a", "response_b": "answer_b"}
    dataset = read_mapped(table(rows), ColumnMapping(sides, {"polite": ("polite",)}))
    assert dataset.judge_names == ()
    np.testing.assert_equal(dataset.comparisons[:, 0], [1, -1, np.nan])
    assert any(note.startswith("1 values of the property 'polite' are no numbers") and "'?' in line 3" in note for note in dataset.notes)
    with pytest.raises(InputError, match=r"'polite' has 3 columns.*one \(the comparison\) or two"):
        read_mapped(table(rows), ColumnMapping(sides, {"polite": ("polite",) * 3}))


def test_a_table_without_rows_is_refused() -> None:
    empty = Table("none.json", "json list", [], [])
    with pytest.raises(DatasetError, match="no pairs"):
        read_mapped(empty, ColumnMapping({}))


def test_a_column_of_many_values_is_no_scenario() -> None:
    assert "scenario" in propose(table([row | {"uid": f"{i}"} for i, row in enumerate(ROWS * 60)])).mapping.columns
    many = [row | {"uid": f"{i}", "category": f"c{i}"} for i, row in enumerate(ROWS * 60)]
    assert "scenario" not in propose(table(many)).mapping.columns
