"""Addresses of the service's own things, relative to it: they hold behind any proxy and host name."""

from urllib.parse import quote


def video_url(video_id: str) -> str:
    """Return where a video is described."""
    return f"/videos/{video_id}"


def job_url(job_id: str) -> str:
    """Return where a job is described."""
    return f"/jobs/{job_id}"


def upload_url(upload_id: str) -> str:
    """Return where a resumable upload goes on."""
    return f"/uploads/{upload_id}"


def thumbnail_url(clip_id: str) -> str:
    """Return where a clip's picture is."""
    return f"/clips/{clip_id}/thumbnail"


def preview_url(clip_id: str, start_s: float, end_s: float) -> str:
    """Return where these seconds of a clip's video are shown as a film that plays in any browser."""
    return f"/clips/{clip_id}/preview?start={_seconds(start_s)}&end={_seconds(end_s)}"


def heatmap_url(clip_id: str, words: str) -> str:
    """Return where it is shown what of a clip fits ``words``, as typed in a search."""
    return f"/clips/{clip_id}/heatmap?q={quote(words, safe='')}"


def stream_url(video_id: str, start_s: float | None = None, end_s: float | None = None) -> str:
    """Return where a video plays, with the moment as a media fragment when given."""
    fragment = "" if start_s is None or end_s is None else f"#t={_seconds(start_s)},{_seconds(end_s)}"
    return f"/videos/{video_id}/stream{fragment}"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
