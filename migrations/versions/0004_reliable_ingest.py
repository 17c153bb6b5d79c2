"""Jobs that can be ordered, cancelled and watched, generations built aside, uploads, webhooks, deletions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime(timezone=True)


def upgrade() -> None:
    _extend_jobs()
    with op.batch_alter_table("generations") as generations:
        generations.add_column(sa.Column("is_paused", sa.Boolean, nullable=False, server_default=sa.false()))
        generations.add_column(sa.Column("promoted_at", TIMESTAMP))
        generations.add_column(sa.Column("history_id", sa.String(32), nullable=False, server_default=""))
    op.execute("UPDATE generations SET promoted_at = created_at WHERE state = 'serving'")
    is_sqlite = op.get_context().dialect.name == "sqlite"
    random_id = "lower(hex(randomblob(16)))" if is_sqlite else "md5(random()::text || id)"
    op.execute(sa.text(f"UPDATE generations SET history_id = {random_id}"))  # noqa: S608 - no value of anybody's
    _create_uploads()
    _create_webhooks()
    op.create_table(
        "deletions",
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("receipt", sa.JSON, nullable=False),
        sa.Column("deleted_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("video_id", name="pk_deletions"),
    )
    op.create_table(
        "recent_queries",
        sa.Column("query_key", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("asked_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("query_key", name="pk_recent_queries"),
    )
    op.create_index("ix_recent_queries_asked_at", "recent_queries", ["asked_at"])


def _extend_jobs() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("generation_id", sa.Integer))
        jobs.add_column(sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
        jobs.add_column(sa.Column("version", sa.Integer, nullable=False, server_default="0"))
        jobs.add_column(sa.Column("claimed_at", TIMESTAMP))
        jobs.create_foreign_key("fk_jobs_generation_id_generations", "generations", ["generation_id"], ["id"])
        jobs.drop_index("ix_jobs_state_created_at")
        jobs.create_index("ix_jobs_state_priority_created_at", ["state", "priority", "created_at"])
        jobs.create_index("ix_jobs_generation_id", ["generation_id"])


def _create_uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("length_bytes", sa.BigInteger),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("checked_bytes", sa.BigInteger),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("expires_at", TIMESTAMP, nullable=False),
        sa.Column("video_id", sa.String(32)),
        sa.Column("job_id", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("video_id", sa.String(32), nullable=False),
        sa.Column("job_id", sa.String(32), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _create_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("events", sa.JSON, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("webhook_id", sa.String(32), nullable=False),
        sa.Column("event", sa.String(50), nullable=False),
        sa.Column("video_id", sa.String(32)),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", TIMESTAMP),
        sa.Column("delivered_at", TIMESTAMP),
        sa.Column("gave_up_at", TIMESTAMP),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name="fk_webhook_deliveries_webhook_id_webhooks",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook_id"])
    op.create_index("ix_webhook_deliveries_video_id", "webhook_deliveries", ["video_id"])
    op.create_index("ix_webhook_deliveries_next_attempt_at", "webhook_deliveries", ["next_attempt_at"])


def downgrade() -> None:
    for name in (
        "recent_queries",
        "deletions",
        "webhook_deliveries",
        "webhooks",
        "idempotency_keys",
        "uploads",
    ):
        op.drop_table(name)
    with op.batch_alter_table("generations") as generations:
        generations.drop_column("history_id")
        generations.drop_column("promoted_at")
        generations.drop_column("is_paused")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_index("ix_jobs_generation_id")
        jobs.drop_index("ix_jobs_state_priority_created_at")
        jobs.create_index("ix_jobs_state_created_at", ["state", "created_at"])
        jobs.drop_constraint("fk_jobs_generation_id_generations", type_="foreignkey")
        for name in ("claimed_at", "version", "priority", "generation_id"):
            jobs.drop_column(name)
