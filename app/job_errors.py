# ruff: noqa: N818 - the name of each class is the reason itself
"""What can be wrong with an order about a job."""

from app.request_error import RequestError


class JobConflict(RequestError):
    """The job is in no state for what was ordered."""
