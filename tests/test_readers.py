"""The native form in all its writings, its faults with their places, published weights, and the real files."""

import contextlib
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError, InputError, LabelError, UnknownNameError
from dissection.properties import computed_properties, paper_properties
from dissection.readers import open_dataset
from tests.strategies import delimited, parquet

Record = dict[str, Any]

RECORDS: list[Record] = [
    {
        "pair_id": "p-001",
        "scenario": "Code",
        "conditions": ["w_constraints", "w_stances"],
        "query": "Why, “so”?",
        "response_a": "Because\nof this.",
        "response_b": 'He said "no", and left.',
        "model_a": "vicuna-13b",
        "model_b": "gpt-4",
        "labels": {"human": "a", "gpt-4": {"ab": "a", "ba": "b"}, "reward-model": 0.83, "crowd": "tie", "gpt-3.5": None},
        "properties": {"polite": {"a": 2, "b": 3}, "no severe errors": {"comparison": -1}},
        "meta": {"language": "en"},
    },
    {
        "pair_id": "007",
        "scenario": "Code",
        "conditions": ["w_stances"],
        "query": "Σ?",
        "response_a": "",
        "response_b": "B",
        "model_a": "x",
        "model_b": "y",
        "labels": {"human": "b", "gpt-4": {"ab": "tie", "ba": None}, "reward-model": 0.0, "crowd": "b", "gpt-3.5": "a"},
        "properties": {"polite": {"a": 1.5, "b": 1.5}, "no severe errors": {"comparison": 0.25}},
        "meta": {"language": "de"},
    },
    {
        "pair_id": "last",
        "scenario": "Advice",
        "conditions": [],
        "query": "q",
        "response_a": "A",
        "response_b": "B",
        "model_a": "x",
        "model_b": "y",
        "labels": {"human": None, "gpt-4": {"ab": "b", "ba": "b"}, "reward-model": 1.0, "crowd": "a", "gpt-3.5": "b"},
        "properties": {"polite": {"a": None, "b": 3}, "no severe errors": {"comparison": None}},
        "meta": {"language": "en"},
    },
]


def json_lines(records: list[Record]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def flat(record: Record) -> Record:
    """A nested record with dotted columns; conditions in one cell."""
    row = {key: value for key, value in record.items() if key not in ("labels", "properties", "meta", "conditions")}
    row["conditions"] = ";".join(record.get("conditions", []))
    for judge, value in record.get("labels", {}).items():
        parts = (
            {f"label.{judge}.{order}": verdict for order, verdict in value.items()}
            if isinstance(value, dict)
            else {f"label.{judge}": value}
        )
        row.update(parts)
    for name, value in record.get("properties", {}).items():
        row.update(
            {f"property.{name}": value["comparison"]}
            if "comparison" in value
            else {f"property.{name}.{side}": value[side] for side in "ab"}
        )
    row.update({f"meta.{key}": value for key, value in record.get("meta", {}).items()})
    return row


def flat_csv(records: list[Record], delimiter: str = ",") -> bytes:
    rows = [flat(record) for record in records]
    return delimited(list(rows[0]), [["" if value is None else value for value in row.values()] for row in rows], delimiter)


def flat_parquet(records: list[Record]) -> bytes:
    """One column has one type in Parquet, so mixed verdicts are written as text."""
    frame = pd.DataFrame([flat(record) for record in records])
    for column in frame:
        if str(column).startswith("label."):
            frame[column] = [None if value is None else str(value) for value in frame[column]]
    out = io.BytesIO()
    frame.to_parquet(out)
    return out.getvalue()


def nested_parquet(records: list[Record]) -> bytes:
    return parquet(records)


def assert_same(one: PairDataset, other: PairDataset) -> None:
    """Same pairs, comparisons, verdicts and groups; the order of judges and properties is part of it."""
    pd.testing.assert_frame_equal(one.pairs.astype(object), other.pairs.astype(object))
    assert one.property_names == other.property_names
    assert one.judge_names == other.judge_names
    np.testing.assert_array_equal(one.comparisons, other.comparisons)
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.verdicts, other.verdicts)
    assert {name: mask.tolist() for name, mask in one.conditions.items()} == {
        name: mask.tolist() for name, mask in other.conditions.items()
    }


