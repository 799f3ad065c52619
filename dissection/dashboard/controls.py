"""Widgets whose values live in the address bar, so that a copied link shows the same view."""

from collections.abc import Sequence

import streamlit as st

from dissection.dashboard import session
from dissection.dataset import Group, PairDataset
from dissection.judges import Judge
from dissection.regression.model import PRESETS

IMAGE_FORMATS = ("PNG", "SVG")


def sidebar() -> None:
    """The choices that hold on every page: data, model, prior scale, image format."""
    options = session.dataset_options()
    asked = st.query_params.get("data")
    if asked and asked not in options:
        st.warning(
            "This link shows a dataset that another visitor uploaded. It stays in their session; ask them for the file and open it on the "
            "Upload page.",
            icon=":material/link_off:",
        )
    with st.sidebar:
        st.selectbox("Data", list(options), format_func=options.__getitem__, key="data", bind="query-params")
        with st.expander("Model and downloads", icon=":material/tune:"):
            st.selectbox(
                "Model",
                list(PRESETS),
                key="model",
                bind="query-params",
                help="“standard” has a position-bias intercept, Normal(0, 1); “paper” has none. Both use ties and soft verdicts.",
            )
            st.select_slider(
                "Prior scale b",
                session.PRIOR_SCALES,
                value=0.1,
                key="b",
                bind="query-params",
                help="Weights are Laplace(0, b) before the data are seen. Smaller: more caution. The paper used 0.1.",
            )
            st.segmented_control("Image format", IMAGE_FORMATS, default="PNG", required=True, key="image", persist_state="session")


def group(dataset: PairDataset, label: str = "Scenario or condition", *, overall: bool = False) -> Group | None:
    """One scenario or condition; None for "overall", where that is offered."""
    choices: list[str] = [choice.name for choice in dataset.selectable_groups]
    labels = {choice.name: choice.label + (" (condition)" if choice.kind == "condition" else "") for choice in dataset.selectable_groups}
    if overall:
        choices = [choice for choice in choices if dataset.group(choice).kind != "all"]
        choices.insert(0, OVERALL)
        labels[OVERALL] = "Overall: mean of the scenarios"
    chosen = st.selectbox(label, choices, format_func=labels.__getitem__, key="over" if overall else "group", bind="query-params")
    return None if chosen == OVERALL else dataset.group(chosen)


OVERALL = "overall"


def judge_label(judge: Judge) -> str:
    """The judge's name, marked where the visitor brought it."""
    return f"{judge.name} (yours)" if judge.origin == "upload" else judge.name


def _labels(dataset: PairDataset) -> dict[str, str]:
    return {judge.name: judge_label(judge) for judge in dataset.judges}


def one_judge(dataset: PairDataset, label: str = "Judge", key: str = "judge") -> str:
    """One judge; a human is the default where there is one, else the first."""
    labels = _labels(dataset)
    default = next((place for place, name in enumerate(labels) if "human" in name.casefold()), 0)
    return str(st.selectbox(label, list(labels), index=default, format_func=labels.__getitem__, key=key, bind="query-params"))


def some_judges(dataset: PairDataset, key: str, default: Sequence[str] = (), placeholder: str = "All judges") -> tuple[str, ...]:
    """Some judges, in the order of the dataset; none chosen means all."""
    labels = _labels(dataset)
    chosen = st.multiselect(
        "Judges", list(labels), default=list(default), format_func=labels.__getitem__, key=key, bind="query-params", placeholder=placeholder
    )
    return tuple(name for name in labels if name in chosen) or tuple(labels)


def choice(label: str, options: Sequence[str], key: str, labels: dict[str, str] | None = None) -> str:
    """One of a few words, side by side; the first is the default."""
    names = labels or {}
    return str(
        st.segmented_control(
            label, list(options), default=options[0], required=True, key=key, bind="query-params", format_func=lambda option: names.get(option, option)
        )
    )
