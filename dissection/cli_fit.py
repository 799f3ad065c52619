"""The command `fit`: the weights of each judge in each group, by the fast engine or by NUTS."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import looked_at, say
from dissection.dataset import Group, PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.export import EFFECT_FORMS, check_output, write_effects
from dissection.jobs.job import Progress
from dissection.jobs.queue import JobQueue
from dissection.jobs.store import PosteriorStore, default_store
from dissection.regression.cautions import cautions
from dissection.regression.cells import Cell, cells
from dissection.regression.fit import fit, groups_to_fit
from dissection.regression.model import Model, choose_model
from dissection.regression.nuts import Settings
from dissection.regression.posterior import Posterior, Status, unknown_posterior

if TYPE_CHECKING:
    from typing import NoReturn

    from tqdm import tqdm

SHOWN = 10
KEPT_BYTES = 10**15  # a folder that the user names is not cleared
ENGINES = ("fast", "nuts")


def add_command(commands: Commands) -> None:
    """Declare `fit`."""
    parser = commands.add_parser(
        "fit",
        help="the weights of each judge in each group, with 95 %% intervals",
        description="Fit every judge in every scenario and condition and write one row a judge × group × property: mean, sd, low and high "
        "(95 %) in log-odds, probability = 100·σ(mean), direction = P(weight > 0), n = pairs used, converged. A cell that did not "
        "converge has no numbers, and the exit status is then 1.",
        epilog="Example:  python -m dissection fit demo.jsonl --judge human --group Code --out code.csv",
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `fit` beside the data and the labels."""
    parser.add_argument("--judge", action="append", metavar="J", help="only this judge; may be given more than once")
    parser.add_argument("--group", action="append", metavar="G", help="only this scenario or condition; may be given more than once")
    parser.add_argument(
        "--model",
        default="standard",
        metavar="M",
        help="standard (with position bias; the default), paper (without), or pooled (scenarios share what they have in common)",
    )
    parser.add_argument("--prior-scale", type=float, metavar="B", help="scale b of the Laplace prior; default 0.1")
    parser.add_argument("--folds", type=int, default=0, metavar="K", help="mean of K fits that each leave one part out (paper: 10)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.csv, FILE.parquet, FILE.jsonl or FILE.json")
    add_sampler_options(parser)


def add_sampler_options(parser: argparse.ArgumentParser) -> None:
    """The engine, and the sampler's settings."""
    sampler = parser.add_argument_group("the sampler", "for --engine nuts; an interrupted run goes on where it was")
    sampler.add_argument("--engine", default="fast", metavar="E", help="fast (the default) or nuts (PyMC's model, sampled by nutpie)")
    for name, meaning in (
        ("draws", "kept draws of each chain"),
        ("tune", "warm-up draws of each chain"),
        ("chains", "chains"),
        ("seed", "seed"),
    ):
        default = getattr(Settings, name)
        sampler.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{meaning}; default {default:,}")
    sampler.add_argument("--posterior", type=Path, metavar="DIR", help="keep the draws there, one NetCDF file a cell, for ArviZ")
    sampler.add_argument("--workers", type=int, metavar="N", help="processes; default: the number of cores")


def check_options(options: argparse.Namespace) -> tuple[Model, Settings]:
    """The model and the sampler's settings, checked before anything is read.

    Raises:
        InputError: an option is out of its range or does not go with another.
    """
    if options.engine not in ENGINES:
        raise UnknownNameError(f"There is no engine named {options.engine!r}.", accepted=", ".join(ENGINES))
    if options.posterior and options.engine != "nuts":
        raise InputError("Only the sampler has draws to keep.", accepted="--posterior with --engine nuts", remedy="add --engine nuts")
    if options.workers is not None and options.workers < 1:
        raise InputError(f"The number of workers is {options.workers}.", accepted="a whole number, 1 or more")
    return choose_model(options.model, options.prior_scale, options.folds), Settings(
        options.draws, options.tune, options.chains, options.seed
    )


