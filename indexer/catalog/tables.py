"""The catalog's tables (SQLAlchemy 2), the truth of which every vector index is a copy.

- Every embedding (float16) is a row stamped with the revision of the transaction that wrote it.
- Deleting embeddings leaves one tombstone each, stamped likewise, so that a follower can catch up.
- Columns ending in ``_s`` are seconds on the presentation clock, 0 at the first frame shown.
"""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from indexer.catalog.columns import BigIntegerKey, UtcDateTime, new_id, now, state_column
from indexer.catalog.spoken_words import IndexedWords
from indexer.catalog.states import CueSource, EmbeddingKind, GenerationState, JobState, VideoState

FULL_TEXT = "cue_words"
"""What the migrations name the full text index of the cues, or begin its names with: it is no table here."""


class Base(DeclarativeBase):
    """Declarative base with constraint names that Alembic can address."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Video(Base):
    """One video file, known by the sha256 of its bytes; the same file twice is one row."""

    __tablename__ = "videos"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    filename: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    collection: Mapped[str | None] = mapped_column(String(200), index=True)
    extra: Mapped[dict[str, object]] = mapped_column("metadata", JSON, default=dict)
    recorded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    media_path: Mapped[str] = mapped_column(Text)
    """Absolute path for a file indexed in place; relative to the media folder for an upload."""
    is_managed: Mapped[bool]
    """True when the bytes lie in our media folder and go with the row."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[VideoState] = mapped_column(
        state_column(VideoState), default=VideoState.PENDING, index=True
    )
    container: Mapped[str | None] = mapped_column(String(100))
    codec: Mapped[str | None] = mapped_column(String(50))
    width: Mapped[int | None]
    height: Mapped[int | None]
    frame_rate: Mapped[float | None] = mapped_column(Float)
    duration_s: Mapped[float | None] = mapped_column(Float)
    """Seconds that decoded, which may be less than the container claims."""
    start_timecode: Mapped[str | None] = mapped_column(String(16))
    """Of the first frame, HH:MM:SS:FF (or ;FF, drop frame), where the container tells."""
    warning: Mapped[str | None] = mapped_column(Text)
    subtitle_warning: Mapped[str | None] = mapped_column(Text)
    """What was wrong with the subtitles, which never fail a video."""
    error_code: Mapped[str | None] = mapped_column(String(50))
    error_message: Mapped[str | None] = mapped_column(Text)

    clips: Mapped[list["Clip"]] = relationship(
        back_populates="video", order_by="Clip.ordinal", passive_deletes=True
    )


class Clip(Base):
    """One moment of a video: ``[start_s, end_s)``, at most ten seconds, never across a shot change."""

    __tablename__ = "clips"
    __table_args__ = (UniqueConstraint("video_id", "ordinal"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    video_id: Mapped[str] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    thumbnail_key: Mapped[str] = mapped_column(Text)

    video: Mapped[Video] = relationship(back_populates="clips")


class Generation(Base):
    """One encoder setting; vectors of two generations never mix."""

    __tablename__ = "generations"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    preset: Mapped[str] = mapped_column(Text)
    settings: Mapped[dict[str, object]] = mapped_column(JSON)
    dimension: Mapped[int]
    state: Mapped[GenerationState] = mapped_column(state_column(GenerationState))
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    """Grows by one in each transaction that adds or deletes embeddings."""
    history_id: Mapped[str] = mapped_column(String(32), default=new_id)
    """Of what the revisions count the changes: restoring a backup begins another history."""
    is_paused: Mapped[bool] = mapped_column(default=False)
    """While it is built: whether its jobs wait until a person lets them go on."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    promoted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it last began to serve: what a roll back goes by."""


class Embedding(Base):
    """One unit vector, float16 little-endian; its id is the vector's id in every index."""

    __tablename__ = "embeddings"
    __table_args__ = (
        UniqueConstraint("clip_id", "generation_id", "kind", "ordinal"),
        Index(None, "generation_id", "revision"),
        {"sqlite_autoincrement": True},  # a deleted row's id is never given again
    )

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    clip_id: Mapped[str] = mapped_column(ForeignKey("clips.id", ondelete="CASCADE"))
    generation_id: Mapped[int] = mapped_column(ForeignKey("generations.id"))
    kind: Mapped[EmbeddingKind] = mapped_column(state_column(EmbeddingKind))
    ordinal: Mapped[int]
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    revision: Mapped[int] = mapped_column(BigInteger)


class Tombstone(Base):
    """A clip embedding that was deleted, and when: what a follower must take out of its index."""

    __tablename__ = "tombstones"
    __table_args__ = (Index(None, "generation_id", "revision"),)

    embedding_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    generation_id: Mapped[int] = mapped_column(ForeignKey("generations.id"))
    revision: Mapped[int] = mapped_column(BigInteger)


class Cue(Base):
    """A piece of what is said in a video, and when; its words are in the full text index too."""

    __tablename__ = "cues"
    __table_args__ = (Index(None, "video_id", "start_s"),)

    id: Mapped[int] = mapped_column(BigIntegerKey, primary_key=True)
    video_id: Mapped[str] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"))
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[list[str]] = mapped_column(IndexedWords, deferred=True)
    source: Mapped[CueSource] = mapped_column(state_column(CueSource))
    language: Mapped[str | None] = mapped_column(String(35))
    """As the subtitles tell it (BCP 47 or ISO 639), or None."""


class Judgement(Base):
    """What a person says of a span of a video and a query; it stands when other clips are cut there."""

    __tablename__ = "judgements"
    __table_args__ = (UniqueConstraint("query_key", "video_id", "start_s", "end_s"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    query: Mapped[str] = mapped_column(Text)
    query_key: Mapped[str] = mapped_column(String(64))
    """The same for the same words, which may be longer than what a database puts into an index."""
    video_id: Mapped[str] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"), index=True)
    start_s: Mapped[float] = mapped_column(Float)
    end_s: Mapped[float] = mapped_column(Float)
    is_relevant: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Job(Base):
    """One piece of indexing work, the only bridge between the service and its workers."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "state", "priority", "created_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    video_id: Mapped[str] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"), index=True)
    generation_id: Mapped[int | None] = mapped_column(ForeignKey("generations.id"), index=True)
    """The generation it is for; None: the one that serves when the job is claimed."""
    priority: Mapped[int] = mapped_column(default=0)
    """Higher is done first: an upload before a folder, a folder before a rebuild."""
    state: Mapped[JobState] = mapped_column(state_column(JobState), default=JobState.QUEUED)
    stage: Mapped[str] = mapped_column(String(30), default="queued")
    fraction: Mapped[float] = mapped_column(Float, default=0.0)
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    """Fencing token: each claim and each cancellation raises it, and only its holder may finish the job."""
    version: Mapped[int] = mapped_column(default=0)
    """Grows by one with each change of the row: the id of the event that tells it."""
    owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[str | None] = mapped_column(String(50))
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the present attempt began."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
