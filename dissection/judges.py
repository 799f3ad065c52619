"""Judges and what is known of them: family, size, base or aligned."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from dissection.errors import LabelError, TakenNameError

DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"
MAX_NAME_LENGTH = 80
# Who trained the judges of each family; where that is not known, or the judge is made up, there is none.
PROVIDERS = {
    "gpt": "OpenAI",
    "llama-2": "Meta",
    "mistral": "Mistral AI",
    "qwen": "Alibaba",
    "tulu-2": "Allen Institute for AI",
    "vicuna": "LMSYS",
    "wizardLM": "Microsoft",
    "yi": "01.AI",
    "zephyr": "Hugging Face",
}

Origin = Literal["dataset", "upload"]


@dataclass(frozen=True)
class Judge:
    """One judge: a person, a model, or a model under one prompt.

    Attributes:
        name: unique in its dataset.
        family: "llama-2", "qwen", "human", …; None where unknown.
        size: parameters in billions; None where unknown or not a number that means anything (people, closed models).
        aligned: True for instruction- or preference-tuned, False for a base model, None where unknown or not a model.
        origin: "upload" for a judge that a visitor added to their own session.
    """

    name: str
    family: str | None = None
    size: float | None = None
    aligned: bool | None = None
    origin: Origin = "dataset"

    @property
    def alignment(self) -> str:
        """The word for legends: "aligned", "base" or "unknown"."""
        return {True: "aligned", False: "base", None: "unknown"}[self.aligned]

    @property
    def provider(self) -> str | None:
        """Who trained it, by its family; None where unknown or not a model."""
        return PROVIDERS.get(self.family) if self.family else None

    @property
    def size_class(self) -> str:
        """The size classes of Li et al. (2024), section 4: at most 14 B, 30 to 72 B, everything else."""
        if self.size is None:
            return "other"
        return "≤ 14 B" if self.size <= 14 else "30–72 B" if 30 <= self.size <= 72 else "other"


@cache
def _known() -> dict[str, dict[str, object]]:
    records = json.loads((DATA_FOLDER / "judges.json").read_text(encoding="utf-8"))
    return {record["name"]: record for record in records}


def describe(name: str) -> Judge:
    """The judge of this name, with its metadata where the name is one of the 33 published judges or of the demo."""
    record = _known().get(name)
    return Judge(**record) if record else Judge(name)  # type: ignore[arg-type]


def check_name(name: str, taken: tuple[str, ...] = ()) -> str:
    """A judge name that is safe to show and to write into files.

    Raises:
        LabelError: the name is empty, too long, or holds markup or control characters.
        TakenNameError: another judge has it.
    """
    cleaned = name.strip()
    if not cleaned:
        raise LabelError("The judge has no name.", accepted="1 to 80 characters", remedy="type a name for the judge")
    if len(cleaned) > MAX_NAME_LENGTH:
        raise LabelError(f"The judge's name has {len(cleaned)} characters.", accepted=f"at most {MAX_NAME_LENGTH}", remedy="shorten it")
    if re.search(r"[<>&\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e]", cleaned):
        raise LabelError(
            f"The judge's name {cleaned!r} holds markup or control characters.",
            accepted="letters, digits, spaces and . - _ / ( ) + : , @ #",
            remedy="choose a plain name",
        )
    if cleaned in taken:
        raise TakenNameError(cleaned)
    return cleaned
