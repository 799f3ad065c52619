"""A planted annotator behind the chat protocol: it reads marks in the texts, <<polite>>, and answers each prompt in its own form."""

import dataclasses
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dissection.dataset import PairDataset
from dissection.properties import paper_properties
from tests.chat_server import Body, draw, tagged
from tests.conftest import make_dataset

MARK = re.compile(r"<<(\w+)>>")
RATED = re.compile(r'^- "([^"]+)":', re.MULTILINE)
# Condition → the mark of a query for which it holds.
QUERY_MARKS = {
    "intent_unclear": "vague",
    "express_feeling": "sad",
    "w_constraints": "constraint",
    "w_stances": "stance",
    "w_mistakes": "mistake",
}
PAPER = tuple(property_.name for property_ in paper_properties())
SPECIFIC = ("clarifies_intent", "empathetic", "meets_constraints", "supports_stances", "corrects_mistakes")
TAGS = ("request", "answer_a", "answer_b", "reference", "constraints", "stances", "mistakes")


def marks(text: str) -> Counter[str]:
    return Counter(MARK.findall(text))


def kind(body: Body) -> str:
    """Which prompt it is."""
    said = "".join(message["content"] for message in body["messages"])
    words = {
        "say what it holds": "check",
        "what kind of help": "scenario",
        "others are checked against": "reference",
        "look for errors": "errors",
        "particular about one request": "specific",
        "Rate each answer on each of these": "basic",
        "on how far each of these holds": "own",
    }
    return next(name for part, name in words.items() if part in said)


@dataclass
class PlantedAnnotator:
    """Rates by marks: 2 where an answer has the mark of a property, else 1.

    Attributes:
        noise: probability that a pair's two ratings on a property are drawn anew.
        position: probability that what is shown first gets a point more.
        seen: kind → how many calls there were.
    """

    noise: float = 0.0
    position: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, body: Body) -> str:
        asked = kind(body)
        self.seen[asked] += 1
        if asked == "reference":
            return "the right answer"
        if asked == "check":
            return json.dumps(self.check(marks(tagged(body, "request"))))
        if asked == "scenario":
            query = marks(tagged(body, "request"))
            return json.dumps({"scenario": "Code" if query["code"] else "Others"})
        first, second = (marks(tagged(body, tag)) for tag in ("answer_a", "answer_b"))
        if asked == "errors":
            return json.dumps({"a": self.errors(first), "b": self.errors(second)})
        if asked == "specific":
            return json.dumps({"a": self.specific(body, first), "b": self.specific(body, second)})
        return json.dumps(dict(zip("ab", self.rated(body, first, second), strict=True)))

    def check(self, query: Counter[str]) -> Body:
        lists = {f"{name}s": [f"{name} {number + 1}" for number in range(query[name])] for name in ("constraint", "stance", "mistake")}
        return {"intent_clear": not query["vague"], "feelings": bool(query["sad"]), **lists}

    def errors(self, answer: Counter[str]) -> Body:
        if answer["unknowable"]:
            return {"checkable": False, "errors": []}
        # The mark says that an answer is without such errors.
        found = [{"what": f"a {name} one", "severity": name} for name in ("minor", "moderate", "severe") if not answer[f"no_{name}_errors"]]
        return {"checkable": True, "errors": found}

    def specific(self, body: Body, answer: Counter[str]) -> Body:
        said = body["messages"][-1]["content"]
        found: dict[str, Any] = {}
        for name, mark in zip(("intent", "empathy"), SPECIFIC, strict=False):
            if f'"{name}":' in said:
                found[name] = 3 if answer[mark] else 1
        words: dict[str, tuple[Any, Any]] = {
            "constraints": (3, 1),
            "stances": ("strongly supported", "neutral"),
            "mistakes": ("pointed out and corrected", "neither pointed out nor corrected"),
        }
        for (name, (better, worse)), mark in zip(words.items(), SPECIFIC[2:], strict=True):
            if f"<{name}>" in said:
                found[name] = [better if answer[mark] else worse] * len(tagged(body, name).splitlines())
        return found

    def rated(self, body: Body, first: Counter[str], second: Counter[str]) -> tuple[Body, Body]:
        ratings: tuple[Body, Body] = ({}, {})
        luck = random.Random(draw(body))
        for name in RATED.findall(body["messages"][-1]["content"]):
            mark = name.replace(" ", "_")
            pair = [_has(answer, mark) for answer in (first, second)]
            if luck.random() < self.position:
                pair[0] += 1
            if luck.random() < self.noise:
                pair = [luck.randrange(4), luck.randrange(4)]
            for side, rating in zip(ratings, pair, strict=True):
                side[name] = rating
        return ratings


def _has(answer: Counter[str], mark: str) -> int:
    if mark == "repetitive":  # the mark is of the property, the rating of its opposite
        return 1 if answer["non_repetitive"] else 2
    if mark == "relevant":  # only "not at all" against anything else counts
        return 2 if answer[mark] else 0
    return 2 if answer[mark] else 1


def planted(n: int, seed: int = 0, *, specific: bool = True) -> tuple[PairDataset, "pd.DataFrame"]:
    """Pairs without properties, whose texts bear marks of all of the paper's properties but the length; and the true comparisons."""
    rng = random.Random(seed)
    names = [name for name in PAPER if name != "longer"]
    plain = make_dataset(n, d=0, weights={"one": []}, scenarios=("All",), seed=seed).without_judges({"one"})
    pairs, truth = plain.pairs.copy(), []
    texts: dict[str, list[str]] = {"query": [], "response_a": [], "response_b": []}
    for row in range(n):
        plain_query = not specific or rng.random() < 0.25
        holds = [condition for condition in QUERY_MARKS if not plain_query and rng.random() < 0.7]
        drawn = {name: rng.choice((-1, 0, 1)) for name in names}
        for name, condition in zip(PAPER[23:28], QUERY_MARKS, strict=True):
            drawn[name] = drawn[name] if condition in holds else 0
        truth.append(drawn)
        texts["query"].append(" ".join([f"question {row}", *(f"<<{QUERY_MARKS[condition]}>>" for condition in holds)]))
        for side, sign in (("response_a", 1), ("response_b", -1)):
            more = (f"<<{name.replace(' ', '_').replace('-', '_')}>>" for name, value in drawn.items() if value == sign)
            texts[side].append(" ".join([f"{side} of {row}", *more]))
    for column, values in texts.items():
        pairs[column] = pd.Series(values, index=pairs.index, dtype=object)
    return dataclasses.replace(plain, pairs=pairs), pd.DataFrame(truth, index=pairs.index)
