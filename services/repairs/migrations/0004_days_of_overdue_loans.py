"""When loans were due that are overdue; which students were erased.

Of a loan that is overdue already, `due_on` stays the day since which it is. Where that was the day
on which its student left, nobody says any more what was agreed: it is lent anew, or comes back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        days = sa.Column("overdue_days", sa.Text(), nullable=False, server_default="[]")
        batch_op.add_column(days)
    op.execute("""UPDATE laptop SET overdue_days = '["' || due_on || '"]' WHERE overdue""")
    with op.batch_alter_table("student", schema=None) as batch_op:
        no = sa.false()
        batch_op.add_column(sa.Column("erased", sa.Boolean(), nullable=False, server_default=no))


def downgrade() -> None:
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.drop_column("erased")
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.drop_column("overdue_days")
