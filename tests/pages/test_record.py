"""The record's own pages: the latest lines, one line with its bytes, and the texts that may be read beside it."""

import csv
import hashlib
import html
import io
import json

import pytest
from sqlalchemy import select

from accounts.rules import Role
from audit.entries import commitment
from audit.models import Entry, Opening
from core.db import db, transaction
from pages.sentences import ACTORS
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted
from voting.erasure import erase_person
from voting.models import Comment
from voting.moderation import hide_comment
from voting.rules import Choice, ErasureBasis, ModerationRule
from voting.services import withdraw_vote

SCRAP, IMPROVE, KEEP = Choice
REASON = "It costs us a day every month."
NONSENSE = (
    "type=zzz", "type=%00", "regulation=%00", "regulation=AND+(", "regulation=" + "x" * 10_000, "day=zzz",
    "day=0001-01-01", "day=9999-12-31", "day=2026-02-30", "before=abc", "before=-1", "before=9" + "9" * 30,
    "regulation=99999/99999", "actor=zzz", "actor=%00", "page=abc", "sort=xyz",
    "type=vote&type=zzz&day=",
)  # fmt: skip


def the_entry(type):
    return the_record(type)[-1]["id"]


def hide_it(reason="It gives a telephone number."):
    moderator = a_member_of_staff(Role.MODERATOR)
    comment_id = db.session.scalars(select(Comment.id)).one()
    with transaction():
        hide_comment(
            comment=db.session.get_one(Comment, comment_id),
            rule=ModerationRule.PERSONAL_DATA,
            reason=reason,
            by=moderator,
            now=NOON,
        )
    settle_the_record()


def test_the_record_shows_the_latest_lines_and_how_many_there_are(client):
    regulation = a_regulation(title="Clean Workplaces Regulations 1992")
    a_vote(regulation, KEEP, text=REASON)
    settle_the_record()
    text = client.get("/record").text
    size = db.session.query(Entry.idx).filter(Entry.idx.is_not(None)).count()
    assert f'<span class="stats__number">{size}</span>' in text
    for words in ("A vote to keep it was counted", "A reason to keep it was given", "Clean Workplaces", "was opened"):
        assert words in text
    assert REASON not in text


def test_lines_are_narrowed_by_kind_regulation_and_day(client):
    first, second = a_regulation(), a_regulation()
    a_vote(first, KEEP, now=NOON - DAY)
    a_vote(second, SCRAP)
    settle_the_record()

    def found(query):
        return [(row["type"], row["item"]) for row in client.get(f"/record.json?{query}").get_json()]

    assert found("type=vote") == [("vote", second.slug), ("vote", first.slug)]
    assert found(f"type=vote&regulation={first.slug}") == [("vote", first.slug)]
    assert found(f"type=vote&regulation={first.citation.official}") == [("vote", first.slug)]
    assert found(f"type=vote&regulation={first.year}/{first.number}") == [("vote", first.slug)]
    assert found("type=vote&day=2026-03-01") == [("vote", first.slug)]
    assert found("type=vote&day=2026-02-20") == []
    assert "No line fits all of that" in client.get("/record?day=2026-02-20").text


def test_lines_are_narrowed_by_who_acted(client):
    regulation = a_regulation()
    a_vote(regulation, KEEP, text=REASON)
    hide_it()

    def found(query):
        return [row["type"] for row in client.get(f"/record.json?{query}").get_json()]

    everything = found("")
    assert sorted(found("actor=participant")) == ["comment", "vote"]
    assert found("actor=moderator") == ["moderation"]
    assert found("actor=administrator") == ["role"]
    assert found("actor=site") == ["log.open"]
    assert sum(len(found(f"actor={actor}")) for actor in ACTORS) == len(everything)
    assert found("actor=participant&type=vote") == ["vote"]
    assert found("actor=participant&type=moderation") == []
    assert found(f"actor=participant&regulation={regulation.slug}&day=2026-03-02") != []
    assert found("actor=nobody") == everything
    assert client.get("/record.csv?actor=moderator").text.count("\n") == 2
    assert client.get("/record.atom?actor=moderator").text.count("<entry>") == 1
    text = client.get("/record?actor=moderator").text
    assert "/record.csv?actor=moderator" in text
    assert "1 line</strong>" in text


@both_databases
def test_lines_of_one_who_acted_are_read_page_by_page(app):
    for _ in range(30):
        a_vote(a_regulation())
    settle_the_record()
    client = app.test_client()
    wanted = [row["idx"] for row in client.get("/record.json?actor=participant").get_json()]
    assert len(wanted) == 60
    assert wanted == sorted(wanted, reverse=True)
    first = client.get("/record?actor=participant").text
    older = first.partition('rel="next">')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(older).text
    assert (first.count('<li class="trail__line'), second.count('<li class="trail__line')) == (50, 10)
    assert 'rel="next">' not in second


