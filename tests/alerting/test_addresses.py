"""Which addresses a webhook may go to."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from alerting.addresses import is_allowed, refusal


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.215.14", "8.8.8.8", "1.1.1.1", "191.255.255.255", "192.0.1.1", "223.255.255.255"),
        *("2606:2800:21f:cb07:6820:80da:af6b:8b2c", "2a00:1450:4001:81d::200e", "2001:4860:4860::8888"),
        *("2001:200::1", "2001:db9::1", "2003::1"),
    ],
)
def test_the_open_internet_is_told(address: str) -> None:
    assert refusal(address, ()) is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private or reserved"),
        ("172.16.0.1", "private or reserved"),
        ("192.168.1.1", "private or reserved"),
        ("fc00::1", "private or reserved"),
        ("100.64.0.1", "private or reserved"),
        ("100.100.100.200", "private or reserved"),
        ("198.18.0.1", "private or reserved"),
        ("192.0.2.1", "private or reserved"),
        ("240.0.0.1", "private or reserved"),
        ("255.255.255.255", "private or reserved"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("169.254.169.254", "a cloud's metadata"),
        ("fd00:ec2::254", "a cloud's metadata"),
        ("168.63.129.16", "a cloud's metadata"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"),  # noqa: S104
        ("::", "unspecified"),
        ("::ffff:127.0.0.1", "an IPv4 address in the clothes of IPv6"),
        ("::ffff:8.8.8.8", "an IPv4 address in the clothes of IPv6"),
        ("64:ff9b::7f00:1", "NAT64 (RFC 6052)"),
        ("64:ff9b:1::7f00:1", "NAT64 (RFC 8215)"),
        ("2002:7f00:1::", "6to4 (RFC 3056)"),
        ("192.88.99.1", "a 6to4 relay (RFC 7526)"),
        ("2001:0:7f00:1::", "Teredo (RFC 4380)"),
        ("192.0.0.192", "private or reserved"),  # Oracle Cloud's metadata
        ("192.0.0.9", "private or reserved"),
        ("0.1.2.3", "private or reserved"),
        ("198.51.100.1", "private or reserved"),
        ("203.0.113.1", "private or reserved"),
        ("fec0::1", "private or reserved"),
        ("::7f00:1", "an IPv4 address in the clothes of IPv6"),
        ("::ffff:0:7f00:1", "an IPv4 address in the clothes of IPv6"),
        ("2001:2::1", "private or reserved"),
        ("2001:20::1", "private or reserved"),
        ("2001:db8::1", "private or reserved"),
        ("3ffe::1", "private or reserved"),
        ("3fff::1", "private or reserved"),
        ("5f00::1", "private or reserved"),
        ("100::1", "private or reserved"),
        ("4000::1", "private or reserved"),
        ("e000::1", "private or reserved"),
        ("2606:2800::5efe:a00:1", "ISATAP (RFC 5214)"),
        ("2606:2800::200:5efe:a00:1", "ISATAP (RFC 5214)"),
    ],
)
def test_what_leads_elsewhere_is_not(address: str, why: str) -> None:
    assert refusal(address, ()) == why


def test_a_network_that_is_named_is_told_and_its_neighbour_is_not() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd12::/16"))

    assert refusal("10.1.255.1", allowed) is None
    assert refusal("fd12::5", allowed) is None
    assert refusal("10.2.0.1", allowed) == "private or reserved"
    assert is_allowed("10.1.0.1", allowed)
    assert not is_allowed("8.8.8.8", allowed)
