"""Chosen and rejected answers: RewardBench, HH-RLHF, UltraFeedback binarized and other sets for preference tuning."""

import dataclasses
import hashlib
from typing import Any

from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.dialogues import maybe_turns, split_shared, written
from dissection.readers.rows import Rows, has_columns
from dissection.tables import Table

NAME = "chosen-rejected"
DESCRIPTION = "chosen and rejected answers, with or without a prompt"
SEED = 2402
_JUDGE = "preference"
_COLUMNS = ("prompt", "chosen", "rejected", "chosen_model", "rejected_model", "subset", "annotator")


def recognises(table: Table) -> bool:
    """Whether the first rows have a chosen and a rejected answer."""
    return has_columns(table, "chosen", "rejected")


def read(table: Table) -> PairDataset:
    """One pair a row; which answer is A is drawn by lot, with a fixed seed, from the texts themselves.

    Raises:
        DatasetError: an answer is neither text nor a dialogue; the message names the row.
    """
    rows = Rows(table, frozenset(_COLUMNS))
    ids = rows.ids()
    judges = rows.judges("annotator", _JUDGE)
    records = (_record(rows, index, judge) | ({"pair_id": ids[index]} if ids else {}) for index, judge in enumerate(judges))
    dataset = native.read_records(records, table.filename, len(rows))
    first = int((dataset.labels == 1).sum())
    rows.said.append(
        f"Which answer is A was drawn by lot (seed {SEED}), else A would always win: the chosen answer is A in {first:,} of "
        f"{len(dataset):,} pairs. An order in which the answers were shown is not known."
    )
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _record(rows: Rows, index: int, judge: str) -> dict[str, Any]:
    query, chosen, rejected = _texts(rows, index)
    models = rows.name(index, "chosen_model"), rows.name(index, "rejected_model")
    known = chosen is not None and rejected is not None
    if not known:
        rows.leave_out("rows lack an answer and have no verdict", index, None)
    row = rows.rows[index]
    if row.get("score_chosen") is not None and row.get("score_chosen") == row.get("score_rejected"):
        rows.leave_out("rows have the same score_chosen and score_rejected; their verdict is kept", index, row["score_chosen"])
    chosen_first = _lot(query, chosen, rejected)
    sides = ((chosen, models[0]), (rejected, models[1]))
    (text_a, model_a), (text_b, model_b) = sides if chosen_first else sides[::-1]
    return {
        "scenario": rows.name(index, "subset"),
        "query": query,
        "response_a": text_a,
        "response_b": text_b,
        "model_a": model_a,
        "model_b": model_b,
        "labels": {judge: float(chosen_first) if known else None},
        "meta": rows.meta(index),
    }


def _lot(query: str | None, chosen: str | None, rejected: str | None) -> bool:
    """Whether the chosen answer is A. The two are sorted first, so a pair has the same sides whoever is chosen."""
    one, other = sorted((chosen or "", rejected or ""))
    digest = hashlib.sha256(repr((SEED, query, one, other)).encode()).digest()
    return (digest[0] % 2 == 0) == (chosen == one)


def _texts(rows: Rows, index: int) -> tuple[str | None, str | None, str | None]:
    """Query, chosen and rejected answer. Of two dialogues the turns that both begin with are the query."""
    prompt = maybe_turns(rows, index, "prompt")
    query = written(prompt, "user") if prompt else rows.text(index, "prompt")
    one, other = maybe_turns(rows, index, "chosen"), maybe_turns(rows, index, "rejected")
    if one and other:
        shared, one, other = split_shared(one, other)
        return query if query is not None else written(shared, "user"), written(one, "assistant"), written(other, "assistant")
    chosen = written(one, "assistant") if one else rows.text(index, "chosen")
    return query, chosen, written(other, "assistant") if other else rows.text(index, "rejected")