@both_databases
def test_the_record_is_read_page_by_page_by_place(app):
    regulation = a_regulation()
    for _ in range(30):
        a_vote(regulation)
    settle_the_record()
    client, seen, address = app.test_client(), [], "/record?type=vote&regulation=" + regulation.slug
    rows = client.get(address.replace("/record", "/record.json")).get_json()
    assert len(rows) == 30
    all_lines = client.get("/record.json").get_json()
    address = "/record"
    while address:
        text = client.get(address).text
        seen += [row["id"] for row in all_lines if f'href="/record/{row["id"]}"' in text]
        older = text.partition('rel="next">')[0].rpartition('href="')[2].partition('"')[0]
        address = older if 'rel="next">' in text else ""
    assert seen == [row["id"] for row in all_lines]
    assert len(all_lines) > 50


def test_downloads_hold_every_line_and_say_that_it_is_a_demonstration(client):
    for _ in range(3):
        a_vote(a_regulation())
    settle_the_record()
    rows = client.get("/record.json").get_json()
    assert len(rows) == db.session.query(Entry).count()
    assert all(row["demonstration"] is True for row in rows)
    in_csv = list(csv.DictReader(io.StringIO(client.get("/record.csv").text)))
    assert [row["id"] for row in in_csv] == [row["id"] for row in rows]
    assert client.get("/record.json?day=2020-01-01").get_json() == []
    feed = client.get("/record.atom").text
    assert feed.count("<entry>") == len(rows)
    assert feed.count("<title>Demonstration") == feed.count("<title>")


def test_a_line_is_served_as_its_exact_bytes_whose_digest_anybody_can_recompute(client):
    a_vote(a_regulation(), KEEP)
    settle_the_record()
    id = the_entry("vote")
    body, leaf = db.session.execute(select(Entry.body, Entry.leaf).filter_by(id=id)).one()
    answer = client.get(f"/record/{id}.json")
    assert answer.data == body
    assert answer.mimetype == "application/json"
    assert hashlib.sha256(b"\x00" + answer.data).digest() == leaf
    text = client.get(f"/record/{id}").text
    assert leaf.hex() in text
    assert f"(printf '\\0'; curl -s http://127.0.0.1:8000/record/{id}.json) | sha256sum" in html.unescape(text)
    assert json.loads(body)["voter"] in text


def test_a_line_without_its_place_says_that_it_gets_one(client):
    a_vote(a_regulation(), KEEP)
    id = the_entry("vote")
    text = client.get(f"/record/{id}").text
    assert "it gets its place within seconds" in text
    assert id not in client.get("/record").text
    settle_the_record()
    text = client.get(f"/record/{id}").text
    assert "within seconds" not in text
    assert "Line " in text
    assert 'rel="prev"' in text


def test_lines_lead_to_those_beside_them_and_those_they_follow(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, KEEP, voter)
    a_vote(regulation, SCRAP, voter)
    settle_the_record()
    rows = client.get("/record.json").get_json()
    middle = client.get(f"/record/{rows[2]['id']}").text
    assert f'href="/record/{rows[1]["id"]}" rel="next"' in middle
    assert f'href="/record/{rows[3]["id"]}" rel="prev"' in middle
    first, second = (vote["id"] for vote in the_record("vote"))
    assert f'<a href="/record/{first}">The line this one follows</a>' in client.get(f"/record/{second}").text


def test_a_published_reason_is_shown_with_what_opens_its_line(client):
    a_vote(a_regulation(), KEEP, text=REASON)
    settle_the_record()
    id = the_entry("comment")
    text = client.get(f"/record/{id}").text
    opening = db.session.scalars(select(Opening).filter_by(entry_id=id)).one()
    assert REASON in text
    assert opening.salt.hex() in text
    assert commitment(opening.kind, opening.salt, REASON) == the_record("comment")[-1]["body_commit"]


def test_the_commitment_is_computed_as_the_page_says(client):
    a_vote(a_regulation(), KEEP, text=REASON)
    opening = db.session.scalars(select(Opening)).one()
    in_a_row = f"regulation-review/v1/{opening.kind}".encode() + b"\x00" + opening.salt + REASON.encode()
    assert hashlib.sha256(in_a_row).hexdigest() == the_record("comment")[-1]["body_commit"]


