"""Find opt schedules by their end, so that those that are over cost nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what stands there counts as open and is judged by its content."""
    op.add_column("opt_schedule", sa.Column("until", sa.BigInteger(), nullable=True))
