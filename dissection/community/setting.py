"""Where this server keeps what visitors publish: the environment variables DISSECTION_STORE and DISSECTION_STORE_ENTRIES."""

import os
from pathlib import Path
from typing import Final

from dissection.community.folder import FolderStore, Store
from dissection.community.hub_store import HubStore
from dissection.errors import InputError
from dissection.hub.address import is_address, parse
from dissection.hub.faults import AddressError
from dissection.settings import ENTRIES

VARIABLE: Final = "DISSECTION_STORE"


def setting() -> tuple[str, str]:
    """The two variables as they stand, empty where they are not set."""
    return os.environ.get(VARIABLE, "").strip(), os.environ.get(ENTRIES.variable, "").strip()


def open_store(where: str, entries: str = "") -> Store | None:
    """The store that the variables name; None where publishing is off.

    Args:
        where: a folder, or hf://datasets/owner/name; empty: off.
        entries: how many entries there may be; empty: 1,000.

    Raises:
        InputError: they name none.
    """
    if not where:
        return None
    most = ENTRIES.read({ENTRIES.variable: entries})
    if is_address(where):
        try:
            address = parse(where)
        except AddressError as error:
            raise _wrong(error.problem) from error
        if address.revision or address.config or address.file:
            raise _wrong("The address names more than a dataset.")
        return HubStore(address, waiting_folder() / f"{address.owner}--{address.name}", most)
    folder = Path(where).expanduser()
    if folder.exists() and not folder.is_dir():
        raise _wrong("The community's folder is a file.")
    return FolderStore(folder, most)


def waiting_folder() -> Path:
    """Where entries wait for the Hub: in XDG_STATE_HOME or ~/.local/state, as they must outlast a restart."""
    states = os.environ.get("XDG_STATE_HOME", "")
    return (Path(states) if Path(states).is_absolute() else Path.home() / ".local" / "state") / "preference-dissection" / "community"


def _wrong(problem: str) -> InputError:
    return InputError(
        problem,
        where=f"the environment variable {VARIABLE}",
        accepted="a folder, which is made where it is missing, or hf://datasets/owner/name",
        remedy="mend the variable or unset it",
    )
