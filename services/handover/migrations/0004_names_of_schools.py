"""What schools are called. Of schools that were listed before nothing is known until ordering's
facts are read again (docs/operating.md, Start and stop).
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import shared.databases

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    instant = shared.databases.Instant(timezone=True)
    with op.batch_alter_table("school", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", text, nullable=True))
        batch_op.add_column(sa.Column("town", text, nullable=True))
        batch_op.add_column(sa.Column("noted_at", instant, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("school", schema=None) as batch_op:
        for name in ("noted_at", "town", "name"):
            batch_op.drop_column(name)
