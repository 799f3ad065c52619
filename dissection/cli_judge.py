"""The command `judge`: a model's verdicts on pairs, or its grades of answers, from an endpoint."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit

import numpy as np

from dissection.cli_fit import say
from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.wording import count

if TYPE_CHECKING:
    from dissection.asking.judging import Asked, Plan
    from dissection.endpoint.address import Endpoint
    from dissection.endpoint.calls import Budget, Call, Prices
    from dissection.endpoint.meter import Spent
    from dissection.endpoint.run import Progress

EXAMPLE = "Example:  python -m dissection judge pairs.jsonl --endpoint https://host/v1 --model M --journal run --out judged.jsonl --dry-run"
SHOWN_PAIRS = 5
SHOWN_REASONS = 10
KEY = "DISSECTION_ENDPOINT_KEY"
# Keys that other programs use are sent to their own hosts alone.
KEYS_OF_HOSTS = {"OPENAI_API_KEY": ("openai.com",), "HF_TOKEN": ("huggingface.co", "huggingface.cloud", "hf.space")}


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    add_data: Callable[[argparse.ArgumentParser], None],
    open_data: Callable[[argparse.Namespace], PairDataset],
) -> None:
    """Declare `judge`; how DATA is declared and opened is the same for every command."""
    parser = commands.add_parser(
        "judge",
        help="a model's verdicts or grades, asked for at its endpoint",
        description="Ask a model about every pair, in both orders, and write DATA with its verdicts as one more judge. Each answer is kept in a "
        "journal, so that none is paid for twice. The exit status is 1 where some call has no answer.",
        epilog=EXAMPLE,
    )
    add_data(parser)
    add_options(parser)
    parser.set_defaults(command=lambda options: run(options, open_data))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `judge` beside the data."""
    whom = parser.add_argument_group(
        "whom to ask", f"a key is taken from {KEY} alone, or from OPENAI_API_KEY or HF_TOKEN for their own hosts"
    )
    place = whom.add_mutually_exclusive_group(required=True)
    place.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible chat endpoint, https://host/v1")
    place.add_argument("--provider", metavar="P", help="a provider of Hugging Face's inference, or auto")
    whom.add_argument("--model", required=True, metavar="M", help="the model, as the endpoint calls it; the judge's name")
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
    limits = parser.add_argument_group("limits")
    limits.add_argument("--concurrency", type=int, default=4, metavar="N", help="requests at a time; default 4")
    limits.add_argument("--per-minute", type=float, metavar="N", help="requests a minute; default no limit")
    limits.add_argument("--budget", type=float, metavar="X", help="the most that may be spent, at your prices")
    limits.add_argument("--max-calls", type=int, metavar="N", help="the most requests that may be charged for")
    limits.add_argument("--price-in", type=float, metavar="X", help="of a million tokens sent")
    limits.add_argument("--price-out", type=float, metavar="X", help="of a million tokens of answers")
    parser.add_argument("--journal", type=Path, metavar="DIR", help="keeps each answer as it comes; the same command goes on from there")
    parser.add_argument(
        "--dry-run",
        type=int,
        nargs="?",
        const=0,
        metavar="N",
        help="print the prompts of five pairs and the estimate, and ask about N pairs (0)",
    )
    parser.add_argument(
        "--write", default="pairs", metavar="W", help="pairs (the default: DATA with the new judges) or labels (theirs alone)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="FILE.jsonl; for pairs any native form")


def run(options: argparse.Namespace, open_data: Callable[[argparse.Namespace], PairDataset]) -> int:
    """Ask and write; 1 where some call has no answer, else 0."""
    from dissection.endpoint.address import Endpoint
    from dissection.endpoint.calls import check_budget

    endpoint = Endpoint(options.model, options.endpoint or "", options.provider or "")
    plan = _plan(options)
    budget, prices = _limits(options)
    check_budget(budget, prices)
    _check_files(options)
    dataset = open_data(options)
    plan.judges(endpoint.model, dataset.judge_names)  # refuses names that are taken before anything is paid
    if options.dry_run is not None:
        return _dry_run(options, dataset, plan, endpoint)
    return _ask(options, dataset, plan, endpoint)


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


def _limits(options: argparse.Namespace) -> "tuple[Budget, Prices | None]":
    from dissection.endpoint.calls import Budget, Prices

    given = (options.price_in, options.price_out)
    if (given[0] is None) != (given[1] is None):
        raise InputError("One price is missing.", accepted="--price-in and --price-out, each of a million tokens", remedy="give both")
    return Budget(options.budget, options.max_calls), None if given[0] is None else Prices(*given)


def _check_files(options: argparse.Namespace) -> None:
    from dissection.export import check_output
    from dissection.native_file import FORMS

    asks = options.dry_run is None or options.dry_run > 0
    if asks and options.journal is None:
        raise InputError(
            "There is no place for the journal.", accepted="--journal DIR", remedy="name a folder; it is made if it does not exist"
        )
    if options.dry_run is None:
        if options.out is None:
            raise InputError("There is no place for the result.", accepted="--out FILE", remedy="name a file, or add --dry-run")
        check_output(options.out, FORMS if options.write == "pairs" else (".jsonl",))


def key_for(endpoint: "Endpoint") -> tuple[str | None, str]:
    """The key of the environment for this endpoint, and the name of the variable that it comes from ("" where there is none)."""
    host = (urlsplit(endpoint.address).hostname or "") if endpoint.address else "huggingface.co"
    for name, hosts in {KEY: ("",), **KEYS_OF_HOSTS}.items():
        own = any(not known or host == known or host.endswith(f".{known}") for known in hosts)
        if own and os.environ.get(name, "").strip():
            return os.environ[name], name
    return None, ""


def _dry_run(options: argparse.Namespace, dataset: PairDataset, plan: "Plan", endpoint: "Endpoint") -> int:
    from dissection.endpoint.calls import estimate

    calls = plan.calls(dataset)
    names = plan.judges(endpoint.model)
    for name, part in zip(names, calls, strict=True):
        for call in part[: SHOWN_PAIRS * plan.per_pair]:
            print(f"=== {name}, {call.label} ({call.prompt})")
            for message in call.messages:
                print(f"[{message['role']}]\n{message['content']}\n")
    every = [call for part in calls for call in part]
    prices = _limits(options)[1]
    if options.journal is None or not options.journal.is_dir():
        found = estimate(every, endpoint, prices)
    else:
        from dissection.endpoint.journal import Journal

        with Journal(options.journal) as journal:
            found = estimate(every, endpoint, prices, journal)
    print(f"Estimate: {found.sentence()}")
    return _try(options, plan, calls, endpoint) if options.dry_run else 0


def _try(options: argparse.Namespace, plan: "Plan", calls: "list[list[Call]]", endpoint: "Endpoint") -> int:
    """Ask about the first pairs, and show the replies whole; they are in the journal, so the run does not ask again."""
    from dissection.endpoint.client import connect
    from dissection.endpoint.journal import Journal
    from dissection.endpoint.run import run as make

    budget, prices = _limits(options)
    client = connect(endpoint, key_for(endpoint)[0])
    few = [call for part in calls for call in part[: options.dry_run * plan.per_pair]]
    with Journal(options.journal) as journal:
        made = make(few, client, endpoint, journal, concurrency=options.concurrency, budget=budget, prices=prices)
    for outcome in made.outcomes:
        print(f"=== reply, {outcome.call.label}")
        print(outcome.answer.text if outcome.answer else f"none: {outcome.error}")
        if outcome.answer and outcome.answer.top_logprobs:
            likeliest = ", ".join(f"{letter.token!r} {letter.logprob:.3f}" for letter in outcome.answer.top_logprobs[0][1:6])
            print(f"[likeliest first tokens: {likeliest}]")
    print(f"Spent: {_spent(made.spent)}")
    return 1 if made.failures else 0


def _ask(options: argparse.Namespace, dataset: PairDataset, plan: "Plan", endpoint: "Endpoint") -> int:
    from dissection.asking.judging import ask
    from dissection.endpoint.calls import estimate
    from dissection.endpoint.client import connect
    from dissection.endpoint.journal import Journal

    key, name = key_for(endpoint)
    say(f"{endpoint.model}, {endpoint.place}; {f'key from {name}' if name else 'no key'}")
    budget, prices = _limits(options)
    client = connect(endpoint, key)
    with Journal(options.journal) as journal:
        say(estimate([call for part in plan.calls(dataset) for call in part], endpoint, prices, journal).sentence())
        try:
            asked = ask(
                dataset,
                plan,
                client,
                endpoint,
                journal,
                concurrency=options.concurrency,
                per_minute=options.per_minute,
                budget=budget,
                prices=prices,
                progress=_show,
            )
        except KeyboardInterrupt:
            say(f"Interrupted. What was answered is kept in {options.journal}; the same command goes on from there.")
            raise
    if client.left_out:
        say(f"note: the endpoint does not take {', '.join(sorted(client.left_out))}, so it was asked without")
    _write(options, dataset, asked)
    return _report(options, asked)


def _report(options: argparse.Namespace, asked: "Asked") -> int:
    for name, found in asked.found.items():
        say(f"{name}: {found.sentence()}")
    for reason, times in asked.run.reasons()[:SHOWN_REASONS]:
        say(f"failed: {count(times, 'call')}: {reason}")
    if asked.run.stopped:
        say(f"The run stopped: {asked.run.stopped}. What was answered is kept; the same command goes on from there.")
    say(f"spent: {_spent(asked.run.spent)} → {options.out}")
    return 1 if asked.run.failures else 0


def _spent(spent: "Spent") -> str:
    money = "" if spent.money is None else f", {spent.money:,.4f} at your prices"
    return f"{count(spent.requests, 'request')}, {spent.tokens_in:,} tokens in, {spent.tokens_out:,} out{money}"


def _show(progress: "Progress") -> None:
    """Progress of the run, where someone looks."""
    if sys.stderr.isatty():
        money = "" if progress.spent.money is None else f", cost so far {progress.spent.money:,.4f}"
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        end = "\n" if progress.done == progress.total else ""
        print(f"\r{progress.done:,} of {progress.total:,} calls{failed}{money}", end=end, file=sys.stderr, flush=True)


def _write(options: argparse.Namespace, dataset: PairDataset, asked: "Asked") -> None:
    if options.write == "pairs":
        from dissection.native_file import write_native

        write_native(asked.dataset, options.out)
    else:
        options.out.write_text("".join(json.dumps(row) + "\n" for row in _labels(dataset, asked)), encoding="utf-8")


def _labels(dataset: PairDataset, asked: "Asked") -> Iterator[dict[str, object]]:
    """The new judges' labels, in a form that --labels reads."""
    from dissection.asking.scores import Grades

    for judge, found in asked.found.items():
        for pair_id, pair in zip(dataset.pairs.index, found.values, strict=True):
            if isinstance(found, Grades):
                if not np.isnan(pair).any():
                    yield {"pair_id": pair_id, "judge": judge, "score_a": float(pair[0]), "score_b": float(pair[1])}
                continue
            for order, value in zip(("ab", "ba"), pair, strict=True):
                if not np.isnan(value):
                    yield {"pair_id": pair_id, "judge": judge, "order": order, "p_a": float(value)}
