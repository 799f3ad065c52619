"""Valid files of every form, spoiled by choices that someone else makes: Hypothesis, or a fuzzer that looks for new coverage."""

import copy
import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from tests.foreign import ANNOTATED, EXAMPLES

T = TypeVar("T")
Row = dict[str, Any]


class Chooser(Protocol):
    """Who decides."""

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""

    def noise(self, most: int) -> bytes:
        """At most so many bytes."""


NATIVE: list[list[Row]] = [
    [
        {"pair_id": "p1", "scenario": "Code", "query": "q", "response_a": "one two.", "response_b": "three!", "conditions": ["w_stances"],
         "labels": {"me": "a", "you": {"ab": "a", "ba": "b"}, "soft": 0.25}, "meta": {"language": "en", "n": 1},
         "properties": {"polite": {"a": 1, "b": 2}, "longer": {"comparison": -1}}},
        {"pair_id": "p2", "scenario": "Advice", "query": None, "response_a": "", "response_b": "four", "labels": {"me": None},
         "properties": {"polite": {"a": 1, "b": 1}, "longer": None}},
    ],
    [{"pair_id": "p1", "response_a": "x", "response_b": "y", "label.me": "a", "label.you.ab": "b", "label.you.ba": "", "meta.m": "1",
      "property.polite.a": 1, "property.polite.b": 2.5, "property.fun": -1, "conditions": "one;two"}],
]  # fmt: skip
WEIGHTS: list[Row] = [{"Code": {"me": [0.1] * 29, "you": [0.0] * 29}, "Advice": {"me": [1.5] * 29}}]
MULTIPREF: list[Row] = [
    {"comparison_id": "c1", "text": "q", "completion_a": "one", "completion_b": "two", "model_a": "x", "model_b": "y", "category": "Open",
     "normal_worker_annotations": [{"overall_pref": "A-is-clearly-better", "helpful_pref": "Tie", "truthful_pref": None, "evaluator": "1"}],
     "expert_worker_annotations": []},
]  # fmt: skip
PRISM: list[Row] = [
    {"conversation_id": "c", "turn": turn, "user_id": "u", "user_prompt": "q", "model_response": f"answer {score}", "score": score,
     "if_chosen": score > 50, "model_name": "m", "conversation_type": "unguided"}
    for turn, score in ((0, 10), (0, 60), (1, 5), (1, 5))
]  # fmt: skip
PLAIN: list[Row] = [
    {"uid": f"u{i}", "user_prompt": "q", "answer_1": "one", "answer_2": "two", "choice": "12"[i % 2], "judge": "me", "fun_1": i, "fun_2": 1}
    for i in range(3)
]
LABELS: list[list[Row]] = [
    [{"pair_id": f"p{i}", "new": "ab"[i % 2]} for i in range(1, 4)],
    [{"pair_id": f"p{i}", "judge": "new", "order": ("ab", "ba")[i % 2], "label": "tie"} for i in range(1, 4)],
    [{"pair_id": f"p{i}", "score_a": i, "score_b": 2} for i in range(1, 4)],
    [{"pair_id": f"p{i}", "logprob_a": -0.1, "logprob_b": -2.0} for i in range(1, 4)],
    [{"p1": "a", "p2": "b", "p3": {"ab": "a", "ba": "tie"}}],
]
FILES: list[list[Row]] = [rows for files in EXAMPLES.values() for rows in files]
FILES += [[ANNOTATED], *NATIVE, WEIGHTS, MULTIPREF, PRISM, PLAIN]

ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 0.5, 1.5, -0.0, 1e308, 2**53 + 1, 2**64, 10**400, float("nan"), float("inf"), -float("inf")),
    *("", " ", "a", "b", "tie", "1", " 0.5 ", "١", "1_0", "0x10", "1,5", "1e999", "nan", "None", "[[A]]", "ab", "-inf", "="),
    *("\ud800", "a\0b", "a\nb", "\r", '"', "\u202eb", "\ufeff", "<script>", "__proto__", "../../etc/passwd", "x" * 2000, "é"),
    *([], {}, [None], [[]], [{}], {"a": 1}, {"ab": "a"}, {"": ""}, {"comparison": "x"}, ["a", 1], {"a": {"b": {"c": []}}}),
    *([{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}], [{"role": "user"}], '[{"role": 1}]', "[", "Human: x"),
]
NAMES = [
    *("pair_id", "id", "labels", "properties", "meta", "conditions", "scenario", "query", "response_a", "response_b", "winner", "judge"),
    *("label.", "label.x", "label.x.ab", "label.me", "property.", "property.x.a", "meta.", "order", "p_a", "score_a", "turn", "chosen"),
    *("", " ", "__proto__", "constructor", "<script>alert(1)</script>", "\ud800", "a\nb", "x" * 2000, "Pair_ID", "text", "rating"),
]


