"""Keep what answers said at each saving"""

import sqlalchemy as sa
from alembic import op

revision = "d4e82b6f19a3"
down_revision = "b83f5d0c2e17"


def upgrade() -> None:
    op.create_table(
        "answer_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("answer_draft_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("written_by_id", sa.Integer(), nullable=True),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_draft_id"], ["answer_draft.id"], name=op.f("fk_answer_version_answer_draft_id")
        ),
        sa.ForeignKeyConstraint(["written_by_id"], ["account.id"], name=op.f("fk_answer_version_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_version")),
        sa.UniqueConstraint("answer_draft_id", "version", name=op.f("uq_answer_version_answer_draft_id_version")),
    )
    # What stands now is the first that is kept: what it said before was overwritten.
    op.execute(
        "INSERT INTO answer_version (answer_draft_id, version, verdict, reasons, written_by_id, written_at) "
        "SELECT id, version, verdict, reasons, written_by_id, changed_at FROM answer_draft WHERE version > 0"
    )


def downgrade() -> None:
    op.drop_table("answer_version")
