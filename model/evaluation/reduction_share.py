"""How much of the time to encode clips goes into choosing tokens."""

import os
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from model.video_encoder import VideoEncoder
from model.vision_transformer.video_tower import REDUCTION_LABEL

ENCODING_LABEL = "encode clips"


def measure_reduction_share(encoder: VideoEncoder, *, clips: int = 4, repeats: int = 5) -> float:
    """Return the median share (0 to 1) of an encoding of ``clips`` random clips that reduction takes.

    Raises ValueError for fewer than one clip or repetition.
    """
    if clips < 1 or repeats < 1:
        raise ValueError(f"clips={clips}, repeats={repeats}: both must be at least 1")
    size = encoder.preprocessing.image_size
    shape = (clips, encoder.frames_per_clip, size, size, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    encoder.encode(frames)  # warms up
    return median(profile_reduction_share(lambda: encoder.encode(frames)) for _ in range(repeats))


def profile_reduction_share(encode: Callable[[], object]) -> float:
    """Return the share (0 to 1) of one call of ``encode`` that reduction takes.

    It is the share of the GPU's busy time if there was any, else of the time that passed.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler tells stderr that it starts and stops
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
    with profile(activities=activities) as profiler, record_function(ENCODING_LABEL):
        encode()
    # The marks appear a second time among the GPU's own events: there they also span its idle gaps.
    marks = [event for event in profiler.key_averages() if event.device_type.name == "CPU"]
    on_gpu = {event.key: event.device_time_total for event in marks}
    seconds = on_gpu if on_gpu[ENCODING_LABEL] else {event.key: event.cpu_time_total for event in marks}
    return float(seconds.get(REDUCTION_LABEL, 0.0) / seconds[ENCODING_LABEL])
