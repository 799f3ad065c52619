"""The catalogue of properties: short name, meaning, family, direction.

A comparison of +1 means that answer A has more of the property than B. The 29 properties of Li et al. (ACL 2024, arXiv 2402.11296), the
computed text properties and those that are offered for annotation are in `data/properties.json`; a dataset may bring others.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Literal

from dissection.judges import DATA_FOLDER

Family = Literal["substance", "safety", "interaction", "style", "other"]
FAMILIES: tuple[Family, ...] = ("substance", "safety", "interaction", "style", "other")


@dataclass(frozen=True)
class Property:
    """One property of an answer.

    Attributes:
        name: short, unique, as shown on every axis.
        meaning: one sentence in plain words.
        family: substance, safety, interaction, style or other.
        good: +1 if having more of it is usually good, -1 if bad, 0 if a matter of taste.
        computed: how it is computed from text; empty for an annotated property.
        aliases: other names that files use for it.
    """

    name: str
    meaning: str = ""
    family: Family = "other"
    good: int = 0
    computed: str = ""
    aliases: tuple[str, ...] = ()


@cache
def _catalogue() -> dict[str, tuple[Property, ...]]:
    sections = json.loads((DATA_FOLDER / "properties.json").read_text(encoding="utf-8"))
    return {
        section: tuple(Property(**{**record, "aliases": tuple(record.get("aliases", ()))}) for record in records)
        for section, records in sections.items()
    }


def paper_properties() -> tuple[Property, ...]:
    """The 29 properties of the paper, in the order of the published weights."""
    return _catalogue()["paper"]


def computed_properties() -> tuple[Property, ...]:
    """The properties that are computed from text, in the order of `text_properties.measure`."""
    return _catalogue()["computed"]


def offered_properties() -> tuple[Property, ...]:
    """Properties that are offered to those who annotate by properties of their own."""
    return _catalogue()["offered"]


@cache
def _by_name() -> dict[str, Property]:
    known: dict[str, Property] = {}
    for property_ in (*paper_properties(), *computed_properties(), *offered_properties()):
        for name in (property_.name, *property_.aliases):
            known.setdefault(name.casefold(), property_)
    return known


def describe(name: str) -> Property:
    """The property of this name: from the catalogue if it (or an alias) is there, else a plain one with this name."""
    known = _by_name().get(name.strip().casefold())
    return known if known else Property(name.strip())
