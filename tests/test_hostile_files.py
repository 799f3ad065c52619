"""Files made to do harm: what they hold is refused in words or read rightly, whatever they claim to be."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dissection.dataset import PairDataset
from dissection.doctor import examine
from dissection.errors import DatasetError, FileError, InputError, LabelError
from dissection.inspection import inspect
from dissection.labels import read_labels
from dissection.mapping import ColumnMapping
from dissection.native_file import native_bytes
from dissection.readers import READERS, Reader, open_dataset
from dissection.readers.published import read_folder
from dissection.tables import read_table
from fuzz.checks import check_round_trip
from tests.strategies import dataset as pairs_of

ROW: dict[str, Any] = {
    "pair_id": "p1",
    "query": "q",
    "response_a": "one",
    "response_b": "two",
    "labels": {"me": "a"},
    "properties": {"x": {"a": 1, "b": 2}},
}


def native(**parts: object) -> bytes:
    """One row of the native form."""
    return json.dumps(ROW | parts).encode() + b"\n"


def literal(key: str, text: bytes) -> bytes:
    """The same with a JSON text in one place."""
    return native(**{key: "HERE"}).replace(b'"HERE"', text)


def written(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def parquet(**columns: Any) -> bytes:
    plain = {"pair_id": ["p1", "p2"], "response_a": ["x", "y"], "response_b": ["z", "w"], "label.me": ["a", "b"]}
    return written(pa.table(plain | columns))


def used(content: bytes) -> PairDataset:
    """The dataset, once everything that a page asks of it was asked."""
    dataset = open_dataset(content, "x")
    examine(dataset)
    assert inspect(dataset).lines()
    check_round_trip(dataset)
    return dataset


def refused(content: bytes, words: str, error: type[InputError] = InputError) -> str:
    with pytest.raises(error, match=words) as raised:
        open_dataset(content, "x")
    return str(raised.value)


# --- numbers -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verdict", "comparison"),
    [
        (b"NaN", np.nan, np.nan),
        (b"null", np.nan, np.nan),
        (b'"1"', 1.0, -1.0),
        (b'" 0.5 "', 0.5, -1.0),
        (b"1", 1.0, -1.0),
        (b"0.25", 0.25, -1.0),
    ],
)
def test_numbers_that_can_be_read(text: bytes, verdict: float, comparison: float) -> None:
    np.testing.assert_array_equal(used(literal("labels", b'{"me": %s}' % text)).verdicts[0, 0, 0], verdict)
    found = used(literal("properties", b'{"x": {"a": %s, "b": 2}, "y": {"a": 1, "b": 0}}' % text)).comparisons
    np.testing.assert_array_equal(found, [[comparison, 1]])


@pytest.mark.parametrize(
    "text",
    [b"Infinity", b"-Infinity", b"1e999", b"1e400", '"١"'.encode(), b'"1_0"', b'"0x10"', b'"1,5"', b'"inf"', b"true", b"[]", b'"\\ud800"'],
)
def test_numbers_that_are_none_are_named_with_their_pair(text: bytes) -> None:
    assert "row 1, pair 'p1', judge 'me'" in refused(literal("labels", b'{"me": %s}' % text), "is not a verdict", LabelError)
    assert "row 1, pair 'p1'" in refused(literal("properties", b'{"x": {"a": %s, "b": 2}}' % text), "'x' has the value", DatasetError)


@pytest.mark.parametrize("column", ["labels", "meta", "pair_id", "query", "anything"])
def test_a_number_of_4301_digits(column: str) -> None:
    assert "Where: x" in refused(literal(column, b"9" * 4301), "more than 4,300 digits", FileError)
    second = refused(native() + literal(column, b"9" * 4301), "more than 4,300 digits", FileError)
    assert "line 2" in second


def test_a_whole_number_beyond_what_a_float_counts() -> None:
    """Parquet has numbers of 64 bits; the nearest float is taken, as it is from JSON."""
    for value in (2**63, 2**53 + 1):
        dataset = used(parquet(**{"property.x": pa.array([value, 0], pa.uint64())}))
        assert dataset.comparisons[:, 0].tolist() == [float(value), 0]
    refused(parquet(**{"label.me": pa.array([2**63, 0], pa.uint64())}), "not a probability", LabelError)


def test_several_kinds_in_one_column() -> None:
    dataset = used(native() + native(pair_id="p2", labels={"me": 0.25}) + native(pair_id="p3", labels={"me": {"ab": "b", "ba": 1}}))
    np.testing.assert_array_equal(dataset.verdicts[:, 0], [[1, np.nan], [0.25, np.nan], [0, 1]])
    mixed = used(native(meta={"m": 1}) + native(pair_id="p2", meta={"m": "one"}) + native(pair_id="p3", meta={"m": {}}))
    assert mixed.pairs["meta.m"].tolist() == [1, "one", {}]
    assert open_dataset(native_bytes(mixed, ".parquet"), "x").pairs["meta.m"].tolist() == ["1", "one", "{}"]
    assert "row 2" in refused(b"pair_id,label.me,property.x\np,a,1\nq,b,one\n", "'x' has the value 'one'")


@pytest.mark.parametrize("value", [[1], {"a": 1}, {}, []])
@pytest.mark.parametrize("column", ["query", "response_a", "scenario", "pair_id", "model_a"])
def test_an_object_is_no_text(column: str, value: object) -> None:
    assert "row 2" in refused(native() + native(**{"pair_id": "p2", column: value}), f"{column} is ")


# --- depth ---------------------------------------------------------------------------------------------------------------------------

DEEP = {
    "lists": b"[" * 10_000 + b"1" + b"]" * 10_000,
    "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "lists that never end": b"[" * 1_000_000,
    "a little too deep": b"[" * 33 + b"]" * 33,
    "in many rows": b"[" + b'{"a":[[' * 150 + b"1" + b"]]}" * 150 + b"]",
}


@pytest.mark.parametrize("deep", DEEP.values(), ids=DEEP)
def test_json_nested_too_deeply(deep: bytes) -> None:
    refused(deep, "nested too deeply", FileError)
    for key in ("labels", "meta", "query", "anything"):
        assert "Where: x, line 2." in refused(native() + literal(key, deep), "nested too deeply", FileError)
    with pytest.raises(FileError, match="nested too deeply"):
        read_labels(b'{"p1": %s}' % deep, "x", pairs_of(["p1"]), judge="me")
    with pytest.raises(FileError, match=r"no JSON|no columns"):
        ColumnMapping.from_json(deep.decode())


def test_json_as_deep_as_it_may_be() -> None:
    content = literal("meta", b'{"m": ' + b"[" * 30 + b"]" * 30 + b"}")
    assert str(used(content).pairs["meta.m"].iloc[0]) == "[" * 30 + "]" * 30
    assert native_bytes(open_dataset(content, "x"), ".csv")


def test_json_nested_too_deeply_in_a_cell() -> None:
    cell = '"' + DEEP["objects"].decode().replace('"', '""') + '"'
    header = "question_id,conversation_a,conversation_b,winner,judge,turn\n"
    assert "line 2, column 'conversation_a'" in refused((header + f"1,{cell},{cell},a,me,1\n").encode(), "conversation_a is ")


def test_weights_nested_too_deeply(tmp_path: Path) -> None:
    (tmp_path / "model_Code_fitted_paras.jsonl").write_bytes(DEEP["lists"])
    with pytest.raises(FileError, match="does not hold one judge's weights"):
        read_folder(tmp_path)
    (tmp_path / "model_Code_fitted_paras.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match="can't be read as UTF-8"):
        read_folder(tmp_path)


def test_parquet_of_lists_in_lists() -> None:
    kind = pa.int32()
    for _ in range(300):
        kind = pa.list_(kind)
    refused(written(pa.table({"response_a": pa.nulls(1, kind), "response_b": ["y"]})), "nested", FileError)


# --- columns and names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"pair_id,label.me,label.me\np,a,b\n", native().replace(b'"query"', b'"pair_id"')])
def test_a_column_that_comes_twice(content: bytes) -> None:
    refused(content, "comes twice", FileError)


def test_a_column_of_parquet_that_comes_twice() -> None:
    table = pa.Table.from_arrays([pa.array(["p"]), pa.array(["a"]), pa.array(["b"])], ["pair_id", "label.me", "label.me"])
    assert "column 3" in refused(written(table), "'label.me' comes twice", FileError)
    fields = pa.StructArray.from_arrays([pa.array(["a", "b"])] * 2, ["me", "me"])
    refused(parquet(labels=fields).replace(b"label.me", b"other.me"), "duplicate field names", FileError)


STRANGE = [
    "__proto__",
    "constructor",
    "<script>alert(1)</script>",
    "label.",
    "property.",
    "../../etc/passwd",
    "C:\\x",
    "a\nb",
    "a\0b",
    "=1+1",
]


@pytest.mark.parametrize("name", [*STRANGE, "\u202eevil", "*_[x](y)`$", ".ab", "ab"])
def test_strange_names_are_names_like_any_other(name: str) -> None:
    nested = native(
        labels={name: "a"}, properties={name: {"a": 1, "b": 0}}, meta={name: name}, scenario=name, conditions=[name], model_a=name
    )
    dataset = used(nested)
    assert (dataset.judge_names, dataset.property_names) == ((name,), (name,))
    assert [group.name for group in dataset.groups] == [name, name]
    assert dataset.pairs[f"meta.{name}"].tolist() == [name]
    assert open_dataset(native_bytes(dataset, ".parquet"), "x").judge_names == (name,)


@pytest.mark.parametrize("name", [name for name in STRANGE if not name.endswith(".") and "\0" not in name])
def test_strange_columns_of_a_table(name: str) -> None:
    cell = '"' + name + '"'
    dataset = open_dataset(f"pair_id,response_a,response_b,label.me,{cell},meta.{name!r}\np,x,y,a,,m\n".encode(), "x")
    assert dataset.judge_names[0] == "me"


@pytest.mark.parametrize("key", ["labels", "properties"])
@pytest.mark.parametrize("name", ["", " ", "\r\n", "\u3000"])
def test_what_has_no_name_is_refused(key: str, name: str) -> None:
    what = {"labels": "judge", "properties": "property"}[key]
    refused(native(**{key: {name: {} if key == "properties" else "a"}}), f"A {what} has no name", DatasetError)


def test_columns_that_name_nobody() -> None:
    refused(b"pair_id,response_a,response_b,label.\np,x,y,a\n", "A judge has no name", DatasetError)
    refused(b"pair_id,label.me,property.\np,a,1\n", "A property has no name", DatasetError)


@pytest.mark.parametrize("place", ["pair_id", "scenario", "model_a", "conditions", "labels", "properties", "meta"])
def test_a_name_as_long_as_a_text_is_refused(place: str) -> None:
    name = "n" * 100_000
    value: dict[str, object] = {"conditions": [name], "labels": {name: "a"}, "properties": {name: {"a": 1}}, "meta": {name: 1}}
    said = refused(native(**{place: value.get(place, name)}), "has 100,000 characters: 'nnn", DatasetError)
    assert "at most 1,000 characters" in said
    assert len(said) < 400
    flat = {"conditions": name, f"label.{name}": "a", f"property.{name}": 1.0, f"meta.{name}": 1}
    column = next((key for key in flat if key.startswith(place[:5])), place)
    refused(parquet(**{column: [flat.get(column, name)] * 2}), "has 100,000 characters", DatasetError)


@pytest.mark.parametrize("place", ["pair_id", "query", "scenario", "model_a", "conditions", "labels", "properties", "meta"])
def test_half_a_character_is_refused(place: str) -> None:
    half = "\ud800"
    value: dict[str, object] = {"conditions": [half], "labels": {half: "a"}, "properties": {half: {"a": 1}}, "meta": {half: 1}}
    refused(native(**{place: value.get(place, half)}), "half of a character", DatasetError)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.NAME)
def test_no_rows_for_a_reader_that_was_named(reader: Reader) -> None:
    """Found by the fuzzer: two readers looked for the first row."""
    with pytest.raises(DatasetError) as raised:
        open_dataset(b"[]", "x", reader.NAME)
    assert raised.value.accepted


def test_dotted_columns_beside_an_object_of_the_same() -> None:
    """Found by the fuzzer: the object took the place of what the dotted columns say."""
    for key, dotted in (("labels", "label.me"), ("properties", "property.x"), ("meta", "meta.m")):
        refused(f"pair_id,response_a,response_b,{dotted},{key}\np,x,y,1,z\n".encode(), f"has the column {key}, 'z'", DatasetError)
        assert len(used(f"pair_id,response_a,response_b,label.me,{dotted}9,{key}\np,x,y,1,1,\n".encode())) == 1


@pytest.mark.parametrize("filename", ["../../etc/passwd", "C:\\x", "a\0b", "<script>.csv", "/etc/passwd", "x" * 5_000])
def test_the_name_of_an_upload_is_a_name(filename: str) -> None:
    """It is shown, never opened."""
    assert open_dataset(native(), filename).name == filename
    with pytest.raises(FileError) as raised:
        open_dataset(b"a\n\0", filename)
    assert raised.value.where.startswith(filename)


def test_a_path_that_can_not_be() -> None:
    with pytest.raises(FileError, match="can't be opened"):
        read_table(Path("a\0b"), "x")
