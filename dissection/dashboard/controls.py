"""Widgets whose values live in the address bar, so that a copied link shows the same view."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dissection.dashboard import analysis, asking_panel, links, session
from dissection.dashboard.address import keep
from dissection.dataset import Group, PairDataset
from dissection.judges import Judge
from dissection.regression.discoveries import LEVEL
from dissection.regression.model import PAPER, STANDARD

IMAGE_FORMATS = ("PNG", "SVG")
OVERALL = "overall"


def sidebar() -> None:
    """The choices that hold on every page: data, model, prior scale, engine, image format; and the progress of what goes on behind the pages."""
    links.follow()
    options = session.dataset_options()
    models, scales = session.model_names(), list(session.PRIOR_SCALES)
    with st.sidebar:
        st.selectbox("Data", list(options), format_func=options.__getitem__, **keep("data", list(options), next(iter(options))))
        with st.expander("Model and downloads", icon=":material/tune:"):
            st.selectbox(
                "Model",
                models,
                help="“standard” has a position-bias intercept, Normal(0, 1); “paper” has none; “pooled” is “standard” with scenarios that share "
                "what they have in common (data with several scenarios only). All use ties and soft verdicts.",
                **keep("model", models, STANDARD.name),
            )
            if st.session_state["model"] == PAPER.name:
                st.toggle(
                    "Mean of ten fits",
                    help="Each leaves a tenth of the pairs out, as the paper did.",
                    **keep("folds", [True, False], default=False),
                )
            st.select_slider(
                "Prior scale b",
                scales,
                help="Weights are Laplace(0, b) before the data are seen. Smaller: more caution. The paper used 0.1.",
                **keep("b", scales, STANDARD.prior_scale),
            )
            engines = {session.FAST: "Fast", session.SAMPLER: "NUTS where sampled"}
            st.segmented_control(
                "Engine",
                list(engines),
                format_func=engines.__getitem__,
                required=True,
                help="The fast engine answers at once. The full analysis by NUTS is started on the Diagnostics page; cells that it has not "
                "sampled keep the fast engine's answer.",
                **keep("engine", list(engines), session.FAST),
            )
            st.segmented_control("Image format", IMAGE_FORMATS, default="PNG", required=True, key="image", persist_state="session")
        analysis.panel()
        asking_panel.panel()


def group_label(group: Group) -> str:
    """A group as menus and the address bar name it."""
    return group.label + (" (condition)" if group.kind == "condition" else "")


def group(dataset: PairDataset) -> Group:
    """One scenario or condition, or all pairs."""
    labels = {choice.name: group_label(choice) for choice in dataset.selectable_groups}
    names = list(labels)
    return dataset.group(
        str(st.selectbox("Scenario or condition", names, format_func=labels.__getitem__, **keep("group", names, names[0])))
    )


def group_or_overall(dataset: PairDataset) -> Group | None:
    """One scenario or condition; None for the mean of the scenarios."""
    labels = {OVERALL: "Overall: mean of the scenarios", **{choice.name: group_label(choice) for choice in dataset.groups}}
    names = list(labels)
    chosen = str(st.selectbox("Over which pairs", names, format_func=labels.__getitem__, **keep("over", names, OVERALL)))
    return None if chosen == OVERALL else dataset.group(chosen)


def judge_label(judge: Judge) -> str:
    """The judge's name, marked where the visitor brought it."""
    return f"{judge.name} (yours)" if judge.origin == "upload" else judge.name


def _labels(dataset: PairDataset) -> dict[str, str]:
    return {judge.name: judge_label(judge) for judge in dataset.judges}


def one_judge(dataset: PairDataset, label: str = "Judge", key: str = "judge") -> str:
    """One judge; a human is the default where there is one, else the first."""
    labels = _labels(dataset)
    default = next((name for name in labels if "human" in name.casefold()), next(iter(labels)))
    missing = links.missing_judges(dataset, key)
    kept = keep(key, list(labels), default) | {"on_change": links.forget_judges, "args": (key,)}
    chosen = str(st.selectbox(label, list(labels), format_func=labels.__getitem__, **kept))
    links.say_missing(dataset, missing, labels[chosen])
    return chosen


def some_judges(dataset: PairDataset, key: str, default: Sequence[str] = (), placeholder: str = "All judges") -> tuple[str, ...]:
    """Some judges, in the order of the dataset; none chosen means all."""
    labels = _labels(dataset)
    missing = links.missing_judges(dataset, key, several=True)
    kept = keep(key, list(labels), list(default)) | {"on_change": links.forget_judges, "args": (key,)}
    chosen = st.multiselect("Judges", list(labels), format_func=labels.__getitem__, placeholder=placeholder, **kept)
    links.say_missing(dataset, missing, ", ".join(labels[name] for name in chosen[:5]) or "the usual choice")
    return tuple(name for name in labels if name in chosen) or tuple(labels)


def choice(label: str, options: Sequence[str], key: str, labels: dict[str, str] | None = None) -> str:
    """One of a few words, side by side; the first is the default."""
    names = labels or {}
    kept = keep(key, list(options), options[0])
    return str(
        st.segmented_control(label, list(options), required=True, wrap=True, format_func=lambda option: names.get(option, option), **kept)
    )


def false_discoveries() -> None:
    """Whether cells count as decided only while, over the whole view, few are expected to be wrong."""
    st.toggle(
        f"Control false discoveries ({100 * LEVEL:.0f} %)",
        help="Of many cells without any effect some look decided by chance. With this on, only those stay unfaded that Benjamini and Hochberg's "
        f"procedure keeps over all cells in view: at most {100 * LEVEL:.0f} % of them are expected to be wrong.",
        **keep("fdr", [True, False], default=False),
    )


def false_discoveries_controlled() -> bool:
    """Whether that is switched on."""
    return bool(st.session_state.get("fdr"))


def edited_table(key: str, offered: Callable[[], pd.DataFrame], height: int, columns: dict[str, Any]) -> pd.DataFrame:
    """A table whose lines the visitor changes and adds to, as it is now.

    Streamlit forgets the edits of a table that another view or page leaves out; then the table begins with the edited one.

    Args:
        key: of the widget.
        offered: what it begins with at first.
        height: in pixels.
        columns: how each is edited.
    """
    begun, last = f"{key}-begun", f"{key}-edited"
    if not {key, begun} <= set(st.session_state):
        st.session_state[begun] = st.session_state[last] if last in st.session_state else offered()
    edited: pd.DataFrame = st.data_editor(
        st.session_state[begun], hide_index=True, num_rows="dynamic", height=height, key=key, column_config=columns
    )
    st.session_state[last] = edited.reset_index(drop=True)
    return edited
