"""The socket that the service listens on."""

import socket

import pytest

from app.listener import listen


def test_answers_are_not_held_back_for_an_acknowledgement() -> None:
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_an_address_that_is_taken_is_refused() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(ValueError, match="cannot listen on"):
        listen("127.0.0.1", listener.getsockname()[1])
