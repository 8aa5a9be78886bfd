"""Public pages know nobody, private ones are kept by no cache, and staff pages ask for the role."""

from collections.abc import Callable

import pytest
from flask import Flask, flash, session
from flask.testing import FlaskClient
from flask_login import current_user
from sqlalchemy import event

from accounts.models import Account
from accounts.queries import account_with
from accounts.rules import Role
from accounts.sessions import begin_session
from core.access import PublicPageLookedAtItsVisitor, participant, public, staff, visitor
from core.db import db
from tests.conftest import application
from tests.factories import a_member_of_staff, a_regulation, a_vote, a_voter, open_the_record, settle_the_record

LOOKING_AT_THE_VISITOR: dict[str, Callable[[], str]] = {
    "reads-the-session": lambda: session.get("anything", ""),
    "writes-the-session": lambda: session.update(seen=True) or "",
    "flashes": lambda: flash("Welcome back") or "",
    "knows-who": lambda: str(current_user.is_authenticated),
}


def _enter(email: str) -> str:
    begin_session(account_with(email))
    return "in"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A site with a page of each kind beside its own, and some public ones that break their word."""
    app = application(tmp_path_factory.mktemp("house"))
    for path, view in (
        ("test/public", public(lambda: "the same for everyone")),
        ("test/visitor", visitor(lambda: f"seen {session.setdefault('seen', 1)}")),
        ("test/own", participant(lambda: current_user.email)),
        ("test/desk", staff(Role.OFFICIAL, Role.ADMINISTRATOR)(lambda: current_user.office)),
        ("test/enter/<email>", visitor(_enter)),
        *((f"test/{name}", public(view)) for name, view in LOOKING_AT_THE_VISITOR.items()),
    ):
        app.add_url_rule(f"/{path}", path, view, methods=["GET", "POST"])
    with app.app_context():
        open_the_record()
        db.session.remove()
    return app


@pytest.fixture
def client(house: Flask) -> FlaskClient:
    return house.test_client()


def signed_in(house: Flask, make: Callable[[], Account]) -> FlaskClient:
    with house.app_context():
        email = make().email
        db.session.remove()
    client = house.test_client()
    client.get(f"/test/enter/{email}")
    return client


def test_a_public_page_may_be_kept_by_any_cache(client):
    answer = client.get("/test/public")
    assert answer.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert answer.headers["ETag"]
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_public_page_is_the_same_for_whoever_brings_a_session(house, client):
    visited = signed_in(house, a_voter)
    answers = [client.get("/test/public"), visited.get("/test/public")]
    assert answers[0].data == answers[1].data
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("page", LOOKING_AT_THE_VISITOR)
def test_a_public_page_that_looks_at_its_visitor_breaks_loudly(client, caplog, page):
    answer = client.get(f"/test/{page}")
    assert answer.status_code == 500
    assert PublicPageLookedAtItsVisitor.__name__ in caplog.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("asked", ["{tag}", "W/{tag}", '"older", {tag}'])
def test_a_cache_that_asks_whether_a_page_is_fresh_is_told_so_in_a_line(client, asked):
    tag = client.get("/test/public").headers["ETag"]
    answer = client.get("/test/public", headers={"If-None-Match": asked.format(tag=tag)})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == tag
    assert "Set-Cookie" not in answer.headers


def test_a_page_is_stale_once_a_line_was_folded(house, client):
    before = client.get("/test/public").headers["ETag"]
    with house.app_context():
        a_vote(a_regulation())
        settle_the_record()
        db.session.remove()
    answer = client.get("/test/public", headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != before


def test_an_error_is_kept_by_no_cache(client):
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_a_visitors_page_is_theirs_alone(client):
    answer = client.get("/test/visitor")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("page", ["own", "desk"])
def test_whoever_is_not_signed_in_is_asked_to_and_comes_back_to_the_page(client, page):
    answer = client.get(f"/test/{page}?sort=newest")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/account/sign-in?next=/test/{page}?sort%3Dnewest"
    assert answer.headers["Cache-Control"] == "no-store"


def test_after_a_post_there_is_no_page_to_come_back_to(client):
    assert client.post("/test/own").headers["Location"] == "/account/sign-in?next=/"


def test_a_participants_page_is_kept_by_no_cache(house):
    answer = signed_in(house, a_voter).get("/test/own")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("role", "status"), [(None, 403), (Role.MODERATOR, 403), (Role.OFFICIAL, 200), (Role.ADMINISTRATOR, 200)]
)
def test_a_staff_page_asks_for_one_of_its_roles(house, role, status):
    client = signed_in(house, lambda: a_member_of_staff(role) if role else a_voter())
    answer = client.get("/test/desk")
    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"


def test_telling_that_a_page_is_fresh_takes_one_question_of_the_database(house, client):
    tag = client.get("/test/public").headers["ETag"]
    asked: list[str] = []

    def note(connection, cursor, statement, *rest) -> None:
        asked.append(statement)

    with house.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        client.get("/test/public", headers={"If-None-Match": tag})
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sum(statement.startswith("SELECT") for statement in asked) == 1
