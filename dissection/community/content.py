"""What an entry holds: a dataset in the native form, or one judge's verdicts with the ids of their pairs; written, and read with checks."""

import dataclasses
import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from dissection.community.card import LONGEST, NAMED_JUDGES, Card, Kind, Source
from dissection.community.faults import CommunityError
from dissection.dataset import TEXT_COLUMNS, BoolArray, PairDataset
from dissection.errors import InputError
from dissection.labels import LabelReport, read_labels
from dissection.native_file import native_bytes, native_records
from dissection.packed import unpack
from dissection.readers import open_dataset
from dissection.tables import MAX_BYTES
from dissection.wording import count

MAX_PACKED: Final = 50_000_000
ORDERS: Final = ("ab", "ba")


class Subject(NamedTuple):
    """What is to be published: a dataset, or one of its judges."""

    dataset: PairDataset
    judge: str | None = None

    @property
    def kind(self) -> Kind:
        """What its card says: "labels" where a judge is named."""
        return "dataset" if self.judge is None else "labels"


class Content(NamedTuple):
    """An entry's data, packed, and what its card says of them."""

    packed: bytes
    content_hash: str
    judges: tuple[tuple[str, int], ...]
    judge_count: int
    source: Source


def identity(dataset: PairDataset) -> str:
    """SHA-256 of a dataset whatever its file is called, so that the same file under another name is known again."""
    return dataclasses.replace(dataset, name="", notes=()).content_hash


def pairs_hash(dataset: PairDataset) -> str:
    """SHA-256 of ids and texts in their order: equal where a judge of one dataset has judged the pairs of another."""
    digest = hashlib.sha256()
    for row in zip(dataset.pairs.index, *(dataset.texts(name) for name in TEXT_COLUMNS), strict=True):
        digest.update(repr(row).encode())
    return digest.hexdigest()


def first_record(subject: Subject) -> dict[str, Any]:
    """The first row as it will stand in the file."""
    records = native_records(subject.dataset) if subject.judge is None else _labels(subject.dataset, subject.judge)
    return next(records, {})


def summary(subject: Subject) -> list[str]:
    """What would become public, a line each, with counts.

    Raises:
        DatasetError: published weights, which have no pairs.
    """
    dataset = subject.dataset
    if subject.judge is not None:
        answered = int(_answered(dataset)[:, dataset.judge_index(subject.judge)].sum())
        asked = int((~np.isnan(dataset.verdicts[:, dataset.judge_index(subject.judge), 1])).sum())
        twice = f", {asked:,} of them also with B first" if asked else ""
        return [
            f"the judge's name: {subject.judge}",
            f"its verdicts on {answered:,} of {count(len(dataset), 'pair')}{twice}, each with the pair's id",
            f"the name of the data: {dataset.name}, and a hash of its pairs; no texts",
        ]
    first_record(subject)  # says where there are no pairs
    known = [name for name in (*TEXT_COLUMNS, "model_a", "model_b") if bool(dataset.pairs[name].notna().any())]
    meta = [name.removeprefix("meta.") for name in dataset.pairs.columns if name.startswith("meta.")]
    judges = "; ".join(f"{name} ({n:,})" for name, n in _counts(dataset)[:20]) + (" …" if len(dataset.judges) > 20 else "")
    more = ", ".join(meta[:20]) + (" …" if len(meta) > 20 else "")
    properties = sum(not property_.computed for property_ in dataset.properties)
    groups = [count(len(dataset.scenarios), "scenario"), *([count(len(dataset.conditions), "condition")] if dataset.conditions else [])]
    return [
        f"{count(len(dataset), 'pair')} with id, {' and '.join(groups)}",
        f"columns: {', '.join(known)}" if known else "no texts",
        f"all verdicts of {count(len(dataset.judges), 'judge')}, with n: {judges}" if judges else "no judges",
        count(properties, "annotated property", "annotated properties")
        if properties
        else "no properties, as they are computed from the texts",
        f"{count(len(meta), 'further column')}: {more}" if meta else "no further columns",
    ]


def content(subject: Subject, title: str) -> Content:
    """The data to publish, read back once so that others can open them.

    Args:
        subject: what is published.
        title: of the entry, by which others call a dataset.

    Raises:
        DatasetError: there are no pairs.
        CommunityError: it is too large, or would not be read back as it is.
    """
    dataset = subject.dataset
    _check_length(subject)
    lines = native_bytes(dataset, ".jsonl") if subject.judge is None else _lines(_labels(dataset, subject.judge))
    if len(lines) > MAX_BYTES:
        raise _too_large(len(lines), "unpacked", MAX_BYTES)
    packed = gzip.compress(lines, mtime=0)
    if len(packed) > MAX_PACKED:
        raise _too_large(len(packed), "packed", MAX_PACKED)
    _check_readable(subject, lines)
    judges = _counts(dataset)
    if subject.judge is not None:
        judges = [judges[dataset.judge_index(subject.judge)]]
    name = title if subject.judge is None else dataset.name
    source = Source(_short(name), len(dataset), pairs_hash(dataset), identity(dataset))
    return Content(packed, hashlib.sha256(lines).hexdigest(), tuple(judges[:NAMED_JUDGES]), len(judges), source)


