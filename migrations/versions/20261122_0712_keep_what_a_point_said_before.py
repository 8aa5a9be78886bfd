"""Keep what a point said before it was worded anew"""

import sqlalchemy as sa
from alembic import op

revision = "71c0d2e58a94"
down_revision = "4b202937fb75"


def upgrade() -> None:
    op.create_table(
        "point_wording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("worded_by", sa.String(), nullable=False),
        sa.Column("worded_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_point_wording_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point_wording")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_point_wording_entry_id")),
    )
    with op.batch_alter_table("point_wording", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_point_wording_point_id"), ["point_id"], unique=False)


def downgrade() -> None:
    op.drop_table("point_wording")
