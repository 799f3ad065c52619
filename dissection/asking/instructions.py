"""Instructions to begin with, to see how far a model can be steered; the file is data/instructions.json."""

import json
from functools import cache
from typing import Final

from dissection.asking.verdicts import Instruction
from dissection.judges import DATA_FOLDER

FILE: Final = DATA_FOLDER / "instructions.json"


@cache
def starting_instructions() -> tuple[Instruction, ...]:
    """Names and texts in our own words; the first has no name: it is the model's own judgement."""
    return tuple(Instruction(str(one["name"]), str(one["text"])) for one in json.loads(FILE.read_text(encoding="utf-8")))
