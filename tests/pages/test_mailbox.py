"""In a demonstration every letter can be read on the site; anywhere else there is no such page."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import db, transaction
from core.mail import Mail, write_mail
from pages.personal_routes import with_links
from tests.factories import NOON


def a_letter(to: str = "reader@example.org", subject: str = "Your password was changed", cause: str = "cause") -> int:
    with transaction():
        write_mail(to=to, cause=cause, kind="password", subject=subject, template="password", now=NOON)
    return db.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first()


def test_an_empty_mailbox_says_what_will_come(client):
    page = client.get("/dev/mailbox").text
    assert "No letters yet" in page
    assert "<h1>The demonstration’s mailbox</h1>" in page


def test_letters_stand_newest_first_the_moment_they_are_written(client):
    a_letter(subject="The first")
    a_letter(subject="The second", cause="another")
    page = client.get("/dev/mailbox").text
    assert page.index("Demonstration: The second") < page.index("Demonstration: The first")
    assert "To reader@example.org" in page


@pytest.mark.parametrize("asked", ["ann@example.org", "ANN@example.org ", "ann"])
def test_the_letters_to_one_address_can_be_picked_out(client, asked):
    a_letter("ann@example.org", "For Ann")
    a_letter("bob@example.org", "For Bob")
    page = client.get("/dev/mailbox", query_string={"to": asked}).text
    assert "For Ann" in page
    assert "For Bob" not in page
    assert 'href="/dev/mailbox?to=' in page, "looking again keeps the address"


@pytest.mark.parametrize("odd", ["%", "_", "a\\", "\x00", "<script>", "x" * 3_000])
def test_what_is_no_address_finds_nothing_and_breaks_nothing(client, odd):
    a_letter()
    answer = client.get("/dev/mailbox", query_string={"to": odd, "page": "abc"})
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_a_letter_is_shown_with_links_that_work(client):
    id = a_letter()
    page = client.get(f"/dev/mailbox/{id}").text
    assert "<h1>Demonstration: Your password was changed</h1>" in page
    assert "To reader@example.org, <time" in page
    assert '<a href="http://127.0.0.1:8000/account/sign-in">http://127.0.0.1:8000/account/sign-in</a>' in page
    assert f'href="/dev/mailbox/{id}/html"' in page


def test_the_html_is_shown_in_a_sandbox_where_nothing_runs(client):
    answer = client.get(f"/dev/mailbox/{a_letter()}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; sandbox"
    assert "<style>" in answer.text
    assert "<strong>Demonstration.</strong>" in answer.text


def test_a_letter_that_is_not_there_is_not_found(client):
    for id in ("999", "9" * 30, "0", "-1", "abc"):
        assert client.get(f"/dev/mailbox/{id}").status_code == 404
        assert client.get(f"/dev/mailbox/{id}/html").status_code == 404


def test_outside_a_demonstration_there_is_no_mailbox(app: Flask, client, monkeypatch):
    id = a_letter()
    monkeypatch.setitem(app.config, "SITE", replace(app.config["SITE"], demonstration=False))
    for path in ("/dev/mailbox", f"/dev/mailbox/{id}", f"/dev/mailbox/{id}/html"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "reader@example.org" not in answer.text


def test_a_full_mailbox_comes_in_pages(client):
    for n in range(23):
        a_letter(cause=f"cause {n}")
    assert client.get("/dev/mailbox").text.count("letters__one") == 20
    assert client.get("/dev/mailbox?page=2").text.count("letters__one") == 3
    assert client.get("/dev/mailbox?page=99").text.count("letters__one") == 3


def test_the_mailbox_is_kept_by_no_cache_and_sets_no_cookie(client):
    answer = client.get("/dev/mailbox")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Go to https://example.org/a?b=c&d=e.", ["https://example.org/a?b=c&d=e"]),
        (
            "(see http://example.org/x) and\n  https://example.org/y\n",
            ["http://example.org/x", "https://example.org/y"],
        ),
        ("javascript:alert(1) and ftp://example.org", []),
        ("https://", []),
        ('<https://example.org/"onclick="x">', ["https://example.org/"]),
    ],
)
def test_links_in_a_text_are_found_and_the_text_stays_whole(text, links):
    parts = with_links(text)
    assert [href for _, href in parts if href] == links
    assert "".join(words for words, _ in parts) == text