def spoiled(rows: Sequence[Row], choose: Chooser) -> list[Any]:
    """A copy of the rows in which a few things are dropped, renamed, doubled or replaced."""
    made: list[Any] = json.loads(json.dumps(rows))
    for _ in range(choose.integer(0, 4)):
        row = choose.pick(made) if made else None
        change = choose.integer(0, 6)
        if change == 0 and made:
            made.append(copy.deepcopy(made[0]))
        elif change == 1 and made:
            made.pop()
        elif change == 2:
            made.insert(0, copy.deepcopy(choose.pick(ODD)))
        else:
            _spoil(row, choose, change)
    return made


def _spoil(value: object, choose: Chooser, change: int) -> None:
    """Changes one thing in an object or list, or in one that is in it."""
    if isinstance(value, dict) and value:
        key = choose.pick(list(value))
        if choose.integer(0, 1) and isinstance(value[key], dict | list):
            _spoil(value[key], choose, change)
        elif change == 3:
            del value[key]
        elif change == 4:
            value[choose.pick(NAMES)] = copy.deepcopy(value[key])
        else:
            value[key] = copy.deepcopy(choose.pick(ODD))
    elif isinstance(value, list) and value:
        place = choose.integer(0, len(value) - 1)
        if choose.integer(0, 1) and isinstance(value[place], dict | list):
            _spoil(value[place], choose, change)
        else:
            value[place] = copy.deepcopy(choose.pick(ODD))


def _json_lines(rows: Sequence[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _json_list(rows: Sequence[Any]) -> bytes:
    return json.dumps(rows[0] if len(rows) == 1 else list(rows)).encode()


def _csv(rows: Sequence[Any]) -> bytes:
    """Rows as CSV with the columns of the first; lists and objects as JSON text."""
    out = io.StringIO()
    objects = [row for row in rows if isinstance(row, dict)]
    columns = list(objects[0]) if objects else ["a", "b"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in objects:
        cells = [row.get(column) for column in columns]
        writer.writerow([json.dumps(cell) if isinstance(cell, list | dict) else "" if cell is None else cell for cell in cells])
    return out.getvalue().encode("utf-8", "surrogatepass")


def _parquet(rows: Sequence[Any]) -> bytes:
    """Rows as Parquet; where Arrow can't hold them, as JSON Lines."""
    out = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pylist([row for row in rows if isinstance(row, dict)]), out)
    except (pa.ArrowException, OverflowError, UnicodeEncodeError, ValueError, TypeError):
        return _json_lines(rows)
    return out.getvalue()


def _zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../x", content)
    return out.getvalue()


def _recoded(encoding: str) -> Callable[[bytes], bytes]:
    return lambda content: content.decode("utf-8", "replace").encode(encoding, "replace")


WRITE: Sequence[Callable[[Sequence[Any]], bytes]] = (_json_lines, _json_list, _csv, _parquet)
REWRITE: Sequence[Callable[[bytes], bytes]] = (
    lambda content: content.replace(b"\n", b"\r\n"),
    lambda content: content.replace(b"\n", b"\r", 1),
    lambda content: content.replace(b"\n", b"\n\xef\xbb\xbf"),
    lambda content: b"\xef\xbb\xbf" + content,
    *(_recoded(name) for name in ("utf-16", "utf-16-le", "utf-32", "latin-1")),
    gzip.compress,
    _zip,
    lambda content: pa.compress(content, "zstd", asbytes=True),
    lambda content: content + content,
)


def file(rows: Sequence[Row], choose: Chooser) -> bytes:
    """The rows, spoiled, as a file that may be spoiled once more: recoded, packed, cut, or with other bytes in it."""
    content = choose.pick(WRITE)(spoiled(rows, choose))
    for _ in range(choose.integer(0, 2)):
        kind = choose.integer(0, 3)
        at = choose.integer(0, max(len(content), 1))
        if kind == 0:
            content = choose.pick(REWRITE)(content)
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[:at] + choose.noise(4) + content[at + choose.integer(0, 4) :]
    return content
