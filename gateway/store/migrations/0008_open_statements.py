"""Remember which statements late meter data may still correct; those made before are not among them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "open_statement",
        sa.Column("intent_id", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("span_start", sa.BigInteger(), nullable=False),
        sa.Column("span_end", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lacking", sa.Integer(), nullable=False),
        sa.Column("late_since", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("intent_id", name=op.f("pk_open_statement")),
    )
    op.create_index(
        op.f("ix_open_statement_site_span_end"),
        "open_statement",
        ["site", "span_end"],
        unique=False,
    )
    op.create_index(op.f("ix_open_statement_until"), "open_statement", ["until"], unique=False)
