"""Where a dataset of the Hub is: `hf://` addresses, and what is pasted from the browser's address bar."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from dissection.hub.faults import AddressError
from dissection.verdicts import shown

SCHEME: Final = "hf://"
ACCEPTED: Final = (
    "hf://datasets/owner/name, also with @revision, /config and /split behind it; owner/name; or a dataset's address from the browser, as in "
    "https://huggingface.co/datasets/owner/name"
)

_HOSTS: Final = {"huggingface.co", "www.huggingface.co", "hf.co"}
_NAME: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?")
_WORD: Final = re.compile(r"[^\s\x00-\x1f\x7f?#\\]{1,200}")
_URL: Final = re.compile(r"(?:https?:)?//([^/?#]*)([^?#]*)\??([^#]*)", re.IGNORECASE)
# What the Hub's pages put behind a dataset's name; the next part of the path is a revision.
_FILE_VIEWS: Final = {"tree", "blob", "resolve", "raw", "blame", "commit", "commits", "edit"}
# Revisions with slashes in them that the Hub itself makes.
_SLASHED: Final = re.compile(r"refs/(?:convert|pr)/[^/]+")
_OTHERS: Final = {
    "models": "a model",
    "spaces": "a Space",
    "buckets": "a bucket",
    "kernels": "a kernel",
    "collections": "a collection",
    "papers": "a paper",
    "docs": "a page of the documentation",
    "blog": "a blog post",
    "settings": "a page of the settings",
}


@dataclass(frozen=True)
class HubAddress:
    """A dataset of the Hub, or a part of it.

    Attributes:
        owner: a user or an organisation.
        name: of the repository.
        revision: a branch, a tag or a commit; None: the main branch.
        config: the configuration, called subset on the Hub's pages; None: not said.
        split: None: not said.
        file: the path of one file; None: whatever the configuration and split hold.
    """

    owner: str
    name: str
    revision: str | None = None
    config: str | None = None
    split: str | None = None
    file: str | None = None

    @property
    def repo(self) -> str:
        """Owner and name, as the Hub calls a repository."""
        return f"{self.owner}/{self.name}"

    @property
    def page(self) -> str:
        """Where people read about it."""
        return f"https://huggingface.co/datasets/{self.repo}"

    def __str__(self) -> str:
        parts = [quote(self.file)] if self.file else [quote(part, safe="") for part in (self.config, self.split) if part]
        revision = f"@{quote(self.revision, safe='')}" if self.revision else ""
        written = "/".join([f"{SCHEME}datasets/{self.repo}{revision}", *parts])
        # A full stop at the end is taken for that of the sentence.
        return f"{written[:-1]}%2E" if written.endswith(".") else written


def is_address(text: str) -> bool:
    """Whether a command line means the Hub by this, and not a file."""
    lowered = text.strip().lower()
    return lowered.startswith("hf:") or bool(re.match(r"(?:https?:/+)?(?:www\.)?(?:huggingface\.co|hf\.co)/", lowered))


def parse(text: str) -> HubAddress:
    """The dataset that an address means.

    Raises:
        AddressError: it means no dataset of the Hub; the message says what is accepted.
    """
    cleaned = text.strip().strip("<>\"'`").strip().rstrip(".,;)") if isinstance(text, str) else ""
    if not cleaned or len(cleaned) > 2000 or not cleaned.isprintable():
        raise _wrong("The address is empty." if not cleaned else "This can't be an address.", text)
    if cleaned.lower().startswith("hf:"):
        # A path of the file system loses the second slash.
        return _from_path(cleaned[3:], text)
    if re.match(r"(?:www\.)?(?:huggingface\.co|hf\.co)(?:/|$)", cleaned, re.IGNORECASE):
        cleaned = f"https://{cleaned}"
    if match := _URL.match(cleaned):
        return _from_page(match[1], match[2], match[3], text)
    if "://" in cleaned:
        raise _wrong("Only the Hugging Face Hub can be opened by its address.", text)
    path = cleaned.partition("?")[0].partition("#")[0].lstrip("/")
    return _from_path(path if path.startswith("datasets/") else f"datasets/{path}", text)


def _wrong(problem: str, text: object) -> AddressError:
    return AddressError(problem, where=shown(text), accepted=ACCEPTED, remedy="copy the address of the dataset's page")


def _parts(path: str, text: str) -> list[str]:
    parts = [unquote(part) for part in path.split("/") if part]
    if any(not _WORD.fullmatch(part) or {"", ".", ".."} & set(part.split("/")) for part in parts):
        raise _wrong("A part of the address can't be a name.", text)
    return parts


def _from_path(path: str, text: str) -> HubAddress:
    """An address of the form datasets/owner/name@revision/config/split."""
    head, at, tail = path.partition("@")
    parts = _parts(head, text)
    kind = parts[0] if parts else ""
    if kind != "datasets":
        raise _wrong(f"This is the address of {_OTHERS.get(kind, 'a model')}, not of a dataset." if kind else "It names no dataset.", text)
    owner, name = _names(parts[1:] if at else parts[1:3], text)
    if not at:
        revision, rest = None, parts[3:]
    elif behind := _parts(tail, text):
        revision, rest = _revision(behind)
    else:
        raise _wrong("No revision is named behind the @.", text)
    if is_data_file("/".join(rest)):
        return _checked(HubAddress(owner, name, revision, file="/".join(rest)), text)
    if len(rest) > 2:
        raise _wrong("There are more parts than a configuration and a split behind the name.", text)
    return _checked(HubAddress(owner, name, revision, *rest), text)


def _revision(parts: list[str]) -> tuple[str, list[str]]:
    """The revision at the start of a path, and what is behind it."""
    joined = "/".join(parts)
    slashed = _SLASHED.match(joined)
    if slashed is None:
        return parts[0], parts[1:]
    return slashed.group(), [part for part in joined[slashed.end() :].split("/") if part]


def _checked(address: HubAddress, text: str) -> HubAddress:
    """The address, if its parts can be told from each other when it is written down."""
    revision, names = address.revision or "", [part for part in (address.config, address.split) if part]
    if any("/" in part for part in names) or is_data_file("/".join(names)) or ("/" in revision and not _SLASHED.fullmatch(revision)):
        raise _wrong("A part of the address can't be a name.", text)
    return address


def is_data_file(path: str) -> bool:
    """Whether a path's ending is that of a table that can be read here, or of an archive that may hold one."""
    return bool(re.search(r"\.(?:parquet|zip|(?:jsonl|ndjson|json|csv|tsv)(?:\.gz|\.zst)?)$", path.lower()))


