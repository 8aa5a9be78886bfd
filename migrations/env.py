from alembic import context
from flask import current_app

config = context.config
connection = config.attributes.get("connection")


def spell(kind, item, autogen_context):
    """Migrations name plain types, so that they outlive our own."""
    return "sa.DateTime()" if kind == "type" and type(item).__name__ == "UtcDateTime" else False


def run(connection):
    metadata = current_app.extensions["migrate"].db.metadata
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True, render_item=spell
    )
    with context.begin_transaction():
        context.run_migrations()


if connection is not None:
    run(connection)
else:
    with current_app.extensions["migrate"].db.engine.begin() as connection:
        run(connection)
