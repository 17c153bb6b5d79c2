"""Which ReelSeek this is."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version of the installed distribution, or ``0+unknown`` when it is not installed."""
    try:
        return version("reelseek")
    except PackageNotFoundError:
        return "0+unknown"
