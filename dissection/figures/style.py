"""One colour language for every chart, readable on light and dark backgrounds alike.

The diverging scale runs from ochre (dispreferred) through a nearly clear grey (indifferent) to teal (preferred), a pair that readers
with any of the common colour deficiencies tell apart. Because its middle is transparent, one figure serves both themes.
"""

import re
from collections.abc import Collection, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

DIVERGING = [
    [0.0, "rgba(173, 94, 10, 1)"],
    [0.25, "rgba(217, 145, 52, 0.72)"],
    [0.5, "rgba(140, 140, 140, 0.13)"],
    [0.75, "rgba(38, 166, 154, 0.72)"],
    [1.0, "rgba(0, 118, 108, 1)"],
]
SEQUENTIAL = [
    [0.0, "rgba(140, 140, 140, 0.06)"],
    [0.5, "rgba(64, 175, 162, 0.35)"],
    [0.8, "rgba(30, 150, 138, 0.75)"],
    [1.0, "rgba(0, 105, 96, 1)"],
]
FADED = 0.42
MUTED = "rgba(128, 128, 128, 0.55)"
PRIOR = "rgba(128, 128, 128, 0.11)"
GRID = "rgba(128, 128, 128, 0.18)"
PREFERRED, DISPREFERRED = "#0c8577", "#bd6b12"
FONT_SIZE = 12

# Distinguishable hues of middle lightness; judges beyond the palette repeat a colour with another marker.
PALETTE = (
    "#2f7ed8",
    "#e07b39",
    "#1f9d76",
    "#b04fc4",
    "#c9a227",
    "#d1495b",
    "#4aa3a2",
    "#7a6ff0",
    "#8a9a2b",
    "#c2649a",
    "#5b8c5a",
    "#a0785a",
)
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star")


def judge_colours(judges: Sequence[str]) -> dict[str, str]:
    """Judge → colour, by its place in the dataset, so that it is the same on every page."""
    return {judge: PALETTE[i % len(PALETTE)] for i, judge in enumerate(judges)}


def judge_symbols(judges: Sequence[str]) -> dict[str, str]:
    """Judge → marker symbol; it changes where the palette starts again."""
    return {judge: SYMBOLS[i // len(PALETTE) % len(SYMBOLS)] for i, judge in enumerate(judges)}


def plain(text: object, limit: int = 0) -> str:
    """A name as text for Plotly, which would read tags in it as markup; cut to `limit` characters where one is given."""
    shown = str(text)
    if limit and len(shown) > limit:
        shown = shown[: limit - 1] + "…"
    return escape(shown, quote=False)


def judge_text(judge: str, own: Collection[str], limit: int = 30) -> str:
    """A judge's name on an axis or in a legend, marked where the visitor brought it."""
    return plain(judge, limit) + (" (yours)" if judge in own else "")


def plain_markdown(text: object) -> str:
    """Any text so that Markdown shows it as it is, on one line.

    A word joiner, which has no width, stands where an escape is of no use: Streamlit looks for addresses, icons, emoji and arrows after
    Markdown has undone all escapes.
    """
    shown = re.sub(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*|^\s{2,}|\t", " ", str(text))
    shown = re.sub(r"(?i)(https?:|www|@)(?=[/.\w])|:(?=[\w+/-]+:)|(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)", "\\g<0>\u2060", shown)
    shown = re.sub(r"([\\`*_{}\[\]()<>#+!|~$:&-])", r"\\\1", shown)
    # At the start of a paragraph these would number a list, or underline a heading.
    return re.sub(r"^( ?\d*)(=|(?<=\d)\.(?!\d))", r"\1\\\2", shown)


def layout(height: int, margin: tuple[int, int, int, int] = (8, 8, 8, 8)) -> dict[str, Any]:
    """The layout that all figures share; `margin` is left, top, right, bottom in pixels."""
    left, top, right, bottom = margin
    return {
        "height": height,
        "margin": {"l": left, "t": top, "r": right, "b": bottom},
        "paper_bgcolor": "rgba(0, 0, 0, 0)",
        "plot_bgcolor": "rgba(0, 0, 0, 0)",
        "font": {"size": FONT_SIZE},
        "hoverlabel": {"align": "left"},
        "dragmode": False,
        "modebar": {"bgcolor": "rgba(0, 0, 0, 0)", "color": MUTED, "activecolor": PREFERRED},
    }


def finish(figure: go.Figure, height: int, margin: tuple[int, int, int, int] = (8, 8, 8, 8)) -> go.Figure:
    """The figure with the shared `layout`."""
    figure.update_layout(layout(height, margin))
    return figure