# --- the native form -------------------------------------------------------------------------------------------------------------------


def test_what_the_example_says() -> None:
    dataset = open_dataset(json_lines(RECORDS), "example.jsonl")
    nan = np.nan
    assert dataset.name == "example.jsonl"
    assert dataset.pairs.index.tolist() == ["p-001", "007", "last"]
    assert dataset.pairs["scenario"].tolist() == ["Code", "Code", "Advice"]
    assert dataset.pairs["meta.language"].tolist() == ["en", "de", "en"]
    assert dataset.pairs.loc["p-001", "response_b"] == 'He said "no", and left.'
    assert dataset.judge_names == ("human", "gpt-4", "reward-model", "crowd", "gpt-3.5")
    np.testing.assert_array_equal(dataset.verdicts[:, :, 0], [[1, 1, 0.83, 0.5, nan], [0, 0.5, 0, 0, 1], [nan, 0, 1, 1, 0]])
    np.testing.assert_array_equal(dataset.verdicts[:, 1, 1], [0, nan, 0])
    assert np.isnan(np.delete(dataset.verdicts[:, :, 1], 1, axis=1)).all()
    np.testing.assert_array_equal(dataset.labels[:, 1], [0.5, 0.5, 0])
    assert dataset.property_names == ("polite", "no severe errors")
    np.testing.assert_array_equal(dataset.comparisons, [[-1, -1], [0, 0.25], [nan, nan]])
    np.testing.assert_array_equal(dataset.scores[:, 0], [[2, 3], [1.5, 1.5], [nan, 3]])
    assert {name: mask.tolist() for name, mask in dataset.conditions.items()} == {
        "w_constraints": [True, False, False],
        "w_stances": [True, True, False],
    }
    assert dataset.properties[0].family == "interaction", "known names bring their catalogue entry"
    assert dataset.notes == ()


@pytest.mark.parametrize(
    "write",
    [
        lambda records: gzip.compress(json_lines(records)),
        lambda records: json.dumps(records).encode(),
        lambda records: b"\xef\xbb\xbf" + json_lines(records),
        nested_parquet,
        flat_csv,
        lambda records: flat_csv(records, "\t"),
        lambda records: flat_csv(records, ";"),
        lambda records: gzip.compress(flat_csv(records)),
        flat_parquet,
    ],
    ids=["jsonl.gz", "json list", "byte order mark", "parquet nested", "csv", "tsv", "semicolons", "csv.gz", "parquet flat"],
)
def test_every_writing_gives_the_same_dataset(write: Any) -> None:
    # Parquet gives every row of a nested column all keys, so an object of both orders can't stand beside a word in one column.
    records = [record | {"labels": {key: value for key, value in record["labels"].items() if key != "reward-model"}} for record in RECORDS]
    records = [record | {"response_a": record["response_a"] or "-"} for record in records]
    assert_same(open_dataset(write(records), "same"), open_dataset(json_lines(records), "same"))


def test_a_path_is_read_as_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl.gz"
    path.write_bytes(gzip.compress(json_lines(RECORDS)))
    dataset = open_dataset(path)
    assert dataset.name == "pairs.jsonl.gz"
    assert_same(dataset, open_dataset(json_lines(RECORDS), "x"))


def test_what_may_be_absent() -> None:
    dataset = open_dataset(
        b'{"properties": {"polite": {"a": 1, "b": 0}}, "labels": {"me": "a"}}\n{"properties": {}, "labels": {"you": "b"}}\n', "x"
    )
    assert dataset.pairs.index.tolist() == ["0", "1"]
    assert dataset.pairs["scenario"].tolist() == ["All", "All"]
    assert dataset.pairs[["query", "response_a", "model_a"]].isna().all(axis=None)
    np.testing.assert_array_equal(dataset.labels, [[1, np.nan], [np.nan, 0]])
    np.testing.assert_array_equal(dataset.comparisons[:, 0], [1, np.nan])
    assert dataset.notes == ("2 of 2 pairs have no pair_id; the row's number, counted from 0, is used.",)


