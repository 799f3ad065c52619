"""What must hold of every input: a dataset that can be used, written and read again, or a refusal in words."""

from collections.abc import Callable

import numpy as np

from dissection.dataset import PairDataset
from dissection.doctor import examine
from dissection.errors import InputError
from dissection.inspection import inspect
from dissection.labels import read_labels
from dissection.mapping import propose, read_mapped
from dissection.native_file import native_bytes
from dissection.readers import open_dataset
from dissection.tables import read_table


def check_refusal(error: InputError) -> bool:
    """Whether the input was read: no; the refusal must say what is wrong."""
    assert error.problem
    assert len(str(error)) < 20_000
    return False


def check_dataset(read: Callable[[], PairDataset], *, thorough: bool = True) -> bool:
    """Whether `read` gives a dataset; a refusal must say what is wrong. Anything else that is raised is a bug.

    Args:
        read: opens the input.
        thorough: also examine the dataset, write it down and read it again.
    """
    try:
        dataset = read()
    except InputError as error:
        return check_refusal(error)
    if thorough:
        examine(dataset)
        assert inspect(dataset).lines()
        assert len(dataset.content_hash) == 64
        if dataset.has_pairs:
            check_round_trip(dataset)
    return True


def check_round_trip(dataset: PairDataset) -> None:
    """The dataset in the native form is read back with the same ids, verdicts and comparisons."""
    try:
        again = open_dataset(native_bytes(dataset, ".jsonl"), "again.jsonl")
    except InputError:
        # Without texts, properties that were assessed nowhere are no properties.
        assert not dataset.has_texts
        assert np.isnan(dataset.comparisons).all()
        return
    assert again.pairs.index.tolist() == dataset.pairs.index.tolist()
    assert again.judge_names == dataset.judge_names
    np.testing.assert_array_equal(again.verdicts, dataset.verdicts)
    for place, name in enumerate(dataset.property_names):
        if not dataset.properties[place].computed and not np.isnan(dataset.comparisons[:, place]).all():
            np.testing.assert_array_equal(again.comparisons[:, again.property_names.index(name)], dataset.comparisons[:, place])


def check_labels(content: bytes, dataset: PairDataset) -> bool:
    """Whether the content is labels for the dataset; they must fit it, and joining them must work or be refused."""
    try:
        reports = read_labels(content, "x", dataset, judge="new", meaning_of_one="a")
        for report in reports:
            assert report.verdicts.shape == (len(dataset), 2)
            known = report.verdicts[~np.isnan(report.verdicts)]
            assert ((known >= 0) & (known <= 1)).all()
            assert report.summary()
        for report in reports[:3]:
            dataset = report.join(dataset)
    except InputError as error:
        return check_refusal(error)
    return True


def check_mapping(content: bytes, *, thorough: bool = True) -> bool:
    """Whether the mapping that is proposed for the content makes a dataset of it."""

    def read() -> PairDataset:
        table = read_table(content, "x")
        return read_mapped(table, propose(table).mapping)

    return check_dataset(read, thorough=thorough)
