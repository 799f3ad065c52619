"""Chatbot Arena conversations: two dialogues and a winner a row (lmsys/chatbot_arena_conversations and its kin)."""

import dataclasses
from typing import Any

from dissection.dataset import PairDataset
from dissection.readers import mt_bench, native
from dissection.readers.dialogues import said_by, turns
from dissection.readers.rows import MAX_JUDGES, TOGETHER, Rows, has_columns
from dissection.tables import Table

NAME = "arena"
DESCRIPTION = "Chatbot Arena conversations: conversation_a, conversation_b, winner, model_a, model_b"
HUMAN = "human"
# People of the arena cast a few votes each; a judge with fewer verdicts than this on average can't be told from chance.
LEAST_VERDICTS = 20


def recognises(table: Table) -> bool:
    """Whether the first rows have two conversations, their models and a winner, and are not those of MT-Bench."""
    named = has_columns(table, "conversation_a", "conversation_b", "winner", "model_a", "model_b")
    return named and not mt_bench.recognises(table)


def read(table: Table) -> PairDataset:
    """One pair a row: the user's turns are the query, the assistant's turns the answers.

    Raises:
        DatasetError: a conversation is none, or no verdict can be read; the message names the row.
    """
    rows = Rows(table, frozenset({"conversation_a", "conversation_b", "winner", "model_a", "model_b"}))
    ids = rows.ids()
    people = all(str(row.get("judge")).startswith("arena_user") for row in rows.rows)
    judges = rows.judges("judge", HUMAN, lambda count: min(MAX_JUDGES, count / LEAST_VERDICTS), HUMAN if people else TOGETHER)
    records = (_record(rows, index, judge) | ({"pair_id": ids[index]} if ids else {}) for index, judge in enumerate(judges))
    dataset = native.read_records(records, table.filename, len(rows))
    rows.check_verdicts()
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _record(rows: Rows, index: int, judge: str) -> dict[str, Any]:
    row = rows.rows[index]
    of_a, of_b = (turns(rows, index, column, row.get(column)) for column in ("conversation_a", "conversation_b"))
    query = said_by(of_a, "user")
    if query != said_by(of_b, "user"):
        rows.leave_out(
            "rows ask other questions in conversation_b than in conversation_a; the latter are shown", index, said_by(of_b, "user")
        )
    return {
        "query": query,
        "response_a": said_by(of_a, "assistant"),
        "response_b": said_by(of_b, "assistant"),
        "model_a": rows.name(index, "model_a"),
        "model_b": rows.name(index, "model_b"),
        "labels": {judge: rows.verdict(index, "winner", row.get("winner"))},
        "meta": rows.meta(index),
    }
