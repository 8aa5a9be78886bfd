"""The pages on which staff enter what people without email say."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from accounts.models import AssistedPerson
from accounts.rules import Role
from core import clock
from core.db import db
from regulations.rules import Split
from tests.factories import (
    DAY,
    NOON,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
)
from tests.voting.test_assisted import ADA, entered
from tests.voting.walking import sign_in
from voting.models import AssistedAnswer, Receipt, Vote
from voting.rules import Choice

TYPED = {
    "choice": "improve",
    "direction": "lighter",
    "text": "The form asks twice for the same thing.",
    "capacity": "public",
    "name": "Ada Wintergreen",
    "contact": "LS1 4AP",
    "how": "phone",
}
SEND = {"send": "yes", "read_back": "y"}


def url(regulation, step=""):
    return f"/staff/assist/{regulation.slug}{step}"


@pytest.fixture
def desk(app):
    return sign_in(app.test_client(), a_member_of_staff(Role.OFFICIAL, "Example Desk"))


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.MODERATOR, 200),
        (Role.OFFICIAL, 200),
        (Role.ADMINISTRATOR, 200),
        (Role.ANALYST, 403),
        (Role.PARTICIPANT, 403),
        (None, 303),
    ],
)
def test_who_may_open_the_pages(app, role, status):
    regulation, client = a_regulation(), app.test_client()
    receipt = entered(regulation)
    if role is not None:
        sign_in(client, a_voter() if role is Role.PARTICIPANT else a_member_of_staff(role))
    for page in (
        "/staff/assist",
        url(regulation),
        url(regulation, "/withdraw"),
        f"/staff/assist/counted/{receipt.secret}",
    ):
        assert client.get(page).status_code == status, page
    if status == 403:
        assert client.post(url(regulation), data={**TYPED, **SEND}).status_code == 403


def test_an_answer_is_entered_read_back_and_counted(desk):
    regulation = a_regulation()
    page = desk.get(url(regulation)).text
    assert regulation.sentence in page
    assert "drawn by lot" in page
    assert desk.get(url(regulation)).text.count('value="scrap"') == 1
    check = desk.post(url(regulation), data=TYPED)
    assert (check.status_code, how_many(Vote)) == (200, 0)
    for said in ("Public for good", "Never public", "The form asks twice", "Ada Wintergreen", "LS1 4AP", "lighter"):
        assert said in check.text
    unticked = desk.post(url(regulation), data={**TYPED, "send": "yes"})
    assert (unticked.status_code, how_many(Vote)) == (422, 0)
    assert "Read it back first" in unticked.text
    sent = desk.post(url(regulation), data={**TYPED, **SEND})
    assert sent.status_code == 303
    done = desk.get(sent.location).text
    secret = db.session.scalars(select(Receipt.secret)).one()
    assert f"/receipts/{secret}" in done
    assert db.session.scalars(select(AssistedAnswer.office)).one() == "Example Desk"


def test_the_receipt_promises_no_mail(desk):
    regulation = a_regulation()
    page = desk.get(f"/receipts/{entered(regulation).secret}").text
    assert "Checked by staff" in page
    assert not re.search(r"we email", page, re.IGNORECASE)
    assert f"/regulations/{regulation.slug}/vote" not in page, "that would be the ballot of whoever looks"
    theirs = desk.get(f"/receipts/{a_vote(regulation).secret}").text
    assert "We email it to you as well" in theirs


def test_the_order_is_drawn_for_each_ballot_and_kept_while_it_is_filled_in(desk):
    regulation = a_regulation()
    first = [desk.get(url(regulation)).text.index(f'value="{choice}"') for choice in Choice]
    wrong = desk.post(url(regulation), data={**TYPED, "name": ""}).text
    again = [wrong.index(f'value="{choice}"') for choice in Choice]
    assert sorted(range(3), key=first.__getitem__) == sorted(range(3), key=again.__getitem__)
    for number in range(30):
        answer = desk.post(url(regulation), data={**TYPED, **SEND, "name": f"Person {chr(65 + number)}a"})
        assert answer.status_code == 303
    orders = set(db.session.scalars(select(Vote.order)))
    assert len(orders) > 2


def test_what_takes_the_place_of_an_earlier_answer_or_may_be_counted_twice_is_said(desk):
    regulation = a_regulation()
    entered(regulation, Choice.KEEP)
    assert "they said: keep" in desk.post(url(regulation), data=TYPED).text
    other = desk.post(url(regulation), data={**TYPED, "contact": "0113 496 0000"}).text
    assert "Somebody of this name is counted here already" in other
    assert "LS1 4AP" in other


@pytest.mark.parametrize("split", list(Split))
def test_no_page_shows_how_others_chose(desk, split):
    regulation = a_regulation(a_theme(split=split))
    for _ in range(7):
        a_vote(regulation, Choice.SCRAP, text="")
    settle_the_record()
    secret = entered(regulation).secret
    pages = [desk.get(url(regulation)), desk.post(url(regulation), data=TYPED)]
    pages += [desk.get(f"/staff/assist/counted/{secret}"), desk.get("/staff/assist?regulation=example")]
    for page in pages:
        main = page.text.partition("<main")[2]
        assert "tally" not in main
        assert not re.search(r"\b[78] (people|scrap)", main)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"choice": ""}, "Choose scrap, improve or keep."),
        ({"choice": "burn"}, "Choose scrap, improve or keep."),
        ({"direction": ""}, "Say which way to improve it"),
        ({"text": ""}, "Say why you would improve"),
        ({"text": "x" * 5001}, "1 too long"),
        ({"not_said": "y"}, "Keep one of the two"),
        ({"capacity": "king"}, "Say who they speak for."),
        ({"capacity": "charity"}, "Enter the name of the organisation"),
        ({"capacity": "charity", "organisation": "Kindness\x00 Trust"}, "Check first that they speak for"),
        ({"name": ""}, "Enter their first and last name."),
        ({"name": "…"}, "Enter their first and last name."),
        ({"name": "A" * 121}, "1 too long"),
        ({"contact": "round the corner"}, "Enter a postcode such as"),
        ({"how": ""}, "Say how it came."),
        ({"how": "pigeon"}, "Say how it came."),
        ({"how": "letter"}, "Enter the day on which the letter arrived."),
        ({"how": "letter", "received_on": "yesterday"}, "Enter a real day"),
        ({"how": "letter", "received_on": "0001-01-01"}, "before this theme opened"),
        ({"how": "letter", "received_on": "9999-12-31"}, "That day has not come yet"),
    ],
)
def test_bad_input_is_said_beside_the_field_and_keeps_what_was_typed(desk, said, sentence):
    typed = {**TYPED, "text": "The form asks twice. 🙂", **said}
    answer = desk.post(url(a_regulation()), data={**typed, **SEND})
    assert (answer.status_code, how_many(Vote), how_many(AssistedPerson)) == (422, 0, 0)
    assert sentence in answer.text
    for field in ("text", "name", "contact"):
        assert typed[field] in answer.text
    if typed.get("received_on"):
        assert typed["received_on"] in answer.text


def test_going_back_to_change_something_keeps_everything(desk):
    page = desk.post(url(a_regulation()), data={**TYPED, "change": "yes"})
    assert page.status_code == 200
    for kept in (TYPED["text"], TYPED["name"], TYPED["contact"]):
        assert kept in page.text
    assert 'class="govuk-error' not in page.text


def test_after_the_close_only_letters_are_taken_and_the_page_says_so(desk):
    theme = a_theme(closes=NOON + timedelta(hours=1))
    regulation = a_regulation(theme)
    with clock.pretending(NOON + timedelta(hours=2)):
        assert "Only letters that arrived by then" in desk.get(url(regulation)).text
        spoken = desk.post(url(regulation), data={**TYPED, **SEND})
        assert (spoken.status_code, TYPED["text"] in spoken.text) == (410, True)
        letter = {"how": "letter", "received_on": clock.uk_day(NOON).isoformat()}
        assert desk.post(url(regulation), data={**TYPED, **SEND, **letter}).status_code == 303
    with clock.pretending(NOON + 3 * DAY):
        page = sign_in(desk, a_member_of_staff(Role.OFFICIAL)).get(url(regulation)).text
        assert "Nothing can be entered" in page
        assert "<form" not in page.partition("<main")[2]


def test_a_regulation_is_found_by_citation_address_or_title_while_it_can_be_answered(desk):
    regulation = a_regulation(title="Bread and Flour (Example) Regulations 1992")
    closed = a_regulation(a_theme(closes=NOON - 3 * DAY), title="Flour (Closed) Regulations 1990")
    number = regulation.citation
    for words in (regulation.slug, number.official, f"{number.year}/{number.number}", "flour BREAD"):
        answer = desk.get("/staff/assist", query_string={"regulation": words})
        assert (answer.status_code, answer.location) == (303, url(regulation)), words
    for words in (closed.slug, "50%_off", "\x00", "ssi 1992/1", f"ssi {number.year}/{number.number}", "x" * 5000):
        assert desk.get("/staff/assist", query_string={"regulation": words}).status_code == 200
    assert desk.get("/staff/assist/no-such-regulation").status_code == 404
    assert desk.get("/staff/assist/counted/no-such-receipt").status_code == 404
    theirs = a_vote(regulation).secret
    assert desk.get(f"/staff/assist/counted/{theirs}").status_code == 404


def test_it_is_withdrawn_on_a_page_of_its_own(desk):
    regulation = a_regulation()
    entered(regulation)
    asked = {"name": ADA.name, "contact": ADA.contact, "how": "phone"}
    assert desk.post(url(regulation, "/withdraw"), data=asked).status_code == 422
    stranger = desk.post(url(regulation, "/withdraw"), data={**asked, "name": "Bea Lark", "agreed": "y"})
    assert (stranger.status_code, "Bea Lark" in stranger.text) == (422, True)
    answer = desk.post(url(regulation, "/withdraw"), data={**asked, "agreed": "y"})
    assert "no longer counts" in desk.get(answer.location).text
    db.session.rollback()
    assert db.session.scalars(select(Vote.choice)).one() is None


def test_help_says_what_is_so(client):
    page = client.get("/help/no-email").text
    for promise in ("checked by staff", "read it back", "private", "withdraw"):
        assert promise in page
