"""What this visitor looks at: the dataset, their own judges, the model, and posteriors from bounded caches."""

import time
from threading import Lock, Thread

import numpy as np
import streamlit as st

from dissection.community.content import identity, pairs_hash
from dissection.community.folder import Store
from dissection.community.setting import open_store, setting
from dissection.dashboard import analysis
from dissection.dashboard.entry import through_app
from dissection.dashboard.kept import shared
from dissection.dashboard.served import served_dataset, served_options
from dissection.dashboard.tasks import tasks
from dissection.dashboard.visits import session as session_name
from dissection.dashboard.visits import visits
from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.judges import Judge
from dissection.regression.fit import fit
from dissection.regression.model import PAPER, PAPER_FOLDS, PRESETS, STANDARD, Model, choose_model
from dissection.regression.posterior import Posterior
from dissection.settings import DATASETS, JUDGES

MOST_AHEAD = 500_000  # verdicts; fitting more than this ahead would take whole seconds from other visitors
_AHEAD = Lock()  # one at a time, as all of it is only in case
FAST, SAMPLER = "fast", "nuts"
PRIOR_SCALES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def own_datasets() -> dict[str, PairDataset]:
    """Datasets that this visitor uploaded, by their name in the address bar."""
    found: dict[str, PairDataset] = st.session_state.setdefault("own_datasets", {})
    return found


def own_key(dataset_identity: str) -> str:
    """The name in the address bar of a dataset that a visitor brought, from its `identity`."""
    return f"own-{dataset_identity[:8]}"


def add_dataset(dataset: PairDataset, key: str = "") -> str:
    """Keep an uploaded dataset for this session and return its key, which is the same for the same content.

    Raises:
        InputError: the session already holds as many as it may.
    """
    key = key or own_key(identity(dataset))
    owned, most = own_datasets(), DATASETS.read()
    if key not in owned:
        if len(owned) >= most:
            raise InputError(f"This session already holds {most} uploaded datasets.", accepted=f"{most}", remedy="remove one of them first")
        visits().check_room(session_name(), _own_bytes(), dataset.memory_bytes)
    owned[key] = dataset
    return key


def _own_bytes() -> int:
    """What this visitor's datasets and judges take."""
    judges: dict[str, dict[str, FloatArray]] = st.session_state.get("own_judges", {})
    return sum(dataset.memory_bytes for dataset in own_datasets().values()) + sum(
        verdicts.nbytes for found in judges.values() for verdicts in found.values()
    )


def open_own(dataset: PairDataset) -> None:
    """Keep an uploaded dataset and look at it; for callbacks, which run before the page is drawn again."""
    try:
        st.session_state["data"] = add_dataset(dataset)
        st.session_state["added"] = [dataset.name]
    except InputError as error:
        st.session_state["upload_error"] = error


@st.cache_resource(show_spinner=False)
def _community(where: str, entries: str) -> Store | None:
    return open_store(where, entries)


def community() -> Store | None:
    """What visitors of this server published; None where publishing is off.

    Raises:
        InputError: the server is set up wrongly.
    """
    return _community(*setting())


def from_community() -> dict[str, str]:
    """The datasets of this session that came from the community: key → entry."""
    found: dict[str, str] = st.session_state.setdefault("from_community", {})
    return found


@shared()
def hash_of_pairs(dataset: PairDataset) -> str:
    """`pairs_hash` of a dataset, kept."""
    return pairs_hash(dataset)


def dataset_options() -> dict[str, str]:
    """Key → name of every dataset that this visitor can choose; the first is the default."""
    options = served_options()
    for key, dataset in own_datasets().items():
        label = f"{dataset.name} ({'community' if key in from_community() else 'yours'})"
        # A select box knows its options by their labels alone.
        options[key] = label if label not in options.values() else f"{label}, {key.removeprefix('own-')}"
    return options


def base_dataset(key: str) -> PairDataset:
    """The dataset of a key, without this visitor's judges.

    Raises:
        InputError: the file of the command line can't be used, or the Hub does not give it.
    """
    owned = own_datasets()
    return owned[key] if key in owned else served_dataset(key)


def own_judges(key: str) -> dict[str, FloatArray]:
    """This visitor's judges on a dataset: name → verdicts (pairs × 2)."""
    found: dict[str, FloatArray] = st.session_state.setdefault("own_judges", {}).setdefault(key, {})
    return found


def add_judge(name: str, verdicts: FloatArray) -> None:
    """Keep an uploaded judge of the current dataset for this session.

    Raises:
        InputError: the session already holds as many as it may.
    """
    owned, most = own_judges(current_key()), JUDGES.read()
    if len(owned) >= most:
        raise InputError(f"This session already holds {most} uploaded judges.", remedy="remove one of them first")
    visits().check_room(session_name(), _own_bytes(), verdicts.nbytes)
    owned[name] = verdicts


