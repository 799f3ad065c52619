"""Keys of the environment: which of them may be sent where."""

import os
from typing import Final
from urllib.parse import urlsplit

from dissection.endpoint.address import Endpoint

KEY: Final = "DISSECTION_ENDPOINT_KEY"
# Keys that other programs use are sent to their own hosts alone.
KEYS_OF_HOSTS: Final = {"OPENAI_API_KEY": ("openai.com",), "HF_TOKEN": ("huggingface.co", "huggingface.cloud", "hf.space")}


def key_for(endpoint: Endpoint) -> tuple[str | None, str]:
    """The key of the environment for this endpoint, and the name of the variable that it comes from ("" where there is none)."""
    host = (urlsplit(endpoint.address).hostname or "") if endpoint.address else "huggingface.co"
    for name, hosts in {KEY: ("",), **KEYS_OF_HOSTS}.items():
        own = any(not known or host == known or host.endswith(f".{known}") for known in hosts)
        if own and os.environ.get(name, "").strip():
            return os.environ[name], name
    return None, ""
