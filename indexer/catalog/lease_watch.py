"""How long the leases of running jobs have stood still, by a clock of our own that nobody can set.

A worker renews its job's lease every few seconds, and each renewal writes another time. What those times say
is never compared with a clock: a wall clock that jumps, here or on the worker's machine, would take jobs from
workers that live, or leave those of dead ones for hours. Instead a lease is over when the same one was seen
for ``patience_s`` seconds of this process's monotonic clock (as DynamoDB's lock client tells it).
"""

import time
from collections.abc import Callable, Hashable, Mapping
from typing import NamedTuple

LEASE_S = 30.0
"""How long a worker may be silent before its job is another's: what a dead machine costs."""


class _Sighting(NamedTuple):
    lease: Hashable
    first_seen_s: float


class LeaseWatch:
    """What one process has seen of the leases of others; it is to look at them now and then."""

    def __init__(self, patience_s: float = LEASE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin without having seen anything; ``clock`` tells seconds and never goes back."""
        self._patience_s, self._clock = patience_s, clock
        self._seen: dict[str, _Sighting] = {}

    def over(self, leases: Mapping[str, Hashable]) -> list[str]:
        """Return whose of all the present ``leases`` (by job id) nobody has renewed for long enough."""
        now_s = self._clock()
        seen = {job_id: self._seen.get(job_id, _Sighting(lease, now_s)) for job_id, lease in leases.items()}
        self._seen = {
            job_id: sighting if sighting.lease == leases[job_id] else _Sighting(leases[job_id], now_s)
            for job_id, sighting in seen.items()
        }
        return [
            job_id
            for job_id, sighting in self._seen.items()
            if now_s - sighting.first_seen_s >= self._patience_s
        ]
