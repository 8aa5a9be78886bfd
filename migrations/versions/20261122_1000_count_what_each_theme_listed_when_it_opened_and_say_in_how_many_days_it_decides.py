"""Count what each theme listed when it opened, say in how many days it decides, and from which day a step was moved"""

import sqlalchemy as sa
from alembic import op

revision = "b83f5d0c2e17"
down_revision = "a94c0f37e2d8"


def upgrade() -> None:
    # SQLite adds a required column in place only with a default; a table made anew would lose its references.
    op.add_column("theme", sa.Column("days_to_decide", sa.Integer(), server_default="90", nullable=False))
    op.add_column("milestone_act", sa.Column("moved_from", sa.Date(), nullable=True))
    op.create_table(
        "census",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("theme_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_census_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_census")),
        sa.UniqueConstraint("theme_id", name=op.f("uq_census_theme_id")),
    )
    op.create_table(
        "census_item",
        sa.Column("regulation_id", sa.Integer(), nullable=False),
        sa.Column("census_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["census_id"], ["census.id"], name=op.f("fk_census_item_census_id")),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_census_item_regulation_id")),
        sa.PrimaryKeyConstraint("regulation_id", name=op.f("pk_census_item")),
    )
    op.create_index(op.f("ix_census_item_census_id"), "census_item", ["census_id"], unique=False)


def downgrade() -> None:
    op.drop_table("census_item")
    op.drop_table("census")
    op.drop_column("milestone_act", "moved_from")
    op.drop_column("theme", "days_to_decide")
