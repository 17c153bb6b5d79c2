"""What a person should do about a video that was not indexed: one sentence for each code of an error."""

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "cancelled": "Retry the job to index the video after all, or delete the video.",
    "decoder-crashed": "Play the file elsewhere; if it plays, convert it to H.264 in MP4 and add that.",
    "decoder-stalled": "Convert the file to H.264 in MP4 and add that, or retry the job on a faster machine.",
    "disk-full": "Free some space where the library lies, then retry the job.",
    "empty-file": "Copy the file again from where it came and add the copy.",
    "encrypted": "Export the video without copy protection and add that.",
    "file-too-large": "Cut the file into parts, or raise REELSEEK_MAX_VIDEO_BYTES and retry the job.",
    "indexing-failed": "Look at the worker's log, then retry the job.",
    "internal-error": "Look at the worker's log, then retry the job; if it fails again, report the log.",
    "media-missing": "Put the file back where it was, or add it again from where it is now.",
    "no-frames": "Get a whole copy of the file, or convert it to H.264 in MP4, and add that.",
    "no-video-stream": "Add a file that has moving pictures: this one has only sound, text or a cover.",
    "not-a-video": "Add a video file; if it is one, convert it to MP4, MOV, MKV or WebM first.",
    "picture-too-large": "Make a smaller copy, at most 8192 pixels wide, and add that.",
    "picture-too-small": "Add a larger copy of the video: this one is too small to show anything.",
    "unsupported-codec": "Convert the file to H.264 in MP4 and add that.",
    "worker-died": "Look at the worker's log, give it more memory or convert the file, then retry the job.",
}


def advice_on(code: str) -> str:
    """Return what to do about an error of this code, which an older or newer version may have written."""
    return ADVICE.get(code, ADVICE["indexing-failed"])
