"""Foreign forms: who reads what, right sides, ties, what is missing or unknown, and faults with their places."""

import contextlib
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError, InputError
from dissection.properties import computed_properties
from dissection.readers import READERS, open_dataset
from dissection.tables import read_table
from tests.foreign import ANNOTATED, EXAMPLES, Row, alpaca_row, arena_row, completion, json_lines, mt_row, steer_row, talk
from tests.strategies import delimited, parquet

FILES = [(name, json_lines(rows)) for name, files in EXAMPLES.items() for rows in files]
FILES.append(("annotated-pairs", json.dumps(ANNOTATED).encode()))


def opened(*rows: Row) -> PairDataset:
    return open_dataset(json_lines(list(rows)), "x.jsonl")


def csv(rows: list[Row]) -> bytes:
    """Rows as CSV; lists and objects as JSON text."""
    cells = [
        [json.dumps(value) if isinstance(value, list | dict) else "" if value is None else value for value in row.values()] for row in rows
    ]
    return delimited(list(rows[0]), cells)


# --- who reads what --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "content"), FILES)
def test_each_form_is_recognised_by_one_reader(name: str, content: bytes) -> None:
    """The native form is more general: it comes last and may recognise a table that has response_a and response_b."""
    found = [reader.NAME for reader in READERS if reader.recognises(read_table(content, "x"))]
    assert found[0] == name
    assert set(found[1:]) <= {"native"}


@pytest.mark.parametrize(("name", "content"), FILES)
def test_each_form_can_be_named(name: str, content: bytes) -> None:
    assert open_dataset(content, "x", reader=name).content_hash == open_dataset(content, "x").content_hash


@pytest.mark.parametrize("name", [reader.NAME for reader in READERS])
@pytest.mark.parametrize(
    "content", [b"[1, 2]", b"[{}]", b'{"a": 1}', b"a,b\n1,2\n", b"one\ntwo\n", *[content for _, content in FILES[::3]]]
)
def test_a_reader_that_is_named_against_the_content_says_so(name: str, content: bytes) -> None:
    """Nothing else may be raised; some forms are near enough to be read by another's reader."""
    with contextlib.suppress(InputError):
        assert open_dataset(content, "x", reader=name).property_names


@pytest.mark.parametrize(
    "content",
    [
        b'{"pair_id": "p", "response_a": "x", "response_b": "y", "labels": {"me": "a"}}\n',
        b"pair_id,label.me,property.polite\np,a,1\n",
        b'{"query": "p", "response_a": "x", "response_b": "y"}\n',
    ],
)
def test_the_native_form_stays_native(content: bytes) -> None:
    assert next(reader.NAME for reader in READERS if reader.recognises(read_table(content, "x"))) == "native"


@pytest.mark.parametrize("content", [b"pair_id,gpt-4\np,a\n", b"pair_id,judge,label\np,me,a\n", b'["a", "b"]', b'{"p1": "a"}'])
def test_files_of_labels_are_no_dataset(content: bytes) -> None:
    with pytest.raises(FileError, match="no known form"):
        open_dataset(content, "x")


@pytest.mark.parametrize(("name", "content"), FILES)
def test_every_form_gives_a_usable_dataset(name: str, content: bytes) -> None:
    assert name in [reader.NAME for reader in READERS]
    dataset = open_dataset(content, "x")
    assert dataset.judges
    assert dataset.properties
    assert dataset.has_texts
    assert dataset.pairs.index.is_unique
    assert not np.isnan(dataset.labels).all()


@pytest.mark.parametrize("rows", [rows for name, files in EXAMPLES.items() for rows in files if name != "gair"])
def test_parquet_says_the_same(rows: list[Row]) -> None:
    """Structs of Parquet have the keys of all rows, and numbers of a column one type; nothing read depends on it."""
    one, other = open_dataset(parquet(rows), "x"), open_dataset(json_lines(rows), "x")
    np.testing.assert_array_equal(one.verdicts, other.verdicts)
    np.testing.assert_array_equal(one.comparisons, other.comparisons)
    pd.testing.assert_frame_equal(one.pairs[["query", "response_a", "response_b"]], other.pairs[["query", "response_a", "response_b"]])


