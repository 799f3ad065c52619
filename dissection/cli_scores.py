"""The command `scores`: how well each judge's explanation foretells verdicts that it has not seen."""

import argparse
from pathlib import Path

from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.export import EFFECT_FORMS, check_output, write_table
from dissection.regression.model import choose_model
from dissection.regression.scores import score, scores_frame


def add_command(commands: Commands) -> None:
    """Declare `scores`."""
    parser = commands.add_parser(
        "scores",
        help="how well each judge's weights foretell verdicts that they were not fitted on",
        description="Write one row a judge × group × predictor: held-out log loss, accuracy and Brier score with standard errors, of the "
        "explanation and beside it of the majority, length alone, position alone and the judge's own agreement in both orders.",
        epilog="Example:  python -m dissection scores demo.jsonl --judge human --out scores.csv",
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `scores` beside the data and the labels."""
    parser.add_argument("--judge", action="append", metavar="J", help="only this judge; may be given more than once")
    parser.add_argument("--group", action="append", metavar="G", help="only this scenario or condition; may be given more than once")
    parser.add_argument("--model", default="standard", metavar="M", help="standard (the default) or paper")
    parser.add_argument("--prior-scale", type=float, metavar="B", help="scale b of the Laplace prior; default 0.1")
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="parts of whole queries that are held out in turn; default 5")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the folds; default 0")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.csv, FILE.parquet, FILE.jsonl or FILE.json")


def run(options: argparse.Namespace) -> int:
    """Score and write; 0."""
    check_output(options.out, EFFECT_FORMS)
    model = choose_model(options.model, options.prior_scale)
    found = score(open_data(options), model, options.judge, options.group, options.folds, options.seed)
    write_table(scores_frame(found), options.out)
    scored = [cell for cell in found if cell.status == "scored"]
    say(f"{len(scored)} of {len(found)} cells scored, {options.folds} folds → {options.out}")
    known = [cell for cell in scored if cell.beats_length is not None]
    if known:
        beaten = sum(bool(cell.beats_length) for cell in known)
        say(f"the explanation beats length alone in {beaten} of {len(known)} cells by more than two standard errors of the log loss")
    for cell in [cell for cell in found if cell.status != "scored"][:10]:
        say(f"{cell.status}: {cell.judge} in {cell.group.name}: {cell.reason}")
    return 0
