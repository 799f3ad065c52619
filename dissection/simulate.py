"""Judges with planted tastes: the embedded demo, and small draws for tests and benchmarks.

The demo's verdicts follow the model of Li et al. (ACL 2024, arXiv 2402.11296), P(A preferred) = σ(α·φ + bias), so what a fit finds can be
held against what was planted. The pairs come from `demo_pairs`.
"""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dissection.demo_pairs import Record, draw_pairs, read_comparison
from dissection.demo_texts import phrase_bank
from dissection.errors import DatasetError, FileError
from dissection.judges import describe
from dissection.properties import paper_properties
from dissection.whole_file import whole_file, write_whole

FloatArray = NDArray[np.float64]

DEMO_JUDGES = (
    "human",
    *(f"{family}-{size}b{end}" for family in ("aspen", "cedar") for size in (7, 14, 70) for end in ("", "-chat")),
    "maple-large",
)
BOTH_ORDERS = ("aspen-70b-chat", "maple-large")
SOFT = ("cedar-70b-chat",)
TIE_MARGIN, TIE_SHARE, MISSING_SHARE = 0.2, 0.6, 0.02
PRIOR_SCALE = 0.1
TASTE_NOISE, TASTE_CHANGES, TASTE_FLOOR = 0.1, 7, 0.12
DECIMALS = 4
PAIR_STREAM, TASTE_STREAM, VERDICT_STREAM = 1, 2, 3


def sigmoid(values: FloatArray) -> FloatArray:
    """1 / (1 + e^−x), for each value."""
    return np.asarray(1.0 / (1.0 + np.exp(-values)), dtype=np.float64)


def draw_comparisons(n: int, d: int, rng: np.random.Generator) -> FloatArray:
    """Comparisons as sparse and as correlated as annotated ones.

    Args:
        n: pairs, at least 1.
        d: properties, at least 1.
        rng: numpy's generator.

    Returns:
        (n × d) of −1, 0 and 1. Each property differs in a tenth to two fifths of the pairs; a common factor (the better answer is often
        better on many) makes properties correlate by about −0.1 to 0.4.

    Raises:
        DatasetError: n or d is below 1.
    """
    if n < 1 or d < 1:
        raise DatasetError(f"There is nothing to draw for {n} pairs and {d} properties.", accepted="at least one pair and one property")
    loadings = rng.uniform(-0.2, 0.7, d)
    latent = rng.standard_normal((n, 1)) * loadings + rng.standard_normal((n, d)) * np.sqrt(1 - loadings**2)
    thresholds = np.array([NormalDist().inv_cdf(1 - share / 2) for share in rng.uniform(0.1, 0.4, d)])
    return np.asarray(np.sign(latent) * (np.abs(latent) > thresholds), dtype=np.float64)


def draw_verdicts(comparisons: FloatArray, weights: FloatArray, rng: np.random.Generator, intercept: float = 0.0) -> FloatArray:
    """A judge's verdicts on pairs, drawn from the model.

    Args:
        comparisons: (pairs × properties).
        weights: (properties,) the judge's taste, in log-odds.
        rng: numpy's generator.
        intercept: log-odds for A that rest on no property, such as a position bias.

    Returns:
        (pairs,) 1 where A is preferred, else 0.

    Raises:
        DatasetError: the weights don't fit the comparisons.
    """
    if comparisons.ndim != 2 or weights.shape != comparisons.shape[1:]:
        shapes = f"Weights of shape {weights.shape} for comparisons of shape {comparisons.shape}."
        raise DatasetError(shapes, accepted="one weight a property")
    chance = sigmoid(comparisons @ weights + intercept)
    return np.asarray(rng.random(len(comparisons)) < chance, dtype=np.float64)


def simulate_demo(pairs: int = 2600, judges: int = 14, seed: int = 0) -> tuple[list[Record], Record]:
    """The demo: pairs with texts, annotations and verdicts, and the tastes that were planted.

    Most judges were asked once, with A shown first. `BOTH_ORDERS` were asked in both orders; `SOFT` give the model's probability, rounded
    to two decimals. The human misses one pair in fifty at random, and calls a tie in three of five pairs on which both answers are worth
    about the same to them (|α·φ| < 0.2). Ties depend on |α·φ| and not on its sign, so the decided verdicts still follow the model.
    A judge's verdicts depend on the seed and the pairs, and not on how many judges there are.

    Args:
        pairs: how many, at least 11 (one a scenario).
        judges: how many, at least 1. Up to 14 the first of `DEMO_JUDGES`; then "judge-15", … with one taste each from Laplace(0, 0.1).
        seed: of all draws, at least 0.

    Returns:
        The records in the native form, and the truth: "tastes" {judge: {scenario: [29 weights]}} in log-odds, "position_bias" {judge:
        weight of being shown first}, "properties" [29 names]. A condition spans scenarios, so no single taste is planted there.

    Raises:
        DatasetError: a number is out of its range.
    """
    scenarios = phrase_bank()["scenarios"]
    for what, value, least in (("pairs", pairs, len(scenarios)), ("judges", judges, 1), ("seed", seed, 0)):
        if value < least:
            raise DatasetError(f"{what} is {value}.", accepted=f"a whole number of at least {least}", remedy=f"raise {what}")
    records = draw_pairs(pairs, np.random.default_rng([seed, PAIR_STREAM]))
    names = [property_.name for property_ in paper_properties()]
    comparisons = np.array([[read_comparison(record["properties"][name]) for name in names] for record in records], dtype=np.float64)
    groups = [record["scenario"] for record in records]
    truth: Record = {"tastes": {}, "position_bias": {}, "properties": names}
    for index in range(judges):
        judge = DEMO_JUDGES[index] if index < len(DEMO_JUDGES) else f"judge-{index + 1}"
        tastes = {scenario["name"]: _taste(judge, index, number, seed) for number, scenario in enumerate(scenarios)}
        bias = phrase_bank()["tastes"]["position_bias"].get(_kind(judge), 0.0)
        truth["tastes"][judge], truth["position_bias"][judge] = {name: taste.tolist() for name, taste in tastes.items()}, bias
        values = np.einsum("ij,ij->i", comparisons, np.array([tastes[group] for group in groups]))
        verdicts = _verdicts(judge, values, bias, np.random.default_rng([seed, VERDICT_STREAM, index]))
        for record, verdict in zip(records, verdicts, strict=True):
            record["labels"][judge] = verdict
    return records, truth


