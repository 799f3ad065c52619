"""The command `judge`: a model's verdicts on pairs, or its grades of answers, from an endpoint."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from dissection import cli_endpoint
from dissection.cli_data import Commands, add_data, open_data
from dissection.cli_words import say
from dissection.dataset import PairDataset
from dissection.errors import DatasetError, InputError, UnknownNameError
from dissection.whole_file import write_whole
from dissection.wording import count

if TYPE_CHECKING:
    from dissection.asking.judging import Asked, Plan
    from dissection.endpoint.address import Endpoint
    from dissection.endpoint.limits import Limits

EXAMPLE = "Example:  python -m dissection judge pairs.jsonl --endpoint https://host/v1 --model M --journal run --out judged.jsonl --dry-run"

SHOWN_RATES = 12


def add_command(commands: Commands) -> None:
    """Declare `judge`."""
    parser = commands.add_parser(
        "judge",
        help="a model's verdicts or grades, asked for at its endpoint",
        description="Ask a model about every pair, in both orders, and write DATA with its verdicts as one more judge. Each answer is kept in a "
        "journal, so that none is paid for twice. The exit status is 1 where some call has no answer.",
        epilog=EXAMPLE,
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `judge` beside the data."""
    cli_endpoint.add_whom(parser)
    what = parser.add_argument_group("what to ask")
    what.add_argument(
        "--mode", default="verdict", metavar="W", help="verdict (the default: which answer is better) or scores (1 to 5 each)"
    )
    what.add_argument(
        "--instruction",
        action="append",
        metavar="NAME=TEXT",
        help="what the model is told to prefer; repeatable, each a judge M/NAME of its own",
    )
    what.add_argument(
        "--way", default="letter", metavar="W", help="of a verdict: letter (the default; log-probabilities where offered) or text"
    )
    what.add_argument("--orders", default="both", metavar="O", help="both (the default), ab or ba: which answer is shown first")
    what.add_argument("--repeats", type=int, default=3, metavar="N", help="grades of each answer, for scores; default 3")
    what.add_argument("--round", type=int, metavar="N", help="of a model trained on its own judgements: the judge is M/round-N")
    what.add_argument("--max-tokens", type=int, metavar="N", help="of a verdict's reply; more for models that think first")
    cli_endpoint.add_limits(parser)
    parser.add_argument(
        "--write", default="pairs", metavar="W", help="pairs (the default: DATA with the new judges) or labels (theirs alone)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="FILE.jsonl; for pairs any native form")
    parser.add_argument(
        "--dpo", type=Path, metavar="FILE", help="also write {prompt, chosen, rejected, margin} lines, for preference training"
    )


def run(options: argparse.Namespace) -> int:
    """Ask and write; 1 where some call has no answer, else 0."""
    endpoint = cli_endpoint.endpoint_of(options)
    plan, limits = _plan(options), cli_endpoint.limits_of(options)
    _check_files(options)
    dataset = open_data(options)
    plan.judges(endpoint.model, dataset.judge_names)  # refuses names that are taken before anything is paid
    if options.dry_run is not None:
        return _dry_run(options, dataset, plan)
    return _ask(options, dataset, plan, endpoint, limits)


def _plan(options: argparse.Namespace) -> "Plan":
    from dissection.asking.judging import Mode, Plan
    from dissection.asking.verdicts import BOTH, PLAIN, Instruction, Way

    def chosen(what: str, value: str, known: tuple[str, ...]) -> None:
        if value not in known:
            raise UnknownNameError(f"There is no {what} named {value!r}.", accepted=", ".join(known))

    chosen("mode", options.mode, get_args(Mode))
    chosen("way", options.way, get_args(Way))
    chosen("order", options.orders, ("both", *BOTH))
    chosen("kind of output", options.write, ("pairs", "labels"))
    if options.max_tokens is not None and options.max_tokens < 1:
        raise InputError(f"A reply of {options.max_tokens} tokens.", accepted="a whole number, 1 or more")
    instructions = []
    for text in options.instruction or ():
        name, equals, words = text.partition("=")
        if not equals or not name.strip() or not words.strip():
            raise InputError("An instruction has no name or no text.", where=f"--instruction {text}", accepted="NAME=TEXT")
        instructions.append(Instruction(name.strip(), words.strip()))
    orders = BOTH if options.orders == "both" else (options.orders,)
    return Plan(options.mode, tuple(instructions) or (PLAIN,), options.way, orders, options.repeats, options.round, options.max_tokens)


def _check_files(options: argparse.Namespace) -> None:
    from dissection.export import check_output
    from dissection.native_file import FORMS

    cli_endpoint.check_journal(options)
    if options.dry_run is None:
        if options.out is None:
            raise InputError("There is no place for the result.", accepted="--out FILE", remedy="name a file, or add --dry-run")
        check_output(options.out, FORMS if options.write == "pairs" else (".jsonl",))
    if options.dpo is not None:
        check_output(options.dpo, (".jsonl",))
        if len(options.instruction or ()) > 1:
            raise InputError(
                "Pairs for training are of one judge.", accepted="--dpo with at most one --instruction", remedy="ask one by one"
            )


def _dry_run(options: argparse.Namespace, dataset: PairDataset, plan: "Plan") -> int:
    calls = plan.calls(dataset)
    names = plan.judges(options.model)
    for name, part in zip(names, calls, strict=True):
        cli_endpoint.show_prompts(part[: cli_endpoint.SHOWN_PAIRS * plan.per_pair], name)
    print(f"Estimate: {cli_endpoint.estimated([call for part in calls for call in part], options).sentence()}")
    if not options.dry_run:
        return 0
    return cli_endpoint.try_calls([call for part in calls for call in part[: options.dry_run * plan.per_pair]], options)


def _ask(options: argparse.Namespace, dataset: PairDataset, plan: "Plan", endpoint: "Endpoint", limits: "Limits") -> int:
    from dissection.asking.judging import ask
    from dissection.endpoint.journal import Journal

    client = cli_endpoint.connected(options)
    say(cli_endpoint.estimated([call for part in plan.calls(dataset) for call in part], options).sentence())
    with Journal(options.journal) as journal:
        try:
            asked = ask(dataset, plan, client, endpoint, journal, limits, progress=cli_endpoint.show_progress)
        except KeyboardInterrupt:
            say(f"Interrupted. What was answered is kept in {options.journal}; the same command goes on from there.")
            raise
    cli_endpoint.say_left_out(client)
    _write(options, dataset, asked)
    return _report(options, asked)


def _report(options: argparse.Namespace, asked: "Asked") -> int:
    for name, found in asked.found.items():
        say(f"{name}: {found.sentence()}")
        say_win_rates(asked.dataset, name)
    if options.dpo is not None:
        write_training(asked.dataset, next(iter(asked.found)), options.dpo)
    cli_endpoint.say_run(asked.run, options.out)
    return 1 if asked.run.failures else 0


def say_win_rates(dataset: PairDataset, judge: str) -> None:
    """How often the judge prefers each model's answers, where the pairs name two different models."""
    from dissection.asking.online import win_rates

    try:
        rates = win_rates(dataset, judge)
    except DatasetError:
        return
    for rate in rates[:SHOWN_RATES]:
        say(f"win rate by {judge}: {rate.model} against {rate.other}: {rate.words()}")
    if len(rates) > SHOWN_RATES:
        say(f"… and {count(len(rates) - SHOWN_RATES, 'win rate')} more")


def write_training(dataset: PairDataset, judge: str, path: Path) -> None:
    """Write {prompt, chosen, rejected, margin} lines, and say what was left out."""
    from dissection.asking.online import chosen_rejected

    export = chosen_rejected(dataset, judge)
    write_whole(path, export.lines)
    left_out = f"{count(export.ties, 'tie')} and {count(export.missing, 'pair')} without a verdict or a text left out"
    say(f"{count(export.written, 'pair')} for training ({left_out}) → {path}")


def _write(options: argparse.Namespace, dataset: PairDataset, asked: "Asked") -> None:
    if options.write == "pairs":
        from dissection.native_file import write_native

        write_native(asked.dataset, options.out)
    else:
        from dissection.asking.outcome import labels_of

        write_whole(options.out, labels_of(dataset, asked.found))
