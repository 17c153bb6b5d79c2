"""Cues of subtitles with the full text index of their words (FTS5, GIN); timecodes of videos."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBERED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(TSVECTOR(), "postgresql")

# The words come in parted by spaces and folded: whatever is no ASCII separator is part of a word.
# The index keeps no copy of them (content=); rows of the cues must leave it with the words they came with.
SQLITE_INDEX = (
    """
    CREATE VIRTUAL TABLE cue_words
    USING fts5(words, content='cues', content_rowid='id', tokenize='ascii')
    """,
    """
    CREATE TRIGGER cue_words_added AFTER INSERT ON cues BEGIN
        INSERT INTO cue_words(rowid, words) VALUES (new.id, new.words);
    END
    """,
    """
    CREATE TRIGGER cue_words_deleted AFTER DELETE ON cues BEGIN
        INSERT INTO cue_words(cue_words, rowid, words) VALUES ('delete', old.id, old.words);
    END
    """,
    """
    CREATE TRIGGER cue_words_changed AFTER UPDATE OF id, words ON cues BEGIN
        INSERT INTO cue_words(cue_words, rowid, words) VALUES ('delete', old.id, old.words);
        INSERT INTO cue_words(rowid, words) VALUES (new.id, new.words);
    END
    """,
)


def upgrade() -> None:
    op.add_column("videos", sa.Column("start_timecode", sa.String(16)))
    op.add_column("videos", sa.Column("subtitle_warning", sa.Text))
    op.create_table(
        "cues",
        sa.Column("id", NUMBERED, nullable=False),
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", WORDS, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("language", sa.String(35)),
        sa.PrimaryKeyConstraint("id", name="pk_cues"),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name="fk_cues_video_id_videos", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_cues_video_id_start_s", "cues", ["video_id", "start_s"])
    if _is_sqlite():
        for statement in SQLITE_INDEX:
            op.execute(statement)
    else:
        op.create_index("cue_words", "cues", ["words"], postgresql_using="gin")


def downgrade() -> None:
    if _is_sqlite():
        op.execute("DROP TABLE cue_words")
    op.drop_table("cues")
    with op.batch_alter_table("videos") as videos:
        videos.drop_column("subtitle_warning")
        videos.drop_column("start_timecode")


def _is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
