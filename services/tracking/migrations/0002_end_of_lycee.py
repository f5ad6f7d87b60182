"""What handover says of a laptop: whose it became, when it went on, which releases are done."""

import sqlalchemy as sa
from alembic import op

import shared.databases

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    instant = shared.databases.Instant(timezone=True)
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handed_over_at", instant, nullable=True))
        batch_op.add_column(sa.Column("in_further_study_at", instant, nullable=True))
        # What was heard before has none of them.
        for name in ("released", "ended"):
            column = sa.Column(name, sa.Text(), nullable=False, server_default="[]")
            batch_op.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        for name in ("ended", "released", "in_further_study_at", "handed_over_at"):
            batch_op.drop_column(name)
