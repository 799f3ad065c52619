"""How charts and tables are shown: each with its reading, the table behind it, and downloads."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.export import safe_cells
from dissection.figures.style import plain_markdown

# Wide charts scroll inside their box on narrow screens, instead of squeezing their labels into each other.
STYLE = """<style>
[class*="st-key-wide-"] { overflow-x: auto; }
[class*="st-key-wide-"] > div { min-width: var(--wide, 800px); }
[class*="st-key-narrow-"] { overflow-x: auto; }
[class*="st-key-narrow-"] > div { min-width: 460px; }
.stMainBlockContainer { padding-top: 4.2rem; padding-bottom: 3rem; max-width: 1500px; }
[data-testid="stHeading"] h1 { padding: 0 0 .2rem 0; font-size: 1.9rem; }
[class*="st-key-small-screens-only"] { display: none; }
@media (max-width: 640px) { [class*="st-key-small-screens-only"] { display: block; } }
[class*="st-key-answer-"] { white-space: pre-wrap; overflow-wrap: anywhere; }
</style>"""


def page_head(title: str, question: str, dataset: PairDataset) -> None:
    """Title, the question that the page answers, and whether what it shows is simulated."""
    st.title(title, anchor=False)
    st.caption(
        question + ("  :gray-badge[:material/science: Simulated data: made-up judges with planted tastes]" if dataset.simulated else "")
    )


def plotly_config(name: str) -> dict[str, Any]:
    """The chart's tool bar: only the image download, in the format chosen in the sidebar."""
    form = st.session_state.get("image") or "PNG"
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"],
        "toImageButtonOptions": {"format": form.lower(), "filename": file_stem(name), "scale": 2},
        "scrollZoom": False,
    }


def file_stem(name: str) -> str:
    """A file name from free text."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "chart"


def chart(
    figure: go.Figure,
    table: pd.DataFrame,
    name: str,
    reading: str,
    *,
    on_click: Callable[[dict[str, Any]], None] | None = None,
    width: str = "wide",
    key: str = "",
    columns: Mapping[str, Any] | None = None,
) -> None:
    """Draw a figure with its reading, the table behind it and a CSV of that.

    Args:
        figure: to draw.
        table: the numbers behind it.
        name: of the files that are downloaded.
        reading: how to read it, below the chart and for screen readers.
        on_click: called with a clicked point, as Plotly gives it, before the page is drawn again.
        width: "wide" or "narrow": below which width the chart scrolls inside its box.
        key: of the chart in the session; one chart that changes its data keeps it, so that the browser redraws instead of starting anew.
        columns: headings of the table, as in `data_table`.
    """
    place = key or file_stem(name)
    chart_key = f"chart-{place}"

    def clicked() -> None:
        points = st.session_state[chart_key]["selection"]["points"]
        if points and on_click:
            on_click(points[0])

    options: dict[str, Any] = {"on_select": clicked, "selection_mode": "points"} if on_click else {}
    with st.container(key=f"{width}-{place}"):
        st.plotly_chart(figure, key=chart_key, config=plotly_config(name), alt=re.sub(r"\\(?=\W)", "", reading), **options)
    st.caption(reading)
    # What is folded is not made: the table is sent when it is asked for.
    folded = st.expander("Table and download", icon=":material/table:", key=f"table-{place}", on_change="rerun")
    if folded.open:
        with folded:
            data_table(table, name, columns)
            st.download_button(
                "Download chart as HTML",
                lambda: figure.to_html(include_plotlyjs=True, config={"displaylogo": False}).encode(),
                file_name=f"{file_stem(name)}.html",
                mime="text/html",
                icon=":material/download:",
                key=f"html-{file_stem(name)}",
            )


def data_table(table: pd.DataFrame, name: str, columns: Mapping[str, Any] | None = None) -> None:
    """A table, its columns headed as `columns` says, and its CSV."""
    st.dataframe(table, hide_index=True, height="auto" if len(table) < 12 else 380, column_config=columns)
    st.download_button(
        "Download CSV",
        lambda: safe_cells(table).to_csv(index=False).encode(),
        file_name=f"{file_stem(name)}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"csv-{file_stem(name)}",
    )


def inspection(lines: Sequence[str]) -> None:
    """The lines of an inspection: headings, items, and what belongs to an item."""

    def written(line: str) -> str:
        if line.startswith("  - "):
            return f"- {plain_markdown(line[4:])}"
        return plain_markdown(line) if line.startswith(" ") else f"\n**{plain_markdown(line)}**\n"

    st.markdown("  \n".join(map(written, lines)))


def mistake(error: InputError) -> None:
    """An error of the visitor's input, in the same words as on the command line."""
    st.error(_in_words(error), icon=":material/error:")


def limit(error: InputError) -> None:
    """What the data in view don't allow, which is nobody's mistake, in the same words."""
    st.info(_in_words(error), icon=":material/info:")


def _in_words(error: InputError) -> str:
    lines = [f"**{plain_markdown(error.problem)}**"]
    for label, text in (("Where", error.where), ("Accepted", error.accepted), ("What to do", error.remedy)):
        if text:
            lines.append(f"{label}: {plain_markdown(text)}")
    return "  \n".join(lines)