def _names(names: list[str], text: str) -> tuple[str, str]:
    if len(names) != 2:
        raise _wrong("A dataset is named by its owner and its name, as in owner/name.", text)
    for name in names:
        if not _NAME.fullmatch(name) or "--" in name or ".." in name or name.endswith(".git"):
            raise _wrong(f"{shown(name)} can't be the name of an owner or a dataset.", text)
    return names[0], names[1]


def _from_page(host: str, path: str, query: str, text: str) -> HubAddress:
    if host.rpartition("@")[2].split(":")[0].lower() not in _HOSTS:
        raise _wrong("This address is not on the Hugging Face Hub.", text)
    parts = _parts(path, text)
    if not parts or parts[0] != "datasets" or len(parts) < 3:
        kind = (
            "the Hub's list of datasets" if parts[:1] == ["datasets"] else _OTHERS.get(parts[0], "a model") if parts else "the Hub itself"
        )
        raise _wrong(f"This is the address of {kind}, not of a dataset.", text)
    owner, name = _names(parts[1:3], text)
    view, rest = (parts[3], parts[4:]) if len(parts) > 3 else ("", [])
    if view == "viewer":
        return _checked(HubAddress(owner, name, None, *rest[:2]), text)
    if view in _FILE_VIEWS and rest:
        revision, behind = _revision(rest)
        file = "/".join(behind)
        return _checked(HubAddress(owner, name, None if revision == "main" else revision, file=file if is_data_file(file) else None), text)
    # Older pages name the configuration and the split behind the question mark.
    chosen = {key: value for key, value in parse_qsl(query) if _WORD.fullmatch(value)}
    return _checked(HubAddress(owner, name, None, chosen.get("config"), chosen.get("split") if "config" in chosen else None), text)
