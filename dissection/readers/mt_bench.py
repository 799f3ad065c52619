"""MT-Bench judgments: one row a judgment on two dialogues up to a turn (lmsys/mt_bench_human_judgments)."""

import dataclasses

from dissection.dataset import PairDataset
from dissection.readers import native
from dissection.readers.dialogues import said_by, turns
from dissection.readers.judgments import Gathered, Judgment, Side
from dissection.readers.rows import Rows, has_any, has_columns
from dissection.tables import Table
from dissection.verdicts import number

NAME = "mt-bench"
DESCRIPTION = "MT-Bench judgments: question_id, conversation_a, conversation_b, winner, judge, turn"
_COLUMNS = ("question_id", "conversation_a", "conversation_b", "winner", "judge", "turn")

# A model that was asked in both orders and contradicted itself; which order favoured which answer is not said.
_INCONSISTENT = "tie (inconsistent)"


def recognises(table: Table) -> bool:
    """Whether the first rows have the columns of MT-Bench and none of those that only the arena adds to them."""
    return has_columns(table, *_COLUMNS) and not has_any(table, "anony", "language", "tstamp", "openai_moderation", "toxic_chat_tag")


def read(table: Table) -> PairDataset:
    """One pair a question, turn and two answers; the dialogues are cut at the turn that was judged.

    Raises:
        DatasetError: a conversation or a turn is none, or no verdict can be read; the message names the row.
    """
    rows = Rows(table, frozenset({*_COLUMNS, "model_a", "model_b"}))
    judges = rows.judges("judge", "preference")
    pairs = Gathered((_judgment(rows, index, judge) for index, judge in enumerate(judges)), rows)
    rows.check_verdicts()
    dataset = native.read_records(pairs, table.filename)
    return dataclasses.replace(dataset, notes=rows.finish(dataset))


def _judgment(rows: Rows, index: int, judge: str) -> Judgment:
    row = rows.rows[index]
    of_a, of_b = (turns(rows, index, column, row.get(column)) for column in ("conversation_a", "conversation_b"))
    turn = number(row.get("turn"))
    most = min(sum(said.role == "assistant" for said in dialogue) for dialogue in (of_a, of_b))
    if turn is None or turn != int(turn) or not 1 <= turn <= most:
        raise rows.wrong(index, "turn", row.get("turn"), f"the number of the turn that was judged; the conversations have {most}")
    turn = int(turn)
    query = said_by(of_a, "user", turn)
    sides = [
        Side(rows.name(index, model), said_by(dialogue, "assistant", turn)) for model, dialogue in (("model_a", of_a), ("model_b", of_b))
    ]
    question = rows.name(index, "question_id")
    return Judgment(
        about=(question, str(turn), query),
        pair_id=f"{question}:{sides[0].model}:{sides[1].model}:{turn}",
        query=query,
        first=sides[0],
        second=sides[1],
        judge=judge,
        verdict=_verdict(rows, index, row.get("winner")),
        meta={**rows.meta(index), "turn": turn},
    )


def _verdict(rows: Rows, index: int, value: object) -> float:
    if value == _INCONSISTENT:
        rows.leave_out("judgments chose another answer in each order and count as ties", index, value)
        return rows.verdict(index, "winner", "tie")
    return rows.verdict(index, "winner", value)
