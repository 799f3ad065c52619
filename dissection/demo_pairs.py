"""Pairs of the embedded demo: which query, which two writers, and the annotations that follow from what was written."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dissection.demo_texts import (
    TONES,
    Answer,
    Composer,
    draw_plan,
    fill_topic,
    keeps_constraint,
    make_request,
    phrase_bank,
    pick,
    plan_pair,
    word_limit,
)
from dissection.errors import DatasetError
from dissection.properties import paper_properties
from dissection.text_properties import compare_lengths

Record = dict[str, Any]

CONDITION_ORDER = ("w_constraints", "w_stances", "w_mistakes", "intent_unclear", "express_feeling")
# A query that is unclear, opinionated and mistaken all at once reads like nonsense.
EXCLUSIVE = ("intent_unclear", "w_mistakes", "w_stances")
BY_LEVEL = (*TONES, "complex wording", "supporting material")


def read_comparison(entry: Mapping[str, int]) -> int:
    """A native-form entry, scores or comparison, as a comparison: +1 if A has more of it."""
    if "comparison" in entry:
        return entry["comparison"]
    return (entry["a"] > entry["b"]) - (entry["a"] < entry["b"])


def draw_pairs(pairs: int, rng: np.random.Generator) -> list[Record]:
    """The demo's pairs in the native form, without labels.

    Args:
        pairs: how many, at least one a scenario.
        rng: numpy's generator.

    Raises:
        DatasetError: there are fewer pairs than scenarios.
    """
    scenarios = phrase_bank()["scenarios"]
    if pairs < len(scenarios):
        raise DatasetError(f"pairs is {pairs}.", accepted=f"a whole number of at least {len(scenarios)}", remedy="raise pairs")
    sizes = _sizes(pairs, [scenario["size"] for scenario in scenarios])
    rest = np.repeat(np.arange(len(scenarios)), np.array(sizes) - 1)
    # One of each first, so that groups keep the bank's order wherever they are listed by their first pair.
    order = [*range(len(scenarios)), *(int(rest[i]) for i in rng.permutation(len(rest)))]
    topics = [pick(scenarios[number]["topics"], rng) for number in order]
    conditions = _draw_conditions(topics, rng)
    return [
        _draw_pair(f"demo-{index + 1:04d}", scenarios[number], topic, held, rng)
        for index, (number, topic, held) in enumerate(zip(order, topics, conditions, strict=True))
    ]


def _sizes(pairs: int, shares: list[float]) -> list[int]:
    """Whole numbers of at least 1 in about these shares, of the given sum."""
    spare = pairs - len(shares)
    exact = [spare * share / sum(shares) for share in shares]
    sizes = [1 + int(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda i: (int(exact[i]) - exact[i], i))
    for i in by_remainder[: pairs - sum(sizes)]:
        sizes[i] += 1
    return sizes


def _draw_conditions(topics: list[Mapping[str, Any]], rng: np.random.Generator) -> list[list[str]]:
    needed = {"w_stances": "stance", "w_mistakes": "premise", "intent_unclear": "vague"}
    held: list[set[str]] = [set() for _ in topics]
    for condition, share in phrase_bank()["condition_shares"].items():
        able = [
            index
            for index, topic in enumerate(topics)
            if needed.get(condition, "subject") in topic and not (condition in EXCLUSIVE and held[index].intersection(EXCLUSIVE))
        ]
        for position in rng.permutation(len(able))[: round(share * len(topics))]:
            held[able[int(position)]].add(condition)
    return [[condition for condition in CONDITION_ORDER if condition in conditions] for conditions in held]


def _draw_pair(
    pair_id: str, scenario: Mapping[str, Any], topic: Mapping[str, Any], conditions: list[str], rng: np.random.Generator
) -> Record:
    writers = [phrase_bank()["writers"][i] for i in rng.permutation(len(phrase_bank()["writers"]))[:2]]
    request = make_request(fill_topic(topic, rng), frozenset(conditions), rng)
    plans = (draw_plan(writers[0], scenario["boosts"], rng), draw_plan(writers[1], scenario["boosts"], rng))
    plan_pair(request, plans, rng)
    facts = [request.topic["facts"][i] for i in rng.permutation(len(request.topic["facts"]))]
    a, b = (Composer(request, plan, side, facts, rng).compose() for side, plan in enumerate(plans))
    limit = word_limit((len(a.text.split()), len(b.text.split())), rng)
    for answer in (a, b):
        if request.constraint:
            answer.plan["constraint"] = int(keeps_constraint(answer.text, request.constraint, limit))
    return {
        "pair_id": pair_id,
        "scenario": scenario["name"],
        "conditions": conditions,
        "query": request.query.replace("{n}", str(limit)),
        "response_a": a.text,
        "response_b": b.text,
        "model_a": writers[0]["name"],
        "model_b": writers[1]["name"],
        "labels": {},
        "properties": _annotate(a, b, request.conditions),
        "meta": {"topic": topic["subject"], "constraint": request.constraint.get("kind", "none")},
    }


def _annotate(a: Answer, b: Answer, conditions: frozenset[str]) -> Record:
    """Scores where both answers were rated, comparisons where only those are known; a comparison of 0 where the query calls for nothing."""
    entries: Record = {trait: {"a": a.plan[trait], "b": b.plan[trait]} for trait in BY_LEVEL}
    turned = (("grammatical", "typos", 1), ("non-repetitive", "repetition", 1), ("clear", "unclear", 1), ("harmless", "unsafe", 2))
    for name, trait, step in turned:
        entries[name] = {"a": 3 - step * a.plan[trait], "b": 3 - step * b.plan[trait]}
    for name, parts, step in (
        ("well formatted", ("heading", "bullets", "steps"), 1),
        ("step by step", ("steps",), 3),
        ("novel", ("novel",), 2),
    ):
        entries[name] = {"a": step * sum(a.plan[part] for part in parts), "b": step * sum(b.plan[part] for part in parts)}
    entries["rich information"] = {"a": a.plan["facts"] - 1, "b": b.plan["facts"] - 1}
    fewer = (("relevant", "irrelevant"), ("no minor errors", "minor"), ("no moderate errors", "moderate"), ("no severe errors", "severe"))
    for name, trait in fewer:
        entries[name] = {"comparison": (a.plan[trait] < b.plan[trait]) - (a.plan[trait] > b.plan[trait])}
    for name, trait, step, condition in (
        ("clarifies intent", "clarifies", 3, "intent_unclear"),
        ("empathetic", "empathy", 2, "express_feeling"),
        ("meets constraints", "constraint", 3, "w_constraints"),
        ("supports stances", "stance", 1, "w_stances"),
        ("corrects mistakes", "corrects", 3, "w_mistakes"),
    ):
        entries[name] = {"a": step * a.plan[trait], "b": step * b.plan[trait]} if condition in conditions else {"comparison": 0}
    entries["longer"] = {"comparison": compare_lengths(len(a.text.split()), len(b.text.split()))}
    return {property_.name: entries[property_.name] for property_ in paper_properties()}
