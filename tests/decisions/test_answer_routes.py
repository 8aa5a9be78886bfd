import csv
import hashlib
import io
from html import unescape

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from accounts.rules import Role
from core import clock
from core.db import db
from decisions.answers import answers_given_in
from decisions.models import AnswerDraft
from decisions.worksheet import about, to_answer
from regulations.models import Regulation
from regulations.queries import regulation_with
from regulations.rules import Split
from tests.decisions.conftest import LATER
from tests.decisions.test_answers import SAID, a_closed_regulation, a_point_of, answer, comments_on
from tests.factories import a_decision, a_member_of_staff, a_regulation, a_theme, a_vote, how_many
from tests.queries_counted import queries_counted

pytestmark = pytest.mark.usefixtures("after_the_close")
REASONS = "We have read this, and answer it so."


@pytest.fixture
def closed(app):
    return a_closed_regulation()


@pytest.fixture
def two_points(closed, official):
    first, second, third = comments_on(closed)
    points = (
        a_point_of(closed, first, second, by=official),
        a_point_of(closed, third, by=official, title="=SUM of costs"),
    )
    return closed.slug, [f"point-{point.public_id}" for point in points]


def page_of(slug, more=""):
    return f"/staff/regulations/{slug}/answers{more}"


def typed(client, slug, given, do="all"):
    """Posts what somebody types over what the page shows."""
    rows = {row.key: row for row in to_answer(regulation_id(slug))}
    sent = {"do": do, "row": list(given)}
    for key, said in given.items():
        row = rows[key]
        for name, value in ({"version": row.version, "shown": "", "was": "", "assigned": ""} | said).items():
            sent[f"{key}-{name}"] = value
    return client.post(page_of(slug), data=sent)


def regulation_id(slug):
    return regulation_with(slug).id


def drafts():
    db.session.rollback()
    return {(d.verdict, d.reasons) for d in db.session.scalars(select(AnswerDraft))}


def test_every_point_is_listed_with_who_stands_behind_it_and_what_is_missing(two_points, signed_in, official):
    slug, _ = two_points
    text = signed_in(official).get(page_of(slug)).get_data(as_text=True)
    for words in (
        "2 answers are missing",
        "It costs shops too much",
        "2 people",
        "It is dear.",
        "Take an answer given",
    ):
        assert words in text, words
    assert text.index("It costs shops too much") < text.index("=SUM of costs")


def test_all_answers_are_saved_at_once(two_points, signed_in, official):
    slug, keys = two_points
    client = signed_in(official)
    done = typed(client, slug, {key: {"verdict": "accept", "reasons": f"{REASONS} {key}"} for key in keys})
    assert done.status_code == 303
    assert drafts() == {("accept", f"{REASONS} {key}") for key in keys}
    text = client.get(page_of(slug)).get_data(as_text=True)
    assert "2 answers are saved" in text
    assert "Nothing is missing" in text


def test_saving_one_answer_loses_nothing_that_was_typed_in_another(two_points, signed_in, official):
    slug, keys = two_points
    given = {keys[0]: {"verdict": "accept", "reasons": REASONS}, keys[1]: {"reasons": "Half a thou"}}
    done = typed(signed_in(official), slug, given, do=f"save:{keys[0]}")
    assert (done.status_code, drafts()) == (200, {("accept", REASONS)})
    assert "Half a thou" in done.get_data(as_text=True)


def test_what_is_wrong_stands_beside_its_answer_and_the_rest_is_saved(two_points, signed_in, official):
    slug, keys = two_points
    given = {keys[0]: {"verdict": "accept", "reasons": REASONS}, keys[1]: {"verdict": "reject", "reasons": "No."}}
    done = typed(signed_in(official), slug, given)
    text = done.get_data(as_text=True)
    assert (done.status_code, drafts()) == (422, {("accept", REASONS)})
    assert f'href="#{keys[1]}-reasons"' in text
    assert text.count("There is a problem") == 1
    assert ">No.</textarea>" in text


def test_who_comes_second_sees_both_texts_and_loses_none(two_points, closed, signed_in, official):
    slug, keys = two_points
    answer(closed, official, **about(closed, keys[0]), reasons="What the colleague wrote.")
    given = {keys[0]: {"version": "0", "verdict": "accept", "reasons": REASONS}}
    client = signed_in(official)
    done = typed(client, slug, given)
    text = done.get_data(as_text=True)
    assert done.status_code == 409
    assert "What the colleague wrote." in text
    assert REASONS in text
    assert drafts() == {("reject", "What the colleague wrote.")}


