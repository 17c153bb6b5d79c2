"""What every error of a request is: a reason with the value and the way out."""

from collections.abc import Mapping


class RequestError(Exception):
    """A request cannot be answered; the message says why, with the value, and the way out."""

    parameter: str | None = None
    """The parameter that is wrong, as the HTTP interface calls it; None where it is not about one."""
    value: object = None
    """What was sent in it."""
    headers: Mapping[str, str] = {}
    """What the answer says besides the problem."""
