"""Which addresses a webhook may be sent to: those of the open internet, and what the bank has named (pure).

A URL in a routing file must not be a way into the bank's network, however its host's name is resolved today.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# What Python counts as global although it leads elsewhere: addresses that hold another one, and clouds' own services.
_ELSEWHERE: Final[Sequence[tuple[Network, str]]] = (
    (ip_network("64:ff9b::/96"), "NAT64 (RFC 6052)"),
    (ip_network("64:ff9b:1::/48"), "NAT64 (RFC 8215)"),
    (ip_network("2002::/16"), "6to4 (RFC 3056)"),
    (ip_network("192.88.99.0/24"), "a 6to4 relay (RFC 7526)"),
    (ip_network("2001::/32"), "Teredo (RFC 4380)"),
    (ip_network("168.63.129.16/32"), "a cloud's metadata"),
    (ip_network("169.254.169.254/32"), "a cloud's metadata"),
    (ip_network("fd00:ec2::254/128"), "a cloud's metadata"),
)


def refusal(address: str, allowed: Sequence[Network]) -> str | None:
    """Why nothing is sent to an address; None where it may be.

    Args:
        address: As the resolver gave it, with or without a zone.
        allowed: Networks that may be told whatever else they are.
    """
    found = ip_address(address.partition("%")[0])
    if any(found in network for network in allowed):
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return "an IPv4 address in the clothes of IPv6"
    for network, what in _ELSEWHERE:
        if found in network:
            return what
    return _kind(found)


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether the bank has named an address's network."""
    return any(ip_address(address.partition("%")[0]) in network for network in allowed)


def _kind(address: Address) -> str | None:
    if address.is_loopback:
        return "loopback"
    if address.is_multicast:
        return "multicast"
    if address.is_link_local:
        return "link-local"
    if address.is_unspecified:
        return "unspecified"
    return None if address.is_global else "private or reserved"
