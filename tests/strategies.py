"""Hypothesis strategies for files of labels: well-formed in every form, and ill-formed in every way that was thought of."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from dissection.dataset import FloatArray, PairDataset
from dissection.judges import Judge
from dissection.verdicts import A_WORDS, B_WORDS, MISSING_WORDS, TIE_WORDS

DELIMITED_FORMS = ("wide", "wide orders", "long", "long orders", "label", "scores", "probabilities", "logprobs", "probability orders")
JSON_FORMS = ("json list", "json object", "json lines of objects", "json lines of labels", "json orders")
FORMS = (*DELIMITED_FORMS, *JSON_FORMS)


def dataset(pair_ids: list[str] | int = 4, judges: dict[str, list[float]] | None = None) -> PairDataset:
    """A small dataset without texts; ids p1, p2 … where only their number is given."""
    ids = [f"p{i + 1}" for i in range(pair_ids)] if isinstance(pair_ids, int) else pair_ids
    n, judges = len(ids), judges or {}
    columns = ["scenario", "query", "response_a", "response_b", "model_a", "model_b"]
    pairs = pd.DataFrame({name: pd.Series([None] * n, dtype=object) for name in columns})
    pairs["scenario"] = "All"
    pairs.index = pd.Index(ids, dtype=object, name="pair_id")
    verdicts = np.full((n, len(judges), 2), np.nan)
    for i, labels in enumerate(judges.values()):
        verdicts[:, i, 0] = labels
    return PairDataset("small", pairs, (), np.zeros((n, 0)), np.zeros((n, 0, 2)), tuple(Judge(name) for name in judges), verdicts)


def parquet(rows: list[dict[str, object]]) -> bytes:
    """Rows as a Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def delimited(columns: list[str], rows: list[list[object]], delimiter: str = ",") -> bytes:
    """Rows as CSV or TSV."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([columns, *rows])
    return out.getvalue().encode()


@dataclass(frozen=True)
class LabelFile:
    """A file, the dataset it is for, and the verdicts that must come out: (pairs × 2)."""

    form: str
    data: bytes
    dataset: PairDataset
    verdicts: FloatArray


_SIDES = {1.0: A_WORDS, 0.0: B_WORDS, 0.5: TIE_WORDS}
# Ids as they are found in the wild: leading zeros, words that a reader may take for "missing", quotes, delimiters, line ends.
PAIR_IDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).map(str.strip).filter(bool) | (
    st.sampled_from(["007", "7", "None", "nan", "NA", 'a"b', "a,b", "a;b", "=1+1", "true", "1e5"])
)


def spelled(verdict: float) -> st.SearchStrategy[str]:
    """A word for the verdict, in any case and with spaces around. "1" is left out: alone it has two readings."""
    words = MISSING_WORDS if np.isnan(verdict) else tuple(word for word in _SIDES[verdict] if word not in ("1", "2"))
    cases = st.sampled_from([str, str.upper, str.title])
    return st.builds(lambda word, case, pad: pad + case(word) + pad, st.sampled_from(words), cases, st.sampled_from(["", " "]))


@st.composite
def label_files(draw: st.DrawFn, form: str | None = None) -> LabelFile:
    """A well-formed file of one judge named "new", in one of `FORMS`."""
    form = form or draw(st.sampled_from(FORMS))
    ids = draw(st.lists(PAIR_IDS, min_size=2, max_size=6, unique=True).filter(lambda found: "pair_id" not in [i.lower() for i in found]))
    soft = form in ("probabilities", "probability orders", "logprobs")
    numbers = st.floats(0.001, 0.999) if soft else st.sampled_from([0.0, 0.5, 1.0] if form == "scores" else [0.0, 0.5, 1.0, np.nan])
    orders = 2 if "orders" in form else 1
    verdicts = np.full((len(ids), 2), np.nan)
    for i in range(len(ids)):
        for order in range(orders):
            verdicts[i, order] = draw(numbers)
    if form == "json lines of labels" and np.isnan(verdicts[0, 0]):
        verdicts[0, 0] = 1.0
    data = _delimited(draw, form, ids, verdicts) if form in DELIMITED_FORMS else _json(draw, form, ids, verdicts)
    if draw(st.booleans()):
        data = gzip.compress(data)
    return LabelFile(form, data, dataset(ids), verdicts)


def _delimited(draw: st.DrawFn, form: str, ids: list[str], verdicts: FloatArray) -> bytes:
    columns, rows = _rows(draw, form, ids, verdicts)
    order = draw(st.permutations(rows))
    records = [dict(zip(columns, row, strict=True)) for row in order]
    kind = draw(st.sampled_from(["parquet", "json lines", ",", ";", "\t"]))
    if kind == "parquet":
        return parquet(records)
    if kind == "json lines":
        return "\n".join(json.dumps(record) for record in records).encode()
    return delimited(columns, order, kind)


def _rows(draw: st.DrawFn, form: str, ids: list[str], verdicts: FloatArray) -> tuple[list[str], list[list[object]]]:
    first = [(pair_id, float(v)) for pair_id, v in zip(ids, verdicts[:, 0], strict=True)]
    both = [(pair_id, float(v[0]), float(v[1])) for pair_id, v in zip(ids, verdicts, strict=True)]
    scores = {1.0: (5, 2), 0.0: (1, 4), 0.5: (3, 3)}
    makers: dict[str, tuple[list[str], Callable[[], list[list[object]]]]] = {
        "wide": (["pair_id", "new"], lambda: [[i, draw(spelled(v))] for i, v in first]),
        "wide orders": (["pair_id", "new.ab", "new.ba"], lambda: [[i, draw(spelled(ab)), draw(spelled(ba))] for i, ab, ba in both]),
        "long": (["pair_id", "judge", "label"], lambda: [[i, "new", draw(spelled(v))] for i, v in first]),
        "long orders": (
            ["pair_id", "judge", "order", "label"],
            lambda: [[i, "new", order, draw(spelled(v))] for i, *pair in both for order, v in zip(("ab", "ba"), pair, strict=True)],
        ),
        "label": (["Pair_ID", "label"], lambda: [[i, draw(spelled(v))] for i, v in first]),
        "scores": (["pair_id", "score_a", "score_b"], lambda: [[i, *scores[v]] for i, v in first]),
        "probabilities": (["pair_id", "p_a"], lambda: [[i, v] for i, v in first]),
        "probability orders": (["pair_id", "p_a.ab", "p_a.ba"], lambda: [[i, ab, ba] for i, ab, ba in both]),
        "logprobs": (["pair_id", "logprob_a", "logprob_b"], lambda: [[i, float(np.log(v)), float(np.log1p(-v))] for i, v in first]),
    }
    columns, make = makers[form]
    return columns, make()


def _json(draw: st.DrawFn, form: str, ids: list[str], verdicts: FloatArray) -> bytes:
    first = [draw(spelled(float(v))) for v in verdicts[:, 0]]
    values: dict[str, object] = dict(zip(ids, first, strict=True))
    if form == "json orders":
        values = {i: {"ab": draw(spelled(float(v[0]))), "ba": draw(spelled(float(v[1])))} for i, v in zip(ids, verdicts, strict=True)}
    if form == "json list":
        return json.dumps(first).encode()
    if form == "json lines of labels":
        return "".join(json.dumps(label) + "\n" for label in first).encode()
    if form == "json lines of objects":
        return "".join(json.dumps({key: value}, ensure_ascii=False) + "\n" for key, value in values.items()).encode()
    return json.dumps(values, indent=draw(st.sampled_from([None, 1]))).encode()


# What a broken file is made of: words that mean something to a reader, in the wrong places.
_PIECES = st.sampled_from(
    (
        *(b"pair_id", b"judge", b"label", b"order", b"score_a", b"p_a", b"logprob_b", b"j.ab", b"j.ba", b'"pair_id"', b'"label"', b'"ab"'),
        *(b"p1", b"p2", b"a", b"0", b"1", b"2", b"0.83", b"null", b"true", b'"a"', b'{"p1":"a"}', b'["a","b"]', b"[[A]]", b"NaN", b"-inf"),
        *(b",", b";", b"\t", b"\n", b"\r\n", b"\r", b'"', b"[", b"]", b"{", b"}", b":", b"\xe2\x80\xa8", b"\x1e", b"1e999", b"9" * 400),
        *(b"\x00", b"\xff", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"PAR1", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"PK\x03\x04"),
        *(b"<html>", b"\\ud800", b"9" * 5000),
    )
)


@st.composite
def bad_bytes(draw: st.DrawFn) -> bytes:
    """Bytes that may be anything: noise, readers' words in the wrong places, or a good file cut, patched and shuffled."""
    kind = draw(st.sampled_from(["noise", "pieces", "patched"]))
    if kind == "noise":
        return draw(st.binary(max_size=200))
    if kind == "pieces":
        return b"".join(draw(st.lists(_PIECES, max_size=40)))
    data = draw(label_files()).data
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(_PIECES | st.binary(max_size=4)) + data[at + draw(st.integers(0, 12)) :]
    return data
