"""The command `sway`: what one judge likes, what changed answers would gain, the prompt for it, and predicted against observed."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.errors import InputError, UnknownNameError
from dissection.export import EFFECT_FORMS, check_output, write_table
from dissection.regression.model import POOLED, choose_model
from dissection.whole_file import write_whole

if TYPE_CHECKING:
    from dissection.dataset import PairDataset
    from dissection.sway.shift import Shift
    from dissection.sway.study import Direction, Study

SHOWN = 10
PROMPT_FORMS = (".txt", ".md")


def add_command(commands: Commands) -> None:
    """Declare `sway`."""
    parser = commands.add_parser(
        "sway",
        help="what sways a judge: predicted gains of changed answers, a system prompt, and exposure to style",
        description="Print the judge's largest predicted gains in win rate if a model's answers gained or lost a property, with 95 %% intervals, one "
        "by one and together, and its exposure to style. --out writes one row a change; --prompt the system prompt that asks for the best "
        "ones; --before and --after are results of one model (AlpacaEval annotations, MT-Bench scores, or id with verdict or score), whose "
        "shift is set beside the predicted one.",
        epilog="Example:  python -m dissection sway demo.jsonl --judge human --top 3 --out gains.csv --prompt prompt.txt",
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `sway` beside the data and the labels."""
    parser.add_argument("--judge", required=True, metavar="J", help="the judge")
    parser.add_argument(
        "--group", action="append", default=[], metavar="G", help="only this scenario or condition; repeatable, taken together"
    )
    parser.add_argument("--answers-of", metavar="M", help="the model of the pairs whose answers change; default: either side of each pair")
    parser.add_argument("--top", type=int, default=5, metavar="K", help="changes made together; default 5")
    parser.add_argument("--direction", default="liked", metavar="D", help="liked (the default), or disliked: what the judge likes least")
    parser.add_argument("--model", default="standard", metavar="M", help="standard (with position bias; the default) or paper (without)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the draws; default 0")
    parser.add_argument("--out", type=Path, metavar="FILE", help="FILE.csv, FILE.parquet, FILE.jsonl or FILE.json")
    parser.add_argument("--prompt", type=Path, metavar="FILE", help="FILE.txt or FILE.md, for the system prompt")
    parser.add_argument("--before", type=Path, metavar="FILE", help="results of a model before its answers changed")
    parser.add_argument("--after", type=Path, metavar="FILE", help="its results after")


def run(options: argparse.Namespace) -> int:
    """Predict, write and compare; 0."""
    from dissection.sway.prompt import system_prompt
    from dissection.sway.study import changes_by_weight, published_likes

    direction = _check(options)
    dataset = open_data(options)
    shift = _observed(options)
    found = None
    if dataset.has_pairs:
        found = _study(dataset, options, direction)
        changes = found.changes[direction]
    else:
        if options.out:
            raise InputError(
                "Weights without their pairs predict no gains.", where="--out", accepted="pairs with verdicts", remedy="leave --out away"
            )
        say("These weights came without their pairs: the changes are those of the largest weights, and no gain is predicted.")
        changes = changes_by_weight(published_likes(dataset, options.judge, options.group), direction, options.top)
        say(f"by weight: {', '.join(change.words for change in changes)}")
    if options.prompt:
        write_whole(options.prompt, system_prompt(changes, dataset.properties) + "\n")
        say(f"system prompt for {len(changes)} changes → {options.prompt}")
    _say_exposure(dataset, options)
    if shift:
        _compare(found, direction, shift)
    return 0


def _check(options: argparse.Namespace) -> "Direction":
    """Everything that can be wrong before a file is read."""
    from dissection.sway.study import DIRECTIONS

    for path, forms in ((options.out, EFFECT_FORMS), (options.prompt, PROMPT_FORMS)):
        if path:
            check_output(path, forms)
    if (options.before is None) != (options.after is None):
        raise InputError("One file of results is missing.", accepted="--before FILE and --after FILE", remedy="give both, or neither")
    if choose_model(options.model).pooled:
        raise InputError(
            f"The model {POOLED.name!r} predicts no gains: the chosen pairs are one fit.", where="--model", accepted="standard, paper"
        )
    for direction in DIRECTIONS:
        if options.direction == direction:
            return direction
    raise UnknownNameError(f"There is no direction named {options.direction!r}.", accepted=", ".join(DIRECTIONS))


