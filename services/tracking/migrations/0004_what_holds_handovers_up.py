"""Which handovers are open, what holds them up, and by which its student owns a laptop.

Laptops that are known already have none of the three until they are folded again, which a late fact
does, and for all of them a rebuild: drop tracking's database (docs/operating.md, Start and stop).
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        for name in ("opened", "blocks"):
            column = sa.Column(name, sa.Text(), nullable=False, server_default="[]")
            batch_op.add_column(column)
        text = sqlmodel.sql.sqltypes.AutoString()
        batch_op.add_column(sa.Column("ceded_by", text, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        for name in ("ceded_by", "blocks", "opened"):
            batch_op.drop_column(name)
