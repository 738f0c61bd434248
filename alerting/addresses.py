"""Which addresses a webhook may be sent to: those of the open internet, and what the bank has named (pure).

A URL in a routing file must not be a way into the bank's network, however its host's name is resolved today.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_RESERVED: Final = "private or reserved"
_IN_DISGUISE: Final = "an IPv4 address in the clothes of IPv6"

# IANA's registries of special addresses, written down: what Python knows of them changes with its patch releases.
# https://www.iana.org/assignments/iana-ipv4-special-registry
_ELSEWHERE_4: Final[Sequence[tuple[Network, str]]] = (
    (ip_network("169.254.169.254/32"), "a cloud's metadata"),
    (ip_network("168.63.129.16/32"), "a cloud's metadata"),
    (ip_network("0.0.0.0/32"), "unspecified"),
    (ip_network("0.0.0.0/8"), _RESERVED),
    (ip_network("10.0.0.0/8"), _RESERVED),
    (ip_network("100.64.0.0/10"), _RESERVED),
    (ip_network("127.0.0.0/8"), "loopback"),
    (ip_network("169.254.0.0/16"), "link-local"),
    (ip_network("172.16.0.0/12"), _RESERVED),
    (ip_network("192.0.0.0/24"), _RESERVED),  # a cloud's metadata among them
    (ip_network("192.0.2.0/24"), _RESERVED),
    (ip_network("192.88.99.0/24"), "a 6to4 relay (RFC 7526)"),
    (ip_network("192.168.0.0/16"), _RESERVED),
    (ip_network("198.18.0.0/15"), _RESERVED),
    (ip_network("198.51.100.0/24"), _RESERVED),
    (ip_network("203.0.113.0/24"), _RESERVED),
    (ip_network("224.0.0.0/4"), "multicast"),
    (ip_network("240.0.0.0/4"), _RESERVED),
)
# https://www.iana.org/assignments/iana-ipv6-special-registry, and addresses that hold another one.
_ELSEWHERE_6: Final[Sequence[tuple[Network, str]]] = (
    (ip_network("fd00:ec2::254/128"), "a cloud's metadata"),
    (ip_network("::/128"), "unspecified"),
    (ip_network("::1/128"), "loopback"),
    (ip_network("::/96"), _IN_DISGUISE),  # RFC 4291, 2.5.5.1
    (ip_network("::ffff:0:0/96"), _IN_DISGUISE),
    (ip_network("::ffff:0:0:0/96"), _IN_DISGUISE),  # RFC 2765, 2.1
    (ip_network("64:ff9b::/96"), "NAT64 (RFC 6052)"),
    (ip_network("64:ff9b:1::/48"), "NAT64 (RFC 8215)"),
    (ip_network("2001::/32"), "Teredo (RFC 4380)"),
    (ip_network("2001::/23"), _RESERVED),
    (ip_network("2001:db8::/32"), _RESERVED),
    (ip_network("2002::/16"), "6to4 (RFC 3056)"),
    (ip_network("3ffe::/16"), _RESERVED),
    (ip_network("3fff::/20"), _RESERVED),
    (ip_network("fe80::/10"), "link-local"),
    (ip_network("ff00::/8"), "multicast"),
)
# All that has been given to anybody so far (RFC 4291, 2.4).
_GLOBAL_6: Final = ip_network("2000::/3")
# The first half of an interface's identifier, before an IPv4 address (RFC 5214, 6.1).
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def refusal(address: str, allowed: Sequence[Network]) -> str | None:
    """Why nothing is sent to an address; None where it may be.

    Args:
        address: As the resolver gave it, with or without a zone.
        allowed: Networks that may be told whatever else they are.
    """
    found = ip_address(address.partition("%")[0])
    if any(found in network for network in allowed):
        return None
    for network, what in _ELSEWHERE_4 if found.version == 4 else _ELSEWHERE_6:
        if found in network:
            return what
    if found.version == 6 and found not in _GLOBAL_6:
        return _RESERVED
    if found.version == 6 and (int(found) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "ISATAP (RFC 5214)"
    return None


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether the bank has named an address's network."""
    return any(ip_address(address.partition("%")[0]) in network for network in allowed)
