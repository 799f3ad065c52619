"""Cells: the units of work of the sampler, each one judge in one group (or, pooled, in all scenarios), with everything it needs."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property
from importlib.metadata import version

import numpy as np

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import DatasetError, InputError
from dissection.regression.fit_pooled import check_poolable
from dissection.regression.model import Model
from dissection.regression.nuts import Settings
from dissection.regression.observations import Observations, answered, asked_twice, observations, usable

SAMPLER_LIBRARIES = ("pymc", "nutpie", "numpy")


@cache
def sampler_versions() -> dict[str, str]:
    """Of the libraries on which draws depend."""
    return {name: version(name) for name in SAMPLER_LIBRARIES}


@dataclass(frozen=True, eq=False)
class Cell:
    """One judge's rows in each group that is sampled together, and how.

    Attributes:
        judge: its name.
        groups: one; all scenarios for a pooled model.
        properties: names of the weights.
        rows: one a group, of one judge, without rows that have no verdict.
        n: pairs with a verdict, one a group.
        differs: (properties,) for each group: among those, pairs on which the answers differ.
        model, settings: of the regression and of the sampler.
    """

    judge: str
    groups: tuple[Group, ...]
    properties: tuple[str, ...]
    rows: tuple[Observations, ...]
    n: tuple[int, ...]
    differs: tuple[FloatArray, ...]
    model: Model
    settings: Settings

    @property
    def label(self) -> str:
        """For progress and messages."""
        return f"{self.judge} in {self.groups[0].label if len(self.groups) == 1 else f'{len(self.groups)} scenarios'}"

    @cached_property
    def key(self) -> str:
        """SHA-256 over everything that can change the draws: rows, model, settings and the versions of the libraries."""
        facts = [asdict(self.model), asdict(self.settings), sampler_versions(), len(self.rows)]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for part in self.rows:
            for array in (part.design, part.verdicts, part.weights):
                digest.update(repr(array.shape).encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def without_rows(self) -> "Cell":
        """The names and the key alone, to look a result up."""
        light = replace(self, rows=())
        light.__dict__["key"] = self.key  # which is of the rows
        return light

    def to_bytes(self) -> bytes:
        """For the worker process: NumPy arrays and JSON, nothing that runs when it is read."""
        arrays = {f"{name}{i}": getattr(part, name) for i, part in enumerate(self.rows) for name in ("design", "verdicts", "weights")}
        arrays |= {f"differs{i}": array for i, array in enumerate(self.differs)}
        facts = {
            "judge": self.judge,
            "groups": [asdict(group) for group in self.groups],
            "properties": self.properties,
            "n": self.n,
            "model": asdict(self.model),
            "settings": asdict(self.settings),
        }
        buffer = io.BytesIO()
        np.savez(buffer, facts=np.array(json.dumps(facts)), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Cell":
        """From `to_bytes`."""
        with np.load(io.BytesIO(content), allow_pickle=False) as held:
            facts = json.loads(str(held["facts"]))
            number = range(len(facts["groups"]))
            return cls(
                facts["judge"],
                tuple(Group(**group) for group in facts["groups"]),
                tuple(facts["properties"]),
                tuple(Observations(held[f"design{i}"], held[f"verdicts{i}"], held[f"weights{i}"]) for i in number),
                tuple(facts["n"]),
                tuple(held[f"differs{i}"] for i in number),
                Model(**facts["model"]),
                Settings(**facts["settings"]),
            )


def cells(
    dataset: PairDataset,
    model: Model,
    settings: Settings,
    judges: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> list[Cell]:
    """What to sample: each judge in each group, groups outermost; for a pooled model each judge in all scenarios.

    Cells without a single verdict are left out, as are groups that a pooled model has no place for.

    Args:
        dataset: with pairs.
        model: of the regression.
        settings: of the sampler.
        judges: names; None: all.
        groups: names; None: all scenarios and conditions.

    Raises:
        InputError: the model is a mean of folds.
        DatasetError: the dataset has no pairs, or the model pools scenarios and there is only one.
        UnknownNameError: a judge or group that is not in the dataset.
    """
    if not dataset.has_pairs:
        raise DatasetError(
            "Published weights have no pairs to sample from.", where=dataset.name, accepted="a dataset with pairs and verdicts"
        )
    if model.folds:
        raise InputError(
            "The sampler fits all pairs at once; the mean of leave-one-part-out fits is for the fast engine.",
            accepted="no folds with the engine nuts",
            remedy="leave the folds out, or choose the fast engine",
        )
    names = dataset.judge_names if judges is None else tuple(judges)
    indices = [dataset.judge_index(name) for name in names]
    chosen = dataset.groups if groups is None else tuple(dataset.group(name) for name in groups)
    if model.pooled:
        check_poolable(dataset)
        parts: list[tuple[Group, ...]] = [dataset.scenarios]
    else:
        parts = [(group,) for group in chosen]
    found = [_cell(dataset, part, judge, model, settings) for part in parts for judge in indices]
    return [cell for cell in found if sum(cell.n)]


def _cell(dataset: PairDataset, groups: tuple[Group, ...], judge: int, model: Model, settings: Settings) -> Cell:
    rows, n, differs = [], [], []
    for group in groups:
        comparisons, verdicts = usable(dataset, group, [judge])
        made = observations(comparisons, verdicts, model, both=bool(asked_twice(verdicts)[0]))
        keep = ~np.isnan(made.verdicts[:, 0])
        rows.append(Observations(made.design[keep], made.verdicts[keep], made.weights[keep]))
        own = comparisons[answered(verdicts[:, 0])]
        n.append(len(own))
        differs.append((own != 0).sum(axis=0).astype(float))
    return Cell(dataset.judge_names[judge], groups, dataset.property_names, tuple(rows), tuple(n), tuple(differs), model, settings)