@pytest.mark.parametrize("name", ["alpaca-eval", "preference-strength", "chosen-rejected", "arena-table", "mt-bench", "arena"])
def test_csv_says_the_same(name: str) -> None:
    rows = EXAMPLES[name][0]
    one, other = open_dataset(csv(rows), "x"), open_dataset(json_lines(rows), "x")
    np.testing.assert_array_equal(one.verdicts, other.verdicts)
    assert one.pairs["response_a"].tolist() == other.pairs["response_a"].tolist()


# --- arena -----------------------------------------------------------------------------------------------------------------------------


def test_arena_winners() -> None:
    winners = ["model_a", "model_b", "tie", "tie (bothbad)", None, "model_c"]
    dataset = opened(*[arena_row(winner, number) for number, winner in enumerate(winners)])
    assert dataset.judge_names == ("human",), "few votes each, so the users of the arena are one judge"
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, 0, 0.5, 0.5, np.nan, np.nan])
    assert dataset.pairs.index.tolist() == [f"q{i}" for i in range(6)]
    assert dataset.pairs.loc["q0", ["model_a", "model_b"]].tolist() == ["koala-13b", "alpaca-13b"]
    assert dataset.pairs["meta.language"].tolist() == ["English"] * 6
    assert dataset.property_names == tuple(property_.name for property_ in computed_properties())
    notes = " ".join(dataset.notes)
    assert "1 rows or judgments have no verdict." in notes
    assert "1 verdicts in the column 'winner' are unknown and were left out: 'model_c' in line 6." in notes
    assert "names 6 judges" in notes


def test_arena_judges_with_enough_verdicts_stay_apart() -> None:
    rows = [arena_row("model_a", number, judge=("gpt-4", "claude")[number % 2]) for number in range(40)]
    assert opened(*rows).judge_names == ("gpt-4", "claude")
    assert opened(*rows[:39]).judge_names == ("all judges",)
    assert opened(arena_row("tie", judge="gpt-4")).judge_names == ("gpt-4",)


def test_arena_dialogues_of_several_turns() -> None:
    row = arena_row("model_a", conversation_a=talk("One?", "a1", "Two?", "a2"), conversation_b=talk("One?", "b1", "Three?", "b2"))
    dataset = opened(row)
    assert dataset.pairs["query"].iloc[0] == "One?\n\n———\n\nTwo?"
    assert dataset.pairs["response_b"].iloc[0] == "b1\n\n———\n\nb2"
    assert any("ask other questions" in note for note in dataset.notes)


@pytest.mark.parametrize("value", ["Hello", 3, [], ["Hello"], [{"role": "user"}, 1], [{"role": "user", "content": 3}], {"role": "user"}])
def test_arena_conversations_that_are_none(value: Any) -> None:
    with pytest.raises(DatasetError, match=r"conversation_b|content.*x.jsonl, line 2, column 'conversation_b'.*role"):
        opened(arena_row("tie"), arena_row("tie", 2, conversation_b=value))


def test_no_readable_verdict_is_an_error() -> None:
    with pytest.raises(DatasetError, match=r"No verdict can be read.*'koala-13b' in item 1.*model_a"):
        opened(arena_row("koala-13b"))


def test_ids_that_repeat_get_a_number() -> None:
    rows = [arena_row("tie", 1), arena_row("tie", 1), arena_row("tie", question_id="q1#2"), arena_row("tie", question_id=None)]
    dataset = opened(*rows)
    assert dataset.pairs.index.tolist() == ["q1", "q1#3", "q1#2", "row 3"]
    assert any("1 rows repeat an id of the column 'question_id'" in note for note in dataset.notes)


# --- arena-style tables ------------------------------------------------------------------------------------------------------------------


def table_row(**parts: Any) -> Row:
    return {"prompt": "p", "response_a": "one", "response_b": "two"} | parts


