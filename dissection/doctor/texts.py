"""Checks of queries and answers: repeated, swapped, empty, identical or missing texts, and queries that come very often."""

import numpy as np

from dissection.dataset import BoolArray
from dissection.doctor.finding import Finding, excerpt, percent
from dissection.doctor.view import View
from dissection.wording import count

LARGE_QUERY_SHARE = 0.1
LARGE_QUERY_PAIRS = 10


def duplicate_pairs(view: View) -> Finding | None:
    """Pairs with the query and the two answers of an earlier pair."""
    codes = view.codes
    rows = np.flatnonzero(codes.duplicated() & (codes["a"] >= 0) & (codes["b"] >= 0))
    if not len(rows):
        return None
    first = codes.assign(row=np.arange(view.n)).groupby(["query", "a", "b"])["row"].transform("first").to_numpy()
    return Finding(
        "duplicate-pairs",
        "problem",
        f"{count(len(rows), 'pair')} {'repeats' if len(rows) == 1 else 'repeat'} an earlier pair: the same query and the same two answers",
        "Each repeat counts as new evidence, so intervals come out narrower than the data deserve.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, lambda row: f"the same as {view.pair_id(first[row])}"),
        remedy="keep one of each, or make sure that the repeats are meant (a judge asked again)",
    )


def swapped_twins(view: View) -> Finding | None:
    """Pairs with the two answers of another pair the other way round."""
    codes = view.codes[(view.codes["a"] >= 0) & (view.codes["b"] >= 0) & (view.codes["a"] != view.codes["b"])]
    ends = codes.assign(low=codes[["a", "b"]].min(axis=1), high=codes[["a", "b"]].max(axis=1), way=codes["a"] < codes["b"], row=codes.index)
    grouped = ends.groupby(["query", "low", "high"])
    both_ways = grouped["way"].transform("min") != grouped["way"].transform("max")
    twins = ends[both_ways]
    rows = twins["row"].to_numpy()
    if not len(rows):
        return None
    keys = dict(zip(rows, twins[["query", "a", "b"]].itertuples(index=False, name=None), strict=True))
    first = {key: row for row, key in reversed(keys.items())}

    def twin(row: int) -> str:
        query, a, b = keys[row]
        return f"{view.pair_id(first[query, b, a])} the other way round"

    return Finding(
        "swapped-twins",
        "odd",
        f"{count(len(rows), 'pair')} have a twin: the same query and the same two answers, the other way round",
        "Twins are one comparison asked in both orders. As separate pairs they count double, and position bias is not seen as such.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, twin),
        remedy='make one pair of each two, with labels {"ab": …, "ba": …}',
    )


def empty_answers(view: View) -> Finding | None:
    """Pairs in which an answer is there but says nothing."""
    empty: BoolArray = view.lengths == 0
    both: BoolArray = np.asarray(empty.all(axis=1))
    rows = np.flatnonzero(empty.any(axis=1))
    if not len(rows):
        return None
    only_a, only_b = (empty & ~both[:, None]).sum(axis=0)
    return Finding(
        "empty-answers",
        "odd",
        f"{count(len(rows), 'pair')} {'has' if len(rows) == 1 else 'have'} an empty answer: only A in {only_a:,}, only B in {only_b:,}, "
        f"both in {int(both.sum()):,}",
        "A judge sees at once which side is empty, so these pairs say little about taste and much about length.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, lambda row: "both empty" if both[row] else f"{'A' if empty[row, 0] else 'B'} empty"),
        remedy="take these pairs out, unless an empty answer is what you want to study",
    )


def identical_answers(view: View) -> Finding | None:
    """Pairs whose two answers are the same text."""
    rows = np.flatnonzero((view.codes["a"] == view.codes["b"]) & (view.codes["a"] >= 0) & (view.lengths[:, 0] > 0))
    if not len(rows):
        return None
    return Finding(
        "identical-answers",
        "odd",
        f"{count(len(rows), 'pair')} {'has' if len(rows) == 1 else 'have'} the same text as both answers",
        "Nothing differs, so a verdict other than a tie is chance or position bias.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, lambda row: excerpt((view.dataset.text(row, "response_a") or "").strip())),
        remedy="take these pairs out, or keep them to see position bias",
    )


def missing_texts(view: View) -> Finding | None:
    """Pairs without a query or an answer, in data that has texts."""
    absent = view.absent
    rows = np.flatnonzero(absent.any(axis=1))
    if not len(rows) or absent.all():
        return None
    places = ("query", "answer A", "answer B")
    counts = ", ".join(f"{place} in {n:,}" for place, n in zip(places, absent.sum(axis=0), strict=True) if n)
    return Finding(
        "missing-texts",
        "odd",
        f"{count(len(rows), 'pair')} {'lacks' if len(rows) == 1 else 'lack'} a text: {counts}",
        "What is not there can't be read, and properties can't be computed from it.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, lambda row: "no " + ", no ".join(p for p, gone in zip(places, absent[row], strict=True) if gone)),
        remedy="add query, response_a and response_b",
    )


def frequent_query(view: View) -> Finding | None:
    """One query that makes up much of the data."""
    sizes = np.bincount(view.codes["query"][view.codes["query"] >= 0], minlength=1)
    most = int(sizes.argmax())
    if sizes[most] < max(LARGE_QUERY_PAIRS, LARGE_QUERY_SHARE * view.n):
        return None
    rows = np.flatnonzero(view.codes["query"] == most)
    return Finding(
        "frequent-query",
        "odd",
        f"One query makes up {count(len(rows), 'pair')} ({percent(len(rows), view.n):.0f} %)",
        "What is found holds for this query first of all; pairs of one query are no independent evidence.",
        len(rows),
        percent(len(rows), view.n),
        examples=view.examples(rows, view.query_excerpt),
        remedy="add pairs of other queries, or look at this query on its own as a scenario",
    )


CHECKS = (duplicate_pairs, swapped_twins, empty_answers, identical_answers, missing_texts, frequent_query)
