"""Tie support to the words it was given to, and an act of moderation to the line it is about"""

import sqlalchemy as sa
from alembic import op

revision = "7c0e4b1f9a52"
down_revision = "1a1277d2729b"

CONFIRMED_NAMES = """
    UPDATE comment SET organisation_name = (
        SELECT organisation.name FROM vote JOIN organisation ON organisation.id = vote.organisation_id
        WHERE vote.account_id = comment.account_id AND vote.regulation_id = comment.regulation_id
    )
    WHERE level >= 2 AND EXISTS (
        SELECT 1 FROM vote WHERE vote.account_id = comment.account_id
        AND vote.regulation_id = comment.regulation_id AND vote.organisation_id IS NOT NULL
    )
"""


def upgrade() -> None:
    # SQLite adds a required column in place only with a default; a table made anew would lose its references.
    op.add_column("comment", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("support", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("moderation_act", sa.Column("target", sa.String(), nullable=True))
    op.execute("UPDATE pending_ballot SET supports = supports || '_1' WHERE supports <> ''")
    # No line of the record holds these names, so the record has nothing to say of this.
    op.get_bind().exec_driver_sql(CONFIRMED_NAMES)


def downgrade() -> None:
    op.execute("UPDATE pending_ballot SET supports = substr(supports, 1, 16) WHERE supports <> ''")
    op.drop_column("moderation_act", "target")
    op.drop_column("support", "version")
    op.drop_column("comment", "version")
