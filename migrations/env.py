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
    with current_app.extensions["migrate"].db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        driver = connection.connection.dbapi_connection
        if sqlite:  # a table that is copied to be altered is dropped for a moment, whatever rows refer to it
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                run(connection)
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all() if sqlite else []
                if broken:
                    raise RuntimeError(f"After this migration rows would refer to rows that are gone: {broken[:5]}")
        finally:
            if sqlite:
                driver.execute("PRAGMA foreign_keys=ON")
