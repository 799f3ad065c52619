"""Scenarios for data that has none, or other ones: by a column, by words in the query, or by topics that are computed."""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError, UnknownNameError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

OTHER = "Other"
MOST_SCENARIOS = 200
MIN_TOPICS, MAX_TOPICS = 2, 40
TOPIC_SEED = 0
TOPIC_WORDS = 3
MOST_STARS = 2


@dataclass(frozen=True)
class Rule:
    """A scenario by words: pairs whose query holds any of them.

    Attributes:
        name: of the scenario.
        words: words or phrases, found whole and in any case; * stands for any letters, as in "program*".
    """

    name: str
    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """From "Code: python, program*, sql".

        Raises:
            InputError: the name or the words are missing, or a word has too many stars.
        """
        name, colon, rest = text.partition(":")
        words = tuple(word.strip() for word in rest.split(",") if word.strip().strip("*"))
        if not colon or not name.strip() or not words:
            raise InputError(
                f"The rule {text!r} has no name or no words.", accepted="NAME: word, another phrase, begin*", remedy="write it in that form"
            )
        if starred := [word for word in words if word.count("*") > MOST_STARS]:
            raise InputError(f"The word {starred[0]!r} has more than {MOST_STARS} stars.", accepted=f"at most {MOST_STARS} in a word")
        return cls(name.strip(), words)

    def matches(self, query: str) -> bool:
        """Whether the query holds any of the words."""
        return any(re.search(_pattern(word), query, re.IGNORECASE) for word in self.words)


@lru_cache(maxsize=1000)
def _pattern(word: str) -> str:
    # Escaped but for *, so that no visitor's words can keep the server busy.
    return r"(?<!\w)" + re.escape(word).replace(r"\*", r"\w*") + r"(?!\w)"


def scenario_columns(dataset: PairDataset) -> list[str]:
    """Columns by which pairs can be grouped: more than one value, and not so many that each group would be tiny."""
    names = [name for name in dataset.pairs.columns if name.startswith("meta.") or name in ("model_a", "model_b")]
    return [
        name for name in names if 2 <= dataset.pairs[name].dropna().map(str).nunique() <= min(MOST_SCENARIOS, max(2, len(dataset) // 2))
    ]


def by_column(dataset: PairDataset, column: str) -> PairDataset:
    """The dataset with a column's values as scenarios; pairs without a value are in "Other".

    Raises:
        UnknownNameError: no such column, or it can't group pairs.
    """
    if column not in scenario_columns(dataset):
        raise UnknownNameError(
            f"The column {column!r} can't group the pairs.",
            where=dataset.name,
            accepted=", ".join(scenario_columns(dataset)) or "none: no column has 2 or more values that recur",
        )
    values = dataset.pairs[column]
    names = [OTHER if value is None or value != value else str(value) for value in values]
    return with_scenarios(dataset, names, f"Scenarios are the values of {column}.")


def by_rules(dataset: PairDataset, rules: Sequence[Rule]) -> PairDataset:
    """The dataset with the first rule that matches a query as its scenario; queries that none matches are in "Other".

    Raises:
        InputError: there is no rule, or two have one name.
        DatasetError: no query to look into, or no rule matches any.
    """
    names = [rule.name for rule in rules]
    if not rules or len(set(names)) < len(names):
        raise InputError("There are no rules, or two have one name.", accepted="at least one rule, each with its own name")
    queries = _queries(dataset)
    found = [next((rule.name for rule in rules if rule.matches(query)), OTHER) for query in queries]
    if set(found) == {OTHER}:
        raise DatasetError("No query holds any of the words.", where=dataset.name, accepted="words that occur in queries")
    return with_scenarios(dataset, found, f"Scenarios are by words in the query: {'; '.join(names)}.")


def by_topics(dataset: PairDataset, topics: int) -> PairDataset:
    """The dataset with computed topics of its queries as scenarios, each named after its most typical words.

    Queries are weighted words (TF-IDF), grouped by k-means with a fixed seed. These topics are computed, and say so in their names.

    Raises:
        InputError: a number of topics out of range.
        DatasetError: too few different queries.
    """
    if not MIN_TOPICS <= topics <= MAX_TOPICS:
        raise InputError(f"The number of topics is {topics}.", accepted=f"a whole number from {MIN_TOPICS} to {MAX_TOPICS}")
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    queries = _queries(dataset)
    if len(set(queries)) < 2 * topics:
        raise DatasetError(
            f"There are {len(set(queries))} different queries, too few for {topics} topics.",
            where=dataset.name,
            accepted=f"at least {2 * topics}",
            remedy="choose fewer topics",
        )
    vectorizer = TfidfVectorizer(stop_words="english", max_features=5000, min_df=2, sublinear_tf=True)
    try:
        weights = vectorizer.fit_transform(queries)
    except ValueError as error:  # no word comes twice
        raise DatasetError(
            "The queries share no words to find topics by.", where=dataset.name, remedy="group by a column or by words instead"
        ) from error
    if (different := _different_rows(weights)) < topics:  # "Write a poem 1", "Write a poem 2", …
        raise DatasetError(
            f"Words that recur tell only {different} of the queries apart, too few for {topics} topics.",
            where=dataset.name,
            accepted=f"queries that differ in their words, or at most {different} topics",
            remedy="choose fewer topics" if different >= MIN_TOPICS else "group by a column or by words instead",
        )
    model = KMeans(n_clusters=topics, n_init=4, random_state=TOPIC_SEED).fit(weights)
    words = vectorizer.get_feature_names_out()
    typical = np.argsort(-model.cluster_centers_, axis=1)[:, :TOPIC_WORDS]
    names = [f"topic {i + 1}: {', '.join(words[places])}" for i, places in enumerate(typical)]
    note = f"Scenarios are {topics} topics computed from the queries (TF-IDF and k-means), not given by anyone."
    return with_scenarios(dataset, [names[label] for label in model.labels_], note)


def _different_rows(weights: "csr_matrix") -> int:
    weights.sort_indices()
    rows = zip(weights.indptr[:-1], weights.indptr[1:], strict=True)
    return len({(weights.indices[start:end].tobytes(), weights.data[start:end].tobytes()) for start, end in rows})


def _queries(dataset: PairDataset) -> list[str]:
    queries = [query or "" for query in dataset.texts("query")] if dataset.has_pairs else []
    if not any(query.strip() for query in queries):
        raise DatasetError(
            "The pairs have no queries.", where=dataset.name, accepted="pairs with a query", remedy="group by a column instead"
        )
    return queries


def with_scenarios(dataset: PairDataset, names: Sequence[str], note: str) -> PairDataset:
    """The dataset with these scenarios, one name a pair, and a note of where they come from."""
    pairs = dataset.pairs.copy()
    pairs["scenario"] = np.array(names, dtype=object)
    return dataclasses.replace(dataset, pairs=pairs, notes=(*dataset.notes, note))
