"""Datasets of the Hub that are known to be worth dissecting, with what their cards say of them."""

import json
from dataclasses import dataclass
from functools import lru_cache

from dissection.hub.address import HubAddress
from dissection.judges import DATA_FOLDER

FILE = DATA_FOLDER / "hub_catalogue.json"


@dataclass(frozen=True)
class KnownSet:
    """One line of the catalogue.

    Attributes:
        repo: owner/name.
        config: the configuration, or the folder where the dataset has no card that says so; None with `file`.
        split: None with `file`.
        file: one file instead of a configuration and split; None else.
        reader: the name of the reader of its form.
        rows: of the split, as the card says; None: not known.
        megabytes: to download for the split; None: not known.
        licence: as the card says.
        gated: whether its terms have to be accepted on its page; None: not known.
        learn: what can be learned from it.
    """

    repo: str
    config: str | None
    split: str | None
    file: str | None
    reader: str
    rows: int | None
    megabytes: float | None
    licence: str
    gated: bool | None
    learn: str

    @property
    def label(self) -> str:
        """The repository, and what of it where that is not the usual."""
        return " · ".join(
            [self.repo, *(part for part in (self.config, self.split, self.file) if part and part not in ("default", "train"))]
        )

    @property
    def address(self) -> HubAddress:
        """Where it is."""
        owner, _, name = self.repo.partition("/")
        return HubAddress(owner, name, None, self.config, self.split, self.file)


@lru_cache(maxsize=1)
def catalogue() -> tuple[KnownSet, ...]:
    """The sets, the one of the paper first."""
    return tuple(KnownSet(**entry) for entry in json.loads(FILE.read_text(encoding="utf-8"))["sets"])