def test_pairs_without_id_among_others_are_counted() -> None:
    records = [RECORDS[0], {**RECORDS[1], "pair_id": None}, {**RECORDS[2], "pair_id": "  "}]
    dataset = open_dataset(json_lines(records), "x")
    assert dataset.pairs.index.tolist() == ["p-001", "1", "2"]
    assert dataset.notes[0].startswith("2 of 3 pairs have no pair_id")


def test_an_id_that_is_a_number_is_its_text() -> None:
    dataset = open_dataset(json_lines([{**RECORDS[0], "pair_id": 12}]), "x")
    assert dataset.pairs.index.tolist() == ["12"]


def test_columns_that_are_not_used_are_named() -> None:
    dataset = open_dataset(json_lines([{**RECORDS[0], "difficulty": 3}, RECORDS[1]]), "x")
    assert dataset.notes == ("The column 'difficulty' (1 rows) is not part of the native form and was not used.",)


def test_names_with_dots_survive_dotted_columns() -> None:
    content = delimited(
        ["pair_id", "label.gpt-3.5", "label.llama-2.1.ab", "label.llama-2.1.ba", "property.v1.2"], [["x", "a", "b", "a", "1"]]
    )
    dataset = open_dataset(content, "x.csv")
    assert dataset.judge_names == ("gpt-3.5", "llama-2.1")
    assert dataset.property_names == ("v1.2",)
    np.testing.assert_array_equal(dataset.verdicts[0], [[1, np.nan], [0, 1]])


def test_texts_without_properties_get_the_computed_ones() -> None:
    records = [{key: value for key, value in record.items() if key != "properties"} for record in RECORDS]
    dataset = open_dataset(json_lines(records), "x")
    assert dataset.property_names == tuple(property_.name for property_ in computed_properties())
    longer = dataset.property_names.index("longer")
    assert dataset.comparisons[0, longer] <= 0


def test_names_of_people_are_not_taken_for_paths() -> None:
    """A name in the file goes into no path and is kept as it is; the pages escape it."""
    dataset = open_dataset(json_lines([{**RECORDS[0], "labels": {"../<b>x": "a"}}]), "x")
    assert dataset.judge_names == ("../<b>x",)


# --- faults ----------------------------------------------------------------------------------------------------------------------------


