"""DATA on the command line: how it is declared, read, grouped and joined with labels is the same for every command."""

import argparse
import time
from pathlib import Path
from typing import Literal, TypeAlias

from dissection import cli_hub, cli_mapping
from dissection.append import append
from dissection.cli_words import say
from dissection.dataset import PairDataset
from dissection.errors import UnknownFormError
from dissection.wording import count

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

_DATA_HELP = "a file in the native form (JSON Lines, Parquet, dotted CSV; also .gz), or published weights (a folder, or one JSON file)"
_DATA_HELP += f"; {cli_hub.HELP}"


def add_data(parser: argparse.ArgumentParser) -> None:
    """DATA, and how it is read, grouped and joined: the same for every command that takes it."""
    parser.add_argument("data", type=cli_hub.data, metavar="DATA", help=_DATA_HELP)
    parser.add_argument(
        "--append",
        type=cli_hub.data,
        action="append",
        default=[],
        metavar="FILE",
        help="pairs to put behind those of DATA, before anything else is done; repeatable. Judges and properties are united by name",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="labels of further judges, in any form of the Upload page; a judge that the file does not name is called after the file",
    )
    parser.add_argument("--reader", metavar="FORM", help="read DATA as this form, whatever its content looks like; a wrong name lists them")
    parser.add_argument(
        "--mapping", type=Path, metavar="FILE", help="which column is what, as `mapping` proposes it, for tables of no known form"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--scenarios-by", metavar="COLUMN", help="the values of this column (meta.NAME, model_a, model_b) as scenarios")
    way.add_argument(
        "--scenario-rule", action="append", metavar="RULE", help="a scenario by words in the query, NAME: word, phrase, begin*; repeatable"
    )
    way.add_argument("--topics", type=int, metavar="K", help="K computed topics of the queries as scenarios")
    parser.add_argument("--one-means", choices=("a", "b"), help="the side that 1 stands for, where labels are 0/1")


def open_data(options: argparse.Namespace) -> PairDataset:
    """The dataset that the options name, with everything that is said of it.

    Raises:
        InputError: something can't be had or read; the message says what and why.
    """
    started = time.perf_counter()
    dataset = cli_mapping.read(options.data, options.mapping) if options.mapping else cli_hub.open_data(options.data, options.reader)
    if options.append:
        dataset = append([dataset, *(_open_further(source, options.mapping) for source in options.append)])
    what = count(len(dataset), "pair") if dataset.has_pairs else "published weights"
    size = f"{count(len(dataset.judges), 'judge')}, {count(len(dataset.groups), 'group')}"
    say(f"{dataset.name}: {what}, {size} ({time.perf_counter() - started:.1f} s)")
    for note in dataset.notes:
        say(f"note: {note}")
    dataset = _with_scenarios(dataset, options)
    for path in options.labels:
        dataset = _join_labels(dataset, path, options.one_means)
    return dataset


def _open_further(source: Path | str, mapping: Path | None) -> PairDataset:
    """A dataset to append, of the form that its content shows; the mapping is for a table of no known form."""
    try:
        return cli_hub.open_data(source)
    except UnknownFormError:
        if mapping is None:
            raise
        return cli_mapping.read(source, mapping)


def _with_scenarios(dataset: PairDataset, options: argparse.Namespace) -> PairDataset:
    from dissection.scenarios import Rule, by_column, by_rules, by_topics

    if options.scenarios_by:
        dataset = by_column(dataset, options.scenarios_by)
    elif options.scenario_rule:
        dataset = by_rules(dataset, [Rule.parse(text) for text in options.scenario_rule])
    elif options.topics is not None:
        dataset = by_topics(dataset, options.topics)
    else:
        return dataset
    say(f"note: {dataset.notes[-1]}")
    return dataset


def _join_labels(dataset: PairDataset, path: Path, meaning_of_one: Literal["a", "b"] | None) -> PairDataset:
    from dissection.labels import read_labels

    for report in read_labels(path, path.name, dataset, path.name.split(".")[0], meaning_of_one):
        for line in report.summary():
            say(line)
        dataset = report.join(dataset)
    return dataset
