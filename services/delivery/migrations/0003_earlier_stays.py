"""Where students learned before.

Of a student of whom delivery heard already it knows the present stay alone, until a word that comes
out of order has all of them read again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("student", schema=None) as batch_op:
        earlier = sa.Column("earlier", sa.Text(), nullable=False, server_default="[]")
        batch_op.add_column(earlier)


def downgrade() -> None:
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.drop_column("earlier")
