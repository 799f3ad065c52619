"""From replies to a dataset: ratings become comparisons by the paper's rules, and what has no reply stays missing."""

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection import rating_rules
from dissection.annotating.plan import UNASSIGNED, AnnotationPlan
from dissection.annotating.questions import BASIC_ASKED, applicable
from dissection.annotating.waves import ASKED, Replies, Waves
from dissection.comparisons import compare_scores
from dissection.dataset import FloatArray, PairDataset
from dissection.rating_rules import BASIC, LENGTH, SEVERITIES, SPECIFIC

Entry = Mapping[str, float | None]
ANNOTATOR, ANNOTATION = "meta.annotator", "meta.annotation"
_PARTS: Final = dict(zip(SPECIFIC, ("intent", "empathy", "constraints", "stances", "mistakes"), strict=True))
# What an earlier annotation said stays before what this one says.
_ADDED_UP: Final = (ANNOTATOR, ANNOTATION, "meta.own_properties")
_ZERO: Final = {"a": 0.0, "b": 0.0}


def entries(plan: AnnotationPlan, replies: Replies, row: int, *, again: bool) -> dict[str, Entry]:
    """What is known of a pair's properties, in terms of A and B: property → scores or comparison, as in the native form."""
    found: dict[str, Entry] = {}
    if (rated := _sides(replies, "basic", row, again)) is not None:
        a, b = rated
        for name, asked in zip(BASIC, BASIC_ASKED, strict=True):
            found[name] = rating_rules.basic(name, float(a[asked]), float(b[asked]))
    if (rated := _sides(replies, "own", row, again)) is not None:
        found |= {own.name: {side: float(given[own.name]) for side, given in zip("ab", rated, strict=True)} for own in plan.own}
    if (rated := _sides(replies, "errors", row, again)) is not None:
        found |= rating_rules.accuracy(*(_counts(side) for side in rated))
    check = replies.of("query check", row)
    if "specific" in plan.stages and check is not None:
        found |= _specific(set(applicable(check)), _sides(replies, "specific", row, again))
    return found


def _sides(replies: Replies, stage: Any, row: int, again: bool) -> tuple[Any, Any] | None:  # noqa: FBT001 - one of two times
    """What a reply says of A and of B, whichever was shown first."""
    ask = replies.ask(stage, row, again=again)
    if ask is None:
        return None
    reply = replies.of(stage, row, again=again)
    return (reply["b"], reply["a"]) if ask.flipped else (reply["a"], reply["b"])


def _counts(side: Mapping[str, Any]) -> dict[str, int] | None:
    if not side["checkable"]:
        return None
    given = [error["severity"] for error in side["errors"]]
    return {severity: given.count(severity) for severity in SEVERITIES}


def _specific(parts: set[str], rated: tuple[Any, Any] | None) -> dict[str, Entry]:
    """0 on both sides where a condition does not hold; nothing where it holds and the reply is missing."""
    found: dict[str, Entry] = {}
    for name, part in _PARTS.items():
        if part not in parts:
            found[name] = _ZERO
        elif rated is not None:
            words = SPECIFIC[name][1]
            found[name] = {side: _mean(given[part], words) for side, given in zip("ab", rated, strict=True)}
    return found


def _mean(given: Any, words: Mapping[str, float] | None) -> float:
    values = given if isinstance(given, list) else [given]
    return rating_rules.mean_of([float(words[value] if words else value) for value in values])


def arrays(names: Sequence[str], found: Sequence[Mapping[str, Entry]]) -> tuple[FloatArray, FloatArray]:
    """Comparisons (pairs × properties) and scores (pairs × properties × 2) of entries; NaN where there is none."""
    scores = np.full((len(found), len(names), 2), np.nan)
    given = np.full((len(found), len(names)), np.nan)
    for row, known in enumerate(found):
        for column, name in enumerate(names):
            entry = known.get(name, {})
            scores[row, column] = [_number(entry.get(side)) for side in "ab"]
            given[row, column] = _number(entry.get("comparison"))
    return np.where(np.isnan(given), compare_scores(scores[:, :, 0], scores[:, :, 1]), given), scores


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def with_lengths(dataset: PairDataset, rows: Sequence[int], found: Sequence[dict[str, Entry]]) -> None:
    """Add the length of both answers, which is counted, to the entries."""
    for row, known in zip(rows, found, strict=True):
        a, b = (dataset.text(row, column) for column in ("response_a", "response_b"))
        if a is not None and b is not None:
            known[LENGTH] = rating_rules.length(len(a.split()), len(b.split()))


def some_pairs(dataset: PairDataset, rows: NDArray[np.intp]) -> PairDataset:
    """The dataset of these rows alone."""
    return dataclasses.replace(
        dataset,
        pairs=dataset.pairs.iloc[rows],
        comparisons=dataset.comparisons[rows],
        scores=dataset.scores[rows],
        verdicts=dataset.verdicts[rows],
        conditions={name: mask[rows] for name, mask in dataset.conditions.items()},
    )


def first_pairs(dataset: PairDataset, plan: AnnotationPlan, pairs: int) -> tuple[PairDataset, AnnotationPlan]:
    """The first pairs that can be asked about, and the plan for these alone, once each: for a dry run through all stages."""
    rows = np.array(Waves(dataset, plan).first_rows(pairs), dtype=np.intp)
    return some_pairs(dataset, rows), dataclasses.replace(plan, share=1.0, again=0.0)


