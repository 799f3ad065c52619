"""Parts of the page "Style or substance": shares of property families, and criteria."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from dissection.dashboard import behind, controls, session, show
from dissection.dashboard.address import keep
from dissection.dashboard.kept import shared
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.figures.dots import dot_plot
from dissection.figures.effects import order_properties, percent_frame
from dissection.figures.style import judge_colours, plain_markdown
from dissection.figures.substance import index_chart, shares_chart
from dissection.figures.substance_sentences import (
    COLUMNS,
    METHOD,
    METHOD_PUBLISHED,
    NO_CRITERIA,
    criteria_reading,
    index_reading,
    shares_reading,
)
from dissection.properties import FAMILIES, Family, Property, computed_properties
from dissection.regression.cautions import cautions
from dissection.regression.model import Model
from dissection.regression.posterior import Posterior
from dissection.substance.criteria import criteria_dataset, criterion_columns, halo, implicit_weights
from dissection.substance.shares import Shares, family_shares, lacking_families, shares_by_group
from dissection.text_properties import annotate, compare_pairs
from dissection.wording import count

ROWS = {"judge": "Judges", "group": "One judge, all scenarios"}
SOURCES = {"given": "As annotated", "texts": "Computed from the texts"}
CLEAR_HALO = 0.7  # correlation of two criteria from which a reader should be told
MANY_NAMES = 5


@dataclass(frozen=True)
class Asked:
    """What shares are of.

    Attributes:
        by_text: the properties are those computed from the texts.
        given: families that the visitor gave to properties.
        families: those that have a property.
        model: of the regression.
    """

    by_text: bool
    given: tuple[tuple[str, Family], ...]
    families: tuple[Family, ...]
    model: Model

    def data(self, dataset: PairDataset) -> PairDataset:
        """With the properties that are asked for; reading texts takes a while."""
        return with_text_properties(dataset) if self.by_text else dataset


def shares(dataset: PairDataset) -> None:
    """Shares of families and the index: all judges over some pairs, or one judge in every scenario."""
    if not dataset.properties:
        st.info("This data has no properties, so nothing says what a judge goes by.", icon=":material/category:")
        return
    first, second = st.columns(2, vertical_alignment="bottom")
    with first:
        field = controls.choice("Rows", list(ROWS), "sharerows", ROWS)
    with second:
        from_texts = by_text(dataset, "shareprops", first=texts_first(dataset))
    told = {one.name: one.family for one in (computed_properties() if from_texts else dataset.properties)}
    others = [name for name, family in told.items() if family == "other"]
    given = _given(others)
    left = {**told, **given}
    families = tuple(family for family in FAMILIES if family in left.values())
    asked = Asked(from_texts, tuple(given.items()), families, session.model())
    (_one_judge if field == "group" else _all_judges)(dataset, asked)
    if lacking := lacking_families(families):
        text = f"No index: no property is of the family {' or '.join(lacking)}, and an index weighs one against the other."
        st.caption(text + (" Say above what the properties are about." if others else ""))
    _method(dataset, left)


@shared()
def _texts_compared(dataset: PairDataset) -> tuple[FloatArray, FloatArray]:
    return compare_pairs(dataset)


def with_text_properties(dataset: PairDataset) -> PairDataset:
    """The dataset with the properties computed from its texts, which are read once for all visitors.

    Raises:
        DatasetError: there are no texts.
    """
    return annotate(dataset, _texts_compared(dataset))


def by_text(dataset: PairDataset, key: str, *, first: bool = False) -> bool:
    """Whether the properties computed from the texts are to stand in for the annotated ones.

    Args:
        dataset: in view.
        key: of the widget.
        first: whether they do by default.
    """
    if not (dataset.has_pairs and dataset.has_texts) or all(property_.computed for property_ in dataset.properties):
        return False
    options = list(SOURCES)[::-1] if first else list(SOURCES)
    return controls.choice("Properties", options, key, SOURCES) == "texts"


def texts_first(dataset: PairDataset) -> bool:
    """Whether the annotated properties can't tell style from substance, so that a page begins with those that can."""
    return bool(lacking_families([property_.family for property_ in dataset.properties]))


def _given(others: list[str]) -> dict[str, Family]:
    """Families that the visitor gives to properties that the catalogue does not know."""
    if not others:
        return {}
    columns = st.columns(2)
    given: dict[str, Family] = {}
    families: tuple[Family, ...] = ("substance", "style")
    for column, family in zip(columns, families, strict=True):
        with column:
            chosen = st.multiselect(
                f"Count as {family}",
                others,
                placeholder="properties that are in no family yet",
                **keep(f"as-{family}", others, []),
            )
            given |= {name: family for name in chosen if name not in given}
    return given