def broken(**parts: Any) -> bytes:
    """Three rows of which the second is spoilt."""
    return json_lines([RECORDS[0], {**RECORDS[1], **parts}, RECORDS[2]])


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (broken(pair_id="p-001"), DatasetError, r"pair_id 'p-001' comes in row 1 and again in row 2.*bad.jsonl.*each pair_id once"),
        (broken(labels={"human": "c"}), LabelError, r"'c' is not a verdict.*bad.jsonl, row 2, pair '007', judge 'human'.*response_1"),
        (broken(labels={"human": 1.2}), LabelError, r"1.2 is not a probability.*row 2, pair '007', judge 'human'"),
        (broken(labels={"human": True}), LabelError, r"True is not a verdict.*row 2"),
        (broken(labels={"gpt-4": {"ab": "a", "first": "b"}}), LabelError, r"key 'first'.*row 2, pair '007', judge 'gpt-4'.*ab.*ba"),
        (broken(labels={"gpt-4": {"ab": "x"}}), LabelError, r"'x' is not a verdict.*row 2.*gpt-4"),
        (broken(labels=["a"]), DatasetError, r"labels is \['a'\].*row 2, pair '007'.*name → value"),
        (broken(properties="polite"), DatasetError, r"properties is 'polite'.*row 2, pair '007'"),
        (broken(properties={"polite": 2}), DatasetError, r"property 'polite' is 2.*row 2, pair '007'.*comparison"),
        (broken(properties={"polite": {"a": 2, "c": 3}}), DatasetError, r"property 'polite' is .*row 2"),
        (broken(properties={"polite": {"a": "much", "b": 3}}), DatasetError, r"'polite' has the value 'much'.*row 2.*finite number"),
        (broken(properties={"polite": {"comparison": "inf"}}), DatasetError, r"'polite' has the value 'inf'.*row 2"),
        (broken(meta=[1]), DatasetError, r"meta is \[1\].*row 2"),
        (broken(conditions=[1]), DatasetError, r"conditions is \[1\].*row 2, pair '007'.*list of names"),
        (b"", FileError, r"empty.*bad.jsonl"),
        (b"[]", DatasetError, r"no pairs.*at least one row"),
        (b'{"pair_id": "x", "labels": {}', FileError, r"malformed.*bad.jsonl, line 1"),
        (json_lines(RECORDS) + b"{oops\n", FileError, r"malformed.*bad.jsonl, line 4"),
        (json_lines(RECORDS) + b"3\n", InputError, r"row"),
        (b'{"labels": {"me": "a", "me": "b"}}\n{"labels": {}}', FileError, r"key 'me' comes twice.*bad.jsonl"),
        (b"pair_id,label.me\nx,a\ny\n", FileError, r"1 cells, but there are 2 columns.*line 3"),
        (b"pair_id,label.me,label.me\nx,a,b\n", FileError, r"column 'label.me' comes twice"),
        (b"pair_id,property.polite\nx,1\ny,hello\n", DatasetError, r"'polite' has the value 'hello'.*row 2, pair 'y'"),
        (b"name,age\nx,3\n", FileError, r"no known form; its columns are: name, age.*native:.*template"),
        (b'{"pair_id": "x", "labels": {"me": "a"}}\n', DatasetError, r"neither properties nor texts"),
        (b"\x89PNG\r\n\x1a\n0000", FileError, r"PNG image"),
        (b"pair_id,label.me\nx,\xff\n", FileError, r"not valid UTF-8.*line 2"),
        (b"PAR1 this is not one", FileError, r"Parquet file is broken"),
        (b"\x1f\x8b\x08broken", FileError, r"gzip file is broken"),
    ],
)
def test_faults_are_told_with_their_place(content: bytes, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind, match=words):
        open_dataset(content, "bad.jsonl")


def test_readers_can_be_named() -> None:
    assert len(open_dataset(json_lines(RECORDS), "x", reader="native")) == 3
    with pytest.raises(UnknownNameError, match=r"no reader named 'excel'.*native"):
        open_dataset(json_lines(RECORDS), "x", reader="excel")


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"can't be opened.*absent.jsonl"):
        open_dataset(tmp_path / "absent.jsonl")
    with pytest.raises(FileError, match=r"no files of a known form.*_fitted_paras"):
        open_dataset(tmp_path)


# --- a round trip ----------------------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=6)
# A name whose last part is a side or an order would be taken apart; the flat form can't say it otherwise.
VERDICTS = st.sampled_from(["a", "b", "tie", None]) | st.floats(0, 1)
NUMBERS = st.none() | st.integers(-5, 5) | st.floats(-1e6, 1e6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


@st.composite
def well_formed(draw: st.DrawFn) -> list[Record]:
    """Rectangular records: every pair has all judges and properties, as a flat table has."""
    judges = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    both = {judge: draw(st.booleans()) for judge in judges}
    properties = draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=str.casefold))
    scored = {name: draw(st.booleans()) for name in properties}
    ids = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    return [
        {
            "pair_id": pair_id,
            "scenario": draw(TEXTS),
            "conditions": sorted(draw(st.sets(st.sampled_from(["w_stances", "w_mistakes"])))),
            "response_a": draw(TEXTS),
            "response_b": draw(TEXTS),
            "labels": {judge: {"ab": draw(VERDICTS), "ba": draw(VERDICTS)} if both[judge] else draw(VERDICTS) for judge in judges},
            "properties": {
                name: {"a": draw(NUMBERS), "b": draw(NUMBERS)} if scored[name] else {"comparison": draw(NUMBERS)} for name in properties
            },
        }
        for pair_id in ids
    ]


def _texts(value: Any) -> Any:
    """A nested record whose verdicts are text, since one Parquet column has one type."""
    return {key: _texts(part) for key, part in value.items()} if isinstance(value, dict) else None if value is None else str(value)