def run(options: argparse.Namespace) -> int:
    """Fit and write; 1 where some cell has no numbers that can be trusted, else 0."""
    check_output(options.out, EFFECT_FORMS)
    model, settings = check_options(options)
    dataset = open_data(options)
    started = time.perf_counter()
    failed: list[tuple[str, str]] = []
    if options.engine == "nuts":
        posteriors, failed = sample(dataset, model, settings, options)
    else:
        posteriors = fit(dataset, model, options.judge, options.group, show_groups)
    write_effects(posteriors, options.out)
    say(f"{len(posteriors)} fits in {time.perf_counter() - started:.2f} s → {options.out}. {model.description}")
    _say_some([f"failed: {label}: {reason}" for label, reason in failed])
    for status in ("no verdicts", "not converged", "not pooled"):
        unknown = [posterior for posterior in posteriors if posterior.status == status]
        _say_some([f"{status}: {cell.judge} in {cell.group.name} (n = {cell.n}){_why(cell)}" for cell in unknown])
    for sentence in cautions(dataset, posteriors):
        say(f"caution: {sentence}")
    return 1 if failed or any(posterior.status == "not converged" for posterior in posteriors) else 0


def _say_some(lines: Sequence[str]) -> None:
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"… and {len(lines) - SHOWN} more ({lines[0].split(':')[0]})")


def _why(cell: Posterior) -> str:
    return f": {'; '.join(cell.diagnostics.failures)}" if cell.diagnostics and cell.diagnostics.failures else ""


def show_groups(done: int, total: int) -> None:
    """Progress over groups, where someone looks."""
    if looked_at():
        print(f"\rfitting group {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def sample(
    dataset: PairDataset, model: Model, settings: Settings, options: argparse.Namespace
) -> tuple[list[Posterior], list[tuple[str, str]]]:
    """Posteriors in the order of the fast engine's, and the cells that failed with their reasons."""
    from tqdm import tqdm

    wanted = cells(dataset, model, settings, options.judge, options.group)
    store = PosteriorStore(options.posterior, KEPT_BYTES, readable=True) if options.posterior else default_store()
    queue = JobQueue(store, options.workers)
    try:
        job = queue.submit("command line", wanted)
        with tqdm(total=len(wanted), unit="cell", desc="sampling", file=sys.stderr, disable=None) as bar:
            while not job.wait(0.2):
                _move(bar, job.progress())
            _move(bar, job.progress())
    except KeyboardInterrupt:
        say(f"Interrupted. What was sampled is kept in {store.folder}; the same command goes on from there.")
        raise
    finally:
        queue.close()
    for warning in job.warnings():
        say(f"warning: {warning}")
    return _in_order(dataset, groups_to_fit(dataset, model, options.group), options.judge, wanted, job.results()), job.failures()


def _move(bar: "tqdm[NoReturn]", progress: Progress) -> None:
    bar.n = progress.done + progress.failed
    bar.set_postfix_str(f"{progress.from_cache} from the cache" if progress.from_cache else "", refresh=True)


def _in_order(
    dataset: PairDataset, groups: Sequence[Group], judges: Sequence[str] | None, wanted: Sequence[Cell], results: Sequence[Posterior]
) -> list[Posterior]:
    """One posterior a group and judge, as the fast engine gives them; without numbers where a cell failed or could not be sampled."""
    found = {(posterior.judge, posterior.group): posterior for posterior in results}
    pairs = {(cell.judge, group): n for cell in wanted for group, n in zip(cell.groups, cell.n, strict=True)}
    pooled = any(len(cell.groups) > 1 for cell in wanted)

    def missing(judge: str, group: Group) -> Posterior:
        n = pairs.get((judge, group), 0)
        status: Status = "not pooled" if pooled and group.kind == "condition" else "not converged" if n else "no verdicts"
        return unknown_posterior(judge, group, dataset, status, n)

    return [found.get((judge, group)) or missing(judge, group) for group in groups for judge in judges or dataset.judge_names]
