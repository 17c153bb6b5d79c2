"""The span of a video that somebody asks for."""

from app.errors import InvalidMoment

ROUNDING_S = 0.005
"""Addresses carry rounded seconds: an end this little behind the video's own means that one."""


def check_span(
    start_s: float, end_s: float, duration_s: float | None, names: tuple[str, str] = ("start", "end")
) -> tuple[float, float]:
    """Return start and end inside a video of ``duration_s`` (None: unknown).

    Raises InvalidMoment, which calls the parameter of start and that of end by ``names``.
    """
    if start_s < 0:
        raise InvalidMoment(names[0], "seconds count from the first frame: give 0 or more", start_s)
    if duration_s is not None:
        if start_s >= duration_s:
            raise InvalidMoment(names[0], f"the video ends at {duration_s:.3f} s: start before that", start_s)
        if end_s > duration_s + ROUNDING_S:
            raise InvalidMoment(names[1], f"the video ends at {duration_s:.3f} s: end there or before", end_s)
        end_s = min(end_s, duration_s)
    if not start_s < end_s:
        raise InvalidMoment(names[1], f"it starts at {start_s:g} s: end after that", end_s)
    return start_s, end_s
