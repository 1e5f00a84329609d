"""Add the table of moves, which the operator's envelope counts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what happened before it is not counted."""
    op.create_table(
        "move",
        sa.Column("intent_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ramp_until", sa.BigInteger(), nullable=False),
        sa.Column("kw_per_min", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("over", sa.BigInteger(), nullable=True),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("swings", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("intent_id", "place", name=op.f("pk_move")),
    )
    op.create_index(op.f("ix_move_site_over"), "move", ["site", "over"], unique=False)
    op.create_index(op.f("ix_move_ramp_until"), "move", ["ramp_until"], unique=False)
