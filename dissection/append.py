"""Datasets one after another as one: judges, properties, conditions and metadata united by name; nothing taken for the same by chance."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count as numbers
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection import text_properties
from dissection.dataset import TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import DatasetError
from dissection.judges import Judge
from dissection.properties import Property
from dissection.wording import count

IntArray = NDArray[np.intp]

SOURCE = "meta.source"
BLOCK = 1_000
NAMED = 20


def append(datasets: Sequence[PairDataset]) -> PairDataset:
    """The pairs of all datasets, one dataset after another.

    A judge or condition that a dataset lacks has no verdicts and no members there. Only properties that all datasets have are kept, since a
    pair without a comparison is left out of fits; where some dataset has properties computed from its texts, they are computed for all,
    if all have texts. An id that stands for different pairs gets the name of its dataset in front. `meta.source` says which dataset a pair came
    from, unless the dataset says so itself. What was done is in the notes.

    Args:
        datasets: two or more.

    Raises:
        DatasetError: a dataset has no pairs (published weights), the same pair is in two of them, or they have no property in common.
    """
    _check(datasets)
    names = _distinct([dataset.name for dataset in datasets])
    datasets, properties, left_out = _comparable(datasets)
    ids, renamed = _ids(datasets, names)
    judges = {judge.name: judge for dataset in reversed(datasets) for judge in dataset.judges}
    order = list(dict.fromkeys(name for dataset in datasets for name in dataset.judge_names))
    conditions = list(dict.fromkeys(name for dataset in datasets for name in dataset.conditions))
    places = [[dataset.property_names.index(prop.name) for prop in properties] for dataset in datasets]
    return PairDataset(
        name=" + ".join(names),
        pairs=_pairs(datasets, names, ids),
        properties=properties,
        comparisons=np.concatenate([dataset.comparisons[:, kept] for dataset, kept in zip(datasets, places, strict=True)]),
        scores=np.concatenate([dataset.scores[:, kept] for dataset, kept in zip(datasets, places, strict=True)]),
        judges=tuple(judges[name] for name in order),
        verdicts=_verdicts(datasets, [judges[name] for name in order]),
        conditions={
            name: np.concatenate([dataset.conditions.get(name, np.zeros(len(dataset), dtype=bool)) for dataset in datasets])
            for name in conditions
        },
        notes=(*_notes(datasets, names), *_judges_note(datasets, order), *left_out, *renamed),
        # Planted tastes are of the demo alone; beside other pairs a note says which are made up.
        simulated=all(dataset.simulated for dataset in datasets),
    )


def _check(datasets: Sequence[PairDataset]) -> None:
    if len(datasets) < 2:
        raise DatasetError("There is nothing to append.", accepted="two datasets or more")
    for dataset in datasets:
        if not dataset.has_pairs:
            raise DatasetError(
                "Published weights can't be appended, as they come without their pairs.",
                where=dataset.name,
                accepted="datasets with pairs",
                remedy="open them on their own",
            )


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, with (2), (3) … behind those that came before."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


# --- Pairs -------------------------------------------------------------------------------------------------------------------------


def _ids(datasets: Sequence[PairDataset], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The id of every pair, and a note for each dataset whose ids were changed.

    Raises:
        DatasetError: the same pair is in two datasets.
    """
    for place, later in enumerate(datasets):
        for earlier in datasets[:place]:
            _check_different(earlier, later)
    found: list[str] = []
    notes = []
    for dataset, name in zip(datasets, names, strict=True):
        own, taken = [str(pair_id) for pair_id in dataset.pairs.index], set(found)
        shared = sum(pair_id in taken for pair_id in own)
        if shared:
            prefixes = (f"{name}:" if number == 1 else f"{name}#{number}:" for number in numbers(1))
            prefix = next(text for text in prefixes if not any(f"{text}{pair_id}" in taken for pair_id in own))
            own = [f"{prefix}{pair_id}" for pair_id in own]
            notes.append(f"{count(shared, 'id')} of {name} stand for other pairs before, so all its ids begin with {prefix} now.")
        found += own
    return found, notes


