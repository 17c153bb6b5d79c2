"""What all plots have in common. Matplotlib is an optional part: those who draw import it where they do."""

DOTS_PER_INCH = 130

COLOURS = 10
"""Colours that matplotlib gives out before it begins anew; then the next marker is used."""

MARKERS = "os^D"


def check_plotting() -> None:
    """Raise ValueError, with the command that installs it, if there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "the plot needs matplotlib, which is not installed: pip install 'reelseek[plots]'"
        ) from error
