"""Let a store count the starts of gateways on it, know that it was restored, and who fenced it off."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; a store of before has been started by nobody that counted."""
    with op.batch_alter_table("identity") as table:
        table.add_column(sa.Column("starts", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("instance", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("recovering", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("fenced_by", sa.String(), nullable=False, server_default=""))