def _check_different(first: PairDataset, second: PairDataset) -> None:
    """Refuses pairs that are in both: the same id, query and answers; or, without texts, the same ids with the same comparisons throughout."""
    common = first.pairs.index.intersection(second.pairs.index)
    if not len(common):
        return
    rows = first.pairs.index.get_indexer(common), second.pairs.index.get_indexer(common)
    same, bare = [], []
    for start, end in pairwise((*range(0, len(common), BLOCK), len(common))):  # texts may lie on disk
        texts = zip(_texts(first, rows[0][start:end]), _texts(second, rows[1][start:end]), strict=True)
        for place, (one, other) in enumerate(texts, start):
            if (None, None) in (one[1:], other[1:]):
                bare.append(place)
            elif one == other:
                same.append(place)
    if bare and not same and _compared_alike(first, second, rows[0][bare], rows[1][bare]):
        same = bare
    if same:
        raise DatasetError(
            f"{count(len(same), 'pair')} {'is' if len(same) == 1 else 'are'} in both datasets, the first is {common[same[0]]!r}.",
            where=f"{first.name} and {second.name}",
            accepted="datasets of different pairs",
            remedy="to add judges to pairs that are there, join their labels instead (--labels, or “A judge's labels” on the Upload page); "
            "else leave these pairs out of one of the files",
        )


def _texts(dataset: PairDataset, rows: IntArray) -> Iterator[tuple[str | None, ...]]:
    columns = [[text if isinstance(text, str) else None for text in dataset.pairs[name].iloc[rows]] for name in TEXT_COLUMNS]
    return zip(*columns, strict=True)


def _compared_alike(first: PairDataset, second: PairDataset, rows: IntArray, others: IntArray) -> bool:
    shared = [name for name in first.property_names if name in second.property_names]
    one, other = (
        dataset.comparisons[places][:, [dataset.property_names.index(name) for name in shared]]
        for dataset, places in ((first, rows), (second, others))
    )
    return np.array_equal(one, other, equal_nan=True)


def _pairs(datasets: Sequence[PairDataset], names: Sequence[str], ids: list[str]) -> pd.DataFrame:
    frames = [
        dataset.pairs
        if SOURCE in dataset.pairs
        else dataset.pairs.assign(**{SOURCE: pd.Series(name, index=dataset.pairs.index, dtype=object)})
        for dataset, name in zip(datasets, names, strict=True)
    ]
    columns = list(dict.fromkeys(name for frame in frames for name in frame.columns))
    index = pd.Index(ids, name="pair_id", dtype=object)
    return pd.DataFrame({name: _joined([_column(frame, name) for frame in frames]).set_axis(index) for name in columns})


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    return frame[name] if name in frame else pd.Series([None] * len(frame), index=frame.index, dtype=object)


def _joined(parts: Sequence["pd.Series[Any]"]) -> "pd.Series[Any]":
    """One column; of `object` where the parts' types differ, so that no number is changed, but texts that lie on disk stay there."""
    types = {part.dtype for part in parts}
    if len(types) > 1:
        lazy = next((kind for kind in types if isinstance(kind, pd.ArrowDtype)), None)
        try:
            parts = [part.astype(lazy if lazy and types == {lazy, np.dtype(object)} else object) for part in parts]
        except (ValueError, TypeError):  # half a character, or no text: Arrow's columns can't hold it
            parts = [part.astype(object) for part in parts]
        parts = [part.where(part.notna(), None) if part.dtype == object else part for part in parts]
    joined: pd.Series[Any] = pd.concat(parts)
    return joined


# --- Judges and properties ---------------------------------------------------------------------------------------------------------