def _check_length(subject: Subject) -> None:
    """Refuse texts that are too long together before they are all in memory."""
    length = 0
    for name in TEXT_COLUMNS if subject.judge is None else ():
        for text in subject.dataset.texts(name):
            length += len(text or "")
            if length > MAX_BYTES:
                raise _too_large(length, "of texts or more", MAX_BYTES)


def _too_large(size: int, what: str, limit: int) -> CommunityError:
    return CommunityError(
        f"The entry has {size / 1e6:,.1f} MB {what}.",
        accepted=f"at most {limit / 1e6:,.0f} MB {what}",
        remedy="leave out columns that are not needed, or publish a part of it",
    )


def _check_readable(subject: Subject, lines: bytes) -> None:
    dataset = subject.dataset
    try:
        if subject.judge is None:
            back = open_dataset(lines, "pairs.jsonl", "native")
            same = pairs_hash(back) == pairs_hash(dataset) and back.judge_names == dataset.judge_names
            same = same and np.array_equal(back.verdicts, dataset.verdicts, equal_nan=True)
        else:
            report = _read_judge(lines, dataset.without_judges({subject.judge}), subject.judge)
            place = dataset.judge_index(subject.judge)
            same = np.array_equal(report.verdicts, dataset.verdicts[:, place], equal_nan=True)
    except InputError as error:
        raise CommunityError(
            f"What is written could not be read by others: {error.problem}",
            where=error.where,
            remedy="mend the data, and upload them again",
        ) from error
    if not same:
        raise CommunityError(
            "What is written would be read as something else.", where=dataset.name, remedy="rename pairs and judges that have unusual names"
        )


def _answered(dataset: PairDataset) -> BoolArray:
    return np.asarray(~np.isnan(dataset.verdicts).all(axis=2))


def _counts(dataset: PairDataset) -> list[tuple[str, int]]:
    return [(_short(name), int(n)) for name, n in zip(dataset.judge_names, _answered(dataset).sum(axis=0), strict=True)]


def _short(name: str) -> str:
    """A name as a card may hold it; the data hold the whole one."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name).strip()
    return plain if len(plain) <= LONGEST["name"] else plain[: LONGEST["name"] - 1] + "…"


def _labels(dataset: PairDataset, judge: str) -> Iterator[dict[str, Any]]:
    """One record a pair and order. Probabilities, since the numbers 0 and 1 alone would have two readings."""
    verdicts = dataset.verdicts[:, dataset.judge_index(judge)]
    for pair_id, orders in zip(dataset.pairs.index, verdicts, strict=True):
        for order, verdict in zip(ORDERS, orders, strict=True):
            if not np.isnan(verdict):
                yield {"pair_id": str(pair_id), "judge": judge, "order": order, "p_a": float(verdict)}


def _lines(records: Iterator[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def unpacked(card: Card, packed: bytes) -> bytes:
    """The data of an entry as they were published.

    Raises:
        CommunityError: they are not what the card says.
        FileError: they are broken, or unpack to more than an upload may.
    """
    lines = bytes(unpack(packed, card.title, MAX_BYTES))
    if hashlib.sha256(lines).hexdigest() != card.content_hash:
        raise CommunityError(
            "The data of this entry are not those that were published.", where=card.title, remedy="tell the owner of this server"
        )
    return lines


def read_dataset(card: Card, packed: bytes) -> PairDataset:
    """The dataset of an entry, called by its title.

    Raises:
        InputError: as for an upload, and as `unpacked`.
    """
    found = open_dataset(unpacked(card, packed), "pairs.jsonl", "native")
    by = f" by {card.author}" if card.author else ""
    note = f"From the community: published{by} on {card.date[:10]} under {card.licence}."
    return dataclasses.replace(found, name=card.title, notes=(note, *found.notes))


def read_judge(card: Card, packed: bytes, dataset: PairDataset, name: str) -> LabelReport:
    """The verdicts of an entry, matched to the pairs of a dataset under a name.

    Raises:
        CommunityError: the dataset has other pairs.
        InputError: as for an upload, and as `unpacked`.
    """
    if pairs_hash(dataset) != card.source.pairs_hash:
        raise CommunityError(
            "These labels belong to other pairs.",
            where=dataset.name,
            accepted=f"{card.source.name}, {count(card.source.pairs, 'pair')}",
            remedy="open that data first",
        )
    return _read_judge(unpacked(card, packed), dataset, name)


def _read_judge(lines: bytes, dataset: PairDataset, name: str) -> LabelReport:
    names = _judges_in(lines)
    reports = read_labels(lines, "labels.jsonl", dataset, rename=dict.fromkeys(names, name))
    if len(reports) != 1:
        raise CommunityError(f"The entry holds {len(reports)} judges.", accepted="one judge")
    return reports[0]


def _judges_in(lines: bytes) -> set[str]:
    try:
        first = json.loads(lines.partition(b"\n")[0])
    except (ValueError, RecursionError):  # said where the whole file is read
        return set()
    return {first["judge"]} if isinstance(first, dict) and isinstance(first.get("judge"), str) else set()
