"""What became of each laptop: worked out for those known already, and counted."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# As the rule was when this was written; marks are JSON.
BECAME = """
    UPDATE laptop SET disposition = CASE
        WHEN owner = 'student' AND managed = 'released' THEN 'further-study'
        WHEN marks LIKE '%"scrapped"%' OR location = 'scrapped' THEN 'scrapped'
        WHEN marks LIKE '%"stolen"%' THEN 'stolen'
        WHEN marks LIKE '%"lost"%' OR marks LIKE '%"written-off"%' OR location = 'missing'
            THEN 'lost'
        WHEN location = 'at-school'
            AND (handed_out_at IS NOT NULL OR replaces IS NOT NULL)
            THEN 'returned'
        ELSE 'in-use' END
"""
# In which tallies an announced laptop stands; a département is a UAI's first three digits, without
# the zero.
COUNTED = """
    INSERT INTO tally (scope, name, value, count)
    SELECT scope, 'disposition', disposition, count(*) FROM (
        SELECT 'region' AS scope, disposition, announced_at FROM laptop
        UNION ALL
        SELECT 'line:' || "order" || '/' || line, disposition, announced_at FROM laptop
        UNION ALL
        SELECT 'school:' || school, disposition, announced_at FROM laptop WHERE school <> ''
        UNION ALL
        SELECT 'department:' || CASE WHEN school LIKE '0%' THEN substr(school, 2, 2)
            ELSE substr(school, 1, 3) END, disposition, announced_at
        FROM laptop WHERE school <> ''
    ) AS standing
    WHERE announced_at IS NOT NULL AND scope IS NOT NULL GROUP BY scope, disposition
"""


def upgrade() -> None:
    text = sqlmodel.sql.sqltypes.AutoString()
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("disposition", text, nullable=False, server_default="in-use"))
        batch_op.create_index("laptop_disposition", ["disposition", "key"], unique=False)
    op.execute(BECAME)
    op.execute(COUNTED)


def downgrade() -> None:
    op.execute("DELETE FROM tally WHERE name = 'disposition'")
    with op.batch_alter_table("laptop", schema=None) as batch_op:
        batch_op.drop_index("laptop_disposition")
        batch_op.drop_column("disposition")
