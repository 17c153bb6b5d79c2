"""Judgements: what people say of hits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "judgements",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("query_key", sa.String(64), nullable=False),
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("is_relevant", sa.Boolean, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_judgements"),
        sa.ForeignKeyConstraint(
            ["video_id"], ["videos.id"], name="fk_judgements_video_id_videos", ondelete="CASCADE"
        ),
        sa.UniqueConstraint(
            "query_key", "video_id", "start_s", "end_s", name="uq_judgements_query_key_video_id_start_s_end_s"
        ),
    )
    op.create_index("ix_judgements_video_id", "judgements", ["video_id"])
    op.create_index("ix_judgements_created_at", "judgements", ["created_at"])


def downgrade() -> None:
    op.drop_table("judgements")
