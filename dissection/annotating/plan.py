"""What is to be annotated: stages, own properties, scenarios, and which pairs again with the answers swapped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dissection.dataset import ALL_PAIRS, CONDITION_LABELS, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import DATA_FOLDER
from dissection.properties import Family, Property, describe, offered_properties, paper_properties
from dissection.rating_rules import ACCURACY, BASIC, LENGTH, SPECIFIC
from dissection.tables_text import MAX_CELL_LENGTH
from dissection.verdicts import shown

Stage = Literal["check", "basic", "errors", "specific"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
MOST_OWN: Final = 20
MOST_SCENARIOS: Final = 60
MOST_SENTENCE: Final = 400
MOST_NAME: Final = 60
# Of a query that has no usable reply.
UNASSIGNED: Final = "Not assigned"


@dataclass(frozen=True)
class Scenario:
    """A kind of request that queries are sorted into: its name, and one sentence that says what belongs there."""

    name: str
    meaning: str

    def __post_init__(self) -> None:
        _check_words("scenario", self.name, self.meaning)


@dataclass(frozen=True)
class AnnotationPlan:
    """What a model is asked about the pairs of a dataset.

    Attributes:
        stages: "check" for the five conditions of the query, "basic" for the 20 basic properties, "errors", and "specific" for the five
            properties that depend on the query; "specific" makes the check as well.
        own: further properties, each a name and one sentence, rated 0 to 3 in one call a pair.
        scenarios: into which the queries are sorted, each into one; empty: the dataset keeps those it has.
        reference: whether an answer of the model itself is made first, to compare with when errors are looked for.
        swapped: whether B is shown first; what comes out is in terms of A and B all the same.
        share: of the pairs, drawn by the seed; the dataset that comes out holds these alone.
        again: share of these pairs that is annotated once more, with the answers in the other order.
        seed: of both draws, so that a second annotator gets the same pairs.
        replace: whether properties, conditions and notes that the dataset has may be put in the place of.
        max_tokens: of each reply; None: what each needs. Models that think before they answer need more.

    Raises:
        InputError: nothing is asked, a name can't be used, means something else or comes twice, or a share is out of its range.
    """

    stages: tuple[Stage, ...] = STAGES
    own: tuple[Property, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    reference: bool = False
    swapped: bool = False
    share: float = 1.0
    again: float = 0.0
    seed: int = 0
    replace: bool = False
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        unknown = [stage for stage in self.stages if stage not in STAGES]
        if unknown:
            raise UnknownNameError(f"There is no stage named {shown(unknown[0])}.", accepted=", ".join(STAGES))
        if not (self.stages or self.own or self.scenarios):
            raise InputError("Nothing is to be annotated.", accepted="a stage, an own property or scenarios", remedy="choose at least one")
        if self.reference and "errors" not in self.stages:
            raise InputError("A reference answer is for finding errors.", accepted="the stage errors", remedy="choose it, or no reference")
        _check_own(self.own, self.names)
        _check_scenarios(self.scenarios)
        if not 0 < self.share <= 1 or not 0 <= self.again <= 1:
            raise InputError("A share of the pairs is out of its range.", accepted="a number from 0 to 1", remedy="correct it")
        if self.again and not self.compares:
            raise InputError(
                "Nothing compares the answers, so nothing can be annotated again in the other order.",
                accepted="the stages basic, errors or specific, or an own property",
                remedy="choose one of them",
            )
        if self.seed < 0 or (self.max_tokens is not None and not 1 <= self.max_tokens <= MAX_CELL_LENGTH):
            raise InputError(
                "The seed or the length of a reply is out of its range.",
                accepted=f"a seed from 0, a length from 1 to {MAX_CELL_LENGTH:,} tokens",
                remedy="correct it",
            )

    @property
    def checks(self) -> bool:
        """Whether the queries are checked for their conditions."""
        return "check" in self.stages or "specific" in self.stages

    @property
    def compares(self) -> bool:
        """Whether any stage looks at both answers."""
        return bool(self.own) or any(stage != "check" for stage in self.stages)

    @property
    def asked_names(self) -> tuple[str, ...]:
        """The properties that the model is asked about, in the order of the paper, then one's own."""
        parts: dict[Stage, Sequence[str]] = {"basic": BASIC, "errors": ACCURACY, "specific": tuple(SPECIFIC)}
        return (*(name for stage, names in parts.items() if stage in self.stages for name in names), *(own.name for own in self.own))

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that come of it: those asked about, and the length, which is counted."""
        return (*self.asked_names, LENGTH) if self.compares else ()

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that come of it."""
        return tuple(condition for condition, _ in SPECIFIC.values()) if self.checks else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The columns `meta.*` for what the model writes beside its ratings, for reading."""
        of_query = ("constraints", "stances", "mistakes") if self.checks else ()
        of_answers = ("errors_a", "errors_b") if "errors" in self.stages else ()
        return tuple(f"meta.{name}" for name in (*of_query, *(("reference",) if self.reference else ()), *of_answers))

    def properties(self) -> tuple[Property, ...]:
        """`names` with what is known of them."""
        known = {property_.name: property_ for property_ in (*paper_properties(), *self.own)}
        return tuple(known[name] for name in self.names)

    def check(self, dataset: PairDataset) -> None:
        """Refuse, before anything is paid, what the dataset has no place for.

        Raises:
            InputError: it has properties, conditions or notes of these names, which may not be replaced; or a scenario is called as one of
                its conditions.
        """
        taken = [name for name in self.asked_names if name in (p.name for p in dataset.properties if not p.computed)]
        taken += [name for name in self.conditions if name in dataset.conditions]
        taken += [name for name in self.notes if name in dataset.pairs]
        if taken and not self.replace:
            raise InputError(
                f"The data has {', '.join(taken[:8])}{' …' if len(taken) > 8 else ''} already.",
                where=dataset.name,
                accepted="stages and properties that it does not have yet",
                remedy="leave them out, rename your own, or say that they may be replaced",
            )
        for scenario in self.scenarios:
            if scenario.name in dataset.conditions:
                raise _taken_scenario(scenario.name, f"a condition of {dataset.name}")


def chosen_rows(n: int, plan: AnnotationPlan) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows that are annotated, and those of them that are annotated again; both in the order of the dataset.

    A smaller share is a part of a larger one, and both are the same for all models.
    """
    order = np.random.default_rng(plan.seed).permutation(n)
    first = order[: max(round(plan.share * n), 1)]
    return np.sort(first), np.sort(first[: max(round(plan.again * len(first)), 1 if plan.again else 0)])


