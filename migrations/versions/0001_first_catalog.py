"""Videos, clips, generations, embeddings, tombstones and jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)
STATE = sa.String(16)
NUMBERED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_videos()
    _create_clips()
    _create_generations()
    _create_embeddings()
    _create_tombstones()
    _create_jobs()


def downgrade() -> None:
    for table in ("jobs", "tombstones", "embeddings", "generations", "clips", "videos"):
        op.drop_table(table)


def _create_videos() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("collection", sa.String(200)),
        sa.Column("metadata", sa.JSON, nullable=False),
        sa.Column("recorded_at", TIMESTAMP),
        sa.Column("added_at", TIMESTAMP, nullable=False),
        sa.Column("media_path", sa.Text, nullable=False),
        sa.Column("is_managed", sa.Boolean, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("container", sa.String(100)),
        sa.Column("codec", sa.String(50)),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("frame_rate", sa.Float),
        sa.Column("duration_s", sa.Float),
        sa.Column("warning", sa.Text),
        sa.Column("error_code", sa.String(50)),
        sa.Column("error_message", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_videos"),
        sa.UniqueConstraint("sha256", name="uq_videos_sha256"),
    )
    op.create_index("ix_videos_collection", "videos", ["collection"])
    op.create_index("ix_videos_added_at", "videos", ["added_at"])
    op.create_index("ix_videos_state", "videos", ["state"])


def _create_clips() -> None:
    op.create_table(
        "clips",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("thumbnail_key", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clips"),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name="fk_clips_video_id_videos", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("video_id", "ordinal", name="uq_clips_video_id_ordinal"),
    )


def _create_generations() -> None:
    op.create_table(
        "generations",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("preset", sa.Text, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        sa.UniqueConstraint("fingerprint", name="uq_generations_fingerprint"),
    )


def _create_embeddings() -> None:
    op.create_table(
        "embeddings",
        sa.Column("id", NUMBERED, nullable=False),
        sa.Column("clip_id", sa.String(32), nullable=False),
        sa.Column("generation_id", sa.Integer, nullable=False),
        sa.Column("kind", STATE, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_embeddings"),
        sa.ForeignKeyConstraint(
            ["clip_id"], ["clips.id"], name="fk_embeddings_clip_id_clips", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name="fk_embeddings_generation_id_generations"
        ),
        sa.UniqueConstraint(
            "clip_id",
            "generation_id",
            "kind",
            "ordinal",
            name="uq_embeddings_clip_id_generation_id_kind_ordinal",
        ),
        sqlite_autoincrement=True,  # a deleted row's id is never given again
    )
    op.create_index("ix_embeddings_generation_id_revision", "embeddings", ["generation_id", "revision"])


def _create_tombstones() -> None:
    op.create_table(
        "tombstones",
        sa.Column("embedding_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("generation_id", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("embedding_id", name="pk_tombstones"),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generations.id"], name="fk_tombstones_generation_id_generations"
        ),
    )
    op.create_index("ix_tombstones_generation_id_revision", "tombstones", ["generation_id", "revision"])


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("stage", sa.String(30), nullable=False),
        sa.Column("fraction", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", TIMESTAMP),
        sa.Column("error_code", sa.String(50)),
        sa.Column("error_message", sa.Text),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("started_at", TIMESTAMP),
        sa.Column("finished_at", TIMESTAMP),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name="fk_jobs_video_id_videos", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_jobs_video_id", "jobs", ["video_id"])
    op.create_index("ix_jobs_state_created_at", "jobs", ["state", "created_at"])
