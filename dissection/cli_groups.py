"""The command `groups`: are judges of one kind more alike than judges of different kinds?"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.export import EFFECT_FORMS, check_output, write_table
from dissection.likeness.groups import KINDS, NO_RESAMPLES, PERMUTATIONS, Grouping, compare_groups, group_judges
from dissection.likeness.metadata import metadata_from_names, read_metadata
from dissection.likeness.reliability import no_intervals
from dissection.likeness.support import RESAMPLES, cluster_support
from dissection.regression.fit import fit
from dissection.regression.model import Model, choose_model
from dissection.similarity import check_method, length_properties, similarity_matrix
from dissection.wording import count

EXAMPLE = "Example:  python -m dissection groups published_weights/fitted_paras_comparison --by size"


def add_command(commands: Commands) -> None:
    """Declare `groups`."""
    parser = commands.add_parser(
        "groups",
        help="whether judges of one kind are more alike than judges of different kinds",
        description="Print mean similarities within and between groups of judges, with the number of pairs of judges and a permutation test.",
        epilog=EXAMPLE,
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `groups` beside the data and the labels."""
    kinds = ", ".join(KINDS)
    parser.add_argument("--by", required=True, metavar="KIND", help=f"{kinds}; FILE.csv:COLUMN with a column `judge`; or a part of --names")
    parser.add_argument("--names", metavar="PATTERN", help="what the parts of judges' names are, such as llm/prompt")
    parser.add_argument("--group", metavar="G", help="one scenario or condition instead of the mean over scenarios")
    parser.add_argument("--method", default="pearson", metavar="M", help="pearson (the default), spearman or cosine")
    parser.add_argument("--without-length", action="store_true", help="leave out which answer is longer")
    parser.add_argument("--model", default="standard", metavar="M", help="standard (the default), paper or pooled")
    parser.add_argument("--permutations", type=int, default=PERMUTATIONS, metavar="N", help=f"default {PERMUTATIONS:,}")
    parser.add_argument(
        "--resamples", type=int, default=RESAMPLES, metavar="N", help=f"refits for the intervals; default {RESAMPLES}; 0: none"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of permutations and resamples; default 0")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the table: FILE.csv, FILE.parquet or FILE.jsonl")


def run(options: argparse.Namespace) -> int:
    """Compare, print and write; 0."""
    if options.out:
        check_output(options.out, EFFECT_FORMS)
    check_method(options.method)
    for what, least in (("permutations", 1), ("resamples", 0)):
        if getattr(options, what) < least:
            raise InputError(f"The number of {what} is {getattr(options, what)}.", accepted=f"a whole number, {least} or more")
    model = choose_model(options.model)
    dataset = open_data(options)
    grouping = _grouping(dataset, options)
    groups = [options.group] if options.group else [group.name for group in dataset.scenarios]
    without = length_properties(dataset.property_names) if options.without_length else ()
    similarity = similarity_matrix(fit(dataset, model, groups=groups), options.method, without)
    resampled = _resampled(dataset, model, groups, without, options)
    table = compare_groups(similarity, grouping.groups, options.permutations, options.seed, resampled)
    reason = no_intervals(dataset, model)
    if reason:
        table["remark"] = table["remark"].replace(NO_RESAMPLES, reason)
    print(f"Mean similarity by {grouping.by} ({options.method}, {options.group or 'mean of ' + count(len(groups), 'scenario')}):")
    print(table_text(table))
    if grouping.left_out:
        say(f"in no group: {', '.join(f'{judge} ({why})' for judge, why in grouping.left_out.items())}")
    if options.out:
        write_table(table, options.out)
        say(f"{len(table)} rows → {options.out}")
    return 0


def _grouping(dataset: PairDataset, options: argparse.Namespace) -> Grouping:
    path, colon, column = options.by.rpartition(":")
    # The parts of names come first, as one of them may be called like a kind.
    if options.names:
        metadata, column = metadata_from_names(dataset.judge_names, options.names), options.by
    elif colon and path:
        metadata = read_metadata(Path(path), Path(path).name, dataset.judge_names)
    else:
        return group_judges(dataset.judges, options.by)
    for note in metadata.notes:
        say(f"note: {note}")
    return metadata.grouping(column)


def _resampled(
    dataset: PairDataset, model: Model, groups: list[str], without: tuple[str, ...], options: argparse.Namespace
) -> FloatArray | None:
    if options.resamples < 1 or no_intervals(dataset, model):
        return None
    found = None
    for found in cluster_support(dataset, model, groups, options.method, without, options.resamples, options.seed):
        if sys.stderr.isatty():
            print(f"\rresample {found.done} of {found.resamples}", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return found.similarities if found else None


def table_text(table: pd.DataFrame) -> str:
    """The table for a terminal: three digits, and blanks where there is nothing."""
    shown = table.copy()
    for column in ("mean", "mean_low", "mean_high", "contrast", "low", "high"):
        shown[column] = [_digits(value) for value in table[column]]
    shown["p"] = ["" if pd.isna(value) else f"{value:.4f}" for value in table["p"]]
    shown["permutations"] = ["" if pd.isna(value) else f"{int(value):,}" for value in table["permutations"]]
    return str(shown.replace(np.nan, "").to_string(index=False))


def _digits(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
