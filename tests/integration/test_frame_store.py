"""Frames decoded once: found again, decoded anew when changed, whole after a kill, shared by ranks."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.datasets import frame_store, frames
from model.datasets.base import CaptionedItem, Media, Photograph, VideoFile
from model.datasets.frame_store import LOCK_NAME, FrameStore
from model.datasets.frames import CandidateFrames, Sampling, read_candidates
from model.datasets.stored_frames import StoredRefusal
from model.preprocessing import Preprocessing
from tests.synthetic_video import write_not_a_video, write_oriented, write_plain

PREPROCESSING = Preprocessing(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "shortest")
SAMPLING = Sampling(frames_per_second=2.0, most=6)
NO_DECODER = ["false"]


def photograph(shade: int) -> Photograph:
    buffer = BytesIO()
    Image.new("RGB", (16, 16), (shade,) * 3).save(buffer, format="PNG")
    return Photograph(buffer.getvalue())


def items(*media: Media) -> list[CaptionedItem]:
    return [CaptionedItem(f"item {index}", ("said of it",), one) for index, one in enumerate(media)]


def prepare(asked: Sequence[CaptionedItem], folder: Path, size: int = 16) -> tuple[FrameStore, list[int]]:
    """Return the store, and how many items were ready at the start and after each."""
    told: list[int] = []
    preprocessing = Preprocessing(size, PREPROCESSING.mean, PREPROCESSING.std, "shortest")
    store = FrameStore.prepare(asked, preprocessing, SAMPLING, folder, lambda done, _: told.append(done))
    return store, told


def test_stored_frames_are_those_decoded(tmp_path: Path) -> None:
    write_not_a_video(tmp_path / "text.mp4")
    asked = items(
        VideoFile(write_plain(tmp_path / "plain.mp4", 2.0)),
        VideoFile(tmp_path / "text.mp4"),
        VideoFile(write_oriented(tmp_path / "red_and_blue.mp4")),
        photograph(100),
    )
    store, told = prepare(asked, tmp_path / "store")
    assert told == [0, 1, 2, 3, 4]
    assert store.items == (asked[0], asked[2], asked[3])
    assert [(refusal.name, refusal.code) for refusal in store.refusals] == [("item 1", "not-a-video")]
    decoded = [
        one for one in read_candidates(asked, PREPROCESSING, SAMPLING) if isinstance(one, CandidateFrames)
    ]
    for index, same in enumerate(decoded):
        candidates = store.candidates(index)
        assert store.count(index) == len(same.frames)
        assert np.abs(candidates.astype(int) - same.frames).max() <= 24
        assert np.abs(candidates.astype(int) - same.frames).mean() <= 1.5
    picked = store.pick(0, np.array([3, 0, 0]))
    np.testing.assert_array_equal(picked, store.candidates(0)[[3, 0, 0]])
    assert picked.flags.writeable
    with pytest.raises(IndexError, match="4 to 4 were chosen of 4"):
        store.pick(0, np.array([4]))


def test_what_is_there_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_not_a_video(tmp_path / "text.mp4")
    asked = items(VideoFile(write_plain(tmp_path / "a.mp4", 1.0)), VideoFile(tmp_path / "text.mp4"))
    first, _ = prepare(asked, tmp_path / "store")
    monkeypatch.setattr(frames, "COMMAND", NO_DECODER)
    second, told = prepare([*asked, *items(photograph(3))], tmp_path / "store")
    assert told == [2, 3]
    np.testing.assert_array_equal(first.candidates(0), second.candidates(0))
    assert second.refusals == first.refusals


def test_what_has_changed_is_decoded_anew(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mp4", 1.0)
    store, _ = prepare(items(VideoFile(path)), tmp_path / "store")
    assert store.count(0) == 2
    write_plain(path, 2.0)
    store, told = prepare(
        items(VideoFile(path), VideoFile(path, 0.5, 1.0), photograph(1)), tmp_path / "store"
    )
    assert told == [0, 1, 2, 3]
    assert (store.count(0), store.count(1)) == (4, 1)
    store, told = prepare(items(photograph(2), photograph(1)), tmp_path / "store", size=8)
    assert told == [0, 1, 2]
    assert store.candidates(0).shape == (1, 8, 8, 3)


def test_a_refused_file_that_appears_is_decoded(tmp_path: Path) -> None:
    asked = items(VideoFile(tmp_path / "late.mp4"))
    store, _ = prepare(asked, tmp_path / "store")
    assert ([refusal.code for refusal in store.refusals], len(store)) == (["media-missing"], 0)
    write_plain(tmp_path / "late.mp4", 1.0)
    assert len(prepare(asked, tmp_path / "store")[0]) == 1


def test_only_a_refusal_that_may_pass_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = items(VideoFile(write_not_a_video(tmp_path / "text.mp4")), photograph(1))
    prepare(asked, tmp_path / "store")
    [refused] = [
        path for path in (tmp_path / "store").glob("*.frames") if b"not-a-video" in path.read_bytes()
    ]
    StoredRefusal("decoder-stalled", "it was slow").write(refused)
    os.utime(refused, (1.0, 1.0))
    store, told = prepare(asked, tmp_path / "store")
    assert (told, store.refusals[0].code) == ([1, 2], "not-a-video")
    # Made by another rank while this one waited, it is taken as it is.
    StoredRefusal("decoder-stalled", "it was slow").write(refused)
    os.utime(refused, (2e9, 2e9))
    monkeypatch.setattr(frames, "COMMAND", NO_DECODER)
    store, told = prepare(asked, tmp_path / "store")
    assert (told, store.refusals[0].code) == ([2], "decoder-stalled")


@pytest.mark.parametrize("damage", ["cut off", "emptied", "no header"])
def test_a_damaged_file_of_the_store_is_made_again(tmp_path: Path, damage: str) -> None:
    prepare(items(photograph(70)), tmp_path / "store")
    [path] = (tmp_path / "store").glob("*.frames")
    whole = path.read_bytes()
    path.write_bytes({"cut off": whole[:-1], "emptied": b"", "no header": b"{}\n"}[damage])
    store, told = prepare(items(photograph(70)), tmp_path / "store")
    assert (told, path.read_bytes()) == ([0, 1], whole)
    assert int(store.candidates(0).mean()) == 70


def test_a_kill_in_the_middle_leaves_whole_items_and_the_next_carries_on(tmp_path: Path) -> None:
    for name in "abc":
        write_plain(tmp_path / f"{name}.mp4", 1.0)
    script = f"""