@pytest.mark.parametrize(
    ("winner", "expected"),
    [((1, 0, 0), 1), ((0, 1, 0), 0), ((0, 0, 1), 0.5), (("0.6", "0.2", "0.2"), 0.7), ((True, False, False), 1), ((None, None, None), None)],
)
def test_winners_in_three_columns(winner: tuple[Any, ...], expected: float | None) -> None:
    row = table_row(**dict(zip(("winner_model_a", "winner_model_b", "winner_tie"), winner, strict=True)))
    assert opened(row).labels[0, 0] == pytest.approx(np.nan if expected is None else expected, nan_ok=True)


def test_winners_that_contradict_themselves_are_left_out() -> None:
    good, bad = ({"winner_model_a": 1, "winner_model_b": b, "winner_tie": 0} for b in (0, 1))
    dataset = opened(table_row(**good), table_row(**bad), table_row(**good, prompt="q"))
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, np.nan, 1])
    assert any("[1, 1, 0] in line 2" in note for note in dataset.notes)


def test_a_prompt_that_looks_like_a_list_is_a_text() -> None:
    dataset = opened(table_row(prompt='["a"]', winner="model_a"), table_row(winner="tie"))
    assert dataset.pairs["query"].tolist() == ['["a"]', "p"]
    with pytest.raises(DatasetError, match=r"response_b is 3.*item 1, column 'response_b'.*a text"):
        opened(table_row(response_b=3, winner="tie"))


# --- MT-Bench ----------------------------------------------------------------------------------------------------------------------------


def test_mt_bench_rows_are_gathered_and_turned() -> None:
    rows = [
        mt_row("expert_1", "model_a"),
        mt_row("author_2", "model_a", "llama-13b gpt-4"),
        mt_row("author_2", "model_b", "llama-13b gpt-4"),
        mt_row("expert_3", "tie", "llama-13b gpt-4"),
        mt_row("expert_3", "model_b", turn=2),
        mt_row("expert_3", "?", turn=2),
    ]
    dataset = opened(*rows)
    assert dataset.pairs.index.tolist() == ["81:gpt-4:llama-13b:1", "81:gpt-4:llama-13b:2"]
    assert dataset.judge_names == ("expert_1", "author_2", "expert_3")
    np.testing.assert_array_equal(dataset.labels, [[1, 0.5, 0.5], [np.nan, np.nan, 0]])
    assert dataset.pairs["response_a"].tolist() == ["gpt-4 one", "gpt-4 one\n\n———\n\ngpt-4 two"]
    assert dataset.pairs["meta.turn"].tolist() == [1, 2]
    notes = " ".join(dataset.notes)
    for words in ("6 judgments were gathered into 2 pairs", "3 judgments show their pair with the sides swapped", "In 2 cases one judge"):
        assert words in notes


def test_mt_bench_verdicts_that_contradict_themselves_are_ties() -> None:
    dataset = opened(mt_row("gpt4_pair", "tie (inconsistent)"), mt_row("gpt4_pair", "model_b", turn=2))
    np.testing.assert_array_equal(dataset.labels[:, 0], [0.5, 0])
    assert any("1 judgments chose another answer in each order and count as ties" in note for note in dataset.notes)


def test_mt_bench_keeps_other_answers_apart() -> None:
    other = mt_row("expert_1", "model_b", conversation_b=talk("First?", "something else", "Second?", "llama-13b two"))
    dataset = opened(mt_row("expert_1", "model_a"), other)
    assert dataset.pairs.index.tolist() == ["81:gpt-4:llama-13b:1", "81:gpt-4:llama-13b:1#2"]


@pytest.mark.parametrize("turn", [0, 3, 1.5, None, "first", [1]])
def test_mt_bench_turns_that_are_none(turn: Any) -> None:
    with pytest.raises(DatasetError, match=r"turn is .*line 2, column 'turn'.*conversations have 2"):
        opened(mt_row("x", "tie"), mt_row("x", "tie", turn=turn))


# --- AlpacaEval --------------------------------------------------------------------------------------------------------------------------


