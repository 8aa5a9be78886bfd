"""Count the files somebody sends in a day"""

import sqlalchemy as sa
from alembic import op

revision = "a94c0f37e2d8"
down_revision = "d41b7e96c053"


def upgrade() -> None:
    op.create_table(
        "file_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_file_day_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_day")),
        sa.UniqueConstraint("account_id", "day", name=op.f("uq_file_day_account_id_day")),
    )
    with op.batch_alter_table("file_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_day_day"), ["day"], unique=False)


def downgrade() -> None:
    op.drop_table("file_day")
