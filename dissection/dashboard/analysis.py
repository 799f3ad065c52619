"""The full analysis behind the pages: one queue of sampling jobs for the whole server, and this visitor's place in it."""

import uuid
from collections.abc import Callable, Sequence

import streamlit as st

from dissection.dashboard.kept import kept, shared
from dissection.dataset import Group, PairDataset
from dissection.figures.style import plain_markdown
from dissection.jobs.job import Job, Progress
from dissection.jobs.queue import JobQueue
from dissection.jobs.store import PosteriorStore, default_store
from dissection.regression.cells import Cell, cells
from dissection.regression.model import Model
from dissection.regression.nuts import Draws, Settings
from dissection.regression.posterior import Posterior

DRAWS = (500, 1000, 2000, 5000)


@st.cache_resource(show_spinner=False)
def store() -> PosteriorStore:
    """The server's store of sampled cells."""
    return default_store()


@st.cache_resource(show_spinner=False)
def queue() -> JobQueue:
    """The server's queue; its workers start with the first job."""
    return JobQueue(store())


def visitor() -> str:
    """This session's name in the queue."""
    name: str = st.session_state.setdefault("visitor", uuid.uuid4().hex)
    return name


def settings() -> Settings:
    """The sampler's settings that this visitor chose."""
    draws = st.session_state.get("draws", Settings.draws)
    return Settings(draws=draws if draws in DRAWS else Settings.draws)


@shared()
def _names(dataset: PairDataset, groups: tuple[Group, ...], model: Model, settings: Settings) -> dict[tuple[str, Group], Cell]:
    """(judge, group) → the name of the cell that holds it."""
    found: dict[tuple[str, Group], Cell] = {}
    for group in [dataset.scenarios[0]] if model.pooled else groups:
        for cell in cells(dataset, model, settings, groups=[group.name]):
            name = cell.without_rows()
            found |= {(name.judge, part): name for part in (*name.groups, *(dataset.selectable_groups[:1] if model.pooled else ()))}
    return found


def _lookup(dataset: PairDataset, groups: Sequence[Group], model: Model) -> dict[tuple[str, Group], Cell]:
    if model.folds or not dataset.has_pairs:
        return {}
    if model.pooled:
        everything = _names(dataset, (), model, settings())
        return {key: cell for key, cell in everything.items() if key[1] in groups}
    return {key: cell for group in groups for key, cell in _names(dataset, (group,), model, settings()).items()}


def sampled(dataset: PairDataset, groups: Sequence[Group], model: Model) -> list[Posterior]:
    """What the sampler has found so far in the groups, one posterior a judge and group."""
    found = []
    for (_, group), cell in _lookup(dataset, groups, model).items():
        found += [posterior for posterior in queue().result(cell) or () if posterior.group == group]
    return found


def with_samples(dataset: PairDataset, model: Model, posteriors: Sequence[Posterior]) -> list[Posterior]:
    """The posteriors, with the sampler's in place of the fast engine's wherever there is one."""
    groups = list(dict.fromkeys(posterior.group for posterior in posteriors))
    found = {(posterior.judge, posterior.group): posterior for posterior in sampled(dataset, groups, model)}
    return [found.get((posterior.judge, posterior.group), posterior) for posterior in posteriors]


def draws(dataset: PairDataset, posterior: Posterior, model: Model) -> Draws | None:
    """The draws of a sampled cell, where the store still has them; unpacked once for all visitors."""
    key = _lookup(dataset, [posterior.group], model)[posterior.judge, posterior.group].key
    held = kept().get(dataset.content_hash, ("draws", key))
    found: Draws | None = held[0] if held else store().draws(key)
    if found is not None and held is None:
        kept().put(dataset.content_hash, ("draws", key), found)
    return found


def draws_file(dataset: PairDataset, posterior: Posterior, model: Model) -> bytes | None:
    """The NetCDF file of a sampled cell, where the store still has it."""
    path = store().path(_lookup(dataset, [posterior.group], model)[posterior.judge, posterior.group].key)
    try:
        return path.read_bytes() if path else None
    except OSError:  # another server made room
        return None


