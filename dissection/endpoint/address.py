"""Where a model is asked: the address of a chat endpoint, and which addresses are called at all."""

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from dissection.endpoint.faults import AddressRefusedError, UnreachableError
from dissection.verdicts import shown

SETTING: Final = "DISSECTION_PRIVATE_ENDPOINTS"
ACCEPTED: Final = "https://host/path, the address of an OpenAI-compatible endpoint up to /v1, without a user, a question mark or a #"
MAX_LENGTH: Final = 500

_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

# Public by its number, but it is how a cloud's machines reach their own host.
_OF_HOSTS: Final = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# All that is given out for the public internet so far; what lies outside, as the old fec0::/10, counts as global all the same.
_UNICAST: Final = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Endpoint:
    """A model at an address.

    Attributes:
        model: as the endpoint calls it.
        address: of an OpenAI-compatible endpoint; empty: Hugging Face's inference providers.
        provider: which of these, "auto" for whichever has the model; empty with an address.
    """

    model: str
    address: str = ""
    provider: str = ""

    def __post_init__(self) -> None:
        if not self.model.strip() or len(self.model) > 200 or not self.model.isprintable():
            raise AddressRefusedError(
                "The model has no name, or one that can't be one.",
                accepted="a name as the endpoint knows it, up to 200 characters",
                remedy="name the model",
            )
        if bool(self.address) == bool(self.provider):
            raise AddressRefusedError(
                "An endpoint is either an address or a provider.",
                accepted=f"{ACCEPTED}; or a provider of Hugging Face, as in auto",
                remedy="give one of the two",
            )
        if self.address:
            _parts(self.address)
        elif "://" in self.model:
            # The library would send the request, and the token, to that address, which nobody has checked.
            raise AddressRefusedError(
                "The model's name is an address.", accepted="a name as on the Hub, owner/model", remedy="give the address in its own field"
            )

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self.address or f"Hugging Face inference, provider {self.provider}"


def private_allowed() -> bool:
    """Whether this machine's owner lets endpoints of private networks, and plain http, be called: for a laptop, not for a server."""
    return os.environ.get(SETTING, "") == "1"


def check_address(address: str, *, allow_private: bool) -> None:
    """Refuse what must not be called from a server that others use: anything but https to hosts on the public internet.

    Names are looked up on every check. A name that changes between this and the call still can't be used to read a private network, as
    the host there would have to show a certificate for that name.

    Raises:
        AddressRefusedError: not https, or the host has an address that is not public.
        UnreachableError: the host's name has no address.
    """
    parts = _parts(address)
    if allow_private:
        return
    if parts.scheme != "https":
        raise AddressRefusedError("The address is not https.", where=address, accepted=ACCEPTED, remedy=_REMEDY)
    for found in _resolve(parts, address):
        if not _public(found):
            raise AddressRefusedError(
                "The address leads into a private network.",
                where=address,
                accepted="hosts on the public internet",
                remedy=_REMEDY,
            )


_REMEDY: Final = f"on your own machine, set {SETTING}=1; on a server that others use, give a public https address"


def _parts(address: str) -> SplitResult:
    wrong = AddressRefusedError("This is not the address of an endpoint.", where="", accepted=ACCEPTED, remedy="check the address")
    if len(address) > MAX_LENGTH or not address.isprintable() or any(mark in address for mark in " \\?#"):
        # Not repeated: what stands behind a question mark is often a key.
        raise wrong
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not known or "@" in parts.netloc:
        raise wrong
    return parts


def _resolve(parts: SplitResult, address: str) -> list[_Ip]:
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise UnreachableError(f"There is no host named {shown(host)}.", where=address, remedy="check the address") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _public(address: _Ip) -> bool:
    """Whether an address is on the public internet, also when it is an IPv4 one in the clothes of IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _public(inner)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in _OF_HOSTS
