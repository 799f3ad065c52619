"""What unites the pairs that a fit gets wrong: properties and words that come more often among them than among the others."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import false_discovery_control, norm

from dissection.agreement import Z_95
from dissection.dataset import TEXT_COLUMNS, BoolArray, FloatArray, PairDataset
from dissection.regression.discoveries import LEVEL
from dissection.regression.folds import IntArray
from dissection.surprise import TOP, Foretold

LEAST_PAIRS = 10  # a mark on fewer pairs could not be told from chance among so many
LEAST_IN_STRATUM, MOST_STRATA = 50, 10
SCREEN = 0.1  # above that no mark could hold, so its p value need not be exact
MOST_WORDS = 2000
MOST_TEXTS = 6000  # pairs; reading more would take several seconds
WORD = r"[^\W\d_]{3,}(?:['’][^\W\d_]+)?"
COLUMNS = ("kind", "mark", "where", "wrong", "pairs", "percent", "expected", "odds_ratio", "low", "high", "p", "discovery")
SIGNS = ("the favourite has more", "the favourite has less")
PLACES = ("in the query", "in the favourite alone", "in the other answer alone")
Mark = tuple[str, str, str]  # kind, name, where


class Mistakes(NamedTuple):
    """What pairs that a fit gets wrong have in common.

    Attributes:
        frame: one row a mark, `COLUMNS`: `kind` ("property" or "word"), `mark` (its name), `where` (one of `SIGNS` or
            `PLACES`; the favourite is the answer that the fit expects to win), `wrong` of `pairs` with the mark are got wrong, `percent`
            of them; `expected`: how many the fit itself expects to be wrong; the odds ratio of being wrong with the mark against without,
            at equal confidence of the fit, with its 95 % interval; `p` one-sided; `discovery`: it stays at a false discovery rate of 5 %. The least p first.
        members: the rows (of the dataset) that are wrong and have the mark, one array a row of the frame, the least expected first.
        tried: marks.
        wrong: pairs got wrong.
        n: pairs on which the fit and the judge both take a side.
        read: of these, pairs whose words were read.
        reason: why nothing was tried; empty where something was.
    """

    frame: pd.DataFrame
    members: list[IntArray]
    tried: int
    wrong: int
    n: int
    read: int
    reason: str = ""


def mistakes(dataset: PairDataset, found: Foretold, top: int = TOP) -> Mistakes:
    """Marks that are over-represented among the pairs on whose verdict the fit was wrong.

    A pair that the fit calls at 51 % is wrong more often than one at 90 %, and marks that come with close calls would stand out for that
    alone. So pairs are compared with pairs of like confidence: the exact conditional test over strata of the predicted probability,
    one-sided, and the common odds ratio of Mantel & Haenszel (1959, doi:10.1093/jnci/22.4.719) with the interval of Robins, Breslow &
    Greenland (1986, doi:10.2307/2531052). All marks together are held to a false discovery rate by Benjamini & Hochberg (1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x). Pairs are taken as independent. A mark is in terms of the favourite, which is known before the
    verdict.

    Args:
        dataset: that the fit is of.
        found: of `surprise.foretell`.
        top: marks that are given; all are counted in the control of false discoveries.
    """
    sided = found.frame[found.frame["side"] != 0.5]
    rows, wrong = sided["row"].to_numpy(dtype=np.intp), (sided["side"] == 0).to_numpy(dtype=bool)
    n, bad = len(rows), int(wrong.sum())
    if bad in (0, n):
        each = "none" if bad == 0 else "each"
        reason = f"{each} of {n:,} predictions is wrong" if n else "there is no prediction here that takes a side"
        return Mistakes(pd.DataFrame(columns=list(COLUMNS)), [], 0, bad, n, 0, reason)
    predicted, chance = (sided[name].to_numpy(dtype=float) / 100 for name in ("predicted", "chance"))
    favours_a, risk = predicted > 0.5, np.minimum(predicted, 1 - predicted)
    tables = [_property_marks(dataset, rows, favours_a), _word_marks(dataset, rows[:MOST_TEXTS], favours_a[:MOST_TEXTS])]
    frame = pd.concat(
        [_tested(names, table, wrong[: table.shape[0]], risk[: table.shape[0]]) for names, table in tables], keys=range(len(tables))
    )
    if frame.empty:
        reason = f"no property or word comes on {LEAST_PAIRS} of the {n:,} pairs and misses on as many"
        return Mistakes(frame, [], 0, bad, n, 0, reason)
    frame["discovery"] = false_discovery_control(frame["p"].to_numpy(dtype=float), method="bh") <= LEVEL
    shown = frame.sort_values("p", kind="stable").head(top)
    members = []
    for which, column in shown.index:
        marked = np.flatnonzero(_column(tables[which][1], column) & wrong[: tables[which][1].shape[0]])
        members.append(rows[marked[np.argsort(chance[marked], kind="stable")]])
    read = tables[1][1].shape[0] if tables[1][0] else 0
    return Mistakes(shown.reset_index(drop=True)[list(COLUMNS)], members, len(frame), bad, n, read)


def _column(table: Any, place: int) -> BoolArray:
    part = table[:, [place]]
    return np.asarray(part.toarray() if hasattr(part, "toarray") else part).ravel() > 0


def _property_marks(dataset: PairDataset, rows: IntArray, favours_a: BoolArray) -> tuple[list[Mark], FloatArray]:
    towards = np.nan_to_num(dataset.comparisons[rows]) * np.where(favours_a, 1.0, -1.0)[:, None]
    names = [("property", name, sign) for sign in SIGNS for name in dataset.property_names]
    return names, np.concatenate([towards > 0, towards < 0], axis=1).astype(float)


def _word_marks(dataset: PairDataset, rows: IntArray, favours_a: BoolArray) -> tuple[list[Mark], Any]:
    """Names of the marks and a sparse (pairs × marks) table of 0 and 1; no marks where there are no words."""
    texts = dataset.pairs.iloc[rows][list(TEXT_COLUMNS)].map(lambda text: text if isinstance(text, str) else "")
    from scipy.sparse import csc_array, csr_array, hstack

    nothing: tuple[list[Mark], Any] = ([], csc_array((len(rows), 0)))
    if not (texts != "").to_numpy().any():
        return nothing
    from sklearn.feature_extraction.text import CountVectorizer

    count = CountVectorizer(token_pattern=WORD, binary=True, max_features=MOST_WORDS, dtype=np.float64)
    try:
        count.fit(texts.agg("\n".join, axis=1))
    except ValueError:  # texts without a word
        return nothing
    query, a, b = (csr_array(count.transform(texts[column])) for column in TEXT_COLUMNS)
    shared = a.multiply(b)
    only_a, only_b = csr_array(a - shared), csr_array(b - shared)
    left, right = csr_array(favours_a[:, None].astype(float)), csr_array(~favours_a[:, None].astype(bool) * 1.0)
    favourite = only_a.multiply(left) + only_b.multiply(right)
    other = only_a.multiply(right) + only_b.multiply(left)
    names = [("word", str(word), place) for place in PLACES for word in count.get_feature_names_out()]
    return names, csc_array(hstack([query, favourite, other]))


def _strata(risk: FloatArray) -> IntArray:
    """(n,) bins of nearly equal numbers of pairs, by how likely the fit took each to be wrong."""
    bins = int(np.clip(len(risk) // LEAST_IN_STRATUM, 1, MOST_STRATA))
    return np.asarray(np.argsort(np.argsort(risk, kind="stable"), kind="stable") * bins // len(risk), dtype=np.intp)


def _tested(names: list[Mark], table: Any, wrong: BoolArray, risk: FloatArray) -> pd.DataFrame:
    """The marks that come often enough, with their tests; the index is the mark's column in the table."""
    n, stratum = len(wrong), _strata(risk)
    within = (np.arange(stratum.max() + 1)[:, None] == stratum).astype(float)  # (strata × n)
    size, bad = within.sum(axis=1)[:, None], (within * wrong).sum(axis=1)[:, None]
    pairs, hit = (np.asarray(part @ table) for part in (within, within * wrong))
    tried = np.flatnonzero((pairs.sum(axis=0) >= LEAST_PAIRS) & (pairs.sum(axis=0) <= n - LEAST_PAIRS))
    pairs, hit = pairs[:, tried], hit[:, tried]
    log_ratio, error = _common_ratio(hit, pairs, bad, size)
    total, of = hit.sum(axis=0), pairs.sum(axis=0)
    kinds = pd.DataFrame([names[place] for place in tried], columns=["kind", "mark", "where"], index=tried)
    return kinds.assign(
        wrong=total.astype(int),
        pairs=of.astype(int),
        percent=100 * total / of,
        expected=np.asarray(risk @ table).ravel()[tried],
        odds_ratio=np.exp(log_ratio),
        low=np.exp(log_ratio - Z_95 * error),
        high=np.exp(log_ratio + Z_95 * error),
        p=_tails(hit, pairs, bad, size),
    )