def _study(dataset: "PairDataset", options: argparse.Namespace, direction: "Direction") -> "Study":
    from dissection.sway.study import study

    found = study(dataset, options.judge, options.group, options.answers_of, options.top, choose_model(options.model), options.seed)
    gains, singles = found.together[direction], found.singles
    start = (
        "50 %, either side"
        if singles.model is None
        else f"{singles.now[0]:.1f} % ({singles.now[1]:.1f} to {singles.now[2]:.1f}), {singles.model}"
    )
    sampled = f" of {singles.of:,}, drawn at random" if singles.of > singles.n else ""
    say(f"{options.judge}: n = {singles.n:,} pairs{sampled}; answers start at a win rate of {start}")
    told = int(singles.table["discovery"].sum())
    say(f"{told} of {len(singles.table)} changes are told apart from 0 (false discovery rate 5 % over all properties)")
    table = singles.table.sort_values("gain", ascending=direction == "disliked", kind="stable").head(SHOWN)
    for row in table.to_dict("records"):
        say(f"{row['changes']}: {_points(row)}" + ("" if row["discovery"] else ", not told apart from 0"))
    if gains is None:
        say("No change is told apart from 0, so none are put together.")
    for row in gains.table.to_dict("records") if gains is not None else []:
        say(
            f"{row['together']} together ({row['changes']}): {_points(row)}; win rate {row['rate']:.1f} %, in {row['n']:,} fresh verdicts "
            f"{row['fresh_low']:.1f} to {row['fresh_high']:.1f} %"
        )
    if options.out:
        import pandas as pd

        tables = [singles.table, *([] if gains is None else [gains.table.iloc[1:]])]
        write_table(pd.concat(tables, ignore_index=True), options.out)
        say(f"{sum(len(table) for table in tables)} changes → {options.out}")
    return found


def _points(row: "dict[object, float]") -> str:
    return f"{row['gain']:+.1f} points (95 %: {row['low']:+.1f} to {row['high']:+.1f})"


def _say_exposure(dataset: "PairDataset", options: argparse.Namespace) -> None:
    from dissection.sway.exposure import exposure

    group = options.group[0] if len(options.group) == 1 else None
    try:
        row = exposure(dataset, choose_model(options.model), group, judges=[options.judge], seed=options.seed).iloc[0]
    except InputError as error:
        say(f"exposure: {error.problem}")
        return
    where = group or dataset.selectable_groups[0].name
    ends = f" (95 %: {row['low']:.1f} to {row['high']:.1f})" if row["status"] == "told" else ""
    by = f" by {row['change']}" if row["change"] else ""
    number = f"{row['exposure']:.1f} points{ends}{by}" if row["status"] != "no verdicts" else "none"
    n = f"n = {row['n']:,} pairs" if dataset.has_pairs else "n unknown"
    say(f"exposure to style ({where}, {n}): {number}" + (f"; {row['remark']}" if row["remark"] else ""))


def _observed(options: argparse.Namespace) -> "Shift | None":
    """The shift between the two files, read before anything is fitted."""
    if options.before is None:
        return None
    from dissection.sway.results import read_results
    from dissection.sway.shift import observed_shift

    results = [read_results(path, path.name) for path in (options.before, options.after)]
    for found in results:
        say(f"{found.name}: {len(found.values):,} items, {found.form}")
        for note in found.notes:
            say(f"note: {note}")
    return observed_shift(results[0], results[1], options.seed)


def _compare(found: "Study | None", direction: "Direction", shift: "Shift") -> None:
    from dissection.sway.shift import direction as pointing
    from dissection.sway.shift import side_by_side

    unit = " points of the win rate" if shift.kind == "verdicts" else " points of the score"
    ends = f" (95 %: {shift.low:+.2f} to {shift.high:+.2f})" if shift.queries > 1 else ""
    remark = f"; {shift.remark}" if shift.remark else ""
    say(
        f"observed: {shift.before:.2f} → {shift.after:.2f}, {shift.shift:+.2f}{unit}{ends}, "
        f"n = {shift.n:,}; {shift.only_before:,} items only before, {shift.only_after:,} only after{remark}"
    )
    gains = found.together[direction] if found else None
    if gains is None:
        say("predicted: nothing to compare it with")
        return
    table = side_by_side(gains, len(gains.table) - 1, shift)
    say(f"predicted: {_points(gains.table.iloc[-1].to_dict())}. {pointing(table)}")