def write_demo(path: Path, pairs: int = 2600, judges: int = 14, seed: int = 0, truth_path: Path | None = None) -> None:
    """Writes the demo's records to `path`, and the planted truth to `truth_path` if one is given.

    Args:
        path: ends in .jsonl or .jsonl.gz. The compressed file carries neither time nor name, so it is the same at each run.
        pairs: as in `simulate_demo`.
        judges: as in `simulate_demo`.
        seed: as in `simulate_demo`.
        truth_path: a JSON file.

    Raises:
        FileError: the path has another ending.
        DatasetError: as in `simulate_demo`.
    """
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        raise FileError(f"The demo can't be written as {path.name!r}.", accepted=".jsonl or .jsonl.gz", remedy="choose another file name")
    records, truth = simulate_demo(pairs, judges, seed)
    content = "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records).encode("utf-8")
    with whole_file(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                packed.write(content)
        else:
            file.write(content)
    if truth_path is not None:
        write_whole(truth_path, json.dumps(truth, ensure_ascii=False, separators=(",", ":")) + "\n")


def _kind(judge: str) -> str:
    """The class of judges that shares scale and position bias."""
    known = describe(judge)
    if judge not in DEMO_JUDGES:
        return "other"
    if known.size is None:
        return "human" if judge == "human" else "maple"
    return f"{'small' if known.size <= 14 else 'large'} {'aligned' if known.aligned else 'base'}"


def _taste(judge: str, index: int, scenario: int, seed: int) -> FloatArray:
    """(29,) weights. An aligned judge shares all but the scale with its base, so both draw their peculiarities from one stream."""
    names = [property_.name for property_ in paper_properties()]
    kind = _kind(judge)
    if kind == "other":
        return np.round(np.random.default_rng([seed, TASTE_STREAM, index]).laplace(0.0, PRIOR_SCALE, len(names)), DECIMALS)
    bank, known = phrase_bank()["tastes"], describe(judge)
    layers: list[Mapping[str, float]] = [bank["large" if kind == "maple" else kind.split()[0]], bank["family"].get(known.family, {})]
    layers.append(bank["maple"] if kind == "maple" else bank["size_7"] if known.size == 7 else {})
    layers.append(bank["scenario"][phrase_bank()["scenarios"][scenario]["name"]])
    taste = np.array([sum(layer.get(name, 0.0) for layer in layers) for name in names])
    base = DEMO_JUDGES.index(judge.removesuffix("-chat"))
    rng = np.random.default_rng([seed, TASTE_STREAM, base, scenario])
    changed = rng.permutation(len(names))[:TASTE_CHANGES]
    taste[changed] += rng.normal(0.0, TASTE_NOISE, TASTE_CHANGES)
    # A taste is a few strong wishes, not many faint ones: what a scenario of 200 pairs can show.
    sparse = np.sign(taste) * np.maximum(np.abs(taste) - TASTE_FLOOR, 0.0)
    return np.asarray(np.round(sparse * bank["scales"][kind], DECIMALS), dtype=np.float64)


def _verdicts(judge: str, values: FloatArray, bias: float, rng: np.random.Generator) -> list[Any]:
    first, second = sigmoid(values + bias), sigmoid(values - bias)
    if judge in SOFT:
        return [round(float(chance), 2) for chance in first]
    draws = rng.random((4, len(values)))
    sides = ["a" if hit else "b" for hit in draws[0] < first]
    if judge in BOTH_ORDERS:
        return [{"ab": ab, "ba": "a" if hit else "b"} for ab, hit in zip(sides, draws[1] < second, strict=True)]
    if judge != "human":
        return sides
    tied = (np.abs(values) < TIE_MARGIN) & (draws[2] < TIE_SHARE)
    missing = draws[3] < MISSING_SHARE
    return [None if lost else "tie" if tie else side for side, tie, lost in zip(sides, tied, missing, strict=True)]
