"""Where a webhook's messages go: its URL taken apart, and the very addresses that may be connected to."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.hook_errors import TargetRefused
from app.webhooks.addresses import Network, is_allowed, read_address

MAX_URL_CHARACTERS = 2000

WAY_OUT = "name a public address, or let the operator list its network in REELSEEK_WEBHOOK_PRIVATE_TARGETS"

Resolve = Callable[[str, int], list[str]]
"""Host and port → the addresses of the host; raises OSError."""


@dataclass(frozen=True)
class Target:
    """A URL that messages are sent to."""

    is_tls: bool
    host: str
    """Name or address, without brackets, in ASCII."""
    port: int
    path: str
    """With its query."""

    @property
    def host_header(self) -> str:
        """Return host and port as HTTP names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def parse_target(url: str, private_targets: Sequence[Network] = ()) -> Target:
    """Return the parts of ``url``; raises TargetRefused for one that no message will ever be sent to.

    What a name stands for is looked up with each message, in ``addresses_of``.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
    except ValueError as error:
        raise TargetRefused(f"it cannot be read ({error}): write https://HOST/PATH", url) from error
    _require_plain(url, parts.scheme, host, parts.username is None and parts.password is None)
    address = read_address(host)
    is_local = host == "localhost" or host.endswith(".localhost")
    if (address is not None and not is_allowed(address, private_targets)) or (
        is_local and not private_targets
    ):
        raise TargetRefused(f"{host} is not on the public internet: {WAY_OUT}", url)
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_tls, host, port or (443 if is_tls else 80), path)


def addresses_of(target: Target, private_targets: Sequence[Network], resolve: Resolve) -> list[str]:
    """Return the addresses to connect to; raises TargetRefused when one of them may not be.

    Connect to these and do not look the name up again: it could stand for another address by then.
    """
    try:
        found = resolve(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise TargetRefused(f"the name {target.host} cannot be resolved: {error}") from error
    for text in found:
        address = read_address(text)
        if address is None or not is_allowed(address, private_targets):
            raise TargetRefused(
                f"{target.host} stands for an address that is not on the public internet: {WAY_OUT}"
            )
    return found


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system knows them, each once; raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _require_plain(url: str, scheme: str, host: str, is_without_user: bool) -> None:
    if scheme not in {"http", "https"} or not host:
        raise TargetRefused("it is no address of a web server: write https://HOST/PATH", url)
    if not is_without_user:
        raise TargetRefused("it holds a user or password, which would be stored: leave it out", url)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise TargetRefused("it has characters that no URL has: write them as %XX", url)
    if len(url) > MAX_URL_CHARACTERS:
        raise TargetRefused(f"it has more than {MAX_URL_CHARACTERS} characters: shorten it", url[:200])