def test_an_answer_is_given_to_a_colleague_who_finds_it_under_mine(two_points, signed_in, official):
    slug, keys = two_points
    analyst = a_member_of_staff(Role.ANALYST, "Analysis Office")
    shown = {"shown": digest_of_nothing(), "assigned": str(analyst.id)}
    assert typed(signed_in(official), slug, {keys[0]: shown}).status_code == 303
    client = signed_in(analyst)
    text = client.get(page_of(slug, "?show=mine")).get_data(as_text=True)
    assert "It costs shops too much" in text
    assert "=SUM of costs" not in text
    given = {"assigned": str(analyst.id), "was": str(analyst.id), "verdict": "accept", "reasons": REASONS}
    assert typed(client, slug, {keys[0]: given}).status_code == 303
    assert typed(client, slug, {keys[1]: {"verdict": "accept", "reasons": REASONS}}).status_code == 403
    assert len(drafts()) == 1


def digest_of_nothing():
    return hashlib.sha256(b"\n").hexdigest()[:16]


def test_an_answer_given_elsewhere_is_copied_in_its_words_alone_with_a_link_to_where_it_was_given(
    two_points, signed_in, official
):
    slug, keys = two_points
    other = a_closed_regulation("Rail")
    answer(
        other, official, point=a_point_of(other, *comments_on(other), by=official), reasons="Paperwork is halved now."
    )
    reference = a_decision(other).reference
    client = signed_in(official)
    name = f"answer-{answers_given_in(reference)[0].public_id}"
    link = f'href="/decisions/{reference}#{name}"'
    assert link in client.get(page_of(slug, f"/elsewhere?for={keys[0]}&q=paperwork")).text
    text = client.get(page_of(slug, f"?for={keys[0]}&take={name}")).text
    assert typed_in(text) == "Paperwork is halved now."
    assert link in text
    assert "not saved yet" in text
    assert "No such answer" in client.get(page_of(slug, f"/elsewhere?for={keys[0]}&q=zebra")).text


def test_an_answer_that_is_still_being_written_elsewhere_says_so_on_the_page_and_never_in_its_words(
    two_points, signed_in, official
):
    slug, keys = two_points
    other = a_closed_regulation("Rail")
    answer(other, official, point=a_point_of(other, *comments_on(other), by=official), reasons="Paperwork is halved.")
    client, theirs = signed_in(official), f'href="/regulations/{other.slug}"'
    found = client.get(page_of(slug, f"/elsewhere?for={keys[0]}")).text
    assert "not published yet" in found
    take = found.split("take=draft-")[1].split('"')[0].split("&")[0]
    text = client.get(page_of(slug, f"?for={keys[0]}&take=draft-{take}")).text
    assert typed_in(text) == "Paperwork is halved."
    assert theirs in text
    typed(client, slug, {keys[0]: {"verdict": "accept", "reasons": typed_in(text)}})
    assert ("accept", "Paperwork is halved.") in drafts()


def typed_in(text):
    return unescape(text.split('-reasons" name=')[1].split(">")[1].split("<")[0])


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_answers_leave_and_return_as_a_spreadsheet(two_points, signed_in, official, kind):
    slug, keys = two_points
    client = signed_in(official)
    rows = sheet(client.get(page_of(slug, f".{kind}")).get_data(), kind)
    assert [row["id"] for row in rows] == keys
    assert rows[1]["said"] in ("=SUM of costs", "'=SUM of costs"), "text, and never a formula"
    for row in rows:
        row |= {"verdict": "Accept in part", "reasons": f"- {REASONS}"}
    looked = bring(client, slug, rows)
    assert (looked.status_code, how_many(AnswerDraft)) == (200, 0)
    text = looked.get_data(as_text=True)
    assert "2 answers would change" in text
    assert client.post(page_of(slug, "/upload"), data={"kept": hidden(text, "kept")}).status_code == 303
    assert drafts() == {("accept_in_part", f"- {REASONS}")}
    assert "Nothing would change" in bring(client, slug, rows).get_data(as_text=True)
    assert db.session.scalars(select(AnswerDraft.version)).all() == [1, 1], "the same again changes nothing"


def sheet(content, kind):
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    names, *lines = load_workbook(io.BytesIO(content)).active.iter_rows()
    assert all(cell.data_type != "f" for line in lines for cell in line)
    return [
        {name.value: "" if cell.value is None else str(cell.value) for name, cell in zip(names, line, strict=True)}
        for line in lines
    ]


def bring(client, slug, rows):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = io.BytesIO(file.getvalue().encode())
    return client.post(page_of(slug, "/upload"), data={"sheet": (content, "answers.csv")})


def hidden(text, name):
    part = text.split(f'name="{name}"')[1].split('value="')[1]
    return unescape(part.split('"')[0])