def joined(dataset: PairDataset, waves: Waves, replies: Replies, model: str) -> PairDataset:
    """The annotated pairs with their new properties, conditions, scenarios and metadata.

    Properties that were computed from the texts are set aside, as they stand in for annotations, and a file keeps only these.
    """
    plan, rows = waves.plan, waves.rows
    found = [entries(plan, replies, row, again=False) for row in rows.tolist()]
    with_lengths(dataset, rows.tolist(), found)
    part = some_pairs(dataset, rows)
    if plan.compares:
        new = [
            property_
            for property_ in plan.properties()
            if property_.name != LENGTH or not any(known.name == LENGTH and not known.computed for known in dataset.properties)
        ]
        keep = [
            place
            for place, known in enumerate(part.properties)
            if not known.computed and known.name not in {property_.name for property_ in new}
        ]
        comparisons, scores = arrays([property_.name for property_ in new], found)
        part = dataclasses.replace(
            part,
            properties=(*(part.properties[place] for place in keep), *new),
            comparisons=np.concatenate([part.comparisons[:, keep], comparisons], axis=1),
            scores=np.concatenate([part.scores[:, keep], scores], axis=1),
        )
    return dataclasses.replace(part, pairs=_frame(part.pairs, waves, replies, model), conditions=_conditions(part, waves, replies))


def repeated(dataset: PairDataset, waves: Waves, replies: Replies, model: str) -> PairDataset:
    """The pairs that were annotated again, with the properties of the first annotation that are asked about, and no judges."""
    plan, rows = waves.plan, waves.rows_again
    found = [entries(plan, replies, row, again=True) for row in rows.tolist()]
    with_lengths(dataset, rows.tolist(), found)
    comparisons, scores = arrays(plan.names, found)
    part = some_pairs(dataset.without_judges(set(dataset.judge_names)), rows)
    pairs = part.pairs.drop(columns=[name for name in part.pairs if str(name).startswith("meta.")])
    pairs[ANNOTATOR] = pd.Series([model] * len(rows), index=pairs.index, dtype=object)
    return dataclasses.replace(
        part,
        name=f"{dataset.name}, annotated again",
        pairs=pairs,
        properties=plan.properties(),
        comparisons=comparisons,
        scores=scores,
        conditions={},
        notes=(f"A second annotation by {model}, with the answers shown in the other order.",),
    )


def _conditions(part: PairDataset, waves: Waves, replies: Replies) -> dict[str, Any]:
    found = dict(part.conditions)
    if waves.plan.checks:
        holds = [set(applicable(check)) if (check := replies.of("query check", row)) else set() for row in waves.rows.tolist()]
        for name, (condition, _) in SPECIFIC.items():
            found[condition] = np.array([_PARTS[name] in parts for parts in holds], dtype=bool)
    return found


def _frame(pairs: pd.DataFrame, waves: Waves, replies: Replies, model: str) -> pd.DataFrame:
    """The pairs with their scenarios, who annotated them by which prompts, and what was found in words."""
    rows = waves.rows.tolist()
    pairs = pairs.copy()
    if waves.plan.scenarios:
        replied = [replies.of("scenario", row) for row in rows]
        pairs["scenario"] = pd.Series([reply["scenario"] if reply else UNASSIGNED for reply in replied], index=pairs.index, dtype=object)
    versions = [_versions(replies, row) for row in rows]
    columns: dict[str, list[Any]] = {
        ANNOTATOR: [model if said else None for said in versions],
        ANNOTATION: [" ".join(said) or None for said in versions],
    }
    for name, found in _words(waves, replies).items():
        columns[f"meta.{name}"] = found
    for name, values in columns.items():
        before = pairs[name].tolist() if name in pairs and name in _ADDED_UP else [None] * len(rows)
        pairs[name] = pd.Series([_both(old, new) for old, new in zip(before, values, strict=True)], index=pairs.index, dtype=object)
    return pairs


def _versions(replies: Replies, row: int) -> list[str]:
    """The prompts whose replies a pair has, in the order of asking."""
    found = (replies.ask(stage, row) for stage in ASKED)
    return [ask.call.prompt for ask in found if ask is not None]


def _both(old: Any, new: Any) -> Any:
    """A value after an earlier one, where the pair was annotated before."""
    if not isinstance(old, str) or not old or old == new:
        return new
    return old if new is None else f"{old}; {new}"


def _words(waves: Waves, replies: Replies) -> dict[str, list[str | None]]:
    """What the model wrote beside its ratings, for reading, and what one's own properties mean, which no file of prompts says."""
    rows, plan = waves.rows.tolist(), waves.plan
    found: dict[str, list[str | None]] = {}
    if plan.own:
        sentences = "\n".join(f"{own.name}: {own.meaning}" for own in plan.own)
        found["own_properties"] = [None if replies.of("own", row) is None else sentences for row in rows]
    if plan.checks:
        checks = [replies.of("query check", row) or {} for row in rows]
        found |= {name: ["\n".join(check.get(name, ())) or None for check in checks] for name in ("constraints", "stances", "mistakes")}
    if plan.reference:
        found["reference"] = [replies.of("reference", row) or None for row in rows]
    if "errors" in plan.stages:
        sides = [_sides(replies, "errors", row, again=False) or ({}, {}) for row in rows]
        for place, side in enumerate("ab"):
            found[f"errors_{side}"] = [
                json.dumps(pair[place]["errors"], ensure_ascii=False) if pair[place].get("errors") else None for pair in sides
            ]
    return found
