"""Keep editions of the report on each theme"""

import sqlalchemy as sa
from alembic import op

revision = "c52e8d71a9f4"
down_revision = "d4e82b6f19a3"


def upgrade() -> None:
    op.create_table(
        "edition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("theme_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kept_at", sa.DateTime(), nullable=False),
        sa.Column("still_at", sa.DateTime(), nullable=False),
        sa.Column("at_size", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_edition_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint("theme_id", "number", name=op.f("uq_edition_theme_id_number")),
    )


def downgrade() -> None:
    op.drop_table("edition")
