"""When a lease is over: told by how long it stood still, never by what it says."""

from datetime import UTC, datetime, timedelta

from indexer.catalog.lease_watch import LeaseWatch

LEASE = datetime(2026, 11, 21, tzinfo=UTC)


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_lease_that_nobody_renews_is_over_after_the_patience_and_not_before() -> None:
    clock = Clock()
    watch = LeaseWatch(30.0, clock)
    assert watch.over({"a": LEASE}) == []
    clock.now_s += 29.9
    assert watch.over({"a": LEASE}) == []
    clock.now_s += 0.2
    assert watch.over({"a": LEASE}) == ["a"]
    assert watch.over({"a": LEASE}) == ["a"]  # until somebody takes it


def test_each_renewal_begins_the_patience_anew_whatever_time_it_names() -> None:
    clock = Clock()
    watch = LeaseWatch(30.0, clock)
    for jump_h in (0, 5, -5, 100, -10_000, 0):  # wall clocks that are set forth and back
        assert watch.over({"a": LEASE + timedelta(hours=jump_h)}) == []
        clock.now_s += 25
    assert watch.over({"a": LEASE}) == []
    clock.now_s += 5
    assert watch.over({"a": LEASE}) == ["a"]


def test_a_lease_in_the_far_future_of_a_wrong_clock_ends_like_any_other() -> None:
    clock = Clock()
    watch = LeaseWatch(30.0, clock)
    leases = {"a": LEASE + timedelta(days=9000), "b": LEASE}
    assert watch.over(leases) == []
    clock.now_s += 31
    assert sorted(watch.over(leases)) == ["a", "b"]


def test_a_job_that_ended_and_runs_again_is_watched_anew() -> None:
    clock = Clock()
    watch = LeaseWatch(30.0, clock)
    watch.over({"a": LEASE})
    clock.now_s += 20
    watch.over({})
    clock.now_s += 20
    assert watch.over({"a": LEASE}) == []
