"""Which files of a repository belong together: the configurations and splits of a dataset."""

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from dissection.hub.address import HubAddress, is_data_file
from dissection.hub.faults import ChoiceError, MissingError

DEFAULT = "default"

# train-00000-of-00003-0f1e2d3c.parquet; the parts are numbered 0000.parquet in the Hub's own conversion.
_SHARD = re.compile(r"^(?P<name>.+?)[-_.]\d{3,}(?:-of-\d{3,})?(?:-[0-9a-f]{8,})?$")
_NUMBER = re.compile(r"^\d{3,}$")
_SPLITS = re.compile(r"^(?:partial-)?(?:train|training|test|testing|valid|validation|val|dev|eval|filtered|raw)(?:[-_].+)?$", re.IGNORECASE)
_NO_DATA = {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "config.json", "package.json"}
# The best first: which form a split is read from where it is there in several.
_ENDINGS = (
    ".parquet",
    *(f".{form}{packing}" for form in ("jsonl", "ndjson", "json", "csv", "tsv") for packing in ("", ".gz", ".zst", ".zip")),
    ".zip",
)
_SHOWN = 12


class RemoteFile(NamedTuple):
    """A file at a commit: its path, its size in bytes, and the commit."""

    path: str
    size: int
    commit: str


class Part(NamedTuple):
    """The files of one split of one configuration, in their order."""

    config: str
    split: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)

    @property
    def label(self) -> str:
        """As it stands in an address."""
        return f"{self.config}/{self.split}"


def parts_of(files: Iterable[RemoteFile], card: object = None) -> dict[str, Part]:
    """Label → part, by what the dataset's card says of its configurations, else by folders and names.

    Args:
        files: of the repository; those that are no data are passed over.
        card: the `configs` of the dataset card; anything that is not of their form is passed over.
    """
    data = sorted(file for file in files if _is_data(file.path))
    found: dict[tuple[str, str], list[RemoteFile]] = {}
    for config, split, patterns in _declared(card):
        for file in data:
            if any(_matches(file.path, pattern) for pattern in patterns):
                # A folder that is declared without splits has them by the names of its files.
                found.setdefault((config, split or _guess(file.path)[1]), []).append(file)
    # What a plain archive holds can't be seen from here: it is offered where nothing says by its name that it is a table.
    tables = [file for file in data if not _plain_archive(file.path)]
    for file in [] if found else tables or data:
        found.setdefault(_guess(file.path), []).append(file)
    parts = [Part(config, split, _one_form(members)) for (config, split), members in found.items()]
    return {part.label: part for part in parts}


def choose(parts: Mapping[str, Part], address: HubAddress) -> Part:
    """The part that an address means.

    Raises:
        MissingError: there is no such configuration, split or file; the message lists those there are.
        ChoiceError: several fit, and none is the usual one.
    """
    if address.file:
        wanted = [file for part in parts.values() for file in part.files if file.path == address.file]
        if not wanted:
            raise _missing("file", address.file, sorted({file.path for part in parts.values() for file in part.files}), address)
        return Part("", "", (wanted[0],))
    if not parts:
        raise MissingError(
            "The repository holds no tables.",
            where=address.repo,
            accepted="Parquet, JSON Lines, JSON or CSV files",
            remedy="choose another dataset, or download its files and upload one",
        )
    configs = list(dict.fromkeys(part.config for part in parts.values()))
    config, split = address.config, address.split
    if config is None:
        config = DEFAULT if DEFAULT in configs else _only(configs, "configurations", address)
    elif config not in configs and split is None and any(part.split == config for part in parts.values()):
        # With one configuration its name is left out where people speak of a split.
        config, split = _only([part.config for part in parts.values() if part.split == config], "configurations", address), config
    if config not in configs:
        raise _missing("configuration", config, configs, address)
    splits = [part.split for part in parts.values() if part.config == config]
    if split is None:
        split = "train" if "train" in splits else _only(splits, "splits", address)
    if split not in splits:
        raise _missing("split", split, splits, address)
    return parts[f"{config}/{split}"]


def _only(names: Sequence[str], what: str, address: HubAddress) -> str:
    if len(set(names)) > 1:
        raise ChoiceError(
            f"The dataset has several {what}.",
            where=str(address),
            accepted=_listed(names),
            remedy=f"name one of the {what}"
            + (", as in hf://datasets/owner/name/config/split" if what == "splits" else " behind the name"),
        )
    return names[0]


def _missing(what: str, name: str, names: Sequence[str], address: HubAddress) -> MissingError:
    return MissingError(f"There is no {what} named {name!r}.", where=address.repo, accepted=_listed(names) or "none: it holds no tables")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _is_data(path: str) -> bool:
    parts = path.split("/")
    return is_data_file(path) and parts[-1].lower() not in _NO_DATA and not any(part.startswith((".", "_")) for part in parts)


def _plain_archive(path: str) -> bool:
    return path.lower().endswith(".zip") and not is_data_file(path[: -len(".zip")])


def _stem(path: str) -> str:
    return re.sub(r"(?:\.(?:parquet|jsonl|ndjson|json|csv|tsv|gz|zst|zip))+$", "", path.rpartition("/")[2], flags=re.IGNORECASE)


def _guess(path: str) -> tuple[str, str]:
    """Configuration and split by folders and name; files in one folder with names of their own are splits of it."""
    folders, stem = path.split("/")[:-1], _stem(path)
    if match := _SHARD.match(stem):
        stem = match["name"]
    elif _NUMBER.match(stem) and folders:
        stem = folders.pop()
    if folders and _SPLITS.match(folders[-1]) and not _SPLITS.match(stem):
        stem = f"{folders.pop()}-{stem}"
    config = "/".join(folder for folder in folders if folder != "data").replace("/", "--")
    return config or DEFAULT, stem


def _one_form(files: Sequence[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files of the best form among them, each once, as the same rows may be there in several forms."""
    for ending in _ENDINGS:
        if chosen := [file for file in dict.fromkeys(files) if file.path.lower().endswith(ending)]:
            return tuple(chosen)
    return tuple(files)


def _matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern of a card: `*` stays in a folder, `**` does not."""
    if "**" in pattern:
        return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("**/", ""))
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _declared(card: object) -> list[tuple[str, str | None, list[str]]]:
    """(configuration, split, patterns) of a card's `configs`; the split is None where it is not said."""
    found: list[tuple[str, str | None, list[str]]] = []
    for config in card if isinstance(card, list) else []:
        if not isinstance(config, dict) or not isinstance(config.get("config_name"), str):
            continue
        folder = config.get("data_dir")
        prefix = f"{folder.strip('/')}/" if isinstance(folder, str) else ""
        entries = config.get("data_files", f"{prefix}**" if prefix else None)
        # Files that are named without a split are its training split, as the Hub has it; a folder's splits stand in its files' names.
        usual = "train" if "data_files" in config else None
        for entry in entries if isinstance(entries, list) else [entries]:
            split = entry.get("split", usual) if isinstance(entry, dict) else usual
            paths = entry.get("path") if isinstance(entry, dict) else entry
            patterns = [path for path in (paths if isinstance(paths, list) else [paths]) if isinstance(path, str)]
            found.append((config["config_name"].replace("/", "--"), split if isinstance(split, str) else None, patterns))
    return found
