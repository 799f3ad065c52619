"""Texts of the embedded demo: a query and two answers, written from a plan of what each answer shows.

A plan comes first (how polite, how many severe errors, …), the text is composed from it, and the scores are read off the plan. So
whatever is annotated can be seen in the text. The phrases are in `data/demo_phrases.json`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np

from dissection.judges import DATA_FOLDER

T = TypeVar("T")
Plan = dict[str, int]
Bank = Mapping[str, Any]

TONES = ("friendly", "polite", "interactive", "authoritative", "rhetorical", "admits limits", "persuasive", "informal", "funny")
TWO_LEVELS = frozenset((*TONES, "typos", "supporting material", "complex wording", "repetition", "unclear"))
GREETINGS = ("polite", "informal", "friendly")
SPOKEN = ("interactive", "authoritative", "funny", "rhetorical", "complex wording", "supporting material", "admits limits", "persuasive")
FLAWS = ("unclear", "irrelevant", "unsafe")


@dataclass(frozen=True)
class Request:
    """What the user asks.

    Attributes:
        topic: one topic of the bank with its slot filled.
        query: the whole query.
        conditions: the condition groups that it belongs to.
        feeling: the feeling it shows and two answers to it; empty where it shows none.
        constraint: an entry of the bank's `constraints`; empty where it makes none.
    """

    topic: Mapping[str, Any]
    query: str
    conditions: frozenset[str]
    feeling: tuple[str, ...] = ()
    constraint: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """A composed answer, and the plan as it was carried out."""

    text: str
    plan: Plan


@cache
def phrase_bank() -> Bank:
    """The content of `data/demo_phrases.json`."""
    bank: Bank = json.loads((DATA_FOLDER / "demo_phrases.json").read_text(encoding="utf-8"))
    return bank


def pick(options: Sequence[T], rng: np.random.Generator) -> T:
    """One of the options, each as likely. `Generator.integers` is used throughout because its stream is the same in every numpy."""
    return options[int(rng.integers(len(options)))]


def fill_topic(topic: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, Any]:
    """The topic with one value put into its slot, wherever the slot is named."""
    slot = topic["slot"]
    if not slot:
        return topic
    value = json.dumps(pick(slot["values"], rng), ensure_ascii=False)[1:-1]
    filled: Mapping[str, Any] = json.loads(json.dumps(topic, ensure_ascii=False).replace("{" + slot["name"] + "}", value))
    return filled


def make_request(topic: Mapping[str, Any], conditions: frozenset[str], rng: np.random.Generator) -> Request:
    """A query on the topic (its slot filled) that meets the conditions. The word limit is still open: see `set_word_limit`."""
    bank = phrase_bank()
    query = topic["vague"][0] if "intent_unclear" in conditions else pick(topic["queries"], rng)
    parts = [pick(bank["frames"], rng) + query[0].upper() + query[1:]]
    if "w_stances" in conditions:
        parts.append(topic["stance"][0])
    if "w_mistakes" in conditions:
        parts.append(topic["premise"][0])
    feeling: tuple[str, ...] = tuple(pick(bank["feelings"], rng)) if "express_feeling" in conditions else ()
    if feeling:
        parts.append(feeling[0])
    constraint: Mapping[str, str] = pick(bank["constraints"], rng) if "w_constraints" in conditions else {}
    if constraint:
        parts.append(constraint["ask"])
    return Request(topic, " ".join(parts), conditions, feeling, constraint)


def draw_plan(writer: Mapping[str, Any], boosts: Mapping[str, float], rng: np.random.Generator) -> Plan:
    """What one answer is going to show: level (0 to 2) of each trait, and the number of facts (1 to 4).

    Args:
        writer: care and flair, each from 0 to 1. Care makes errors rarer and layout and sources more frequent, flair the tones.
        boosts: factors on the chance of single traits in this scenario.
        rng: numpy's generator.
    """
    bank = phrase_bank()
    plan: Plan = {}
    for trait, chance in bank["chances"].items():
        if trait in bank["careless"]:
            skill = 1.6 - 1.15 * writer["care"]
        elif trait in bank["careful"]:
            skill = 0.5 + 0.9 * writer["care"]
        else:
            skill = 0.5 + writer["flair"]
        limit = chance * skill * boosts.get(trait, 1.0)
        draw = rng.random()
        plan[trait] = int(draw < limit) + int(trait in TWO_LEVELS and draw < 0.3 * limit)
    plan["facts"] = 1 + sum(int(rng.random() < 0.2 + 0.5 * writer["care"]) for _ in range(3))
    return plan


def plan_pair(request: Request, plans: tuple[Plan, Plan], rng: np.random.Generator) -> None:
    """Adds to both plans what only this query calls for; three in five times the two sides differ in it."""
    stances = ((2, -2), (2, 0), (0, -2), (2, 2), (-2, -2), (0, 0))
    high, low = stances[int(rng.integers(3)) + (0 if rng.random() < 0.62 else 3)]
    if rng.random() < 0.5:
        high, low = low, high
    for plan, value in zip(plans, (high, low), strict=True):
        plan["stance"] = value if "w_stances" in request.conditions else 0
    wanted = {
        "clarifies": "intent_unclear" in request.conditions,
        "empathy": bool(request.feeling),
        "corrects": "w_mistakes" in request.conditions,
        "constraint": bool(request.constraint),
    }
    for trait, applies in wanted.items():
        both = _contest(rng)
        for plan, value in zip(plans, both, strict=True):
            plan[trait] = value if applies else 0
    for plan in plans:
        if request.constraint:
            _bend_to_constraint(plan, request.constraint["kind"], plan["constraint"])
        listed = 2 if plan["bullets"] else 0
        plan["facts"] = min(4, max(plan["facts"], plan["supporting material"] + listed))


def _contest(rng: np.random.Generator) -> tuple[int, int]:
    if rng.random() < 0.64:
        return (1, 0) if rng.random() < 0.5 else (0, 1)
    value = int(rng.random() < 0.5)
    return value, value


def _bend_to_constraint(plan: Plan, kind: str, met: int) -> None:
    if kind in ("heading", "bullets"):
        plan[kind] = met
    elif kind == "no list":
        plan["bullets"] = int(not met)
        plan["steps"] = 0
    elif kind == "no question":
        plan["interactive"] = 0 if met else max(1, plan["interactive"])
        plan["clarifies"] = 0 if met else plan["clarifies"]


def keeps_constraint(text: str, constraint: Mapping[str, str], limit: int | None = None) -> bool:
    """Whether the text does what the constraint asks.

    Args:
        text: the answer.
        constraint: an entry of the bank's `constraints`.
        limit: the most words allowed; for the kind "max words" only.
    """
    kind, value = constraint["kind"], constraint.get("value", "")
    checks = {
        "starts": text.startswith(value),
        "ends": text.endswith(value),
        "contains": value in text,
        "lacks": re.search(rf"\b{re.escape(value)}\b", text, re.IGNORECASE) is None,
        "heading": re.match(r"\*\*|### ", text) is not None,
        "bullets": "\n- " in text,
        "no list": re.search(r"^(- |1\. )", text, re.MULTILINE) is None,
        "no question": "?" not in text,
        "max words": limit is not None and len(text.split()) <= limit,
    }
    return checks[kind]


def word_limit(words: tuple[int, int], rng: np.random.Generator) -> int:
    """A round limit that, mostly, one of two answers of these lengths keeps and the other breaks."""
    short, long = sorted(words)
    between = 5 * -(-short // 5)
    draw = rng.random()
    if draw < 0.75 and between < long:
        return between
    return 10 * -(-long // 10) if draw < 0.9 or short < 30 else 10 * ((short - 1) // 10)


class Composer:
    """Writes one answer from its plan.

    Args:
        request: what the user asks.
        plan: what the answer shows; a copy is kept, and corrected where the text could not carry it (a typo without a word to fit).
        side: 0 for A, 1 for B. The sides lead with different sentences and take their facts from opposite ends of one shuffled list.
        facts: the topic's facts in that shuffled order.
        rng: numpy's generator.
    """

    def __init__(self, request: Request, plan: Plan, side: int, facts: Sequence[str], rng: np.random.Generator) -> None:
        self.request = request
        self.topic = request.topic
        self.plan = dict(plan)
        self.side = side
        chosen = (list(facts) if side == 0 else list(reversed(facts)))[: plan["facts"]]
        self.quoted = chosen[: plan["supporting material"]]
        self.facts = chosen[plan["supporting material"] :]
        self.rng = rng
        self.open: list[str] = []
        self.middle: list[str] = []
        self.close: list[str] = []

    def compose(self) -> Answer:
        """The answer's text, paragraphs parted by blank lines, and the plan as carried out."""
        self._speak(GREETINGS)
        self._heed_query()
        self._speak((*SPOKEN, *FLAWS))
        lead, body = self._body()
        paragraphs = [" ".join([*self.open, lead, *([] if self.plan["bullets"] else body)])]
        if self.plan["heading"]:
            paragraphs.insert(0, pick(phrase_bank()["headings"], self.rng).format(subject=self.topic["subject"]))
        if self.plan["bullets"]:
            paragraphs.append("\n".join(f"- {sentence}" for sentence in body))
        if self.plan["steps"]:
            paragraphs.append("\n".join(f"{number}. {step}." for number, step in enumerate(self.topic["steps"], 1)))
        middle = [self.middle[i] for i in self.rng.permutation(len(self.middle))]
        repeatable = [lead, *body]
        again = [repeatable[i] for i in self.rng.permutation(len(repeatable))][: self.plan["repetition"]]
        self.plan["repetition"] = len(again)
        paragraphs.append(" ".join([*middle, *again, *reversed(self.close)]))
        return Answer(self._add_constraint("\n\n".join(part for part in paragraphs if part)), self.plan)

    def _speak(self, traits: tuple[str, ...]) -> None:
        bank = phrase_bank()["phrases"]
        for trait in traits:
            places = [place for place in ("open", "middle", "close") if place in bank[trait]]
            level = self.plan[trait]
            # One courteous phrase at each end reads well, two at one end don't.
            where = places if level == len(places) else [pick(places, self.rng)] * level
            used: set[str] = set()
            for index, place in enumerate(where):
                phrase = pick([option for option in bank[trait][place] if option not in used], self.rng)
                used.add(phrase)
                fact = self.quoted[index] if trait == "supporting material" else ""
                getattr(self, place).append(phrase.replace("{subject}", self.topic["subject"]).replace("{fact}", fact))

    def _heed_query(self) -> None:
        topic, plan = self.topic, self.plan
        if plan["empathy"]:
            self.open.append(self.request.feeling[1 + self.side])
        if plan["clarifies"]:
            self.open.append(topic["vague"][1])
        if "w_mistakes" in self.request.conditions:
            self.open.append(topic["premise"][1 if plan["corrects"] else 2])
        if plan["stance"]:
            self.open.append(topic["stance"][1 if plan["stance"] > 0 else 2])
        if plan["novel"]:
            self.middle.append(topic["novel"])

    def _body(self) -> tuple[str, list[str]]:
        errors = [sentence for sentence, kind in zip(self.topic["errors"], ("minor", "moderate", "severe"), strict=True) if self.plan[kind]]
        body = [*self.facts, *errors]
        body = [body[i] for i in self.rng.permutation(len(body))]
        lead, *rest = self._misspell([self.topic["leads"][self.side], *body])
        return lead, rest

    def _misspell(self, sentences: list[str]) -> list[str]:
        done = 0
        for _ in range(self.plan["typos"]):
            options = [
                (index, right, wrong)
                for index, sentence in enumerate(sentences)
                for right, wrong in phrase_bank()["typos"]
                if "`" not in sentence and re.search(rf" {right} ", sentence)
            ]
            if options:
                index, right, wrong = pick(options, self.rng)
                sentences[index] = sentences[index].replace(f" {right} ", f" {wrong} ", 1)
                done += 1
        self.plan["typos"] = done
        return sentences

    def _add_constraint(self, text: str) -> str:
        constraint = self.request.constraint
        addition = constraint.get("met" if self.plan["constraint"] else "broken", "") if constraint else ""
        if not addition:
            return text
        if constraint["kind"] == "starts":
            return addition + ("\n\n" if self.plan["heading"] else " ") + text
        listed = re.match(r"- |\d\. ", text.rsplit("\n", 1)[-1])
        return text + ("\n\n" if listed else " ") + addition