def cell_of(dataset: PairDataset, posterior: Posterior, model: Model) -> Cell:
    """The cell that a posterior came from, with its rows."""
    (cell,) = cells(dataset, model, settings(), [posterior.judge], [posterior.group.name])
    return cell


def start(dataset: PairDataset, model: Model, judges: Sequence[str], groups: Sequence[Group]) -> Job:
    """Queue the sampling of judges in groups.

    Raises:
        InputError: this visitor's last job has not finished, or there is nothing to sample.
    """
    chosen = cells(dataset, model, settings(), judges, [group.name for group in groups])
    job = queue().submit(visitor(), chosen)
    _asked_for().setdefault(dataset.content_hash, set()).update(cell.key for cell in chosen)
    return job


@st.cache_resource(show_spinner=False)
def _asked_for() -> dict[str, set[str]]:
    """Hash of data → the keys of the cells that were asked for."""
    return {}


def forget(content_hash: str) -> None:
    """Drop what was sampled for data that nobody has any more, from memory and disk, but for cells that other data share."""
    keys = _asked_for().pop(content_hash, set())
    queue().forget(keys - set().union(*_asked_for().values()))


def job() -> Job | None:
    """This visitor's last job."""
    return queue().latest(visitor()) if "visitor" in st.session_state else None


def time_left(seconds: float | None) -> str:
    """A rough duration in words."""
    if seconds is None:
        return "time left: not known before the first cell is done"
    if seconds < 90:
        return f"about {max(int(seconds), 1)} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


def panel() -> None:
    """The job's progress, in the sidebar of every page; draws itself anew each second while the job goes on."""
    if found := job():
        _live(_panel, found)


def strip() -> None:
    """The same in one line above every page, for narrow screens, where the sidebar is folded away."""
    if found := job():
        with st.container(key="small-screens-only"):
            _live(_strip, found)


def _live(draw: Callable[[Job], None], found: Job) -> None:
    st.fragment(draw, run_every=None if _over(found.progress()) else 1.0)(found)


def _over(progress: Progress) -> bool:
    return progress.state in ("finished", "cancelled")


def _how_far(progress: Progress) -> str:
    words = f"{progress.done:,} of {progress.total:,} cells"
    words += f", {progress.from_cache:,} from the cache" if progress.from_cache else ""
    words += f", {progress.failed:,} failed" if progress.failed else ""
    return words if _over(progress) else f"{words} · {time_left(progress.seconds_left)}"


def _strip(found: Job) -> None:
    progress = found.progress()
    if not _over(progress):
        st.caption(f":material/hourglass: Full analysis: {_how_far(progress)}")


def _panel(found: Job) -> None:
    if st.session_state.get("job_put_away") == found.id:
        return
    progress = found.progress()
    with st.container(border=True):
        st.markdown(f"**Full analysis** · {progress.state}")
        st.progress((progress.done + progress.failed) / progress.total)
        st.caption(_how_far(progress))
        if _over(progress):
            st.button("Put away", key="put-away-job", on_click=lambda: st.session_state.update(job_put_away=found.id))
        else:
            if progress.running:
                st.caption("Now: " + "; ".join(plain_markdown(label) for label in progress.running))
            st.button("Cancel", icon=":material/cancel:", key="cancel-job", on_click=lambda: queue().cancel(found))
    _refresh(progress.done + progress.failed, over=_over(progress))


def _refresh(done: int, *, over: bool) -> None:
    """Draw the whole page anew when cells came in that it shows, and once when the job is over."""
    seen = st.session_state.get("job_seen")
    st.session_state["job_seen"] = (done, over)
    shown = st.session_state.get("engine") == "nuts" or st.session_state.get("page") == "Diagnostics"
    if seen and seen != (done, over) and (over or shown):
        st.rerun(scope="app")