def _common_ratio(hit: FloatArray, pairs: FloatArray, bad: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The log of the odds ratio of Mantel & Haenszel and its standard error; half a pair is added to each cell, spread over the strata."""
    share = 0.5 * size / size.sum()
    a, b, c, d = hit + share, pairs - hit + share, bad - hit + share, size - bad - pairs + hit + share
    whole = a + b + c + d
    straight, crossed = (a + d) / whole, (b + c) / whole
    right, left = a * d / whole, b * c / whole
    top, bottom = right.sum(axis=0), left.sum(axis=0)
    variance = (
        (straight * right).sum(axis=0) / (2 * top**2)
        + (straight * left + crossed * right).sum(axis=0) / (2 * top * bottom)
        + (crossed * left).sum(axis=0) / (2 * bottom**2)
    )
    return np.log(top / bottom), np.sqrt(variance)


def _tails(hit: FloatArray, pairs: FloatArray, bad: FloatArray, size: FloatArray) -> FloatArray:
    """One-sided p values: exact where the Cochran-Mantel-Haenszel test makes them small, that test's own elsewhere."""
    due = pairs * bad / size
    variance = due * (size - pairs) * (size - bad) / (size * np.maximum(size - 1, 1))
    spread = np.sqrt(variance.sum(axis=0))
    excess = hit.sum(axis=0) - due.sum(axis=0) - 0.5
    p = norm.sf(np.divide(excess, spread, out=np.zeros_like(spread), where=spread > 0))
    for place in np.flatnonzero(p < SCREEN):
        chances = np.ones(1)
        for stratum in np.flatnonzero(pairs[:, place]):
            chances = np.convolve(chances, _hypergeometric(size[stratum, 0], bad[stratum, 0], pairs[stratum, place]))
        p[place] = min(1.0, float(chances[int(hit[:, place].sum()) :].sum()))
    return np.asarray(p)


def _hypergeometric(size: float, bad: float, pairs: float) -> FloatArray:
    """P(k of `pairs` drawn from `size` are among its `bad`), k from 0 to `pairs`."""
    k = np.arange(pairs + 1)
    ways = _log_choose(bad, k) + _log_choose(size - bad, pairs - k)
    return np.asarray(np.exp(ways - _log_choose(size, np.array(pairs))))


def _log_choose(n: float, k: FloatArray) -> FloatArray:
    """Log of n over k; minus infinity where k > n."""
    inside = np.minimum(k, n)
    return np.asarray(np.where(k <= n, gammaln(n + 1) - gammaln(inside + 1) - gammaln(n - inside + 1), -np.inf))