@cache
def paper_scenarios() -> tuple[Scenario, ...]:
    """The eleven scenarios of Li et al. (ACL 2024, arXiv 2402.11296), described in our own words: `data/scenarios.json`."""
    return tuple(Scenario(**record) for record in json.loads((DATA_FOLDER / "scenarios.json").read_text(encoding="utf-8")))


def own_property(name: str, meaning: str, family: Family = "other") -> Property:
    """A property of the user's own; one of the starting set keeps its family as long as its sentence is the same.

    Raises:
        InputError: the name or the sentence is missing, too long, or can't be shown.
    """
    found = Property(name.strip(), meaning.strip(), family)
    _check_words("property", found.name, found.meaning)
    return next((offered for offered in offered_properties() if (offered.name, offered.meaning) == (found.name, found.meaning)), found)


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Scenarios from a file: a JSON list of {"name", "meaning"}, or lines "NAME: sentence".

    Raises:
        InputError: the file can't be read, or an entry has another form; the message says which.
    """
    accepted = 'a JSON list of {"name": …, "meaning": …}, or lines NAME: sentence'
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError("The scenarios can't be read.", where=str(path), accepted=f"a text file: {accepted}") from None
    return scenarios_of(text, str(path))


def scenarios_of(text: str, where: str = "") -> tuple[Scenario, ...]:
    """Scenarios from a text, as in `read_scenarios`."""
    accepted = 'a JSON list of {"name": …, "meaning": …}, or lines NAME: sentence'
    if text.lstrip().startswith("["):
        try:
            records = [(record["name"], record["meaning"]) for record in json.loads(text)]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise InputError("The scenarios are no list of names and meanings.", where=where, accepted=accepted) from None
        if not all(isinstance(part, str) for record in records for part in record):
            raise InputError("A name or a meaning of a scenario is no text.", where=where, accepted=accepted)
    else:
        records = []
        for number, line in enumerate(text.splitlines(), start=1):
            name, colon, meaning = line.partition(":")
            if line.strip() and not colon:
                raise InputError("A scenario has no sentence.", where=f"{where}, line {number}".lstrip(", "), accepted=accepted)
            records += [(name, meaning)] if line.strip() else []
    found = tuple(Scenario(name.strip(), meaning.strip()) for name, meaning in records)
    _check_scenarios(found)
    if not found:
        raise InputError("There are no scenarios.", where=where, accepted=accepted, remedy="write some")
    return found


def _check_words(what: str, name: str, sentence: str) -> None:
    for part, text, most in (("name", name, MOST_NAME), ("sentence", sentence, MOST_SENTENCE)):
        if not text.strip() or len(text) > most or not text.isprintable():
            raise InputError(
                f"The {part} of a {what} is {shown(text)}.",
                accepted=f"1 to {most} characters in one line",
                remedy=f"say in one sentence what belongs to the {what}" if part == "sentence" else "choose a plain name",
            )
    if any(mark in name for mark in '"\\<>'):
        raise InputError(f"The name of a {what} is {shown(name)}.", accepted="a name without quotes, backslashes and angle brackets")


def _check_own(own: Sequence[Property], names: Sequence[str]) -> None:
    if len(own) > MOST_OWN:
        raise InputError(f"{len(own)} properties of one's own.", accepted=f"at most {MOST_OWN} at a time", remedy="annotate in two goes")
    for property_ in own:
        _check_words("property", property_.name, property_.meaning)
        if names.count(property_.name) > 1 or property_.name == LENGTH:
            raise InputError(f"The property {shown(property_.name)} comes twice.", accepted="different names", remedy="rename one")
        known = describe(property_.name)
        if known.computed or (known.meaning and (known.name, known.meaning) != (property_.name, property_.meaning)):
            # A file holds names alone: it would be read as the other one, or not at all where both are in it.
            raise InputError(
                f"The name {shown(property_.name)} already stands for the property “{known.name}”: {known.meaning}",
                accepted="a name that no other property has, in any spelling",
                remedy="choose another name",
            )


def _check_scenarios(scenarios: Sequence[Scenario]) -> None:
    names = [scenario.name for scenario in scenarios]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"The scenario {shown(twice)} comes twice.", accepted="different names", remedy="rename one")
    for name in names:
        if name in (ALL_PAIRS, UNASSIGNED, *CONDITION_LABELS):
            raise _taken_scenario(name, "something else")
    if len(names) == 1 or len(names) > MOST_SCENARIOS:
        raise InputError(f"{len(names)} scenarios.", accepted=f"2 to {MOST_SCENARIOS}", remedy="give more, or fewer, or none")


def _taken_scenario(name: str, what: str) -> InputError:
    return InputError(f"A scenario can't be called {shown(name)}, as that is {what}.", accepted="another name", remedy="rename it")
