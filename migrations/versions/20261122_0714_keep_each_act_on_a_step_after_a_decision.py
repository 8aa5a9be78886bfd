"""Keep each act on a step after a decision, with the words it was recorded with"""

import sqlalchemy as sa
from alembic import op

revision = "c3a8f10b64d2"
down_revision = "71c0d2e58a94"


def upgrade() -> None:
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.alter_column("words", server_default=None)
    op.create_table(
        "milestone_act",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("milestone_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("done_by", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["milestone_id"], ["milestone.id"], name=op.f("fk_milestone_act_milestone_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_act")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_milestone_act_entry_id")),
    )
    with op.batch_alter_table("milestone_act", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_milestone_act_milestone_id"), ["milestone_id"], unique=False)


def downgrade() -> None:
    op.drop_table("milestone_act")
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.drop_column("words")
