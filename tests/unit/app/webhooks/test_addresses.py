"""Which addresses messages may go to."""

from ipaddress import ip_address, ip_network

import pytest

from app.webhooks.addresses import is_allowed, read_address

PUBLIC = ("8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8", "2002:0808:0808::1")

NOT_PUBLIC = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1"),
    *("255.255.255.255", "192.88.99.1"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::8.8.8.8"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::8.8.8.8"),
    *("2002:7f00:0001::1", "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "2001:db8::1", "100::1"),
    *("::ffff:0:127.0.0.1", "3fff::1"),
)


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_public_internet_is_allowed(text: str) -> None:
    assert is_allowed(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_any_other_address_is_refused_however_it_is_written(text: str) -> None:
    address = read_address(text)
    assert address is not None
    assert not is_allowed(address)


@pytest.mark.parametrize(
    ("text", "is_expected"),
    [
        ("10.0.5.7", True),
        ("::ffff:10.0.5.7", True),
        ("64:ff9b::10.0.5.7", True),
        ("fd00::1", True),
        ("10.0.6.7", False),
        ("127.0.0.1", False),
        ("8.8.8.8", True),
    ],
)
def test_a_private_network_is_allowed_when_the_settings_name_it(text: str, is_expected: bool) -> None:
    networks = (ip_network("10.0.5.0/24"), ip_network("fd00::/64"))
    assert is_allowed(ip_address(text), networks) is is_expected


def test_a_name_is_no_address() -> None:
    assert read_address("localhost") is None
