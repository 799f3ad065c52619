"""The command `answer`: from queries alone to pairs of answers, of one model or two, and the best against the worst where there are many."""

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from dissection import cli_endpoint
from dissection.cli_data import Commands
from dissection.cli_judge import say_win_rates, write_training
from dissection.cli_words import say
from dissection.endpoint.keys import key_for
from dissection.errors import InputError
from dissection.wording import count

if TYPE_CHECKING:
    from dissection.asking.creating import Created, Creation
    from dissection.endpoint.address import Endpoint
    from dissection.endpoint.protocol import Client

EXAMPLE = (
    "Example:  python -m dissection answer queries.txt --endpoint https://host/v1 --model M --model2 N --journal run --out pairs.jsonl"
)


def add_command(commands: Commands) -> None:
    """Declare `answer`."""
    parser = commands.add_parser(
        "answer",
        help="pairs of answers to queries, asked for at an endpoint",
        description="Ask one model or two for answers to queries, and write pairs of them in the native form, for `judge` or a judge of yours. "
        "Each answer is kept in a journal, so that none is paid for twice. The exit status is 1 where some call has no answer.",
        epilog=EXAMPLE,
    )
    parser.add_argument(
        "queries",
        type=Path,
        metavar="QUERIES",
        help="a .txt with a query a line, a table with a column `query`, or pairs in the native form",
    )
    add_options(parser)
    parser.set_defaults(command=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `answer` beside the queries."""
    cli_endpoint.add_whom(parser)
    what = parser.add_argument_group("what to ask")
    what.add_argument(
        "--model2", metavar="M2", help="a second model at the same endpoint; the first one's name is allowed, with another --system"
    )
    what.add_argument("--system", default="", metavar="TEXT", help="the system's message for the first model")
    what.add_argument("--system2", default="", metavar="TEXT", help="the same for the second")
    what.add_argument(
        "--answers",
        "--best-of",
        type=int,
        dest="answers",
        metavar="K",
        help="answers of each model to each query; default two in all. Of more, each is graded, and the best stands against the worst",
    )
    what.add_argument("--judge-model", metavar="J", help="who grades, and gives verdicts; default the first model")
    what.add_argument("--verdicts", action="store_true", help="also ask the judge about each pair, in both orders")
    what.add_argument("--repeats", type=int, default=3, metavar="N", help="grades of each answer; default 3")
    what.add_argument("--max-tokens", type=int, default=1024, metavar="N", help="of an answer; default 1024")
    what.add_argument("--temperature", type=float, default=1.0, metavar="T", help="of an answer; default 1")
    what.add_argument("--seed", type=int, default=0, metavar="S", help="of which answer is A; default 0")
    cli_endpoint.add_limits(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="FILE.jsonl, FILE.jsonl.gz, FILE.parquet or FILE.csv")
    parser.add_argument(
        "--dpo", type=Path, metavar="FILE", help="also write {prompt, chosen, rejected, margin} lines, for preference training"
    )


def run(options: argparse.Namespace) -> int:
    """Ask and write; 1 where some call has no answer, else 0."""
    cli_endpoint.limits_of(options)
    _check_files(options)
    creation = _creation(options)
    if options.dpo is not None and not (creation.graded or creation.verdicts):
        raise InputError("Pairs for training need a judge.", accepted="--verdicts, or more than two answers", remedy="add one of them")
    if options.dry_run is not None:
        return _dry_run(options, creation)
    return _ask(options, creation)


def _check_files(options: argparse.Namespace) -> None:
    from dissection.export import check_output
    from dissection.native_file import FORMS

    cli_endpoint.check_journal(options)
    if options.dry_run is None:
        if options.out is None:
            raise InputError("There is no place for the result.", accepted="--out FILE", remedy="name a file, or add --dry-run")
        check_output(options.out, FORMS)
    if options.dpo is not None:
        check_output(options.dpo, (".jsonl",))


def _creation(options: argparse.Namespace) -> "Creation":
    from dissection.asking.creating import Creation, name_authors
    from dissection.asking.queries import read_queries

    if options.system2 and not options.model2:
        raise InputError(
            "There is no second model.", where="--system2", accepted="--model2 beside it", remedy="name it, or leave --system2 out"
        )
    given = [(options.model, options.system), *([(options.model2, options.system2)] if options.model2 else [])]
    found = read_queries(options.queries, options.queries.name)
    for note in found.notes:
        say(f"note: {note}")
    return Creation(
        found.texts,
        name_authors(given),
        (3 - len(given)) if options.answers is None else options.answers,
        options.judge_model or options.model,
        options.verdicts,
        repeats=options.repeats,
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        seed=options.seed,
    )


def _dry_run(options: argparse.Namespace, creation: "Creation") -> int:
    answers = {author.name: creation.answer_calls(author) for author in creation.authors}
    for name, parts in answers.items():
        for part in parts:
            cli_endpoint.show_prompts(part[: cli_endpoint.SHOWN_PAIRS], name)
    later = creation.later_calls()
    print(
        f"Estimate: {cli_endpoint.estimated([call for parts in answers.values() for part in parts for call in part] + later, options).sentence()}"
    )
    if later:
        print("Grades and verdicts are counted with answers of the greatest length, and again where the journal has them.")
    if not options.dry_run:
        return 0
    first = answers[creation.authors[0].name]
    return cli_endpoint.try_calls([call for part in first for call in part[: options.dry_run]], options)


def _ask(options: argparse.Namespace, creation: "Creation") -> int:
    from dissection.asking.creating import create
    from dissection.endpoint.client import connect
    from dissection.endpoint.journal import Journal

    endpoint, first = cli_endpoint.endpoint_of(options), cli_endpoint.connected(options)
    key = key_for(endpoint)[0]

    def client_of(whom: "Endpoint") -> "Client":
        return first if whom == endpoint else connect(whom, key)

    n = len(creation.queries)
    say(f"{count(n, 'query', 'queries')}, {creation.total} answers each")
    with Journal(options.journal) as journal:
        try:
            created = create(creation, endpoint, client_of, journal, cli_endpoint.limits_of(options), progress=cli_endpoint.show_progress)
        except KeyboardInterrupt:
            say(f"Interrupted. What was answered is kept in {options.journal}; the same command goes on from there.")
            raise
    cli_endpoint.say_left_out(first)
    return _report(options, created)


def _report(options: argparse.Namespace, created: "Created") -> int:
    from dissection.native_file import write_native

    dataset = created.dataset
    cli_endpoint.say_run(created.run, options.out if dataset is not None else None)
    if dataset is None:
        say(f"Nothing is written: {created.why}.")
        return 1
    write_native(dataclasses.replace(dataset, name=options.out.name), options.out)
    say(f"{count(len(dataset), 'pair')}, {count(len(dataset.judges), 'judge')} → {options.out}")
    for name, found in created.found.items():
        say(f"{name}: {found.sentence()}")
    for name in dataset.judge_names:
        say_win_rates(dataset, name)
    if options.dpo is not None and dataset.judges:
        write_training(dataset, dataset.judge_names[-1], options.dpo)
    return 1 if created.run.failures else 0
