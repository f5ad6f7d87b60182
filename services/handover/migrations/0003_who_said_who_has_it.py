"""By which event it is known who has a laptop. What was heard before has none: it is folded again
before anything is concluded of a withdrawal.
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("placed_by", text, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.drop_column("placed_by")
