"""Adding, deleting and searching in any order, in two generations, against brute force over the rows."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from numpy.typing import NDArray
from sqlalchemy import select

from indexer import video_deletion
from indexer.catalog import clips, vector_codec
from indexer.catalog.states import EmbeddingKind, GenerationState
from indexer.catalog.tables import Clip, Embedding, Generation, Video
from indexer.config import Settings
from indexer.library import Library, open_library
from indexer.thumbnails import thumbnail_key
from indexer.vector_index.follower import IndexFollower
from tests.factories import make_generation, make_new_clip, make_unit_vectors, make_video

DIMENSION = 8


class Deleting(RuleBasedStateMachine):
    """One library, an index of each of its generations, and what was promised of deleted videos."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="reelseek-deleting-"))
        self.receipts: dict[str, dict[str, object] | None] = {}
        self.deleted_vectors: dict[int, list[bytes]] = {}
        self.seed = 0

    @initialize()
    def open(self) -> None:
        self.library: Library = open_library(Settings(home=self.folder / "home"))
        with self.library.database.writing() as session:
            self.generations: list[Generation] = [
                make_generation(dimension=DIMENSION, state=state)
                for state in (GenerationState.SERVING, GenerationState.BUILDING)
            ]
            session.add_all(self.generations)
        self.deleted_vectors = {one.id: [] for one in self.generations}
        self.followers = [self.follow(one) for one in self.generations]

    def follow(self, generation: Generation) -> IndexFollower:
        path = self.library.snapshot_path(generation.id)
        return IndexFollower(self.library.database, generation.id, generation.fingerprint, DIMENSION, path)

    def videos(self) -> list[Video]:
        with self.library.database.reading() as session:
            return list(session.scalars(select(Video).order_by(Video.added_at)))

    @rule(clip_count=st.integers(0, 3), is_in_both=st.booleans(), is_managed=st.booleans())
    def add(self, clip_count: int, is_in_both: bool, is_managed: bool) -> None:
        self.seed += 10
        video = make_video(is_managed=is_managed)
        if is_managed:
            video.media_path = f"{video.sha256[:2]}/{video.sha256}.mp4"
            path = self.library.media.root / video.media_path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"film")
        with self.library.database.writing() as session:
            session.add(video)
            session.flush()
            made = [
                make_new_clip(self.seed + place, start_s=4.0 * place, dimension=DIMENSION)
                for place in range(clip_count)
            ]
            for generation in self.generations[: 2 if is_in_both else 1]:
                row = session.get_one(Generation, generation.id)
                clips.store(session, video=video, generation=row, clips=made)
        for place in range(clip_count):
            self.library.thumbnails.write(thumbnail_key(video.sha256, 4.0 * place), b"a picture")

    @precondition(lambda self: self.videos())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        video = data.draw(st.sampled_from(self.videos()))
        for generation in self.generations:
            stored = self.vectors(generation.id, video.id).values()
            self.deleted_vectors[generation.id] += [in_an_index(packed) for packed in stored]
        receipt = video_deletion.delete_video(self.library, video.id)
        assert receipt is not None and receipt["sha256"] == video.sha256
        assert receipt["media"] == ("deleted" if video.is_managed else "in-place")
        self.receipts[video.id] = receipt
        assert not (self.library.thumbnails.root / video.sha256[:2] / video.sha256).exists()
        assert not video.is_managed or not self.library.media.locate(video.media_path).exists()

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def delete_again(self, data: st.DataObject) -> None:
        video_id = data.draw(st.sampled_from(sorted(self.receipts)))
        assert video_deletion.delete_video(self.library, video_id) == self.receipts[video_id]

    @rule()
    def save_snapshots(self) -> None:
        for follower in self.followers:
            follower.save_snapshot()

    @rule()
    def restart(self) -> None:
        self.library.close()
        self.library = open_library(Settings(home=self.folder / "home"))
        self.followers = [self.follow(one) for one in self.generations]

    @rule(seed=st.integers(0, 5), limit=st.integers(1, 6))
    def search(self, seed: int, limit: int) -> None:
        query = make_unit_vectors(seed, 1, DIMENSION)
        for generation, follower in zip(self.generations, self.followers, strict=True):
            with follower.reading() as view:
                (found,) = view.search(query, limit)
            expected = self.brute_force(generation.id, query, limit)
            assert [one for one, _ in found] == [one for one, _ in expected]
            np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], 1e-4)

    @invariant()
    def no_snapshot_holds_a_deleted_vector(self) -> None:
        for generation_id, deleted in self.deleted_vectors.items():
            path = self.library.snapshot_path(generation_id)
            content = path.read_bytes() if path.exists() else b""
            assert not [vector for vector in deleted if vector in content]

    def vectors(self, generation_id: int, video_id: str | None = None) -> dict[int, bytes]:
        """Return the stored clip vectors of a generation, or of one video in it, by id."""
        statement = (
            select(Embedding.id, Embedding.vector)
            .join(Clip)
            .where(Embedding.generation_id == generation_id, Embedding.kind == EmbeddingKind.CLIP)
        )
        if video_id is not None:
            statement = statement.where(Clip.video_id == video_id)
        with self.library.database.reading() as session:
            return {row.id: row.vector for row in session.execute(statement)}

    def brute_force(
        self, generation_id: int, query: NDArray[np.float32], limit: int
    ) -> list[tuple[int, float]]:
        stored = self.vectors(generation_id)
        unit = vector_codec.unpack(list(stored.values()), DIMENSION)
        scores = (unit @ query[0]).tolist() if stored else []
        return sorted(zip(stored, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def teardown(self) -> None:
        if hasattr(self, "library"):
            self.library.close()
        shutil.rmtree(self.folder)


def in_an_index(packed: bytes) -> bytes:
    """Return a stored vector as an index of few vectors holds it: in float32."""
    vector: NDArray[np.float32] = vector_codec.unpack([packed], DIMENSION)[0]
    return vector.astype(np.float32).tobytes()


TestDeleting = Deleting.TestCase
TestDeleting.settings = settings(max_examples=6, stateful_step_count=25, deadline=None)