def current_key() -> str:
    """The key of the dataset in view."""
    options = dataset_options()
    key = st.session_state.get("data")
    return key if key in options else next(iter(options))


def current() -> PairDataset:
    """The dataset in view, with this visitor's judges in it."""
    through_app()
    key = current_key()
    dataset, owned = base_dataset(key), own_judges(key)
    if key not in own_datasets():
        visits().show_everybody(dataset.content_hash)
    signature = (dataset.content_hash, tuple(owned))
    held = st.session_state.get("current")
    if held and held[0] == signature:
        dataset = held[1]
    else:
        for name, verdicts in owned.items():
            dataset = dataset.with_judge(Judge(name, origin="upload"), np.array(verdicts))
        st.session_state["current"] = (signature, dataset)
    visits().has(session_name(), dataset.content_hash, _own_bytes())
    return dataset


def model_names() -> list[str]:
    """The models that the data in view can be fitted by."""
    try:
        poolable = current().has_pairs and len(current().scenarios) > 1
    except InputError:  # said where the data is opened
        poolable = False
    return [name for name, preset in PRESETS.items() if poolable or not preset.pooled]


def model() -> Model:
    """The model chosen in the sidebar."""
    name, scale = st.session_state.get("model", STANDARD.name), st.session_state.get("b", STANDARD.prior_scale)
    name = name if name in model_names() else STANDARD.name
    folds = PAPER_FOLDS if name == PAPER.name and st.session_state.get("folds") else 0
    return choose_model(name, scale if scale in PRIOR_SCALES else None, folds)


@shared()
def _fit_group(dataset: PairDataset, group: Group, model: Model) -> tuple[Posterior, ...]:
    return tuple(fit(dataset, model, groups=[group.name]))


@shared()
def _fit_pooled(dataset: PairDataset, model: Model) -> dict[Group, tuple[Posterior, ...]]:
    found: dict[Group, tuple[Posterior, ...]] = {}
    for posterior in fit(dataset, model, groups=[group.name for group in dataset.selectable_groups]):
        found[posterior.group] = (*found.get(posterior.group, ()), posterior)
    return found


def fit_fast(dataset: PairDataset, group: Group, model: Model) -> tuple[Posterior, ...]:
    """Every judge's posterior in a group by the fast engine, from the cache that visitors share."""
    return _fit_pooled(dataset, model)[group] if model.pooled else _fit_group(dataset, group, model)


def posteriors(dataset: PairDataset, groups: tuple[Group, ...], judges: tuple[str, ...] | None = None) -> list[Posterior]:
    """The posteriors of the judges (None: all) in the groups under the model in view, in that order.

    Where the visitor asked for the sampler, its result stands in for the fast engine's in each cell that has been sampled.
    """
    chosen = model()
    cells = [posterior for group in groups for posterior in fit_fast(dataset, group, chosen)]
    if st.session_state.get("engine") == SAMPLER:
        cells = analysis.with_samples(dataset, chosen, cells)
    if judges is None:
        return cells
    wanted = {name: place for place, name in enumerate(judges)}
    return sorted((cell for cell in cells if cell.judge in wanted), key=lambda cell: (groups.index(cell.group), wanted[cell.judge]))


def fit_ahead(dataset: PairDataset) -> None:
    """Fit the other groups behind the page, while the visitor looks at this one, so that a change of scenario finds them in the cache."""
    chosen, signature = model(), (dataset.content_hash, model())
    if st.session_state.get("fitted_ahead") == signature or len(dataset) * len(dataset.judges) > MOST_AHEAD:
        return
    st.session_state["fitted_ahead"] = signature

    def work() -> None:
        with _AHEAD:
            worked = 0.0
            for group in dataset.selectable_groups:
                tasks().drawing.give_way(worked)
                begun = time.monotonic()
                fit_fast(dataset, group, chosen)
                worked = time.monotonic() - begun

    Thread(target=work, daemon=True).start()


def open_pairs(judge: str, group: str, property_name: str) -> None:
    """Show the pairs behind a cell at the next run; for use in callbacks."""
    st.session_state["go"] = {"data": current_key(), "judge": judge, "group": group, "property": property_name, "sign": "differs"}


def open_pair(pair_id: str, judge: str, group: str) -> None:
    """Show one pair, explained for a judge, at the next run; for use in callbacks."""
    st.session_state["go"] = {"data": current_key(), "pair": pair_id, "judge": judge, "group": group}


def follow() -> None:
    """Go where a callback asked for, if one did."""
    if view := st.session_state.pop("go", None):
        st.switch_page("pages/pairs.py", query_params=view)
