"""From a file to a PairDataset. A form is one module with NAME, DESCRIPTION, `recognises(table)` and `read(table)`, listed here."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dissection import text_properties
from dissection.dataset import PairDataset
from dissection.errors import DatasetError, FileError, UnknownFormError, UnknownNameError
from dissection.readers import (
    alpaca_eval,
    annotated_pairs,
    arena,
    arena_table,
    chosen_rejected,
    gair,
    mt_bench,
    multipref,
    native,
    preference_strength,
    prism,
    published,
    ratings,
)
from dissection.tables import Table, read_table

MAX_LOCAL_BYTES = 4_000_000_000


class Reader(Protocol):
    """What a module must have to be a reader."""

    NAME: str
    DESCRIPTION: str

    def recognises(self, table: Table) -> bool:
        """Whether the content looks like this form."""

    def read(self, table: Table) -> PairDataset:
        """The dataset, or an InputError."""


# The first that recognises a table reads it, so the more particular forms come first.
READERS: Sequence[Reader] = (
    published,
    annotated_pairs,
    gair,
    mt_bench,
    arena,
    multipref,
    prism,
    alpaca_eval,
    ratings,
    preference_strength,
    chosen_rejected,
    arena_table,
    native,
)


def open_dataset(source: bytes | Path, filename: str | None = None, reader: str | None = None) -> PairDataset:
    """A dataset from a file of any known form, or from a folder of published weights.

    Pairs that come with texts but without any annotated property get the computed text properties.

    Args:
        source: the bytes of an uploaded file, or the path of a local file (which may be larger) or folder.
        filename: the name under which it came; needed for bytes.
        reader: the name of a reader, to overrule the choice by content.

    Raises:
        InputError: the file can't be read, is of no known form, or holds rows that can't be used; the message says where and why.
        UnknownNameError: there is no reader of this name.
    """
    path = source if isinstance(source, Path) else None
    name = filename or (path.name if path else "upload")
    if path is not None and path.is_dir():
        if not published.recognises_folder(path):
            raise FileError(
                "The folder holds no files of a known form.",
                where=str(path),
                accepted="model_<group>_fitted_paras.jsonl files, or one data file",
            )
        return published.read_folder(path)
    table = read_table(source, name, MAX_LOCAL_BYTES) if path is not None else read_table(source, name)
    return with_properties(_choose(table, reader).read(table))


def _choose(table: Table, name: str | None) -> Reader:
    if not len(table):
        raise DatasetError(
            "There are no pairs.", where=table.filename, accepted="at least one row", remedy="check that the file is complete"
        )
    if name is not None:
        for reader in READERS:
            if name == reader.NAME:
                return reader
        raise UnknownNameError(f"There is no reader named {name!r}.", accepted=", ".join(reader.NAME for reader in READERS))
    for reader in READERS:
        if reader.recognises(table):
            return reader
    columns = ", ".join(table.columns[:12]) if all(isinstance(value, dict) for value in table.values[:20]) else "none"
    raise UnknownFormError(
        f"The file is of no known form; its columns are: {columns}.",
        where=table.filename,
        accepted="; ".join(f"{reader.NAME}: {reader.DESCRIPTION}" for reader in READERS),
        remedy="give it the columns of the template on the Upload page",
    )


def with_properties(dataset: PairDataset) -> PairDataset:
    """The dataset as it is, or with computed text properties where it has none.

    Raises:
        DatasetError: there are neither properties nor texts to compute them from.
    """
    if dataset.properties or not dataset.has_pairs:
        return dataset
    if not dataset.has_texts:
        raise DatasetError(
            "The pairs have neither properties nor texts.",
            where=dataset.name,
            accepted="annotated properties, or response_a and response_b from which text properties are computed",
            remedy="add one of them",
        )
    annotated = text_properties.annotate(dataset)
    return dataclasses.replace(annotated, notes=tuple(dict.fromkeys(annotated.notes)))
