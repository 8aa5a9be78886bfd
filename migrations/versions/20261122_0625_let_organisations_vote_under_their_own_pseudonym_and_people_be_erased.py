"""Let organisations vote under a pseudonym of their own, and let what is held of a person be erased"""

import sqlalchemy as sa
from alembic import op

revision = "c83d51e0f764"
down_revision = "5e0c9a7b31d2"

LAST_VOTES = """
    UPDATE pseudonym SET last_entry_id = (
        SELECT vote.entry_id FROM vote
        WHERE vote.account_id = pseudonym.account_id AND vote.regulation_id = pseudonym.regulation_id
    )
    WHERE kind = 'voter'
"""


def upgrade() -> None:
    with op.batch_alter_table("pseudonym") as table:
        table.add_column(sa.Column("organisation_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("last_entry_id", sa.String(), nullable=True))
        table.alter_column("account_id", existing_type=sa.Integer(), nullable=True)
        table.alter_column("salt", existing_type=sa.LargeBinary(), nullable=True)
        table.alter_column("identity", existing_type=sa.String(), nullable=True)
        table.create_foreign_key(op.f("fk_pseudonym_organisation_id"), "organisation", ["organisation_id"], ["id"])
        table.create_unique_constraint(
            op.f("uq_pseudonym_organisation_id_regulation_id_kind"), ["organisation_id", "regulation_id", "kind"]
        )
        table.create_unique_constraint(op.f("uq_pseudonym_last_entry_id"), ["last_entry_id"])
        table.create_check_constraint(
            op.f("ck_pseudonym_one_bearer"), "(account_id IS NULL) <> (organisation_id IS NULL)"
        )
    op.execute(LAST_VOTES)
    op.add_column("comment", sa.Column("erased_at", sa.DateTime(), nullable=True))
    op.add_column("comment", sa.Column("erasure_basis", sa.String(), nullable=True))
    op.add_column("comment", sa.Column("erasure_entry_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("comment", "erasure_entry_id")
    op.drop_column("comment", "erasure_basis")
    op.drop_column("comment", "erased_at")
    op.execute("DELETE FROM pseudonym WHERE account_id IS NULL OR salt IS NULL")
    with op.batch_alter_table("pseudonym") as table:
        table.drop_constraint(op.f("ck_pseudonym_one_bearer"), type_="check")
        table.drop_constraint(op.f("uq_pseudonym_last_entry_id"), type_="unique")
        table.drop_constraint(op.f("uq_pseudonym_organisation_id_regulation_id_kind"), type_="unique")
        table.drop_constraint(op.f("fk_pseudonym_organisation_id"), type_="foreignkey")
        table.alter_column("identity", existing_type=sa.String(), nullable=False)
        table.alter_column("salt", existing_type=sa.LargeBinary(), nullable=False)
        table.alter_column("account_id", existing_type=sa.Integer(), nullable=False)
        table.drop_column("last_entry_id")
        table.drop_column("organisation_id")