def _all_judges(dataset: PairDataset, asked: Asked) -> None:
    first, second = st.columns(2)
    with first:
        group = controls.group_or_overall(dataset)
    with second:
        judges = controls.some_judges(dataset, "judges")
    names = [group.name] if group else None
    found: Shares | None = behind.result(
        "shares",
        (dataset.content_hash, asked, group, judges),
        "Taking the judges' weights apart",
        lambda progress: family_shares(asked.data(dataset), asked.model, names, dict(asked.given), judges, progress),
    )
    if found is None:
        return
    where = f"in {group.label}" if group else f"over {count(len(dataset.scenarios), 'scenario')}, each counting alike"
    rows = [str(name) for name in found.index["judge"]]
    _charts(dataset, found.shares, found.index, rows, asked, where)


def _one_judge(dataset: PairDataset, asked: Asked) -> None:
    judge = controls.one_judge(dataset)
    found: tuple[pd.DataFrame, pd.DataFrame] | None = behind.result(
        "shares-by-group",
        (dataset.content_hash, asked, judge),
        "Taking the judge's weights apart",
        lambda progress: shares_by_group(asked.data(dataset), judge, asked.model, dict(asked.given), progress),
    )
    if found is None:
        return
    _charts(dataset, *found, [group.name for group in dataset.groups], asked, f"by {judge}, each scenario and condition on its own")


def _charts(dataset: PairDataset, table: pd.DataFrame, index: pd.DataFrame, rows: list[str], asked: Asked, where: str) -> None:
    """The index, where there is one, and the shares."""
    field = "group" if "group" in table else "judge"
    colours = judge_colours(dataset.judge_names)
    if index["index"].notna().any() or not lacking_families(asked.families):
        show.chart(
            index_chart(index, rows, field, colours, dataset.own_judges),
            index.round(4),
            f"Style over substance {where}",
            index_reading(index, field, where),
            width="narrow",
            key="style-index",
            columns=COLUMNS,
        )
    st.subheader("Shares of the families", anchor=False)
    show.chart(
        shares_chart(table, rows, asked.families, field, colours, dataset.own_judges),
        table.round(4),
        f"Shares of families {where}",
        shares_reading(table, where),
        key="family-shares",
        columns=COLUMNS,
    )


def _method(dataset: PairDataset, families: Mapping[str, Family]) -> None:
    """How shares are defined, and which property counts where."""
    folded = st.expander("What a share and the index are", icon=":material/function:", key="share-method", on_change="rerun")
    if not folded.open:
        return
    with folded:
        st.markdown(METHOD if dataset.has_pairs else METHOD_PUBLISHED)
        table = pd.DataFrame({"property": list(families), "family": list(families.values())})
        show.data_table(table.sort_values("family", kind="stable"), "Families of properties", COLUMNS)


def criteria(dataset: PairDataset) -> None:
    """The weight of each of a judge's own criteria in its overall verdict."""
    columns = criterion_columns(dataset)
    if columns.unmatched:
        named = ", ".join(columns.unmatched[:MANY_NAMES]) + (" …" if len(columns.unmatched) > MANY_NAMES else "")
        st.caption(
            f":material/warning: Not used, as no judge of the data has this name: {plain_markdown(named)}. "
            "A criterion's column is `criterion.<judge>.<criterion>`."
        )
    if not columns.found:
        st.info(NO_CRITERIA, icon=":material/checklist:")
        return
    first, second = st.columns(2)
    with first:
        group = controls.group(dataset)
    with second:
        names = list(columns.found)
        shown = st.multiselect("Judges with criteria", names, placeholder="All of them", **keep("criteria-of", names, []))
    fitted: list[Posterior] = []
    remarks: list[str] = []
    for judge in [name for name in names if name in shown] or names:
        try:
            data = criteria_dataset(dataset, judge)
            posterior = implicit_weights(data, session.model(), group.name)
        except InputError as error:
            show.mistake(error)
            continue
        fitted.append(posterior)
        remarks += [*cautions(data, [posterior]), *_halo(judge, data, group.name)]
    if not fitted:
        return
    frame = percent_frame(fitted)
    properties = tuple(Property(name) for name in dict.fromkeys(frame["property"]))
    show.chart(
        dot_plot(
            frame,
            order_properties(frame, properties, "value"),
            tuple(posterior.judge for posterior in fitted),
            dataset.judge_names,
            own=dataset.own_judges,
        ),
        frame.drop(columns=["kind"]),
        f"Criteria {group.name}",
        criteria_reading(frame, group.label),
        width="narrow",
        key="criteria",
    )
    for remark in remarks:
        st.caption(f":material/warning: {plain_markdown(remark)}")


def _halo(judge: str, data: PairDataset, group: str) -> list[str]:
    found = halo(data, group)
    if found is None or abs(found.correlation) < CLEAR_HALO:
        return []
    text = (
        f"{judge}: its verdicts on {found.one} and {found.other} mostly go together (correlation {found.correlation:.2f} on these {found.n:,} pairs), "
        "so which of the two counts is hard to tell; their intervals are wide for that reason."
    )
    return [text]
