"""One example of a search, as a unit vector."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from app.dependencies import Services
from app.errors import InvalidSearch, UnknownClip, UnknownVideo
from app.search.asking.query import Example, IndexedClip, Picture, Span, Words
from app.search.asking.query_words import without_quotes
from app.search.asking.truncation import tell_what_was_read
from indexer.catalog import stored_vectors, videos

Vector = NDArray[np.float32]  # (D,) unit

OTHER_MODEL = "is not indexed with the model in use, or not yet: wait for its job, or index its video again"


@dataclass
class ExampleReader:
    """Reads examples, and keeps what an answer must say of them.

    Raises UnknownClip and UnknownVideo, InvalidSearch for a clip or span without vectors, and InvalidImage
    and ImageTooLarge. Parameters are named as in GET /search.
    """

    services: Services
    notices: list[str] = field(default_factory=list)
    own_ids: list[str] = field(default_factory=list)
    """Of the clips that were examples."""

    def read(self, example: Example) -> Vector:
        """Return the example's unit vector (D,)."""
        match example:
            case Words(text):
                return self._read_words(text)
            case Picture(content):
                return self.services.pictures.encode(content)
            case IndexedClip(clip_id):
                self.own_ids.append(clip_id)
                vector: Vector = self.clips([clip_id], "like_clip")[0]
                return vector
            case Span():
                return self._read_span(example)

    def clips(self, clip_ids: Sequence[str], parameter: str) -> NDArray[np.float32]:
        """Return the vectors (N, D) of clips that ``parameter`` names."""
        with self.services.library.database.reading() as session:
            found = stored_vectors.of_clips(session, self.services.generation_id, clip_ids)
        vectors = []
        for clip_id in clip_ids:
            if clip_id not in found:
                raise UnknownClip(clip_id, parameter)
            if (vector := found[clip_id]) is None:
                raise InvalidSearch(parameter, f"clip {clip_id} {OTHER_MODEL}", clip_id)
            vectors.append(vector)
        return np.stack(vectors)

    def _read_words(self, text: str) -> Vector:
        words = self.services.queries.encode(without_quotes(text))
        if words.is_truncated:
            self.notices.append(tell_what_was_read(words))
        return words.vector

    def _read_span(self, span: Span) -> Vector:
        start_s = span.start_s or 0.0
        end_s = math.inf if span.end_s is None else span.end_s
        generation_id = self.services.generation_id
        with self.services.library.database.reading() as session:
            found = stored_vectors.of_span(session, generation_id, span.video_id, start_s, end_s)
            if found is None:
                raise _why_nothing(session, generation_id, span)
        self.own_ids.extend(found.clip_ids)
        return found.vector


def _why_nothing(session: Session, generation_id: int, span: Span) -> Exception:
    video = videos.get(session, span.video_id)
    if video is None:
        return UnknownVideo(span.video_id, "like_video")
    if stored_vectors.of_span(session, generation_id, span.video_id, 0.0, math.inf) is None:
        return InvalidSearch("like_video", f"video {span.video_id} {OTHER_MODEL}", span.video_id)
    message = f"no clip of video {span.video_id} lies there: it lasts {video.duration_s or 0:.3f} s"
    return InvalidSearch("like_start", message, span.start_s)
