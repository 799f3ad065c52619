"""A report: one HTML file that opens without a network, with interactive charts, for chosen judges."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from platform import python_version
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from dissection import __version__
from dissection.clusters import cluster
from dissection.dataset import Group, PairDataset
from dissection.errors import InputError
from dissection.figures.effects import order_judges, order_properties, percent_frame
from dissection.figures.heatmap import heatmap
from dissection.figures.likeness import colour_groups, matrix
from dissection.figures.scores import order_rows, score_chart
from dissection.figures.sentences import cell_words, likes_and_dislikes
from dissection.regression.cautions import cautions
from dissection.regression.diagnostics import MAX_RHAT, MIN_BFMI, MIN_ESS, Diagnostics
from dissection.regression.metrics import METRICS
from dissection.regression.model import Model
from dissection.regression.nuts import Settings
from dissection.regression.posterior import Posterior
from dissection.regression.scores import score, scored_model, scores_frame
from dissection.similarity import similarity_matrix
from dissection.wording import count

LIBRARIES = ("numpy", "scipy", "pandas", "plotly")
SAMPLER_LIBRARIES = ("pymc", "nutpie", "arviz")
ENGINES = {"fast": "fast (expectation propagation)", "nuts": "NUTS"}
MOST_PORTRAITS, UNFOLDED = 40, 3
SCORE_SEED = 0
PRINTED_WIDTH = 690  # of a chart, in pixels of 1/96 inch: A4 or Letter within their margins
STYLE = """
:root { color-scheme: light dark; --text: #1f2a29; --page: #fff; --line: #ccc; --muted: #66706f; --like: #0c6b60; --dislike: #8f500c; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px; padding: 0 1rem; color: var(--text); background: var(--page); }
h1 { font-size: 1.8rem; margin-bottom: .2rem; } h2 { margin-top: 2.2rem; font-size: 1.3rem; }
summary { cursor: pointer; font-weight: 600; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9em; } td, th { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 1px solid var(--line); white-space: nowrap; } .figures td { white-space: nowrap; }
.facts th { white-space: nowrap; } .facts td { overflow-wrap: anywhere; } .group { min-width: 7.5rem; }
.wide { overflow-x: auto; } .muted { color: var(--muted); font-size: .9em; }
.like { color: var(--like); } .dislike { color: var(--dislike); } .open { color: var(--muted); }
@media screen {
  .chart > div { min-width: 760px; }
}
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e3eae9; --page: #121817; --line: #4a5554; --muted: #9aa6a4; --like: #52bfae; --dislike: #e2a355; }
  .js-plotly-plot .cartesianlayer text, .js-plotly-plot .infolayer text { fill: var(--text) !important; }
}
@media print {
  body { margin: 0; max-width: none; padding: 0; font-size: 13px; } .modebar { display: none !important; } .wide { overflow: visible; }
  h2, summary { break-after: avoid; } tr, .chart { break-inside: avoid; } .figures { font-size: .8em; }
  .figures td { white-space: normal; }
}
"""
# On paper everything is unfolded, and charts, which are as wide as the window, are made as wide as the page.
PRINT = """
function onPaper(paper) {
  for (const fold of document.querySelectorAll(paper ? "details:not([open])" : "details[data-folded]")) {
    fold.open = paper; fold.toggleAttribute("data-folded", paper);
  }
  for (const chart of document.querySelectorAll(".js-plotly-plot")) {
    Plotly.relayout(chart, paper ? { autosize: false, width: WIDTH } : { autosize: true, width: null });
  }
}
addEventListener("beforeprint", () => onPaper(true));
addEventListener("afterprint", () => onPaper(false));
""".replace("WIDTH", str(PRINTED_WIDTH))
METHOD = """
<p>Pairs of answers are compared on each property: +1 where A has more of it, −1 where B has, 0 where they do not differ. For each judge and
group a Bayesian logistic regression maps these comparisons to the verdicts; every percentage is 100·σ(weight): how often an answer is
preferred that is better only on this property, with the 95 % interval of the posterior. 50 % is indifference. A weight is not a cause, and with
few pairs strong tastes are drawn towards 50 %. After Li et al., Dissecting Human and LLM Preferences, ACL 2024 (arXiv 2402.11296).</p>
"""
PASSING = (
    f"A cell passes with R-hat under {MAX_RHAT}, bulk and tail effective sample sizes (ESS) over {MIN_ESS:.0f}, no divergence and an energy BFMI over "
    f"{MIN_BFMI}, each the worst over its weights; one that does not has no numbers."
)


@dataclass(frozen=True)
class ReportInput:
    """What a report is of.

    Attributes:
        dataset: with the judges.
        judges: names, in the order of the dataset.
        model: that was fitted.
        posteriors: of these judges in all groups, and over all pairs where there are several scenarios.
        sampler: the settings under which the sampled ones among them were; None where none was, or it is not known.
    """

    dataset: PairDataset
    judges: tuple[str, ...]
    model: Model
    posteriors: tuple[Posterior, ...]
    sampler: Settings | None = None


def report(content: ReportInput) -> str:
    """The file's text.

    Raises:
        InputError: no judge is chosen.
    """
    if not content.judges:
        raise InputError("A report needs a judge.", accepted="at least one", remedy="choose a judge")
    groups = list(dict.fromkeys(posterior.group for posterior in content.posteriors))
    parts = [_head(content), _portraits(content, groups), _heatmaps(content, groups)]
    scenarios = [posterior for posterior in content.posteriors if posterior.group.kind == "scenario"]
    if len(content.judges) > 1 and scenarios:
        parts.append(_similarity(content, scenarios))
    if content.dataset.has_pairs:
        parts += [_scores(content, groups[0]), _trust(content)]
    parts.append(_section("Method", METHOD + f"<p>{escape(content.model.description)}</p>"))
    title = escape(f"Preferences: {content.dataset.name}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{STYLE}</style>'
        f"<script>{get_plotlyjs()}</script><script>{PRINT}</script></head><body>{''.join(parts)}</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _chart(figure: go.Figure, reading: str) -> str:
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return f'<div class="wide chart">{drawn}</div><p class="muted">{escape(reading)}</p>'


def _table(frame: pd.DataFrame) -> str:
    return f'<div class="wide">{frame.to_html(index=False, border=0, escape=True, na_rep="–", classes="figures")}</div>'


def _head(content: ReportInput) -> str:
    dataset, sampled = content.dataset, any(posterior.engine == "nuts" for posterior in content.posteriors)
    what = f"{len(dataset):,} pairs in {len(dataset.scenarios)} scenarios" if dataset.has_pairs else "published weights, without pairs"
    facts = {
        "Data": f"{dataset.name}: {what}{', simulated' if dataset.simulated else ''}",
        "Judges": ", ".join(content.judges),
        "Data hash (SHA-256)": dataset.content_hash,
        "Model": content.model.name,
        "Engines": ", ".join(sorted({ENGINES[posterior.engine] for posterior in content.posteriors})),
        "Seeds": f"folds {SCORE_SEED}" + (f", sampler {content.sampler.seed}" if sampled and content.sampler else ""),
        "Versions": ", ".join(_versions(sampled=sampled)),
        "Made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    return f'<h1>What do these judges want?</h1><div class="wide"><table class="facts">{rows}</table></div>'


def _versions(*, sampled: bool) -> list[str]:
    libraries = (*LIBRARIES, *(SAMPLER_LIBRARIES if sampled else ()))
    return [f"Preference Dissection {__version__}", f"Python {python_version()}", *(f"{name} {version(name)}" for name in libraries)]


def _words(row: "pd.Series[Any]", kind: str) -> str:
    sure = bool(row["decided"]) or row["status"] == "point estimate"
    return f'<span class="{kind if sure else "open"}">{escape(cell_words(row))}</span>'


def _portraits(content: ReportInput, groups: Sequence[Group]) -> str:
    frame = percent_frame(content.posteriors)
    found = []
    for judge in content.judges[:MOST_PORTRAITS]:
        rows = []
        for group in groups:
            part = frame[(frame["judge"] == judge) & (frame["group"] == group.name)]
            if part.empty:
                continue
            likes, dislikes = likes_and_dislikes(part)
            words = [*(_words(row, "like") for _, row in likes.iterrows()), *(_words(row, "dislike") for _, row in dislikes.iterrows())]
            n = f"n = {int(part['n'].iloc[0]):,}" if content.dataset.has_pairs else "n unknown"
            status = str(part["status"].iloc[0])
            said = "; ".join(words) or f'<span class="open">no numbers: {escape(status)}</span>'
            rows.append(f'<tr><td class="group">{escape(group.label)}<br><span class="muted">{n}</span></td><td>{said}</td></tr>')
        table = f'<div class="wide"><table>{"".join(rows)}</table></div>'
        unfolded = " open" if len(content.judges) <= UNFOLDED else ""
        found.append(f"<details{unfolded}><summary>{escape(judge)}</summary>{table}</details>")
    more = len(content.judges) - MOST_PORTRAITS
    rest = f'<p class="muted">{more} more judges are in the charts below.</p>' if more > 0 else ""
    key = (
        '<p class="muted">How often an answer is preferred that is better only on this property; in brackets the 95 % interval. '
        '<span class="like">Preferred</span>, <span class="dislike">dispreferred</span>, <span class="open">not told apart from 50 %</span>.</p>'
    )
    return _section("Portraits", key + "".join(found) + rest)


def _heatmaps(content: ReportInput, groups: Sequence[Group]) -> str:
    dataset = content.dataset
    frame = percent_frame([posterior for posterior in content.posteriors if posterior.group == groups[0]])
    columns = order_properties(frame, dataset.properties, "family")
    figure = heatmap(
        frame, order_judges(frame, "cluster"), columns, row_field="judge", column_field="property", families=dataset.properties
    )
    drawn = [_chart(figure, f"{groups[0].label}: judges by properties. Faded: the 95 % interval includes 50 %.")]
    if len(content.judges) == 1 and len(groups) > 1:
        everything = percent_frame(content.posteriors)
        rows = order_properties(everything, dataset.properties, "family")
        names = [group.name for group in groups]
        figure = heatmap(everything, rows, names, row_field="property", column_field="group", families=dataset.properties)
        drawn.append(_chart(figure, f"{content.judges[0]}: properties by scenario."))
    return _section("Heatmap", "".join(drawn))


def _similarity(content: ReportInput, scenarios: Sequence[Posterior]) -> str:
    similarity = similarity_matrix(scenarios)
    tree = cluster(similarity)
    if len(tree.judges) < 2:
        return ""
    judges = [judge for judge in content.dataset.judges if judge.name in content.judges]
    colours = colour_groups(judges, "size", tree.cut(min(3, len(tree.judges))))
    groups = len({posterior.group for posterior in scenarios})
    figure = matrix(similarity, tree, colours, groups)
    return _section(
        "Similarity", _chart(figure, f"Pearson correlation of posterior means, averaged over {groups} scenarios; without intervals.")
    )


def _scores(content: ReportInput, group: Group) -> str:
    model = scored_model(content.model)
    frame = scores_frame(score(content.dataset, model, content.judges, [group.name], seed=SCORE_SEED))
    rows = order_rows(frame, "log_loss", "judge")
    note = f"{group.label}: verdicts that the fit has not seen, 5 folds of whole queries, with standard errors over queries. Model “{model.name}”."
    chart = _chart(score_chart(frame, "log_loss", rows), note) if rows else f'<p class="muted">{escape(note)} No judge could be scored.</p>'
    table = frame[["judge", "predictor"]].assign(n=frame["n"].map("{:,}".format))
    for metric, label in zip(METRICS, ("log loss", "accuracy", "Brier score"), strict=True):
        pairs = zip(frame[metric], frame[f"{metric}_se"], strict=True)
        table[f"{label} ± se"] = [_with_error(value, error) for value, error in pairs]
    return _section("Scores", chart + _table(table.assign(note=frame["note"])))


def _with_error(value: float, error: float) -> str:
    if pd.isna(value):
        return "–"
    return f"{value:.3f}" if pd.isna(error) else f"{value:.3f} ± {error:.3f}"


def _trust(content: ReportInput) -> str:
    warnings = cautions(content.dataset, content.posteriors)
    listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in warnings) or "<li>No cell needs a caution.</li>"
    sampled = [(posterior, posterior.diagnostics) for posterior in content.posteriors if posterior.diagnostics]
    engines = "".join(f"<p>{escape(sentence)}</p>" for sentence in _engines(content, [found for _, found in sampled]))
    table = _table(pd.DataFrame([_diagnostics_row(*cell) for cell in sampled])) if sampled else ""
    return _section("Cautions and diagnostics", f"<ul>{listed}</ul>{engines}{table}")


def _engines(content: ReportInput, sampled: Sequence[Diagnostics]) -> list[str]:
    """How many cells are whose, and what became of them."""
    total = count(len(content.posteriors), "cell")
    rest = Counter(posterior.status for posterior in content.posteriors if not posterior.diagnostics)
    fast = f"{rest.pop('fitted', 0):,} of {total} were fitted by the fast engine and converged"
    without = "; ".join(f"{status}: {number:,}" for status, number in rest.items())
    said = [f"{fast}{f'. Without numbers: {without}' if without else ''}."]
    if not sampled:
        return [*said, "None was sampled by NUTS."]
    settings = content.sampler
    how = (
        f" ({settings.chains} chains, each {settings.draws:,} draws after {settings.tune:,} of warm-up, seed {settings.seed})"
        if settings
        else ""
    )
    passed = sum(found.passed for found in sampled)
    return [*said, f"{len(sampled):,} of {total} were sampled by NUTS{how}; {passed:,} passed. {PASSING}"]


def _diagnostics_row(posterior: Posterior, found: Diagnostics) -> dict[str, object]:
    return {
        "judge": posterior.judge,
        "group": posterior.group.label,
        "n": f"{posterior.n:,}",
        "passed": "yes" if found.passed else "; ".join(found.failures),
        "R-hat": f"{found.rhat:.4f}",
        "bulk ESS": f"{found.ess_bulk:,.0f}",
        "tail ESS": f"{found.ess_tail:,.0f}",
        "divergences": f"{found.divergences:,}",
        "BFMI": f"{found.bfmi:.2f}",
        "draws": f"{found.chains * found.draws:,}",
    }
