"""Figures that add up, figures about the ballot, the data page, help, and whether the site is well."""

from flask.testing import FlaskClient

from app import create_app
from core.db import db
from opendata.rules import DECISION_FIELDS, REGULATION_FIELDS, THEME_FIELDS
from tests.conftest import both_databases
from tests.factories import (
    a_regulation,
    a_vote,
)
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"
    return response.get_data(as_text=True)


def test_the_ballots_order_is_published_as_an_aggregate(app, client):
    regulation = a_regulation()
    for order, choice in (("0", SCRAP), ("0", KEEP), ("1", SCRAP), ("4", KEEP)):
        a_vote(regulation, choice, order=order)
    rows = client.get("/figures/ballot-order.json").get_json()
    assert len(rows) == 18
    assert sum(row["votes"] for row in rows) == 4
    first = {(row["first"], row["second"], row["choice"]): row["votes"] for row in rows}
    assert first["scrap", "improve", "scrap"] == 1
    assert first["scrap", "keep", "scrap"] == 1
    said = page(client, "/figures/ballot-order")
    assert '67%<br><span class="meta">2<br>of 3</span>' in said, (
        "scrap stood first on three ballots and was chosen on two"
    )
    assert page(client, "/figures/ballot-order.csv").splitlines()[0] == "first,second,third,choice,votes,demonstration"


def test_the_data_page_explains_every_field(app, client):
    said = page(client, "/data")
    for name in {*REGULATION_FIELDS, *DECISION_FIELDS, *THEME_FIELDS}:
        assert f"<code>{name}</code></th><td>" in said
        assert f"<code>{name}</code></th><td></td>" not in said


def test_help_that_does_not_exist_is_not_found(app, client):
    for name in ("nothing", "layout", "index", "no_email", "..%2Fbase", "how-it-works.html"):
        assert client.get(f"/help/{name}").status_code == 404


def test_a_healthy_process_says_so_and_a_ready_one_knows_the_record(app, client):
    assert page(client, "/healthz") == "ok\n"
    response = client.get("/readyz")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert response.get_json()["ready"] is True


@both_databases
def test_a_database_at_another_migration_is_not_ready(app, client):
    connection = db.engine.connect()
    (head,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
    try:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'elsewhere'")
        connection.commit()
        response = client.get("/readyz")
        assert response.status_code == 503
        assert "at migration elsewhere" in response.get_json()["reasons"][0]
    finally:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{head}'")
        connection.commit()
        connection.close()


def test_without_its_database_the_process_is_alive_but_not_ready(tmp_path):
    nowhere = create_app({"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"})
    client = nowhere.test_client()
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json() == {"ready": False, "log_size": None, "reasons": ["The database does not answer."]}
