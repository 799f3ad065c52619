"""Properties computed from the text of answers, for data that comes without annotations.

Each is described in the "computed" section of `data/properties.json`, whose `computed` sentence states the rule and the margin that is
applied here and in `dissection.text_measures`.
"""

import dataclasses
from collections.abc import Iterable

import numpy as np

from dissection.dataset import TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import DatasetError
from dissection.properties import computed_properties
from dissection.text_measures import MEASURES, Answer

# The length rule of Li et al.: with s words in the shorter answer, the longer differs from this many words on …
_SHORT_REACH = (1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19)
# … and beyond that table, if s is at most so many tenths of the longer and the gap is at least so many words.
_LONG_MARGINS = ((7, 10), (8, 20), (9, 40))


def compare_lengths(words_a: int, words_b: int) -> int:
    """Which of two answers a reader would call longer, by the rule of Li et al. (ACL 2024, arXiv 2402.11296).

    Args:
        words_a: number of words of answer A, split at white space.
        words_b: the same of B.

    Returns:
        +1 if A is longer, -1 if B is, 0 if the difference is too small to notice. Swapping A and B turns the sign.
    """
    shorter, longer = sorted((words_a, words_b))
    if shorter < len(_SHORT_REACH):
        differ = longer >= _SHORT_REACH[shorter]
    else:
        differ = any(10 * shorter <= tenths * longer and longer - shorter >= least for tenths, least in _LONG_MARGINS)
    return (words_a > words_b) - (words_a < words_b) if differ else 0


def measure(query: str | None, answer: str | None) -> FloatArray:
    """The raw values of one answer.

    Args:
        query: what was asked; None where unknown.
        answer: the text; None where there is none. An empty text is a text: zero words and zero of everything that is counted.

    Returns:
        (properties,) in the order of `computed_properties()`: counts, a grade, or shares from 0 to 1, as each `computed` sentence says.
        NaN throughout for no answer; NaN where a text is too short for a measure (readability, variety) or the query too short or
        unknown (echo).
    """
    if answer is None:
        return np.full(len(MEASURES), np.nan)
    read = Answer(query, answer)
    return np.array([measure_.value(read) for measure_ in MEASURES.values()], dtype=float)


def compare_texts(
    queries: Iterable[str | None], answers_a: Iterable[str | None], answers_b: Iterable[str | None]
) -> tuple[FloatArray, FloatArray]:
    """Compare two answers each to many queries on every computed property.

    Args:
        queries: (pairs,) None where unknown.
        answers_a: (pairs,) None where there is no text.
        answers_b: (pairs,) as `answers_a`.

    Returns:
        Comparisons (pairs × properties): +1 where A has more, -1 where B has, 0 where the two are closer than the property's margin or
        one can't be measured (too short to tell apart), NaN only where an answer is None. Scores (pairs × properties × 2): the raw
        values of A and B, as `measure` gives them.

    Raises:
        ValueError: the three are not equally long.
    """
    rows = (np.stack([measure(query, a), measure(query, b)]) for query, a, b in zip(queries, answers_a, answers_b, strict=True))
    # Each row is 2 × properties; fromiter needs no list of them all.
    read: FloatArray = np.fromiter(rows, np.dtype((float, (2, len(MEASURES)))))
    scores = read.transpose(0, 2, 1)
    of_a, of_b = scores[:, :, 0], scores[:, :, 1]
    least = np.array([measure_.least for measure_ in MEASURES.values()])
    share = np.array([measure_.share for measure_ in MEASURES.values()])
    # A hair below the margin, so that 0.6 - 0.5 counts as the 0.1 that it is on paper.
    margin = np.maximum(least, share * np.fmax(of_a, of_b)) - 1e-9
    comparisons = np.where(np.abs(of_a - of_b) >= margin, np.sign(of_a - of_b), 0.0)
    missing = np.isnan(scores[:, 0]).any(axis=1)  # the number of words is known of every text
    lengths = scores[:, 0][~missing].astype(int)
    comparisons[~missing, 0] = [compare_lengths(int(a), int(b)) for a, b in lengths]
    comparisons[missing] = np.nan
    return comparisons, np.ascontiguousarray(scores)


def compare_pairs(dataset: PairDataset) -> tuple[FloatArray, FloatArray]:
    """`compare_texts` of a dataset's answers.

    Raises:
        DatasetError: there are no texts to compute from.
    """
    if not dataset.has_pairs or not dataset.has_texts:
        raise DatasetError(
            "There are no answers to read, so no text property can be computed.",
            where=dataset.name,
            accepted="pairs with `response_a` and `response_b`",
            remedy="give the texts of the answers, or annotated `properties`",
        )
    return compare_texts(*(dataset.texts(column) for column in TEXT_COLUMNS))


def annotate(dataset: PairDataset, compared: tuple[FloatArray, FloatArray] | None = None) -> PairDataset:
    """The dataset with the computed text properties in place of those it has (if any), and a note that says so.

    Args:
        dataset: with texts.
        compared: what `compare_pairs` found in it, where that is known already.

    Raises:
        DatasetError: there are no texts to compute from.
    """
    comparisons, scores = compared or compare_pairs(dataset)
    found = f"The {len(dataset.properties)} annotated properties are set aside" if dataset.properties else "No properties are annotated"
    notes = [f"{found}: {len(MEASURES)} text properties were computed from the answers."]
    if missing := int(np.isnan(comparisons[:, 0]).sum()):
        notes.append(f"In {missing} of {len(dataset)} pairs an answer has no text; these are left out of fits.")
    return dataclasses.replace(
        dataset, properties=computed_properties(), comparisons=comparisons, scores=scores, notes=(*dataset.notes, *notes)
    )
