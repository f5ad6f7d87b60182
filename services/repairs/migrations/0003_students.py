"""Who left.

Going back takes the rows and leaves the ledger, with what was heard and said of students and the
numbers of it. Who has no row is taken for somebody of whom the ledger holds nothing: so before this
is gone forward to again, the database wants to be restored from a copy that has the rows.
"""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

import shared.databases

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    instant = shared.databases.Instant(timezone=True)
    op.create_table(
        "student",
        sa.Column("key", text, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("place", text, nullable=False),
        sa.Column("left_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    op.drop_table("student")
