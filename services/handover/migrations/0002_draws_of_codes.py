"""How many codes were drawn for a handover on a day."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    op.create_table(
        "signing_draw",
        sa.Column("handover", text, nullable=False),
        sa.Column("day", text, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("handover"),
    )


def downgrade() -> None:
    op.drop_table("signing_draw")