import os, signal
from pathlib import Path
from model.datasets.base import CaptionedItem, VideoFile
from model.datasets.frame_store import FrameStore
from model.datasets.frames import Sampling
from model.preprocessing import Preprocessing
write_through, written = os.fsync, []
def fsync(descriptor):
    written.append(descriptor)
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    write_through(descriptor)
os.fsync = fsync
items = [CaptionedItem(name, ("x",), VideoFile(Path({str(tmp_path)!r}, name + ".mp4"))) for name in "abc"]
half = (0.5, 0.5, 0.5)
FrameStore.prepare(items, Preprocessing(16, half, half, "shortest"), Sampling(2.0, 6), Path("store"))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    left = {path.name: path.stat().st_size for path in (tmp_path / "store").iterdir()}
    assert len([name for name in left if name.endswith(".frames")]) == 1
    assert left[".unfinished"] > 0
    store, told = prepare(items(*(VideoFile(tmp_path / f"{name}.mp4") for name in "abc")), tmp_path / "store")
    assert told == [1, 2, 3]
    assert [store.count(index) for index in range(3)] == [2, 2, 2]
    assert {path.suffix for path in (tmp_path / "store").iterdir() if path.name != LOCK_NAME} == {".frames"}


def test_of_ranks_that_prepare_one_folder_one_decodes_and_the_others_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = items(*(photograph(shade) for shade in range(8)))
    both_are_there = threading.Barrier(2)
    only_one = frame_store._only_one

    def wait_for_each_other(folder: Path) -> object:
        both_are_there.wait(timeout=60)
        return only_one(folder)

    monkeypatch.setattr(frame_store, "_only_one", wait_for_each_other)
    told: dict[int, list[int]] = {0: [], 1: []}
    stores: list[FrameStore] = []

    def rank(number: int) -> None:
        def tell(done: int, _: int) -> None:
            told[number].append(done)

        stores.append(FrameStore.prepare(asked, PREPROCESSING, SAMPLING, tmp_path / "store", tell))

    threads = [threading.Thread(target=rank, args=(number,)) for number in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(told.values(), key=len) == [[8], list(range(9))]
    for store in stores:
        assert [int(store.candidates(index).mean()) for index in range(8)] == list(range(8))
