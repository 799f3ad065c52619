"""DATA of the command line: a file, a folder, or the address of a dataset on the Hugging Face Hub."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dissection.dataset import PairDataset
from dissection.hub.address import is_address

if TYPE_CHECKING:
    from dissection.hub.client import Progress

HELP = (
    "or a dataset of the Hugging Face Hub, hf://datasets/owner/name with @revision, /config and /split behind it where they are needed; a token "
    "is taken from HF_TOKEN alone, so that it stands in no history of commands"
)


def data(text: str) -> Path | str:
    """What DATA means: the text itself where it is an address, else a path."""
    return text if is_address(text) else Path(text)


def open_data(source: Path | str, reader: str | None = None) -> PairDataset:
    """The dataset of DATA; `reader` overrules the choice of its form by content.

    Raises:
        InputError: it can't be had or read; the message says why.
    """
    if isinstance(source, str):
        from dissection.hub import open_hub

        return open_hub(source, reader=reader, progress=_show_download)
    from dissection.readers import open_dataset

    return open_dataset(source, reader=reader)


def _show_download(progress: "Progress") -> None:
    """Progress of the download, where someone looks."""
    if sys.stderr.isatty() and progress.bytes:
        done = progress.files_done == progress.files
        text = f"\rdownloading: {progress.bytes_done / 1e6:,.1f} of {progress.bytes / 1e6:,.1f} MB"
        print(text, end="\n" if done else "", file=sys.stderr, flush=True)
