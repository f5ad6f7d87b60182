"""Of which students nobody can say any more who they were.

Of who was erased before, enrolment's word stands in the timeline.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ERASED = """
    UPDATE student SET erased = TRUE WHERE key IN
        (SELECT key FROM timeline WHERE type = 'enrolment.student-erased.v1')
"""


def upgrade() -> None:
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute(ERASED)


def downgrade() -> None:
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.drop_column("erased")
