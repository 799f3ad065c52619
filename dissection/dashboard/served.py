"""Datasets that the server has for every visitor: the demo, and the file or the Hub's dataset that its owner chose."""

import dataclasses
import json
import sys
from pathlib import Path

import streamlit as st

from dissection.dataset import Group, PairDataset
from dissection.errors import InputError
from dissection.hub import open_hub
from dissection.hub.address import HubAddress, is_address, parse
from dissection.judges import DATA_FOLDER
from dissection.readers import open_dataset

DEMO_FILE = DATA_FOLDER / "demo.jsonl.gz"
DEMO_TRUTH = DATA_FOLDER / "demo_truth.json"
DEMO = "demo"
LOCAL_FILE = "file"
AGAIN_SECONDS = 60.0  # after which the Hub is asked again for the dataset that it did not give


def local_path() -> Path | HubAddress | None:
    """FILE of `streamlit run app.py -- FILE`: a file, or a dataset of the Hub.

    Raises:
        InputError: it is no address of a dataset.
    """
    words = sys.argv[1] if len(sys.argv) > 1 else ""
    if is_address(words):
        return parse(words)
    return Path(words).expanduser() if words else None


@st.cache_resource(max_entries=4, show_spinner="Opening the data …")
def _open(path: str, changed: float) -> PairDataset:  # noqa: ARG001 - a file that has changed is another one
    dataset = open_dataset(Path(path))
    return dataclasses.replace(dataset, name="Demo", simulated=True) if Path(path) == DEMO_FILE else dataset


@st.cache_resource(max_entries=1, show_spinner="Opening the data …")
def _download(address: HubAddress) -> PairDataset:
    # The owner chose it for all visitors, also where it takes the owner's token.
    return open_hub(address)


@st.cache_resource(max_entries=1, ttl=AGAIN_SECONDS, show_spinner=False)
def _from_hub(address: HubAddress) -> PairDataset | InputError:
    """The dataset, or why there is none: the Hub is not asked again for a while, so that no page waits for it each time."""
    try:
        return _download(address)
    except InputError as error:
        return error.with_traceback(None)


def served_options() -> dict[str, str]:
    """Key → name, the first one first.

    Raises:
        InputError: the owner chose what is no address of a dataset.
    """
    path = local_path()
    options = {LOCAL_FILE: path.repo if isinstance(path, HubAddress) else path.name} if path else {}
    return options | {DEMO: "Demo (simulated)"}


def served_dataset(key: str) -> PairDataset:
    """The dataset of a key; the demo where there is no other of that name.

    Raises:
        InputError: the file can't be used, or the Hub does not give it.
    """
    path = (local_path() if key == LOCAL_FILE else None) or DEMO_FILE
    if isinstance(path, HubAddress):
        found = _from_hub(path)
        if isinstance(found, InputError):
            raise found
        return found
    return _open(str(path), path.stat().st_mtime if path.exists() else 0.0)


@st.cache_resource(max_entries=1)
def _demo_truth() -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = json.loads(DEMO_TRUTH.read_text(encoding="utf-8"))["tastes"]
    return found


def planted(dataset: PairDataset, group: Group) -> dict[str, dict[str, float]]:
    """Judge → property → planted weight in log-odds, for the demo's judges in a scenario; empty for everything else."""
    if not dataset.simulated or group.kind != "scenario":
        return {}
    return {
        judge: dict(zip(dataset.property_names, tastes[group.name], strict=True))
        for judge, tastes in _demo_truth().items()
        if group.name in tastes
    }
