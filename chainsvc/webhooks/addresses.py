"""Which addresses webhooks may go to: whoever names a URL must not make the service call into its own network.

A URL is looked at when an endpoint is made, and its host's addresses at every attempt, right before connecting to the
very address that was looked at: a name that points elsewhere meanwhile gains nothing (DNS rebinding).
"""

import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import httpx

from chainsvc.errors import AddressRefused

Address: TypeAlias = IPv4Address | IPv6Address
Range: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL = 2_048
"""Characters."""

_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65_535

# The registries of special addresses (RFC 6890 and later), by hand besides is_global, which Python has changed
# between releases; 192.88.99.0/24 and the IPv6 ranges lead to IPv4 addresses by translation.
_SPECIAL: tuple[Range, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL_IPV6 = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")
_TUNNELS: tuple[Range, ...] = (ip_network("2001::/32"), ip_network("2002::/16"))


@dataclass(frozen=True, slots=True)
class AddressRules:
    """What webhooks may go to.

    Attributes:
        allowed: Networks that are allowed though they are private.
        allow_http: Without TLS too.
    """

    allowed: Collection[Range] = ()
    allow_http: bool = False

    def check_url(self, text: str) -> httpx.URL:
        """Return the URL when messages may go there, as far as it can be told without asking for its name.

        Raises:
            AddressRefused: Another scheme, no host, a user in it, or an address that is not allowed.
        """
        url = _parsed(text)
        if url.scheme != "https" and not (url.scheme == "http" and self.allow_http):
            hint = None if self.allow_http else "The operator may allow http by CHAINSVC_WEBHOOK_ALLOW_HTTP."
            raise _refused("a webhook goes over HTTPS", "https://…", f"{url.scheme or 'no scheme'}", hint)
        if not url.host or url.userinfo or url.fragment or port_of(url) > _LAST_PORT:
            raise _refused("not a webhook's URL", "https://host/path, without user, password and fragment", None)
        if (numeric := _numeric(url.host)) is not None:
            self.check([numeric], url.host)
        return url

    def check(self, addresses: Iterable[Address], host: str) -> list[Address]:
        """Return those of a host's addresses that may be connected to, in their order.

        Raises:
            AddressRefused: None of them.
        """
        found = list(addresses)
        good = [address for address in found if self._allows(address)]
        if not good:
            raise _refused(
                "webhooks don't go to addresses of this kind",
                "an address on the public network",
                f"{host} at {', '.join(map(str, found[:4])) or 'no address'}",
                "The operator may allow a private network by CHAINSVC_WEBHOOK_ALLOWED_NETWORKS.",
            )
        return good

    def _allows(self, address: Address) -> bool:
        inner = unmapped(address)
        if any(each.version == net.version and each in net for each in (address, inner) for net in self.allowed):
            return True
        return is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is one of the open network: none of this machine, a private network or a group."""
    inner = unmapped(address)
    if isinstance(inner, IPv6Address) and (inner not in _GLOBAL_IPV6 or any(inner in net for net in _TUNNELS)):
        return False
    special = any(inner.version == net.version and inner in net for net in _SPECIAL)
    return inner.is_global and not inner.is_multicast and not special


def unmapped(address: Address) -> Address:
    """Return the IPv4 address inside a mapped or translated IPv6 address, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _TRANSLATED else address


def port_of(url: httpx.URL) -> int:
    """Return the port that a checked URL means."""
    return url.port or _PORTS[url.scheme]


def addresses_of(host: str, port: int) -> list[Address]:
    """Ask for a name's addresses; blocks as long as the resolver takes.

    Raises:
        OSError: There are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


def _numeric(host: str) -> Address | None:
    """Return the address that a host is, in any way that the system reads one: also 127.1, 0x7f000001 and such."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ip_address(found[0][4][0])


def _parsed(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text if len(text) <= LONGEST_URL and text.isprintable() else "")
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused("not a webhook's URL", f"https://host/path, at most {LONGEST_URL} characters", None) from error
    return url.copy_with(path=url.path or "/")


def _refused(message: str, expected: str, got: str | None, hint: str | None = None) -> AddressRefused:
    return AddressRefused(message, expected=expected, got=None if got is None else got[:200], where="/url", hint=hint)
