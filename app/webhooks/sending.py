"""One message to one receiver: POST to an address that was checked, bounded in time, in size and in trust.

No proxy, no redirect, no cookie; of the answer only its status counts, and its body is not read.
"""

import json
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from app.hook_errors import TargetRefused
from app.version import installed_version
from app.webhooks.addresses import Network
from app.webhooks.signing import signed_headers
from app.webhooks.target import Resolve, Target, addresses_of, parse_target, resolve
from indexer.catalog.webhooks import ClaimedDelivery

CONNECT_S = 5.0
ANSWER_S = 10.0

MAX_ADDRESSES = 3
"""Of one name that are tried, one after the other."""

DEADLINE_S = 15.0
"""For the whole exchange: a receiver that sends a byte now and then would never run into a timeout."""

GONE = 410
"""The receiver wants no more: the specification lets the sender stop."""


class NotDelivered(Exception):  # noqa: N818 - an outcome, not a defect
    """A message did not arrive; the message says why."""

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


@dataclass
class Sender:
    """Sends messages, any number at a time, until it is closed."""

    private_targets: Sequence[Network] = ()
    resolve: Resolve = resolve
    tls: ssl.SSLContext | None = None
    """Which certificates are trusted; None: those that the machine trusts, read for each connection."""
    deadline_s: float = DEADLINE_S
    _running: set["_Exchange"] = field(default_factory=set)
    _is_closed: threading.Event = field(default_factory=threading.Event)

    def send(self, delivery: ClaimedDelivery) -> None:
        """Deliver a message; raises NotDelivered."""
        body = json.dumps(delivery.payload, separators=(",", ":")).encode()
        try:
            target = parse_target(delivery.url, self.private_targets)
            addresses = addresses_of(target, self.private_targets, self.resolve)
        except TargetRefused as error:
            raise NotDelivered(str(error)) from error
        headers = {
            "Host": target.host_header,
            "Content-Type": "application/json",
            "User-Agent": f"ReelSeek/{installed_version()}",
            **signed_headers(delivery.secret, delivery.id, datetime.now(UTC), body),
        }
        status = self._post(target, addresses, headers, body)
        if not 200 <= status < 300:
            more = ", and redirects are not followed" if 300 <= status < 400 else ""
            raise NotDelivered(f"the receiver answered {status}{more}", is_final=status == GONE)

    def close(self) -> None:
        """Break off what is being sent; it is sent again by whoever comes next."""
        self._is_closed.set()
        for exchange in list(self._running):
            exchange.stop()

    def _post(self, target: Target, addresses: Sequence[str], headers: dict[str, str], body: bytes) -> int:
        exchange = _Exchange(target, self.tls)
        timer = threading.Timer(self.deadline_s, exchange.stop)
        timer.daemon = True
        self._running.add(exchange)
        timer.start()
        try:
            if self._is_closed.is_set():
                raise NotDelivered("the service is being stopped")
            return exchange.post(addresses, headers, body)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            reason = f"the receiver did not answer within {self.deadline_s:g} s"
            raise NotDelivered(reason if exchange.is_stopped else _reason(error)) from error
        finally:
            timer.cancel()
            self._running.discard(exchange)
            exchange.close()


class _Exchange:
    """One request and its answer, which another thread may break off."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        self._target, self._tls = target, tls
        self._connection: HTTPConnection | None = None
        self.is_stopped = False
        """Whether what fails now fails because another thread broke it off."""

    def post(self, addresses: Sequence[str], headers: dict[str, str], body: bytes) -> int:
        """Return the status of the answer of the first address that can be connected to."""
        connection = self._connect(addresses)
        self._require_time()  # who stops it finds a connection from here on
        connection.timeout = ANSWER_S
        connection.request("POST", self._target.path, body=body, headers=headers, preload_content=False)
        status = connection.getresponse().status
        self._require_time()
        return status

    def stop(self) -> None:
        """Make what another thread waits for fail."""
        self.is_stopped = True
        if self._connection is not None and (sock := self._connection.sock) is not None:
            with suppress(OSError):  # it has ended by itself
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, with what was not read of the answer."""
        if self._connection is not None:
            self._connection.close()

    def _require_time(self) -> None:
        if self.is_stopped:
            raise TimeoutError("the exchange was broken off")

    def _connect(self, addresses: Sequence[str]) -> HTTPConnection:
        failure: Exception = OSError("it has no address")
        for address in addresses[:MAX_ADDRESSES]:
            connection = self._connection = self._new_connection(address)
            try:
                connection.connect()
            except (HTTPError, OSError) as error:
                connection.close()
                failure = error
            else:
                return connection
            if self.is_stopped:
                break
        raise failure

    def _new_connection(self, address: str) -> HTTPConnection:
        """Return a connection to ``address`` itself; the certificate must be of the target's name."""
        port = self._target.port
        if not self._target.is_tls:
            return HTTPConnection(address, port, timeout=CONNECT_S)
        return HTTPSConnection(
            address, port, timeout=CONNECT_S, ssl_context=self._tls, server_hostname=self._target.host
        )


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return f"the message could not be sent: {type(error).__name__}: {error}"
