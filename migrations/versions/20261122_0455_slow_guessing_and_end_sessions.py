"""Count wrong codes by address and day, what networks ask by the hour, and sessions that were ended"""

import sqlalchemy as sa
from alembic import op

revision = "7c1f0e5ad2b4"
down_revision = "b94d26f1c803"


def upgrade() -> None:
    op.create_table(
        "network_hour",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("network_sha256", sa.String(), nullable=False),
        sa.Column("asked", sa.String(), nullable=False),
        sa.Column("address_sha256", sa.String(), nullable=False),
        sa.Column("hour", sa.DateTime(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_hour")),
        sa.UniqueConstraint(
            "network_sha256",
            "asked",
            "address_sha256",
            name=op.f("uq_network_hour_network_sha256_asked_address_sha256"),
        ),
    )
    op.create_index(op.f("ix_network_hour_hour"), "network_hour", ["hour"])
    op.create_table(
        "ended_session",
        sa.Column("browser_sha256", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("browser_sha256", name=op.f("pk_ended_session")),
    )
    op.create_index(op.f("ix_ended_session_ended_at"), "ended_session", ["ended_at"])
    op.add_column("address_day", sa.Column("wrong_codes", sa.Integer(), nullable=True))
    op.execute("UPDATE address_day SET wrong_codes = 0")
    with op.batch_alter_table("address_day") as table:
        table.alter_column("wrong_codes", nullable=False)
    with op.batch_alter_table("sign_in_link") as table:
        table.drop_column("code_tries")


def downgrade() -> None:
    op.add_column("sign_in_link", sa.Column("code_tries", sa.Integer(), nullable=True))
    op.execute("UPDATE sign_in_link SET code_tries = 0")
    with op.batch_alter_table("sign_in_link") as table:
        table.alter_column("code_tries", nullable=False)
    with op.batch_alter_table("address_day") as table:
        table.drop_column("wrong_codes")
    op.drop_table("ended_session")
    op.drop_table("network_hour")
