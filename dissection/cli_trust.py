"""The command `trust`: how far two annotations of the same pairs agree, and what their noise does to effects."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from dissection import cli_hub
from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_fit import show_groups
from dissection.cli_words import say
from dissection.dataset import PairDataset
from dissection.export import EFFECT_FORMS, check_output, write_table
from dissection.noise.agreement import agreement_of_annotations
from dissection.noise.effects import FITS, corrected_effects
from dissection.noise.twice import RESAMPLES
from dissection.regression.model import Model, choose_model
from dissection.wording import count

SHOWN = {"equal": 0, "kappa": 2, "alpha": 2, "opposed": 1, "position": 3, "epsilon": 2}  # digits
EXAMPLE = "Example:  python -m dissection trust annotated.jsonl again.jsonl --swapped --judge human --out effects.csv"


def add_command(commands: Commands) -> None:
    """Declare `trust`."""
    parser = commands.add_parser(
        "trust",
        help="how far two annotations of the same pairs agree, and what their noise does to effects",
        description="Print for each property how far DATA and AGAIN agree, with 95 % intervals; with --out, write the judges' effects as they "
        "are beside what they would be without the noise, or the table of agreement where there is no judge.",
        epilog=EXAMPLE,
    )
    add_data(parser)
    parser.add_argument(
        "again", type=cli_hub.data, metavar="AGAIN", help="a second annotation of some of the same pairs, with the same pair ids"
    )
    parser.add_argument(
        "--swapped", action="store_true", help="AGAIN is by the same annotator with B shown first: adds the position effect"
    )
    parser.add_argument("--judge", action="append", metavar="J", help="only this judge; may be given more than once")
    parser.add_argument(
        "--group", action="append", metavar="G", help="a scenario or condition; may be given more than once; default: all pairs"
    )
    parser.add_argument("--model", default="standard", metavar="M", help="standard (the default) or paper")
    parser.add_argument("--prior-scale", type=float, metavar="B", help="scale b of the Laplace prior; default 0.1")
    parser.add_argument(
        "--resamples", type=int, default=RESAMPLES, metavar="N", help=f"of queries, for intervals of agreement; default {RESAMPLES:,}"
    )
    parser.add_argument(
        "--fits", type=int, default=FITS, metavar="N", help=f"draws of the noise that effects are corrected by; default {FITS}"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of resamples and draws; default 0")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="effects, or agreement where there is no judge: FILE.csv, FILE.parquet, FILE.jsonl or FILE.json",
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Compare, print, correct and write; 1 where some fit did not settle, else 0."""
    if options.out:
        check_output(options.out, EFFECT_FORMS)
    model = choose_model(options.model, options.prior_scale)
    dataset = open_data(options)
    again = cli_hub.open_data(options.again)
    found = agreement_of_annotations(dataset, again, options.swapped, options.resamples, options.seed)
    print(f"{dataset.name} against {again.name}; per cent, kappa, alpha, position effect and noise with their 95 % intervals:")
    print(table_text(found, swapped=options.swapped))
    for remark, rows in found[found["remark"] != ""].groupby("remark", sort=False):
        names = list(rows["property"])
        say(f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}: {remark}")
    if not options.out:
        return 0
    if not dataset.judges:
        write_table(found, options.out)
        say(f"agreement on {count(len(found), 'property', 'properties')} → {options.out}. There is no judge, so there are no effects")
        return 0
    effects = _effects(dataset, again, options, model)
    write_table(effects, options.out)
    cells = count(len(effects[["judge", "group"]].drop_duplicates()), "cell")
    say(f"{cells}, {len(effects):,} effects as annotated and without the noise → {options.out}. {model.description}")
    return int((effects["status"] == "not converged").any())


def _effects(dataset: PairDataset, again: PairDataset, options: argparse.Namespace, model: Model) -> pd.DataFrame:
    groups = options.group or [dataset.selectable_groups[0].name]
    parts = []
    for done, group in enumerate(groups):
        show_groups(done, len(groups))
        parts.append(corrected_effects(dataset, again, group, model, options.judge, resamples=options.fits, seed=options.seed))
    show_groups(len(groups), len(groups))
    return pd.concat(parts, ignore_index=True)


def table_text(frame: pd.DataFrame, *, swapped: bool) -> str:
    """The table for a terminal: each number with its interval, a dash where there is none."""
    shown = frame[["property", "n", "differ"]].copy()
    for name, digits in SHOWN.items():
        if swapped or name != "position":
            shown[name] = [
                _number(value, low, high, digits) for value, low, high in frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
            ]
    return str(shown.to_string(index=False))


def _number(value: float, low: float, high: float, digits: int) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.{digits}f}" + ("" if np.isnan(low) else f" ({low:.{digits}f} to {high:.{digits}f})")
