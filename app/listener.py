"""The socket that the service listens on."""

import socket


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, before anything slow is started; raises ValueError when it cannot.

    Whoever calls before the model is loaded waits until it is. Answers leave at once: asyncio switches
    Nagle's algorithm off only for sockets it makes itself, and with it on every answer on a connection that
    is kept open waits 40 ms for the client's delayed acknowledgement.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ValueError(
            f"cannot listen on {host}:{port} ({error.strerror}): end what uses it, or choose another with "
            "--host and --port"
        ) from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
    return listener
