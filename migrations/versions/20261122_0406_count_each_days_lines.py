"""Count each day's lines"""

import sqlalchemy as sa
from alembic import op

revision = "1a1277d2729b"
down_revision = "51a9571d441b"


def upgrade() -> None:
    op.create_table(
        "day_tally",
        sa.Column("regulation_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("taken_back", sa.Boolean(), nullable=False),
        sa.Column("again", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_day_tally_regulation_id")),
        sa.PrimaryKeyConstraint(
            "regulation_id", "day", "type", "side", "taken_back", "again", name=op.f("pk_day_tally")
        ),
    )
    # The follower that keeps it begins again at the first line, and so fills it.
    op.execute("DELETE FROM tally_cell")
    op.execute("DELETE FROM tally_total")
    op.execute("DELETE FROM comment_tally")
    op.execute("DELETE FROM follower_cursor WHERE name = 'tally'")


def downgrade() -> None:
    op.drop_table("day_tally")
