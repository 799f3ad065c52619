"""The commands `convert`, `demo` and `inspect`: files made, turned into the native form, and looked at."""

import argparse
from pathlib import Path

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.export import check_output
from dissection.inspection import inspect, judge_table
from dissection.native_file import FORMS, write_native
from dissection.simulate import write_demo


def add_commands(commands: Commands) -> None:
    """Declare `convert`, `demo` and `inspect`."""
    _add_convert(commands)
    _add_demo(commands)
    _add_inspect(commands)


def _add_convert(commands: Commands) -> None:
    parser = commands.add_parser(
        "convert",
        help="any known form into the native one",
        description="Write DATA, with the judges of --labels, in the native form.",
        epilog="Example:  python -m dissection convert arena.parquet --labels mine.csv --out pairs.jsonl",
    )
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.jsonl, FILE.jsonl.gz, FILE.parquet or FILE.csv")
    parser.set_defaults(command=_convert)


def _add_demo(commands: Commands) -> None:
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


def _add_inspect(commands: Commands) -> None:
    parser = commands.add_parser("inspect", help="what is in a file, and what can be done with it", description="What is in DATA.")
    add_data(parser)
    parser.set_defaults(command=_inspect)


def _convert(options: argparse.Namespace) -> int:
    check_output(options.out, FORMS)
    dataset = open_data(options)
    write_native(dataset, options.out)
    say(f"{len(dataset):,} pairs, {len(dataset.judges)} judges → {options.out}")
    return 0


def _demo(options: argparse.Namespace) -> int:
    write_demo(options.out, options.pairs, options.judges, options.seed, options.truth)
    say(f"{options.pairs:,} simulated pairs, {options.judges} judges → {options.out}")
    return 0


def _inspect(options: argparse.Namespace) -> int:
    dataset = open_data(options)
    print("\n".join(inspect(dataset).lines()))
    if dataset.has_pairs and len(dataset.judges):
        print("\nJudges (share_a in %):")
        print(judge_table(dataset).round(1).to_string(index=False))
    return 0
