"""Which names of this server, and which origins of pages, are accepted in a request's head."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

_USUAL_PORTS = {"http": ":80", "https": ":443"}


def is_loopback(host: str) -> bool:
    """Returns whether a name or an address is this machine's own, which no other can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_of(value: str) -> str | None:
    """Returns the name in a header `Host`, in lower case, without port and brackets; None if it is not valid."""
    value = value.strip().lower()
    if value.startswith("["):
        name, bracket, port = value[1:].partition("]")
        is_valid = bool(bracket) and _is_address(name) and (not port or (port[0] == ":" and _is_port(port[1:])))
        return name if is_valid else None
    name, colon, port = value.partition(":")
    return name.rstrip(".") if name and (not colon or _is_port(port)) else None


def origin_of(value: str) -> str | None:
    """Returns the origin of a page as browsers write it, in lower case, without the usual port; None if it is none."""
    scheme, _, rest = value.lower().partition("://")
    if scheme not in _USUAL_PORTS or host_of(rest) is None or "/" in rest:
        return None
    return f"{scheme}://{rest.removesuffix(_USUAL_PORTS[scheme])}"


class Hosts:
    """The names that may stand in `Host`: addresses, `localhost`, and those that were named.

    A page from elsewhere whose name was made to lead here (DNS rebinding) sends its own name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {"localhost", *(name.lower().rstrip(".") for name in names)}

    def admit(self, host: str) -> bool:
        """Returns whether a header `Host` is accepted."""
        name = host_of(host)
        return name is not None and (name in self._names or _is_address(name))


def is_same_origin(origin: str, host: str) -> bool:
    """Returns whether a page of this origin came from this server, by the header `Host` of its request."""
    scheme, _, rest = origin.strip().lower().partition("://")
    return scheme in _USUAL_PORTS and rest == host.strip().lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535
