"""What few rows can grow to, what is said of many values that are left out, and that no reader holds all texts or parses rows again and again."""

from types import ModuleType

import pytest

from dissection.errors import DatasetError, FileError
from dissection.mapping import ColumnMapping, read_mapped
from dissection.readers import READERS, multipref, open_dataset, prism, ratings
from dissection.spool import Blocks
from dissection.tables import read_table
from tests.foreign import EXAMPLES, Row, completion, json_lines
from tests.strategies import parquet
from tests.test_large_files import of_disk, on_disk
from tests.test_readers_more import MULTIPREF, PRISM, utterance

__all__ = ["on_disk"]  # the fixture


def rated(answers: int, length: int = 10) -> Row:
    """One query with many rated answers."""
    return {"instruction": "Why?", "completions": [completion(f"m{i}", i) | {"response": "x" * length} for i in range(answers)]}


# --- few rows, many pairs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "rows"), [(ratings, [rated(6)]), (prism, [utterance(0, i, i) for i in range(6)])], ids=["ratings", "prism"]
)
def test_more_pairs_than_rows_may_be_are_refused_before_one_is_made(
    reader: ModuleType, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(open_dataset(json_lines(rows), "x")) == 15
    monkeypatch.setattr("dissection.readers.native.MAX_ROWS", 14)
    monkeypatch.setattr("dissection.readers.native.Builder", lambda *_: pytest.fail("something was made"))
    with pytest.raises(FileError, match="15 pairs"):
        reader.read(read_table(json_lines(rows), "x"))


def test_texts_that_many_pairs_repeat_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six answers of 1,000 characters are 30,000 characters in 15 pairs."""
    monkeypatch.setattr("dissection.readers.building.MAX_CHARACTERS", 31_000)
    assert len(open_dataset(json_lines([rated(6, 1_000)]), "x")) == 15
    monkeypatch.setattr("dissection.readers.building.MAX_CHARACTERS", 20_000)
    with pytest.raises(DatasetError, match=r"first 10 of 15 pairs have 20,040 characters.*together"):
        open_dataset(json_lines([rated(6, 1_000)]), "x")


# --- what is said -----------------------------------------------------------------------------------------------------------------------


def winners(*words: str) -> bytes:
    return json_lines([{"prompt": f"q{i}", "response_a": "x", "response_b": "y", "winner": word} for i, word in enumerate(words)])


def test_of_many_values_left_out_the_first_five_are_shown_and_all_are_counted() -> None:
    dataset = open_dataset(winners("model_a", *(f"odd {i}" for i in range(300))), "x.jsonl")
    (note,) = [note for note in dataset.notes if "unknown" in note]
    assert note.startswith("300 verdicts in the column 'winner' are unknown and were left out: 'odd 0' in line 2, 'odd 1' in line 3")
    assert note.endswith("'odd 4' in line 6, ….")
    (note,) = [note for note in open_dataset(winners("model_a", "odd"), "x.jsonl").notes if "unknown" in note]
    assert note.endswith("left out: 'odd' in line 2.")
    with pytest.raises(DatasetError, match=r"300 verdicts .*'odd 4' in line 5, …\. Where"):
        open_dataset(winners(*(f"odd {i}" for i in range(300))), "x.jsonl")


def test_only_pairs_with_both_answers_can_repeat_another() -> None:
    scored = [{"winner": "a", "fun_a": i % 3, "fun_b": 1} for i in range(9)]
    mapping = ColumnMapping({"winner": "winner"}, {"fun": ("fun_a", "fun_b")})
    without_texts = read_mapped(read_table(json_lines(scored), "x.jsonl"), mapping)
    assert len(without_texts) == 9
    assert not any("repeat the query" in note for note in without_texts.notes)
    twice = open_dataset(winners("model_a", "model_b") + winners("model_a"), "x.jsonl")
    assert any(note.startswith("1 pairs repeat the query and both answers") for note in twice.notes)


# --- texts stay on disk, rows are made once a pass -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reader", "rows"), [(multipref, MULTIPREF), (prism, PRISM)], ids=["multipref", "prism"])
def test_texts_of_these_forms_are_left_on_disk_too(reader: ModuleType, rows: list[Row], request: pytest.FixtureRequest) -> None:
    plain = open_dataset(json_lines(rows), "x", reader=reader.NAME)
    request.getfixturevalue("on_disk")
    large = open_dataset(json_lines(rows), "x", reader=reader.NAME)
    assert of_disk(large)
    assert large.notes == plain.notes
    assert large.content_hash == plain.content_hash


CONVERSATIONS = [
    utterance(turn, number, number, f"c{who}") for who in (7 * i % 40 for i in range(40)) for turn in range(2) for number in range(2)
]
LARGE: list[tuple[str, list[Row]]] = [
    ("prism", CONVERSATIONS),
    *((name, [row | {"id": f"r{i}"} for i, row in enumerate(files[0] * 30)]) for name, files in EXAMPLES.items() if name != "ratings"),
]


@pytest.mark.usefixtures("on_disk")
@pytest.mark.parametrize(("name", "rows"), LARGE, ids=[name for name, _ in LARGE])
def test_rows_are_gone_through_a_few_times_only(name: str, rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever jumps about in a file makes a block of rows for every row."""
    loaded = []
    real = Blocks._block

    def counted(self: Blocks, number: int) -> object:
        loaded.extend([number] if number not in self._held else [])
        return real(self, number)

    table = read_table(parquet(rows), "x.parquet")
    monkeypatch.setattr(Blocks, "_block", counted)
    reader = next(reader for reader in READERS if name == reader.NAME)
    assert reader.read(table).has_pairs
    assert len(loaded) <= 7 * (len(rows) / 3 + 1)


def test_a_conversation_out_of_order_reads_as_in_order() -> None:
    """Turns and conversations may stand anywhere in the file; what was said before a turn is the same."""
    ordered = open_dataset(json_lines(CONVERSATIONS), "x", reader="prism")
    mixed = open_dataset(json_lines(CONVERSATIONS[::-1]), "x", reader="prism")
    assert sorted(ordered.texts("query")) == sorted(mixed.texts("query"))
    assert any("assistant: Answer 0.1" in (query or "") for query in mixed.texts("query"))
