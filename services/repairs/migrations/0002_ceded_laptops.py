"""Laptops that their students own."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import shared.databases

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = shared.databases.Instant(timezone=True)
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        text = sqlmodel.sql.sqltypes.AutoString()
        batch_op.add_column(sa.Column("ceded_to", text, nullable=True))
        batch_op.add_column(sa.Column("ceded_at", instant, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        for name in ("ceded_at", "ceded_to"):
            batch_op.drop_column(name)
