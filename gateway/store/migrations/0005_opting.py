"""Add opt schedules, sites that answer apart, and what utilities told us."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "opt_schedule",
        sa.Column("opt_id", sa.String(), nullable=False),
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("opt_id", name=op.f("pk_opt_schedule")),
    )
    op.create_index(op.f("ix_opt_schedule_utility"), "opt_schedule", ["utility"], unique=False)
    op.create_table(
        "opt_apart",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("utility", "event_id", "site", name=op.f("pk_opt_apart")),
    )
    op.create_table(
        "told_fact",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("utility", "kind", "key", name=op.f("pk_told_fact")),
    )
    op.create_table(
        "told_value",
        sa.Column("utility", sa.String(), nullable=False),
        sa.Column("specifier", sa.String(), nullable=False),
        sa.Column("point", sa.String(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("lasts", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("quality", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "utility", "specifier", "point", "start", name=op.f("pk_told_value")
        ),
    )
    op.create_index(op.f("ix_told_value_received_at"), "told_value", ["received_at"], unique=False)
