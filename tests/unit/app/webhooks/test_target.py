"""What a webhook's URL may be, and what its name may stand for."""

from ipaddress import ip_network

import pytest

from app.hook_errors import TargetRefused
from app.webhooks.target import Target, addresses_of, parse_target, resolve

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("url", "target", "host_header"),
    [
        ("https://a.example/hook?k=1#x", Target(True, "a.example", 443, "/hook?k=1"), "a.example"),
        ("http://a.example:8080", Target(False, "a.example", 8080, "/"), "a.example:8080"),
        ("https://8.8.8.8:443/", Target(True, "8.8.8.8", 443, "/"), "8.8.8.8"),
        (
            "http://[2606:4700:4700::1111]:81/x",
            Target(False, "2606:4700:4700::1111", 81, "/x"),
            "[2606:4700:4700::1111]:81",
        ),
        ("HTTPS://A.Example./", Target(True, "a.example", 443, "/"), "a.example"),
    ],
)
def test_a_url_is_taken_apart(url: str, target: Target, host_header: str) -> None:
    assert parse_target(url) == target
    assert target.host_header == host_header


@pytest.mark.parametrize(
    "url",
    [
        *("", "hook", "ftp://a.example/", "file:///etc/passwd", "//a.example/", "https://", "https:///x"),
        *("https://user@a.example/", "https://user:secret@a.example/", "https://a.example:99999/"),
        *("https://a.example/a b", "https://a.example/\r\nX: y", "https://ä.example/", "https://[::1"),
        *("http://localhost/", "http://LOCALHOST.:8000/", "http://a.localhost/", "http://127.0.0.1/"),
        *("http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/meta-data/"),
        *("http://[fe80::1%25eth0]/", "https://a.example/" + "x" * 2000, "https://a..example/"),
    ],
)
def test_a_url_that_no_message_goes_to_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        parse_target(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
def test_a_loopback_address_in_another_spelling_is_refused_when_it_is_looked_up(host: str) -> None:
    target = Target(False, host, 80, "/")
    with pytest.raises(TargetRefused):
        addresses_of(target, (), resolve)
    if host == "localhost":
        assert "127.0.0.1" in addresses_of(target, (*LOOPBACK, ip_network("::1")), resolve)


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["fe80::1%eth0"], ["64:ff9b::7f00:1"], ["nonsense"]]
)
def test_one_forbidden_address_of_a_name_is_enough_to_refuse_it(found: list[str]) -> None:
    with pytest.raises(TargetRefused, match="not on the public internet"):
        addresses_of(Target(True, "a.example", 443, "/"), (), lambda *_: found)


def test_a_name_that_is_not_known_is_refused_with_the_name() -> None:
    def fail(*_: object) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(TargetRefused, match=r"a\.example cannot be resolved"):
        addresses_of(Target(True, "a.example", 443, "/"), (), fail)
