"""What is counted and computed in the text of one answer: the patterns and measures behind `dissection.text_properties`.

Phrases are looked for in English; words are runs of characters between spaces, so scripts without spaces count few words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module

import numpy as np

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
# The digit first, as patterns that begin with characters are found many times faster than those that look back first.
_NUMBER = re.compile(r"\d(?<![\w.,:/].)\d*(?:[.,:/]\d+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\bdoi:\s?10\.|(?<=[A-Za-z.,;:)\"\u201D])\[\d{1,3}(?:\s?[,\u2013-]\s?\d{1,3})*\]|(?<=[A-Za-z)] )\[\d{1,3}\]"
    r"|\([A-Z][^()\n]{1,60}?(?:,|et al\.?) (?:1[89]|20)\d\d[a-z]?\)|\b[Aa]ccording to\b"
)
_REFERENCE_SIGNS = ("[", "(", "doi:", "according")  # without any of them there is no reference
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


class Answer:
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


def _count(pattern: re.Pattern[str]) -> Callable[[Answer], float]:
    """A measure that counts a pattern in the prose as it stands."""
    return lambda answer: len(pattern.findall(answer.plain))


def _count_lowered(pattern: re.Pattern[str]) -> Callable[[Answer], float]:
    """A measure that counts a pattern in the prose in lower case."""
    return lambda answer: len(pattern.findall(answer.lowered))


def _bold(answer: Answer) -> float:
    return len(_BOLD.findall(answer.plain)) if "**" in answer.plain or "<" in answer.plain else 0


def _exclaims(answer: Answer) -> float:
    return 0 if "!" not in answer.plain and answer.plain.isascii() else len(_EXCLAMATION.findall(answer.plain))


def _numbers(answer: Answer) -> float:
    return len(_NUMBER.findall(_LINK.sub(" ", _LIST_MARK.sub("", answer.plain))))


def _citations(answer: Answer) -> float:
    without_links, links = _LINK.subn(" ", answer.plain) if "://" in answer.plain or "www." in answer.lowered else (answer.plain, 0)
    if not any(sign in answer.lowered for sign in _REFERENCE_SIGNS):
        return links
    return links + len(_REFERENCE.findall(without_links))


def _questions_back(answer: Answer) -> float:
    if not any(mark in answer.lowered for mark in _QUESTION_MARKS):
        return 0
    sentences: list[str] = [sentence for sentence in _SENTENCE_BREAK.split(answer.lowered) if _TOKEN.search(sentence)]
    # "Why is that? Because …" asks nobody; a question at the very end is left for the user to answer.
    to_user = [sentence for i, sentence in enumerate(sentences) if i == len(sentences) - 1 or _YOU.search(sentence)]
    return sum(sentence.rstrip(" \t\"'\u201d*_)").endswith(_QUESTION_MARKS) for sentence in to_user)


def _grade(answer: Answer) -> float:
    """Coleman-Liau grade (1975, doi:10.1037/h0076540) of the prose; NaN where it is too short or not in spaced words."""
    words = answer.plain.split()
    if len(words) < MIN_GRADED_WORDS or sum(map(len, words)) > MAX_GRADED_WORD_LENGTH * len(words):
        return float("nan")
    # Imported here, as it takes over a second and only this measure needs it. List items and paragraphs end a sentence.
    textstat = import_module("textstat")
    return float(textstat.coleman_liau_index(_LIST_MARK.sub(". ", answer.plain.replace("\n\n", ".\n\n"))))


def _variety(answer: Answer) -> float:
    """Moving-average type-token ratio (Covington & McFall 2010, doi:10.1080/09296171003643098); NaN below one window of words."""
    tokens = answer.tokens
    if len(tokens) < MATTR_WINDOW:
        return float("nan")
    last: dict[str, int] = {}
    before = []  # where each token came last
    for place, token in enumerate(tokens):
        before.append(last.get(token, -1))
        last[token] = place
    # A token is new in the windows that hold it and begin behind its last coming.
    places, windows = np.arange(len(tokens)), len(tokens) - MATTR_WINDOW + 1
    first = np.maximum(np.array(before) + 1, places - MATTR_WINDOW + 1)
    new = np.maximum(np.minimum(places, windows - 1) - first + 1, 0).sum()
    return float(new) / MATTR_WINDOW / windows


def _repetition(answer: Answer) -> float:
    phrases = list(zip(*(answer.tokens[start:] for start in range(PHRASE_WORDS)), strict=False))
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0


@lru_cache(maxsize=16)  # both answers of a pair ask for the same query
def _content_words(query: str) -> frozenset[str]:
    words = _TOKEN.findall(query.replace(_CURLY, "'").lower())
    return frozenset(word for word in words if len(word) >= MIN_QUERY_LETTERS or word.isdigit()) - _STOP_WORDS


def _echo(answer: Answer) -> float:
    wanted = _content_words(answer.query) if answer.query is not None else frozenset()
    if len(wanted) < MIN_QUERY_WORDS:
        return float("nan")
    return len(wanted.intersection(_TOKEN.findall(answer.text.lower()))) / len(wanted)


@dataclass(frozen=True)
class Measure:
    """How one property is measured, and from which difference on two answers count as different.

    Attributes:
        value: the raw value of one answer; NaN where it can't be measured.
        least: the smallest difference that counts, in the unit of the value.
        share: the smallest difference that counts, as a share of the larger value: 40 list items against 41 are the same.
    """

    value: Callable[[Answer], float]
    least: float
    share: float = 0.25


# In the order of the catalogue. "longer" has the paper's rule in place of a margin.
MEASURES: dict[str, Measure] = {
    "longer": Measure(lambda answer: len(answer.text.split()), least=1, share=0),
    "list items": Measure(_count(_LIST_MARK), least=2),
    "headings": Measure(_count(_HEADING), least=1),
    "bold": Measure(_bold, least=1),
    "code": Measure(lambda answer: answer.fences + answer.code_spans, least=1),
    "numbers": Measure(_numbers, least=2),
    "citations": Measure(_citations, least=1),
    "asks back": Measure(_questions_back, least=1),
    "exclaims": Measure(_exclaims, least=1),
    "hedges": Measure(_count_lowered(_HEDGE), least=1),
    "declines": Measure(_count_lowered(_DECLINE), least=1),
    "apologises": Measure(_count_lowered(_APOLOGY), least=1),
    "addresses you": Measure(_count_lowered(_YOU), least=2),
    "harder to read": Measure(_grade, least=2, share=0),
    "varied wording": Measure(_variety, least=0.03, share=0),
    "repetitive": Measure(_repetition, least=0.03, share=0),
    "echoes query": Measure(_echo, least=0.1, share=0),
}
