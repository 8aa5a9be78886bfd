"""Keep what drafts said, let them cite points, submissions and documents, and answer who asked otherwise"""

import sqlalchemy as sa
from alembic import op

revision = "5e17c3a9d0b2"
down_revision = "c3a8f10b64d2"

NEW = (
    ("covers", sa.JSON(), "[]"), ("departures", sa.JSON(), "{}"), ("cited_points", sa.JSON(), "[]"),
    ("cited_submissions", sa.JSON(), "[]"), ("documents", sa.Text(), ""), ("approved_digest", sa.String(), ""),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "draft_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("regulation_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("written_by_id", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_draft_version_decision_id")),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_draft_version_regulation_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["account.id"], name=op.f("fk_draft_version_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_version")),
    )
    with op.batch_alter_table("draft_version", schema=None) as batch_op:
        batch_op.create_index("ix_draft_version_regulation_decision", ["regulation_id", "decision_id"], unique=False)
    with op.batch_alter_table("draft", schema=None) as batch_op:
        for name, type, empty in NEW:
            batch_op.add_column(sa.Column(name, type, nullable=False, server_default=empty))
    with op.batch_alter_table("draft", schema=None) as batch_op:
        for name, _, _ in NEW:
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("draft", schema=None) as batch_op:
        for name, _, _ in NEW:
            batch_op.drop_column(name)
    op.drop_table("draft_version")
