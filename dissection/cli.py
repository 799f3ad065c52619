"""The command line: fit, scores, similarity, groups, report, judge, convert, mapping, demo, inspect. Results go to files, progress to stderr; bad input ends with status 2."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from dissection import cli_fit, cli_groups, cli_hub, cli_judge, cli_mapping, cli_report, cli_scores
from dissection.append import append
from dissection.cli_fit import say, show_groups
from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownFormError
from dissection.wording import count

EXIT_BAD_INPUT = 2

_DATA_HELP = "a file in the native form (JSON Lines, Parquet, dotted CSV; also .gz), or published weights (a folder, or one JSON file)"
_DATA_HELP += f"; {cli_hub.HELP}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 if some cell did not converge, 2 for bad input."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except OSError as error:
        print(f"error: {error.strerror or error}: {error.filename}", file=sys.stderr)
        return EXIT_BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dissection",
        description="What a judge's preferences are made of: Bayesian logistic regression of verdicts on properties of answers.",
        epilog="Start with:  python -m dissection demo --out demo.jsonl  and  python -m dissection fit demo.jsonl --out effects.csv",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_fit(commands)
    _add_scores(commands)
    _add_similarity(commands)
    _add_groups(commands)
    _add_demo(commands)
    _add_convert(commands)
    _add_report(commands)
    cli_judge.add_command(commands, _add_data, _open)
    cli_mapping.add_command(commands)
    look = commands.add_parser("inspect", help="what is in a file, and what can be done with it", description="What is in DATA.")
    _add_data(look)
    look.set_defaults(command=_inspect)
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
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


def _add_fit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "fit",
        help="the weights of each judge in each group, with 95 %% intervals",
        description="Fit every judge in every scenario and condition and write one row a judge × group × property: mean, sd, low and high "
        "(95 %) in log-odds, probability = 100·σ(mean), direction = P(weight > 0), n = pairs used, converged. A cell that did not "
        "converge has no numbers, and the exit status is then 1.",
        epilog="Example:  python -m dissection fit demo.jsonl --judge human --group Code --out code.csv",
    )
    _add_data(parser)
    cli_fit.add_options(parser)
    parser.set_defaults(command=_fit)


def _add_scores(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "scores",
        help="how well each judge's weights foretell verdicts that they were not fitted on",
        description="Write one row a judge × group × predictor: held-out log loss, accuracy and Brier score with standard errors, of the "
        "explanation and beside it of the majority, length alone, position alone and the judge's own agreement in both orders.",
        epilog="Example:  python -m dissection scores demo.jsonl --judge human --out scores.csv",
    )
    _add_data(parser)
    cli_scores.add_options(parser)
    parser.set_defaults(command=_scores)


def _add_similarity(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "similarity",
        help="how alike the judges are",
        description="Write a square labelled matrix of correlations of the judges' weights: the mean over scenarios, or of one group.",
        epilog="Example:  python -m dissection similarity published_weights/fitted_paras_comparison --out similarity.csv",
    )
    _add_data(parser)
    parser.add_argument("--method", default="pearson", metavar="M", help="pearson (the default), spearman or cosine")
    parser.add_argument("--group", metavar="G", help="one scenario or condition instead of the mean over scenarios")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.csv")
    parser.set_defaults(command=_similarity)


def _add_groups(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "groups",
        help="whether judges of one kind are more alike than judges of different kinds",
        description="Print mean similarities within and between groups of judges, with the number of pairs of judges and a permutation test.",
        epilog=cli_groups.EXAMPLE,
    )
    _add_data(parser)
    cli_groups.add_options(parser)
    parser.set_defaults(command=_groups)


def _add_report(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "report",
        help="one HTML file about chosen judges, which opens without a network",
        description="Write portraits, heatmaps, similarity, scores, diagnostics and method, with interactive charts. Cells that were sampled "
        "(--engine nuts) come with their R-hat and effective sample sizes. The exit status is 1 where a cell has no numbers to trust.",
        epilog="Example:  python -m dissection report demo.jsonl --judge human --out human.html",
    )
    _add_data(parser)
    cli_report.add_options(parser)
    parser.set_defaults(command=_report)


def _add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "convert",
        help="any known form into the native one",
        description="Write DATA, with the judges of --labels, in the native form.",
        epilog="Example:  python -m dissection convert arena.parquet --labels mine.csv --out pairs.jsonl",
    )
    _add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.jsonl, FILE.jsonl.gz, FILE.parquet or FILE.csv")
    parser.set_defaults(command=_convert)


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="a simulated dataset whose judges' tastes are known",
        description="Write simulated pairs in the native form, with judges whose tastes were planted.",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.jsonl or FILE.jsonl.gz")
    parser.add_argument("--pairs", type=int, default=2600, metavar="N", help="default 2600")
    parser.add_argument("--judges", type=int, default=14, metavar="J", help="default 14")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default 0, the embedded demo")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="also write the planted weights, as JSON")
    parser.set_defaults(command=_demo)


def _open(options: argparse.Namespace) -> PairDataset:
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


def _fit(options: argparse.Namespace) -> int:
    return cli_fit.run(options, _open)


def _scores(options: argparse.Namespace) -> int:
    return cli_scores.run(options, _open)


def _similarity(options: argparse.Namespace) -> int:
    from dissection.errors import UnknownNameError
    from dissection.export import check_output, safe_cells
    from dissection.regression.fit import fit
    from dissection.similarity import METHODS, similarity_matrix

    check_output(options.out, (".csv",))
    if options.method not in METHODS:
        raise UnknownNameError(f"There is no similarity named {options.method!r}.", accepted=", ".join(METHODS))
    dataset = _open(options)
    groups = [options.group] if options.group else [group.name for group in dataset.scenarios]
    matrix = similarity_matrix(fit(dataset, groups=groups, progress=show_groups), options.method)
    safe_cells(matrix).to_csv(options.out, index_label="judge")
    say(
        f"{len(matrix)} × {len(matrix)} similarities ({options.method}, {options.group or f'mean of {len(groups)} scenarios'}) → {options.out}"
    )
    return 0


def _groups(options: argparse.Namespace) -> int:
    return cli_groups.run(options, _open)


def _report(options: argparse.Namespace) -> int:
    return cli_report.run(options, _open)


def _convert(options: argparse.Namespace) -> int:
    from dissection.export import check_output
    from dissection.native_file import FORMS, write_native

    check_output(options.out, FORMS)
    dataset = _open(options)
    write_native(dataset, options.out)
    say(f"{len(dataset):,} pairs, {len(dataset.judges)} judges → {options.out}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from dissection.simulate import write_demo

    write_demo(options.out, options.pairs, options.judges, options.seed, options.truth)
    say(f"{options.pairs:,} simulated pairs, {options.judges} judges → {options.out}")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    from dissection.inspection import inspect, judge_table

    dataset = _open(options)
    print("\n".join(inspect(dataset).lines()))
    if dataset.has_pairs and len(dataset.judges):
        print("\nJudges (share_a in %):")
        print(judge_table(dataset).round(1).to_string(index=False))
    return 0
