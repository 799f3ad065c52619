"""The command `report`: one HTML file about chosen judges."""

import argparse
from collections.abc import Callable
from pathlib import Path

from dissection.cli_fit import say, show_groups
from dissection.dataset import PairDataset
from dissection.export import check_output
from dissection.regression.fit import fit
from dissection.regression.model import choose_model
from dissection.report import ReportInput, report


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `report` beside the data and the labels."""
    parser.add_argument("--judge", action="append", metavar="J", help="only this judge; may be given more than once")
    parser.add_argument("--model", default="standard", metavar="M", help="standard (the default), paper or pooled")
    parser.add_argument("--prior-scale", type=float, metavar="B", help="scale b of the Laplace prior; default 0.1")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.html")


def run(options: argparse.Namespace, open_data: Callable[[argparse.Namespace], PairDataset]) -> int:
    """Fit every group and write the report; 0."""
    check_output(options.out, (".html",))
    model = choose_model(options.model, options.prior_scale)
    dataset = open_data(options)
    judges = tuple(name for name in dataset.judge_names if not options.judge or name in options.judge)
    for name in options.judge or ():
        dataset.judge_index(name)  # says which there are
    groups = [group.name for group in dataset.selectable_groups if not (model.pooled and group.kind == "condition")]
    content = ReportInput(dataset, judges, model, tuple(fit(dataset, model, judges, groups, show_groups)))
    options.out.write_text(report(content), encoding="utf-8")
    say(f"{len(judges)} judges, {len(groups)} groups → {options.out}")
    return 0
