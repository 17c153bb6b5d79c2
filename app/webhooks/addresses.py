"""Which addresses messages may go to: those of the public internet, and those that the settings allow.

Whoever can add a webhook could otherwise make this machine ask what only this machine reaches: its own ports,
the machines beside it, the metadata service of its cloud.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED = tuple(
    ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's services for its machines, in the public range
        "192.0.0.0/24",  # protocols, and Oracle's service for its machines
        "192.88.99.0/24",  # 6to4 relays
        "::/96",  # IPv4 in IPv6, the deprecated way
        "::ffff:0:0:0/96",  # IPv4 translated (SIIT)
        "64:ff9b:1::/48",  # NAT64 of one's own network
        "2001::/23",  # protocols, Teredo among them
        "3fff::/20",  # examples
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local
    )
)
"""Not public, whatever ``ipaddress`` of this Python says."""

NAT64 = IPv6Network("64:ff9b::/96")


def is_allowed(address: Address, private_targets: Sequence[Network] = ()) -> bool:
    """Return whether messages may go to ``address``, whichever way it is written."""
    return all(_is_plain_allowed(one, private_targets) for one in _meanings(address))


def read_address(text: str) -> Address | None:
    """Return the address that ``text`` writes, without its zone; None for a name."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _meanings(address: Address) -> Iterator[Address]:
    """Yield the address that packets would go to in the end, and the one it is wrapped in if that matters."""
    if isinstance(address, IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if wrapped is None and address in NAT64:
            wrapped = IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            yield wrapped
            return
    yield address


def _is_plain_allowed(address: Address, private_targets: Sequence[Network]) -> bool:
    if any(address in network for network in private_targets):
        return True
    is_odd = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_odd and not any(address in network for network in REFUSED)
