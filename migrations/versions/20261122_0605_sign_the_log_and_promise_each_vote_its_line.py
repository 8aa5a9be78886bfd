"""Keep the head of the signed log, and with each receipt the promise of its line"""

import json

import sqlalchemy as sa
from alembic import op

revision = "5e0c9a7b31d2"
down_revision = "7c1f0e5ad2b4"


def upgrade() -> None:
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_head")),
    )
    opened = op.get_bind().execute(sa.text("SELECT body FROM entry WHERE type = 'log.open'")).scalar()
    if opened is not None:
        head = sa.text("INSERT INTO log_head (id, origin, size) VALUES (1, :origin, 0)")
        op.get_bind().execute(head, {"origin": json.loads(bytes(opened))["origin"]})
    op.add_column("receipt", sa.Column("promise", sa.Text(), nullable=True))
    op.execute("UPDATE receipt SET promise = ''")
    with op.batch_alter_table("receipt") as table:
        table.alter_column("promise", nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("receipt") as table:
        table.drop_column("promise")
    op.drop_table("log_head")
