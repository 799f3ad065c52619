"""The command `mapping`, and `--mapping FILE` of the others: which column of an unknown table is what."""

import argparse
from pathlib import Path

from dissection.cli_words import say
from dissection.dataset import PairDataset
from dissection.errors import FileError, InputError
from dissection.export import check_output
from dissection.mapping import ColumnMapping, propose, read_mapped
from dissection.readers import MAX_LOCAL_BYTES
from dissection.tables import Table, read_table
from dissection.whole_file import write_whole


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `mapping`."""
    parser = commands.add_parser(
        "mapping",
        help="propose which column of an unknown table is what",
        description="Print what each column is taken for and why, and write the mapping, to be corrected and given to --mapping.",
        epilog="Example:  python -m dissection mapping mine.csv --out mapping.json  and  python -m dissection inspect mine.csv --mapping mapping.json",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="a table: CSV, TSV, JSON, JSON Lines or Parquet; also .gz, .zst, .zip")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.json")
    parser.set_defaults(command=_propose)


def read(source: Path | str, mapping: Path) -> PairDataset:
    """The dataset that the mapping file makes of DATA.

    Raises:
        InputError: either file can't be used; the message says which and why.
    """
    try:
        text = mapping.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"The mapping can't be read: {error}.", where=str(mapping), accepted="a mapping that `mapping` wrote") from error
    return read_mapped(_table(source), ColumnMapping.from_json(text, str(mapping)))


def _table(source: Path | str) -> Table:
    if isinstance(source, str):
        raise InputError("A mapping is for a file.", where=source, accepted="a path", remedy="download the file, or name a --reader")
    return read_table(source, source.name, MAX_LOCAL_BYTES)


def _propose(options: argparse.Namespace) -> int:
    check_output(options.out, (".json",))
    table = _table(options.data)
    found = propose(table)
    for name, reason in found.reasons.items():
        say(f"{name}: {reason}")
    known = {*found.mapping.columns.values(), *(column for pair in found.mapping.properties.values() for column in pair)}
    rest = [column for column in table.columns if column not in known]
    if rest:
        say(f"taken for nothing (kept as meta): {', '.join(rest[:40])}")
    write_whole(options.out, found.mapping.to_json())
    say(f"→ {options.out}")
    return 0