def test_alpaca_preferences() -> None:
    preferences = [1.0, 2.0, 1.5, 1.25, None, 0, "N/A", "2"]
    dataset = opened(*[alpaca_row(preference, instruction=str(i)) for i, preference in enumerate(preferences)])
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, 0, 0.5, 0.75, np.nan, np.nan, np.nan, 0])
    notes = " ".join(dataset.notes)
    assert "2 rows or judgments have no verdict." in notes
    assert "1 verdicts in the column 'preference' are unknown and were left out: 0 in line 6." in notes


def test_alpaca_annotators_of_one_pair_are_gathered() -> None:
    swapped = {"output_1": "Blue, like the sea.", "output_2": "Red.", "generator_1": "my-model", "generator_2": "gpt4_1106_preview"}
    dataset = opened(alpaca_row(1, 7), alpaca_row(1, 8, **swapped), alpaca_row(2, 7, note="late"))
    assert dataset.judge_names == ("7", "8")
    np.testing.assert_array_equal(dataset.labels, [[0.5, 0]])
    assert dataset.pairs[["model_a", "model_b", "meta.dataset"]].to_numpy().tolist() == [["gpt4_1106_preview", "my-model", "helpful_base"]]
    older = {key.replace("generator_1", "generator"): value for key, value in alpaca_row(1).items()}
    assert opened(older).pairs["model_a"].tolist() == ["gpt4_1106_preview"]


# --- ratings -----------------------------------------------------------------------------------------------------------------------------


def test_completions_make_all_pairs() -> None:
    dataset = opened(*EXAMPLES["ratings"][0])
    assert dataset.pairs.index.tolist() == ["0:1-2", "0:1-3", "0:2-3"]
    assert dataset.judge_names == ("overall score",)
    np.testing.assert_array_equal(dataset.labels[:, 0], [1, 0.5, 0])
    assert dataset.property_names == ("helpfulness", "honesty")
    np.testing.assert_array_equal(dataset.comparisons, [[0, np.nan], [1, 1], [1, np.nan]])
    np.testing.assert_array_equal(dataset.scores[1], [[4, 2], [5, 3]])
    assert any("3 rated answers make 3 pairs" in note for note in dataset.notes)


def test_completions_without_overall_score_use_the_finer_one() -> None:
    answers = [completion("x", 3, honesty="5"), completion("y", 4, honesty="five")]
    for answer in answers:
        del answer["overall_score"]
    dataset = opened({"instruction": "Hi", "completions": answers})
    assert dataset.judge_names == ("fine-grained score",)
    np.testing.assert_array_equal(dataset.labels, [[0]])
    assert any("1 ratings are no numbers and were left out: 'five' in item 1" in note for note in dataset.notes)


@pytest.mark.parametrize(
    "value", [None, "x", [1], [{"annotations": []}, {"annotations": 3}], [{"annotations": {"a": 3}}, {}], [{"model": {}}]]
)
def test_completions_that_are_none(value: Any) -> None:
    with pytest.raises(DatasetError, match=r"line 2"):
        opened({"instruction": "Hi", "completions": [{}, {}]}, {"instruction": "Hi", "completions": value})


def test_helpsteer_rows_of_one_prompt() -> None:
    rows = [steer_row("p", "one", 4, 4, 3, 2, 1), steer_row("p", "two", 4, 3, 3, 2, 2), steer_row("q", "three", 1, 1, 1, 1, 1)]
    dataset = opened(*rows, steer_row("p", "four", 0, 0, 0, 0, 0))
    assert dataset.property_names == ("correctness", "coherence", "complexity", "verbosity")
    np.testing.assert_array_equal(dataset.comparisons, [[1, 0, 0, -1]])
    np.testing.assert_array_equal(dataset.labels, [[0.5]])
    assert any("2 rows are the only ones of their prompt and make no pair: 'q' in line 3, 'p' in line 4." in note for note in dataset.notes)
    with pytest.raises(DatasetError, match=r"No two answers.*consecutive"):
        opened(rows[0], rows[2])