def _verdicts(datasets: Sequence[PairDataset], judges: Sequence[Judge]) -> FloatArray:
    found = np.full((sum(map(len, datasets)), len(judges), 2), np.nan)
    start = 0
    for dataset in datasets:
        places = [place for place, judge in enumerate(judges) if judge.name in dataset.judge_names]
        columns = [dataset.judge_index(judges[place].name) for place in places]
        found[start : start + len(dataset), places] = dataset.verdicts[:, columns]
        start += len(dataset)
    return found


def _judges_note(datasets: Sequence[PairDataset], names: Sequence[str]) -> list[str]:
    """One sentence: which judges were taken as one, and how many pairs lack each."""
    united = [name for name in names if sum(name in dataset.judge_names for dataset in datasets) > 1]
    lacking = {name: sum(len(dataset) for dataset in datasets if name not in dataset.judge_names) for name in names}
    said = [f"of one name are one judge ({_some(united)})"] if united else []
    missing = [f"{name} {pairs:,}" for name, pairs in lacking.items() if pairs]
    said += [f"without verdicts where their dataset lacks them, in pairs: {_some(missing)}"] if missing else []
    return [f"Judges {'; '.join(said)}."] if said else []


def _comparable(datasets: Sequence[PairDataset]) -> tuple[Sequence[PairDataset], tuple[Property, ...], list[str]]:
    """The datasets, the properties that all of them have, and a note of those that are left out."""
    # One that has computed properties has no others; what an annotated one shares with it is a name or two, if any.
    if any(_computed(dataset) for dataset in datasets) and all(dataset.has_texts for dataset in datasets):
        datasets = [dataset if _computed(dataset) else text_properties.annotate(dataset) for dataset in datasets]
    shared = _shared(datasets)
    every = list(dict.fromkeys(name for dataset in datasets for name in dataset.property_names))
    if every and not shared:
        raise DatasetError(
            "The datasets have no property in common, so no pair could be fitted beside those of the other.",
            where="; ".join(f"{dataset.name}: {_some(dataset.property_names)}" for dataset in datasets),
            accepted="at least one property of the same name in all of them",
            remedy="rename properties that mean the same, or leave them out of all files that have texts, which gives all the computed ones",
        )
    kept = {prop.name for prop in shared}
    rest = [name for name in every if name not in kept]
    if not rest:
        return datasets, shared, []
    what = (
        f"{count(len(rest), 'property is', 'properties are')} not in every dataset and left out, as pairs without them could not be fitted"
    )
    return datasets, shared, [f"{what}: {_some(rest)}."]


def _shared(datasets: Sequence[PairDataset]) -> tuple[Property, ...]:
    """The properties of the first that all have; one is only computed if it is so everywhere."""
    found = []
    for prop in datasets[0].properties:
        of_name = [other for dataset in datasets for other in dataset.properties if other.name == prop.name]
        if len(of_name) == len(datasets):
            found.append(next((other for other in of_name if not other.computed), prop))
    return tuple(found)


def _computed(dataset: PairDataset) -> bool:
    return bool(dataset.properties) and all(prop.computed for prop in dataset.properties)


def _notes(datasets: Sequence[PairDataset], names: Sequence[str]) -> list[str]:
    """Each note with the name of its dataset, once and as it stands where all have it; then what was appended."""
    everywhere = [note for note in datasets[0].notes if all(note in dataset.notes for dataset in datasets)]
    named = list(zip(names, datasets, strict=True))
    own = [f"{name}: {note}" for name, dataset in named for note in dataset.notes if note not in everywhere]
    made_up = [name for name, dataset in named if dataset.simulated]
    simulated = f"; those of {_some(made_up)} and their verdicts are simulated" if 0 < len(made_up) < len(named) else ""
    parts = ", ".join(f"{count(len(dataset), 'pair')} of {name}" for name, dataset in named)
    return [*everywhere, *own, f"Appended: {parts}{simulated}."]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