def test_each_wrong_row_of_a_sheet_is_named_and_then_none_is_taken(two_points, closed, signed_in, official):
    slug, keys = two_points
    client = signed_in(official)
    rows = sheet(client.get(page_of(slug, ".csv")).get_data(), "csv")
    answer(closed, official, **about(closed, keys[1]))
    good = rows[0] | {"verdict": "accept", "reasons": REASONS}
    wrong = [
        rows[1] | {"verdict": "accept", "reasons": REASONS},
        good | {"id": "point-unheard-of"},
        good,
    ]
    looked = bring(client, slug, [good, *wrong])
    text = looked.get_data(as_text=True)
    assert looked.status_code == 422
    for words in (
        "Row 3: First Office has changed this answer",
        "Row 4: There is no such point",
        "Row 5: This point stands",
    ):
        assert words in text, words
    assert 'name="kept"' not in text
    assert "Look at what it would change" in text
    maybe = bring(client, slug, [good | {"verdict": "maybe"}]).get_data(as_text=True)
    assert "Row 2: The verdict is one of: accept" in maybe
    assert drafts() == {("reject", SAID["reasons"])}


def test_what_a_colleague_wrote_after_the_preview_is_not_overwritten(two_points, closed, signed_in, official):
    slug, keys = two_points
    client = signed_in(official)
    rows = sheet(client.get(page_of(slug, ".csv")).get_data(), "csv")
    text = bring(client, slug, [row | {"verdict": "accept", "reasons": REASONS} for row in rows]).get_data(as_text=True)
    answer(closed, official, **about(closed, keys[1]))
    done = client.post(page_of(slug, "/upload"), data={"kept": hidden(text, "kept")})
    assert done.status_code == 422
    assert "Row 3: First Office has changed this answer" in done.get_data(as_text=True)
    assert drafts() == {("reject", SAID["reasons"])}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"not a zip"), ("a.csv", b"\xff\xfe\x00"), ("a.csv", b"a,b\n1,2\n"), ("a.csv", b""), ("", b"")],
)
def test_a_file_that_is_no_sheet_of_answers_is_refused_in_words(two_points, signed_in, official, name, content):
    sent = {"sheet": (io.BytesIO(content), name)}
    refused = signed_in(official).post(page_of(two_points[0], "/upload"), data=sent)
    assert refused.status_code == 422
    assert refused.text.count("There is a problem") == 1


def test_the_public_page_sets_each_answer_beside_what_was_said(two_points, closed, client, official):
    _, keys = two_points
    for key in keys:
        answer(closed, official, **about(closed, key))
    decision = a_decision(closed)
    text = client.get(f"/decisions/{decision.reference}").get_data(as_text=True)
    assert "What people said, and the answers" in text
    assert text.index("It costs shops too much") < text.index("=SUM of costs")
    assert "Not accepted" in text
    given = client.get(f"/decisions/{decision.reference}.json").get_json()["answers"]
    assert [(each["behind"], each["verdict"]) for each in given] == [(2, "reject"), (1, "reject")]


def test_the_official_is_led_from_the_decision_to_what_is_missing(two_points, signed_in, official):
    slug, _ = two_points
    client = signed_in(official)
    text = client.get(f"/staff/regulations/{slug}/decision").get_data(as_text=True)
    assert "2 missing" in text
    assert f'href="{page_of(slug)}"' in text


def test_nothing_is_shown_while_the_split_is_kept_or_the_theme_is_open(app, signed_in, official):
    kept, still_open = (
        a_regulation(a_theme(split=Split.KEPT)),
        a_regulation(a_theme(closes=LATER + LATER.resolution * 9)),
    )
    for regulation, words in ((kept, "once the count is final"), (still_open, "once the theme has closed")):
        a_vote(regulation, text="Nobody may read this yet.")
        text = signed_in(official).get(page_of(regulation.slug)).get_data(as_text=True)
        assert words in text
        assert "Nobody may read this yet." not in text


def test_a_page_of_answers_asks_no_more_questions_the_more_points_there_are(closed, signed_in, official):
    client, address, id = signed_in(official), page_of(closed.slug), closed.id
    a_point_of(closed, *comments_on(closed), by=official)
    few = asked_for(client, address)
    colleague = a_member_of_staff(Role.OFFICIAL)
    for number in range(5):
        regulation = db.session.get_one(Regulation, id)
        a_point_of(regulation, *comments_on(regulation), by=colleague, title=f"Point {number}")
    assert asked_for(client, address) == few <= 10


def asked_for(client, address):
    for _ in range(2):
        db.session.remove()
        with queries_counted() as asked:
            client.get(address)
    return len(asked)


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_others_do_not_answer(closed, signed_in, role):
    client = signed_in(a_member_of_staff(role))
    for more in ("", ".xlsx", ".csv", "/upload", "/elsewhere"):
        assert client.get(page_of(closed.slug, more)).status_code == 403, more
    assert clock.now() == LATER