def test_what_a_moderator_hid_is_never_opened(client):
    a_vote(a_regulation(), KEEP, text=REASON)
    hide_it()
    text = client.get(f"/record/{the_entry('comment')}").text
    salt = db.session.scalars(select(Opening.salt).filter_by(entry_id=the_entry("comment"))).one()
    assert REASON not in text
    assert salt.hex() not in text
    assert "A moderator hid this reason" in text
    act = client.get(f"/record/{the_entry('moderation')}").text
    assert "It gives a telephone number." in act
    assert "The line this act is about" in act


def test_what_was_hidden_stays_shut_when_its_author_writes_another(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, KEEP, voter, text=REASON)
    hide_it()
    a_vote(regulation, KEEP, voter, text="It is worth what it costs.")
    settle_the_record()
    first, second = (comment["id"] for comment in the_record("comment"))
    for line in (first, second):
        text = client.get(f"/record/{line}").text
        assert "A moderator hid this reason" in text
        assert REASON not in text
        assert "It is worth what it costs." not in text


def test_what_was_taken_back_is_never_opened(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, KEEP, voter, text=REASON)
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    text = client.get(f"/record/{the_record('comment')[0]['id']}").text
    assert REASON not in text
    assert "This reason was taken back" in text


def test_a_text_that_was_erased_leaves_its_line_standing_and_names_the_line_that_erased_it(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, KEEP, voter, text=REASON)
    with transaction():
        erase_person(account=voter, basis=ErasureBasis.REQUEST, now=NOON)
    settle_the_record()
    line = the_record("comment")[0]["id"]
    text = client.get(f"/record/{line}").text
    assert "was deleted for good on 2 March 2026" in text
    assert REASON not in text
    erasure = next(each["id"] for each in the_record("erasure") if each["target"] == line)
    assert f'/record/{erasure}">The line that says so' in text


def test_a_text_that_is_gone_and_no_line_says_why_is_said_to_be_amiss(client):
    a_vote(a_regulation(), KEEP, text=REASON)
    with transaction():
        db.session.query(Opening).delete()
    text = client.get(f"/record/{the_entry('comment')}").text
    assert "is missing, and no line says why" in text
    assert REASON not in text


def test_a_kept_split_is_opened_only_once_the_count_is_final(client):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    a_vote(regulation, SCRAP, text=REASON)
    settle_the_record()
    lines = [the_entry("vote"), the_entry("comment")]
    for id in lines:
        text = client.get(f"/record/{id}").text
        assert "scrap" not in text.lower()
        assert REASON not in text
        assert "kept until the count is final" in text
    a_frozen_theme(theme)
    vote, comment = (client.get(f"/record/{id}").text for id in lines)
    assert "<p>scrap:</p>" in vote
    assert REASON in comment


@both_databases
@pytest.mark.parametrize(
    "address", ["/record/%00", "/record/nothing", "/record/%F0%9F%90%9D.json", "/record/%ED%A0%80"]
)
def test_a_line_that_is_not_there_is_a_page_that_says_so(app, address):
    assert app.test_client().get(address).status_code == 404


@both_databases
def test_nonsense_in_the_address_is_no_fault(app):
    regulation = a_regulation()
    a_vote(regulation)
    settle_the_record()
    client = app.test_client()
    for page in ("/record", "/record.json", "/record.atom", f"/regulations/{regulation.slug}/history"):
        for query in NONSENSE:
            assert client.get(f"{page}?{query}").status_code == 200, f"{page}?{query[:60]}"


def test_pages_of_the_record_are_the_same_for_all_and_ask_little(client):
    regulation = a_regulation()
    numbers = []
    for votes in (1, 30):
        for _ in range(votes):
            a_vote(regulation)
        settle_the_record()
        for address in ("/record", "/record.atom", "/record?type=vote", f"/record/{the_entry('comment')}"):
            with queries_counted() as asked:
                answer = client.get(address)
            assert "Set-Cookie" not in answer.headers
            assert "s-maxage" in answer.headers["Cache-Control"]
            numbers.append(len(asked))
    assert numbers[:4] == numbers[4:]
    assert max(numbers) <= 10


@pytest.mark.parametrize("junk", [b"\xff\x00 no entry", b"[1, 2]", b""])
def test_a_line_that_somebody_made_unreadable_leaves_the_record_readable(client, junk):
    entry_id = a_vote(a_regulation()).entry_id
    settle_the_record()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE entry SET body = ? WHERE id = ?", (junk, entry_id))
    for address in ("/record", "/record.json", "/record.csv", "/record.atom", f"/record/{entry_id}"):
        assert client.get(address).status_code == 200, address
    assert client.get(f"/record/{entry_id}.json").data == junk
    assert client.get(f"/log/openings/{entry_id}.json").status_code == 200
