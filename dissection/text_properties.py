"""Properties computed from the text of answers, for data that comes without annotations.

Each is described in the "computed" section of `data/properties.json`, whose `computed` sentence states the rule and the margin that is
applied here. Phrases are looked for in English; words are runs of characters between spaces, so scripts without spaces count few words.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module

import numpy as np

from dissection.dataset import TEXT_COLUMNS, FloatArray, PairDataset
from dissection.errors import DatasetError
from dissection.properties import computed_properties

# The length rule of Li et al.: with s words in the shorter answer, the longer differs from this many words on …
_SHORT_REACH = (1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19)
# … and beyond that table, if s is at most so many tenths of the longer and the gap is at least so many words.
_LONG_MARGINS = ((7, 10), (8, 20), (9, 40))

MATTR_WINDOW = 50
PHRASE_WORDS = 4
MIN_GRADED_WORDS = 20
# English prose has about 5 characters a word; far beyond that the text has no spaces between words, or is a dump of data.
MAX_GRADED_WORD_LENGTH = 15
MIN_QUERY_WORDS = 3
MIN_QUERY_LETTERS = 4

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^`\n]*$.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"(?<!`)`[^`\n]+`(?!`)")
_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+\u2022\u2013]|\d{1,3}[.)]|[a-zA-Z]\))[ \t]+(?=\S)", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(?:#{1,6}[ \t]+\S|\*\*[^*\n]+\*\*:?[ \t]*$)", re.MULTILINE)
# No letter or digit before the asterisks: a power in a formula (2**3) is not bold.
_BOLD = re.compile(r"(?<![A-Za-z0-9*])\*\*(?=[^\s*])[^*\n]+(?<=\S)\*\*|<(?:b|strong)>", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,:/])\d+(?:[.,:/]\d+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\bdoi:\s?10\.|(?<=[A-Za-z.,;:)\"\u201D])\[\d{1,3}(?:\s?[,\u2013-]\s?\d{1,3})*\]|(?<=[A-Za-z)] )\[\d{1,3}\]"
    r"|\([A-Z][^()\n]{1,60}?(?:,|et al\.?) (?:1[89]|20)\d\d[a-z]?\)|\b[Aa]ccording to\b"
)
_SENTENCE_BREAK = re.compile(r"(?<=[.!?\uFF1F\uFF01\u3002])\s+|\n")
_QUESTION_MARKS = ("?", "\uff1f")
_PICTURE = r"[\u2600-\u26FF\u2705\u270A-\u270D\u2728\u274C\u2753-\u2755\u2757\u2764\U0001F300-\U0001F6FF\U0001F900-\U0001FAFF]"
_PICTURE += r"[\uFE0F\U0001F3FB-\U0001F3FF]*"  # a presentation or skin-tone sign belongs to the emoji before it
_EXCLAMATION = re.compile(rf"!+(?![!=\[\w])|\uFF01+|{_PICTURE}(?:\u200D{_PICTURE})*|[\U0001F1E6-\U0001F1FF]{{2}}")
_YOU = re.compile(r"\byou(?:r|rs|rself|rselves)?\b")
_HEDGE = re.compile(
    r"\bi (?:think|believe|guess|suppose|assume|would say)\b|\bi'd say\b|\bin my (?:opinion|view)\b|\bit (?:seems|appears)\b"
    r"|\b(?:perhaps|maybe|possibly|probably|might)\b|\bas far as i (?:know|can tell)\b"
    r"|\bi(?:'m| am) not (?:entirely |completely |quite )?(?:sure|certain)\b"
)
_DECLINE = re.compile(
    r"\bi(?:'m| am) (?:unable|not able) to\b|\bi(?:'m| am) (?:just |only )?an? (?:ai|(?:large )?language model)\b"
    r"|\bas an? (?:ai|(?:large )?language model)\b|\bmy (?:knowledge|training) (?:cutoff|cut-off|data)\b|\bi (?:must|have to) decline\b"
    r"|\bi (?:don't|do not) (?:know|have (?:access|the ability|enough|personal|any|real))\b"
    r"|\bi (?:can't|cannot|can not|won't|will not|am not going to) (?:\w+ly )?(?:help|assist|provide|answer|fulfil|fulfill|comply|create"
    r"|write|give|offer|access|generate|support|discuss|browse|see|recommend|share|engage|verify|predict|confirm|determine|tell|do that)\b"
)
_APOLOGY = re.compile(r"\b(?:sorry|apologi[sz](?:e|es|ed|ing)|apolog(?:y|ies))\b")
_CURLY = "\u2019"  # the apostrophe that word processors write
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# fmt: off
_STOP_WORDS = frozenset((
    "about", "also", "been", "before", "being", "both", "could", "does", "doing", "down", "each", "even", "from", "give", "given", "have",
    "having", "here", "into", "just", "like", "make", "many", "more", "most", "much", "must", "only", "other", "over", "please", "same",
    "should", "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those", "through", "under",
    "until", "used", "using", "very", "want", "well", "were", "what", "when", "where", "which", "while", "whom", "will", "with",
    "without", "would", "write", "your", "yours",
))
# fmt: on


class _Answer:
    """One answer, read once: the parts that several measures share."""

    def __init__(self, query: str | None, text: str) -> None:
        self.query = query
        self.text = text.replace("\r\n", "\n").replace(_CURLY, "'")
        # Code has its own headings (# comments), numbers and repetitions; they say nothing about the prose.
        self.prose, self.fences = _FENCE.subn("\n", self.text) if "```" in text or "~~~" in text else (self.text, 0)
        self.plain, self.code_spans = _INLINE_CODE.subn(" ", self.prose)
        self.lowered = self.plain.lower()

    @cached_property
    def tokens(self) -> list[str]:
        """The words of the prose, in lower case and without punctuation."""
        return _TOKEN.findall(self.lowered)


def _count(pattern: re.Pattern[str]) -> Callable[[_Answer], float]:
    """A measure that counts a pattern in the prose as it stands."""
    return lambda answer: len(pattern.findall(answer.plain))


def _count_lowered(pattern: re.Pattern[str]) -> Callable[[_Answer], float]:
    """A measure that counts a pattern in the prose in lower case."""
    return lambda answer: len(pattern.findall(answer.lowered))


def _numbers(answer: _Answer) -> float:
    return len(_NUMBER.findall(_LINK.sub(" ", _LIST_MARK.sub("", answer.plain))))


def _citations(answer: _Answer) -> float:
    without_links, links = _LINK.subn(" ", answer.plain)
    return links + len(_REFERENCE.findall(without_links))


def _questions_back(answer: _Answer) -> float:
    if not any(mark in answer.lowered for mark in _QUESTION_MARKS):
        return 0
    sentences: list[str] = [sentence for sentence in _SENTENCE_BREAK.split(answer.lowered) if _TOKEN.search(sentence)]
    # "Why is that? Because …" asks nobody; a question at the very end is left for the user to answer.
    to_user = [sentence for i, sentence in enumerate(sentences) if i == len(sentences) - 1 or _YOU.search(sentence)]
    return sum(sentence.rstrip(" \t\"'\u201d*_)").endswith(_QUESTION_MARKS) for sentence in to_user)


def _grade(answer: _Answer) -> float:
    """Coleman-Liau grade (1975, doi:10.1037/h0076540) of the prose; NaN where it is too short or not in spaced words."""
    words = answer.plain.split()
    if len(words) < MIN_GRADED_WORDS or sum(map(len, words)) > MAX_GRADED_WORD_LENGTH * len(words):
        return float("nan")
    # Imported here, as it takes over a second and only this measure needs it. List items and paragraphs end a sentence.
    textstat = import_module("textstat")
    return float(textstat.coleman_liau_index(_LIST_MARK.sub(". ", answer.plain.replace("\n\n", ".\n\n"))))


def _variety(answer: _Answer) -> float:
    """Moving-average type-token ratio (Covington & McFall 2010, doi:10.1080/09296171003643098); NaN below one window of words."""
    tokens = answer.tokens
    if len(tokens) < MATTR_WINDOW:
        return float("nan")
    inside = Counter(tokens[:MATTR_WINDOW])
    total = distinct = len(inside)
    for leaving, entering in zip(tokens, tokens[MATTR_WINDOW:], strict=False):
        if leaving != entering:
            inside[leaving] -= 1
            distinct += (inside[entering] == 0) - (inside[leaving] == 0)
            inside[entering] += 1
        total += distinct
    return total / MATTR_WINDOW / (len(tokens) - MATTR_WINDOW + 1)


def _repetition(answer: _Answer) -> float:
    phrases = list(zip(*(answer.tokens[start:] for start in range(PHRASE_WORDS)), strict=False))
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0


@lru_cache(maxsize=16)  # both answers of a pair ask for the same query
def _content_words(query: str) -> frozenset[str]:
    words = _TOKEN.findall(query.replace(_CURLY, "'").lower())
    return frozenset(word for word in words if len(word) >= MIN_QUERY_LETTERS or word.isdigit()) - _STOP_WORDS


def _echo(answer: _Answer) -> float:
    wanted = _content_words(answer.query) if answer.query is not None else frozenset()
    if len(wanted) < MIN_QUERY_WORDS:
        return float("nan")
    return len(wanted.intersection(_TOKEN.findall(answer.text.lower()))) / len(wanted)


@dataclass(frozen=True)
class _Measure:
    """How one property is measured, and from which difference on two answers count as different.

    Attributes:
        value: the raw value of one answer; NaN where it can't be measured.
        least: the smallest difference that counts, in the unit of the value.
        share: the smallest difference that counts, as a share of the larger value: 40 list items against 41 are the same.
    """

    value: Callable[[_Answer], float]
    least: float
    share: float = 0.25


# In the order of the catalogue. "longer" has the paper's rule in place of a margin.
_MEASURES: dict[str, _Measure] = {
    "longer": _Measure(lambda answer: len(answer.text.split()), least=1, share=0),
    "list items": _Measure(_count(_LIST_MARK), least=2),
    "headings": _Measure(_count(_HEADING), least=1),
    "bold": _Measure(_count(_BOLD), least=1),
    "code": _Measure(lambda answer: answer.fences + answer.code_spans, least=1),
    "numbers": _Measure(_numbers, least=2),
    "citations": _Measure(_citations, least=1),
    "asks back": _Measure(_questions_back, least=1),
    "exclaims": _Measure(_count(_EXCLAMATION), least=1),
    "hedges": _Measure(_count_lowered(_HEDGE), least=1),
    "declines": _Measure(_count_lowered(_DECLINE), least=1),
    "apologises": _Measure(_count_lowered(_APOLOGY), least=1),
    "addresses you": _Measure(_count_lowered(_YOU), least=2),
    "harder to read": _Measure(_grade, least=2, share=0),
    "varied wording": _Measure(_variety, least=0.03, share=0),
    "repetitive": _Measure(_repetition, least=0.03, share=0),
    "echoes query": _Measure(_echo, least=0.1, share=0),
}


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
        return np.full(len(_MEASURES), np.nan)
    read = _Answer(query, answer)
    return np.array([measure_.value(read) for measure_ in _MEASURES.values()], dtype=float)


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
    read: FloatArray = np.fromiter(rows, np.dtype((float, (2, len(_MEASURES)))))
    scores = read.transpose(0, 2, 1)
    of_a, of_b = scores[:, :, 0], scores[:, :, 1]
    least = np.array([measure_.least for measure_ in _MEASURES.values()])
    share = np.array([measure_.share for measure_ in _MEASURES.values()])
    # A hair below the margin, so that 0.6 - 0.5 counts as the 0.1 that it is on paper.
    margin = np.maximum(least, share * np.fmax(of_a, of_b)) - 1e-9
    comparisons = np.where(np.abs(of_a - of_b) >= margin, np.sign(of_a - of_b), 0.0)
    missing = np.isnan(scores[:, 0]).any(axis=1)  # the number of words is known of every text
    lengths = scores[:, 0][~missing].astype(int)
    comparisons[~missing, 0] = [compare_lengths(int(a), int(b)) for a, b in lengths]
    comparisons[missing] = np.nan
    return comparisons, np.ascontiguousarray(scores)


def annotate(dataset: PairDataset) -> PairDataset:
    """The dataset with the computed text properties in place of those it has (if any), and a note that says so.

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
    comparisons, scores = compare_texts(*(dataset.texts(column) for column in TEXT_COLUMNS))
    found = f"The {len(dataset.properties)} annotated properties are set aside" if dataset.properties else "No properties are annotated"
    notes = [f"{found}: {len(_MEASURES)} text properties were computed from the answers."]
    if missing := int(np.isnan(comparisons[:, 0]).sum()):
        notes.append(f"In {missing} of {len(dataset)} pairs an answer has no text; these are left out of fits.")
    return dataclasses.replace(
        dataset, properties=computed_properties(), comparisons=comparisons, scores=scores, notes=(*dataset.notes, *notes)
    )
