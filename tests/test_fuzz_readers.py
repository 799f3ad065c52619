"""Valid files of every form, spoiled at random: a dataset that can be used, written and read again, or a refusal; nothing else.

About 1,750 cases in a usual run. More: `FUZZ_EXAMPLES=20 pytest tests/test_fuzz_readers.py` takes twenty times as many of each.
With coverage as its guide, `python -m fuzz.readers` runs the same checks on far more; see `fuzz/README.md`.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissection.dataset import PairDataset
from dissection.errors import FileError, InputError
from dissection.mapping import ColumnMapping, propose, read_mapped
from dissection.readers import READERS, open_dataset
from dissection.tables import read_table
from fuzz import mutations
from fuzz.checks import check_dataset, check_labels, check_mapping
from fuzz.mutations import FILES, LABELS, NAMES, NATIVE, ODD, WRITE, file, spoiled

T = TypeVar("T")
TIMES = int(os.environ.get("FUZZ_EXAMPLES", "1"))


def cases(n: int) -> settings:
    return settings(max_examples=n * TIMES, suppress_health_check=list(HealthCheck))


class Drawn:
    """Choices of Hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def pick(self, items: Sequence[T]) -> T:
        return items[self._draw(st.integers(0, len(items) - 1))]

    def noise(self, most: int) -> bytes:
        return self._draw(st.binary(max_size=most))


@st.composite
def files(draw: st.DrawFn, forms: Sequence[list[mutations.Row]] = FILES) -> bytes:
    """A spoiled file in one of the forms."""
    choose = Drawn(draw)
    return file(choose.pick(forms), choose)


@st.composite
def tables(draw: st.DrawFn, forms: Sequence[list[mutations.Row]] = FILES) -> bytes:
    """Spoiled rows in a file that is whole, which get further."""
    choose = Drawn(draw)
    return choose.pick(WRITE)(spoiled(choose.pick(forms), choose))


def pairs() -> PairDataset:
    return open_dataset(json.dumps(NATIVE[0]).encode(), "pairs.json")


@pytest.mark.parametrize("rows", FILES)
def test_the_files_are_good_before_they_are_spoiled(rows: list[mutations.Row]) -> None:
    """But for those that need a mapping."""
    good = [check_dataset(lambda write=write: open_dataset(write(rows), "x")) for write in WRITE[:2]]
    assert all(good) or check_mapping(WRITE[0](rows))


def test_labels_are_good_before_they_are_spoiled() -> None:
    assert all(check_labels(WRITE[0](rows), pairs()) for rows in LABELS)


@cases(250)
@given(files())
def test_any_file(content: bytes) -> None:
    check_dataset(lambda: open_dataset(content, "x"))


@cases(350)
@given(tables())
def test_any_table(content: bytes) -> None:
    check_dataset(lambda: open_dataset(content, "x"))


@cases(300)
@given(tables(), st.sampled_from([reader.NAME for reader in READERS]))
def test_any_table_by_any_reader(content: bytes, reader: str) -> None:
    check_dataset(lambda: open_dataset(content, "x", reader))


@cases(250)
@given(st.one_of(files(LABELS), tables(LABELS), files()))
def test_any_labels(content: bytes) -> None:
    check_labels(content, pairs())


@cases(150)
@given(tables())
def test_any_table_by_the_mapping_that_is_proposed(content: bytes) -> None:
    check_mapping(content)


@cases(200)
@given(
    tables(),
    st.dictionaries(st.sampled_from(["pair_id", "query", "response_a", "response_b", "winner", "score_a", "score_b", "judge", "scenario"]),
                    st.integers(0, 12), max_size=6),
    st.dictionaries(st.sampled_from(["x", "", "\ud800"]), st.lists(st.integers(0, 12), max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["1", "x", "None"]), st.sampled_from(["a", "b", "tie", "none", "c"]), max_size=2),
)  # fmt: skip
def test_any_table_by_any_mapping(
    content: bytes, fields: dict[str, int], properties: dict[str, list[int]], verdicts: dict[str, str]
) -> None:
    def read() -> PairDataset:
        table = read_table(content, "x")
        columns = [*table.columns, "nowhere"]
        mapping = ColumnMapping(
            {name: columns[place % len(columns)] for name, place in fields.items()},
            {name: tuple(columns[place % len(columns)] for place in places) for name, places in properties.items()},
            verdicts=verdicts,
        )
        return read_mapped(table, mapping)

    check_dataset(read)


@cases(150)
@given(st.dictionaries(st.sampled_from(["columns", "properties", "judge_name", "verdicts", "x"]), st.sampled_from([*ODD, {"query": "q"}])))
def test_any_mapping_file(found: dict[str, object]) -> None:
    with contextlib.suppress(FileError, InputError):
        mapping = ColumnMapping.from_json(json.dumps(found))
        assert ColumnMapping.from_json(mapping.to_json()) == mapping


@cases(100)
@given(st.lists(st.dictionaries(st.sampled_from([*NAMES, "a", "b"]), st.sampled_from(ODD), max_size=5), min_size=1, max_size=3))
def test_a_proposal_for_any_rows(rows: list[dict[str, object]]) -> None:
    with contextlib.suppress(InputError):
        table = read_table(WRITE[0](rows), "x")
        assert set(propose(table).mapping.columns.values()) <= set(table.columns)
