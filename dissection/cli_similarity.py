"""The command `similarity`: a matrix of how alike the judges are."""

import argparse
from pathlib import Path

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_fit import show_groups
from dissection.cli_words import say
from dissection.errors import UnknownNameError
from dissection.export import check_output, safe_cells
from dissection.regression.fit import fit
from dissection.similarity import METHODS, similarity_matrix


def add_command(commands: Commands) -> None:
    """Declare `similarity`."""
    parser = commands.add_parser(
        "similarity",
        help="how alike the judges are",
        description="Write a square labelled matrix of correlations of the judges' weights: the mean over scenarios, or of one group.",
        epilog="Example:  python -m dissection similarity published_weights/fitted_paras_comparison --out similarity.csv",
    )
    add_data(parser)
    parser.add_argument("--method", default="pearson", metavar="M", help="pearson (the default), spearman or cosine")
    parser.add_argument("--group", metavar="G", help="one scenario or condition instead of the mean over scenarios")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.csv")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Fit, correlate and write; 0."""
    check_output(options.out, (".csv",))
    if options.method not in METHODS:
        raise UnknownNameError(f"There is no similarity named {options.method!r}.", accepted=", ".join(METHODS))
    dataset = open_data(options)
    groups = [options.group] if options.group else [group.name for group in dataset.scenarios]
    matrix = similarity_matrix(fit(dataset, groups=groups, progress=show_groups), options.method)
    safe_cells(matrix).to_csv(options.out, index_label="judge")
    say(
        f"{len(matrix)} × {len(matrix)} similarities ({options.method}, {options.group or f'mean of {len(groups)} scenarios'}) → {options.out}"
    )
    return 0