@settings(max_examples=50)
@given(well_formed())
def test_records_survive_every_writing(records: list[Record]) -> None:
    dataset = open_dataset(json_lines(records), "x")
    for row, record in enumerate(records):
        for column, (judge, said) in enumerate(record["labels"].items()):
            assert dataset.judge_names[column] == judge
            verdicts = [said["ab"], said["ba"]] if isinstance(said, dict) else [said, None]
            expected = [{"a": 1.0, "b": 0.0, "tie": 0.5, None: np.nan}.get(verdict, verdict) for verdict in verdicts]
            np.testing.assert_array_equal(dataset.verdicts[row, column], np.array(expected, dtype=float))
        for column, said in enumerate(record["properties"].values()):
            if "comparison" in said:
                expected_comparison = said["comparison"]
            else:
                known = None not in said.values()
                expected_comparison = (said["a"] > said["b"]) - (said["a"] < said["b"]) if known else None
            np.testing.assert_array_equal(dataset.comparisons[row, column], np.array(expected_comparison, dtype=float))
    in_text = [record | {"labels": _texts(record["labels"])} for record in records]
    floats = [
        record | {"properties": {n: {k: None if x is None else float(x) for k, x in v.items()} for n, v in record["properties"].items()}}
        for record in in_text
    ]
    for content in (
        flat_csv(records),
        flat_csv(records, "\t"),
        flat_parquet(floats),
        nested_parquet(floats),
        gzip.compress(json_lines(records)),
    ):
        assert_same(open_dataset(content, "x"), dataset)


@given(
    st.lists(st.sampled_from([*json_lines(RECORDS).split(b" "), b"\n", b"\x00", b"null", b"{", b"]", b"1e999"]), max_size=30).map(b" ".join)
)
def test_rubble_is_refused_in_words(content: bytes) -> None:
    """Whatever the bytes are, the outcome is a dataset or an error in words; anything else would fail here."""
    with contextlib.suppress(InputError):
        assert isinstance(open_dataset(content, "x"), PairDataset)


# --- published weights -------------------------------------------------------------------------------------------------------------------

WEIGHTS = [round(0.01 * i - 0.1, 2) for i in range(29)]


def test_weights_for_several_judges() -> None:
    content = json.dumps({"w_stances": {"me": WEIGHTS}, "Code": {"me": WEIGHTS[::-1], "you": WEIGHTS}}).encode()
    dataset = open_dataset(content, "weights.json")
    assert not dataset.has_pairs
    assert len(dataset) == 0
    assert dataset.properties == paper_properties()
    assert [(group.name, group.kind) for group in dataset.groups] == [("Code", "scenario"), ("w_stances", "condition")]
    assert dataset.estimates is not None
    np.testing.assert_array_equal(dataset.estimates[0], [WEIGHTS[::-1], WEIGHTS])
    np.testing.assert_array_equal(dataset.estimates[1], [WEIGHTS, [np.nan] * 29])
    assert dataset.notes[0].startswith("No intervals: posterior means only")


