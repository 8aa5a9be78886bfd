"""The promises about every page: who may open it, that it compiles, that looking changes nothing."""

import re
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.rules import Role
from audit.models import Entry
from core.db import db
from opendata.bundle import Keeper
from regulations.models import Regulation
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    its_session,
    settle_the_record,
)

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ACCESS = re.compile(r"public|visitor|participant|staff:[a-z_,]+")


def test_every_route_says_who_may_open_it(sqlite_app):
    bare = [rule.endpoint for rule in sqlite_app.url_map.iter_rules() if not _access(sqlite_app, rule.endpoint)]
    assert bare == []


def _access(app, endpoint):
    access = getattr(app.view_functions[endpoint], "access", "")
    return access if ACCESS.fullmatch(access) else ""


def test_every_template_compiles(sqlite_app):
    for path in [*TEMPLATES, *(ROOT / "templates").rglob("*.txt")]:
        sqlite_app.jinja_env.get_template(str(path.relative_to(ROOT / "templates")))


def test_templates_hold_no_script_or_style_of_their_own():
    for path in TEMPLATES:
        if path.parent.name == "mail":
            continue
        text = path.read_text("utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*\bsrc=)", text), path
        assert "https://" not in re.sub(
            r"\{#.*?#\}|https://www\.(legislation|nationalarchives)\.gov\.uk", "", text, flags=re.S
        ) or ("src=" not in text), path


def test_templates_escape_what_people_wrote():
    for path in TEMPLATES:
        text = path.read_text("utf-8")
        assert "autoescape false" not in text, path
        assert not re.search(r"(?<!\")\|\s*safe\b", text), f"{path} trusts more than its own words"


@pytest.fixture
def site(app):
    theme = a_theme(closes=NOON.replace(day=4))
    decided, open_one = a_regulation(theme), a_regulation()
    for regulation in (decided, open_one):
        a_vote(regulation)
    settle_the_record()
    a_frozen_theme(theme, now=NOON.replace(day=6))
    decision = a_decision(decided)
    entry = db.session.scalars(select(Entry.id).filter_by(type="decision")).one()
    Keeper().refresh()
    given = {"slug": open_one.slug, "reference": decision.reference, "entry_id": entry, "name": "privacy"}
    db.session.rollback()
    return app, given, theme.slug


def addresses(app, given, theme):
    """Every address that can be opened with what the site holds."""
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        words = dict(given, slug=theme) if "/themes/" in rule.rule else given
        if rule.arguments <= words.keys():
            yield (
                rule.endpoint,
                app.url_map.bind("localhost").build(rule.endpoint, {k: words[k] for k in rule.arguments}),
            )


def contents():
    with db.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM "{table.name}"').fetchall()))
            for table in db.metadata.sorted_tables
        }


def test_looking_changes_nothing_and_public_pages_know_nobody(site):
    app, given, theme = site
    before, seen = contents(), 0
    for endpoint, address in addresses(app, given, theme):
        answer = app.test_client().get(address)
        answer.get_data()
        assert answer.status_code < 500, f"{address} answers {answer.status_code}"
        seen += 1
        if _access(app, endpoint) == "public" and answer.status_code == 200:
            assert "Set-Cookie" not in answer.headers, address
            assert "Cookie" not in answer.headers.get("Vary", ""), address
        if answer.mimetype == "text/html" and answer.status_code < 300:
            assert answer.text.count("<h1") == 1, f"{address} has {answer.text.count('<h1')} h1"
            assert re.search(r"<title>[^<]+ – [^<]+</title>", answer.text), address
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"] or "mailbox" in address
    assert seen > 20
    assert contents() == before


def test_no_page_gives_two_things_the_same_id(site):
    """A label, a summary's link and a screen reader find the first alone."""
    app, given, theme = site
    staff, reader = a_member_of_staff(Role.OFFICIAL), a_voter()
    a_vote(db.session.scalars(select(Regulation).filter_by(slug=given["slug"])).one(), voter=reader)
    more = [
        f"/my/contributions/{given['slug']}", f"/account/follow?kind=regulation&key={given['slug']}",
        f"/regulations/{given['slug']}/vote",
    ]  # fmt: skip
    pages = [*(address for _, address in addresses(app, given, theme)), *more]
    seen = 0
    for account in (None, reader, staff):
        client = app.test_client()
        if account is not None:
            with client.session_transaction("/account/sign-in") as session:
                session.update(its_session(account))
        for address in pages:
            answer = client.get(address)
            answer.get_data()
            if answer.mimetype != "text/html" or answer.status_code != 200:
                continue
            ids = Counter(re.findall(r'<[a-z][^>]*?\sid="([^"]*)"', answer.text))
            assert [id for id, times in ids.items() if times > 1] == [], address
            seen += 1
    assert seen > 60


def test_a_page_that_is_not_there_is_a_designed_page(client):
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert "<h1" in answer.text
