"""Clips through the encoder in batches: order, batch sizes, failures."""

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.clip_encoder import ClipEncoder
from indexer.decoding.messages import DecodedClip
from model.video_encoder import VideoEmbedding
from tests.fakes import FRAMES_PER_CLIP, IMAGE_SIZE, FakeVideoEncoder


class RecordingEncoder(FakeVideoEncoder):
    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
        self.batches.append(len(frames))
        return super().encode(frames)


class BrokenEncoder(FakeVideoEncoder):
    def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
        raise RuntimeError("out of memory")


def clip(number: int) -> DecodedClip:
    shape = (FRAMES_PER_CLIP, IMAGE_SIZE, IMAGE_SIZE, 3)
    frames = np.random.default_rng(number).integers(0, 255, shape, dtype=np.uint8)
    return DecodedClip(number * 4.0, number * 4.0 + 4.0, frames, b"jpeg", number * 4.0 + 4.0)


def test_vectors_come_back_in_the_order_of_the_clips_and_as_if_encoded_alone() -> None:
    clips = [clip(number) for number in range(7)]
    with ClipEncoder(FakeVideoEncoder(), clips_per_batch=3) as encoder:
        for number, decoded in enumerate(clips):
            encoder.add(decoded, f"key {number}")
        encoded = encoder.finish()

    assert [new.start_s for new in encoded] == [decoded.start_s for decoded in clips]
    assert [new.thumbnail_key for new in encoded] == [f"key {number}" for number in range(7)]
    for decoded, new in zip(clips, encoded, strict=True):
        alone = FakeVideoEncoder().encode(decoded.frames[None])
        np.testing.assert_allclose(new.vector, alone.clips[0], atol=1e-6)
        np.testing.assert_allclose(new.segments, alone.segments[0], atol=1e-6)


def test_clips_are_encoded_in_batches_and_the_rest_at_the_end() -> None:
    recording = RecordingEncoder()
    with ClipEncoder(recording, clips_per_batch=3) as encoder:
        for number in range(7):
            encoder.add(clip(number), "key")
        encoder.finish()
    assert recording.batches == [3, 3, 1]
    assert encoder.encode_s > 0


def test_no_clips_give_no_vectors_and_call_no_encoder() -> None:
    with ClipEncoder(BrokenEncoder()) as encoder:
        assert encoder.finish() == []


def test_what_the_encoder_raises_reaches_the_caller() -> None:
    with ClipEncoder(BrokenEncoder()) as encoder:
        encoder.add(clip(0), "key")
        with pytest.raises(RuntimeError, match="out of memory"):
            encoder.finish()


def test_a_failure_elsewhere_drops_the_batches_that_have_not_begun() -> None:
    gate = threading.Event()

    class WaitingEncoder(RecordingEncoder):
        def encode(self, frames: NDArray[np.uint8]) -> VideoEmbedding:
            gate.wait()
            return super().encode(frames)

    waiting = WaitingEncoder()
    with pytest.raises(KeyboardInterrupt), ClipEncoder(waiting, clips_per_batch=1) as encoder:
        encoder.add(clip(0), "key")
        encoder.add(clip(1), "key")
        raise KeyboardInterrupt
    gate.set()
    encoder._thread.shutdown()
    assert len(waiting.batches) <= 1
