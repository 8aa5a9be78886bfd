"""Count people without email"""

import sqlalchemy as sa
from alembic import op

revision = "b94d26f1c803"
down_revision = "7c0e4b1f9a52"


def upgrade() -> None:
    op.create_table(
        "assisted_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_assisted_person_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assisted_person")),
        sa.UniqueConstraint("account_id", name=op.f("uq_assisted_person_account_id")),
        sa.UniqueConstraint("key", name=op.f("uq_assisted_person_key")),
    )
    op.create_table(
        "assisted_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vote_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["vote_id"], ["vote.id"], name=op.f("fk_assisted_answer_vote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assisted_answer")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_assisted_answer_entry_id")),
    )
    op.create_index(op.f("ix_assisted_answer_vote_id"), "assisted_answer", ["vote_id"])


def downgrade() -> None:
    op.drop_table("assisted_answer")
    op.drop_table("assisted_person")