def test_weights_of_one_judge_are_named_after_the_file() -> None:
    content = json.dumps({"Code": WEIGHTS, "[Query-Specific] Unclear User Intent": WEIGHTS}).encode()
    dataset = open_dataset(gzip.compress(content), "my judge.json.gz")
    assert dataset.judge_names == ("my judge",)
    assert [(group.name, group.kind) for group in dataset.groups] == [("Code", "scenario"), ("intent_unclear", "condition")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"Code": {"me": WEIGHTS[:28]}}, r"judge 'me' has 28 weights\..*w.json, group 'Code'.*29 finite numbers"),
        ({"Code": WEIGHTS, "Advice": [*WEIGHTS, 0.0]}, r"judge 'w' has 30 weights.*group 'Advice'"),
        ({"Code": {"me": WEIGHTS, "you": [*WEIGHTS[:28], "high"]}}, r"judge 'you' has 29 weights, not all of them numbers"),
        ({"Code": {"me": WEIGHTS, "you": 3}}, r"judge 'you' has 0 weights"),
        ({"Code": {"me": WEIGHTS}, "Advice": 3}, r"group 'Advice' holds 3.*\{judge: \[29 numbers\]\}"),
    ],
)
def test_wrong_weights_are_refused(content: Any, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        open_dataset(json.dumps(content).encode(), "w.json")


def test_a_folder_of_weights(tmp_path: Path) -> None:
    for group in ("Code", "w_mistakes", "Advice"):
        lines = [json.dumps({"model_name": name, "parameters": WEIGHTS}) for name in ("human", "gpt-4")]
        (tmp_path / f"model_{group}_fitted_paras.jsonl").write_text("\n".join(lines) + "\n\n")
    (tmp_path / "notes.txt").write_text("not of this form")
    dataset = open_dataset(tmp_path)
    assert [group.name for group in dataset.groups] == ["Advice", "Code", "w_mistakes"]
    assert dataset.judge_names == ("human", "gpt-4")


@pytest.mark.parametrize("line", ['{"model_name": "me"}', '{"parameters": [1]}', "[1]", "{", '{"model_name": "me", "parameters": 3}'])
def test_a_broken_line_in_a_folder_is_named(tmp_path: Path, line: str) -> None:
    good = json.dumps({"model_name": "you", "parameters": WEIGHTS})
    (tmp_path / "model_Code_fitted_paras.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(FileError, match=r"model_Code_fitted_paras.jsonl, line 2.*model_name"):
        open_dataset(tmp_path)


# --- real files --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pairs", "judges", "scenarios", "asked_twice"),
    [("llmbar", 419, 66, 5, 65), ("pandalm", 999, 6, 50, 0), ("haluquestqa", 698, 1, 7, 0)],
)
def test_real_files(shared: Path, name: str, pairs: int, judges: int, scenarios: int, asked_twice: int) -> None:
    dataset = open_dataset(shared / f"{name}.jsonl")
    assert (len(dataset), len(dataset.judges), len(dataset.scenarios)) == (pairs, judges, scenarios)
    assert int((~np.isnan(dataset.verdicts[:, :, 1])).any(axis=0).sum()) == asked_twice
    raw = [json.loads(line) for line in (shared / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert dataset.pairs.index.tolist() == [record["pair_id"] for record in raw]
    for column, judge in enumerate(dataset.judge_names):
        words = [record["labels"].get(judge) for record in raw]
        plain = [word for word in words if isinstance(word, str)]
        if len(plain) == len(words):
            assert (dataset.labels[:, column] == 1).sum() == words.count("a")
            assert (dataset.labels[:, column] == 0).sum() == words.count("b")
            assert (dataset.labels[:, column] == 0.5).sum() == words.count("tie")


def test_real_scores_and_counts(shared: Path) -> None:
    """HaluQuestQA's properties are annotated, so none is computed; its error counts keep their plain meaning."""
    dataset = open_dataset(shared / "haluquestqa.jsonl")
    first = json.loads((shared / "haluquestqa.jsonl").open(encoding="utf-8").readline())
    assert len(dataset.properties) == 8
    for column, scores in enumerate(first["properties"].values()):
        np.testing.assert_array_equal(dataset.scores[0, column], [scores["a"], scores["b"]])
        assert dataset.comparisons[0, column] == np.sign(scores["a"] - scores["b"])


def test_published_folder(published: Path) -> None:
    dataset = open_dataset(published)
    assert (len(dataset.judges), len(dataset.scenarios), len(dataset.groups), len(dataset.properties)) == (33, 11, 16, 29)
    assert [group.kind for group in dataset.groups] == ["scenario"] * 11 + ["condition"] * 5
    assert dataset.estimates is not None
    assert np.isfinite(dataset.estimates).all()
    line = (published / "model_Code_fitted_paras.jsonl").read_text(encoding="utf-8").splitlines()[4]
    record = json.loads(line)
    found = dataset.estimates[dataset.groups.index(dataset.group("Code")), dataset.judge_index(record["model_name"])]
    np.testing.assert_array_equal(found, record["parameters"])
