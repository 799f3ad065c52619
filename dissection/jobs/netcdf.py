"""One sampled cell as one NetCDF-4 file that ArviZ opens: groups "posterior" and "sample_stats", the rest in attributes of the root."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dissection.regression.cells import Cell, sampler_versions
from dissection.regression.nuts import Draws
from dissection.regression.posterior import Posterior
from dissection.regression.sampling import Sampled, posterior_from_json, posterior_to_json

if TYPE_CHECKING:
    import xarray

FORMAT = 1
GROUPS = ("posterior", "sample_stats")


class WrongEntryError(ValueError):
    """A file of another format or of another cell."""


def to_netcdf(cell: Cell, sampled: Sampled) -> bytes:
    """The file's content.

    It is made in memory, because HDF5 can take the process down with it when a disk is full in the midst of writing. Draws become
    float32: its seven digits are far finer than the Monte Carlo error of any number of draws; the posteriors keep all their digits.
    """
    import xarray

    datasets = dict(zip(GROUPS, (sampled.draws.posterior, sampled.draws.sample_stats), strict=True))
    root = xarray.Dataset(attrs=_attributes(cell, sampled.posteriors))
    tree = xarray.DataTree.from_dict({"/": root, **datasets})
    return bytes(tree.to_netcdf(engine="h5netcdf", encoding={f"/{name}": _encoding(dataset) for name, dataset in datasets.items()}))


def read_posteriors(path: Path, key: str) -> list[Posterior]:
    """The posteriors in a file.

    Raises:
        WrongEntryError: it is not the entry of this key, or has another format.
        OSError, KeyError, ValueError, TypeError, RuntimeError: it can't be read.
    """
    return [posterior_from_json(facts) for facts in json.loads(_checked_attributes(path, key)["posteriors"])]


def read_draws(path: Path, key: str) -> Draws:
    """The draws in a file; raises what `read_posteriors` raises."""
    import xarray

    _checked_attributes(path, key)
    found = []
    for group in GROUPS:
        with xarray.open_dataset(path, engine="h5netcdf", group=group) as dataset:
            found.append(dataset.load())
    return Draws(*found)


def _attributes(cell: Cell, posteriors: list[Posterior]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "key": cell.key,
        "judge": cell.judge,
        "groups": json.dumps([group.name for group in cell.groups], ensure_ascii=False),
        "properties": json.dumps(cell.properties, ensure_ascii=False),
        "model": json.dumps(asdict(cell.model)),
        "settings": json.dumps(asdict(cell.settings)),
        "libraries": json.dumps(sampler_versions()),
        "posteriors": json.dumps([posterior_to_json(posterior) for posterior in posteriors]),
    }


def _encoding(dataset: "xarray.Dataset") -> dict[str, dict[str, Any]]:
    light = {"zlib": True, "complevel": 1, "shuffle": True}
    return {str(name): {**light, "dtype": "float32"} if values.dtype.kind == "f" else light for name, values in dataset.data_vars.items()}


def _checked_attributes(path: Path, key: str) -> dict[str, Any]:
    import xarray

    with xarray.open_dataset(path, engine="h5netcdf") as root:
        facts = root.attrs
    if (facts["format"], facts["key"]) != (FORMAT, key):
        raise WrongEntryError(f"{path.name} is not the entry of {key}.")
    return facts
