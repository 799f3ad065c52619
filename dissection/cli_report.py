"""The command `report`: one HTML file about chosen judges."""

import argparse
from pathlib import Path

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_fit import add_sampler_options, check_options, sample, show_groups
from dissection.cli_words import say
from dissection.export import check_output
from dissection.regression.fit import fit
from dissection.report import ReportInput, report
from dissection.whole_file import write_whole
from dissection.wording import count


def add_command(commands: Commands) -> None:
    """Declare `report`."""
    parser = commands.add_parser(
        "report",
        help="one HTML file about chosen judges, which opens without a network",
        description="Write portraits, heatmaps, similarity, scores, diagnostics and method, with interactive charts. Cells that were sampled "
        "(--engine nuts) come with their R-hat and effective sample sizes. The exit status is 1 where a cell has no numbers to trust.",
        epilog="Example:  python -m dissection report demo.jsonl --judge human --out human.html",
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `report` beside the data and the labels."""
    parser.add_argument("--judge", action="append", metavar="J", help="only this judge; may be given more than once")
    parser.add_argument("--model", default="standard", metavar="M", help="standard (the default), paper or pooled")
    parser.add_argument("--prior-scale", type=float, metavar="B", help="scale b of the Laplace prior; default 0.1")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.html")
    add_sampler_options(parser)
    parser.set_defaults(folds=0)


def run(options: argparse.Namespace) -> int:
    """Fit or sample every group and write the report; 1 where some cell has no numbers that can be trusted, else 0."""
    check_output(options.out, (".html",))
    model, settings = check_options(options)
    dataset = open_data(options)
    for name in options.judge or ():
        dataset.judge_index(name)  # says which there are
    options.judge = [name for name in dataset.judge_names if not options.judge or name in options.judge]
    options.group = [group.name for group in dataset.selectable_groups if not (model.pooled and group.kind == "condition")]
    failed: list[tuple[str, str]] = []
    if options.engine == "nuts":
        posteriors, failed = sample(dataset, model, settings, options)
    else:
        posteriors = fit(dataset, model, options.judge, options.group, show_groups)
    for label, reason in failed:
        say(f"failed: {label}: {reason}")
    content = ReportInput(dataset, tuple(options.judge), model, tuple(posteriors), settings if options.engine == "nuts" else None)
    write_whole(options.out, report(content))
    say(f"{count(len(options.judge), 'judge')}, {count(len(options.group), 'group')} → {options.out}")
    return 1 if any(posterior.status == "not converged" for posterior in posteriors) else 0
