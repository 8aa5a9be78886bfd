"""The ballot's two screens, the receipt, and what can be done with a vote, through the browser's door."""

import re
import threading

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from accounts.models import Account
from core import clock
from core.db import db, transaction
from regulations.rules import Split, Stage
from regulations.services import settle
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted
from tests.voting.walking import PUBLIC, first_screen, second_screen, send, sign_in, vote_url
from voting.models import Comment, PendingBallot, Receipt, Vote, VoteDetail
from voting.rules import Choice, ReasonKind


def the_order(page) -> list[str]:
    return re.findall(r'name="choice"\s+type="radio" value="(\w+)"', page.text)


def standing(vote_of: Account | None = None) -> Vote:
    db.session.rollback()
    return db.session.scalars(select(Vote)).one()


def test_the_order_is_announced_and_kept_through_reloads_and_errors_and_stored_with_the_vote(client):
    regulation, voter = a_regulation(), a_voter()
    sign_in(client, voter)
    page = client.get(vote_url(regulation))
    drawn = the_order(page)
    assert sorted(drawn) == ["improve", "keep", "scrap"]
    assert re.search(r"<legend[^>]*>[^<]*drawn by lot", page.text)
    for _ in range(3):
        assert the_order(client.get(vote_url(regulation))) == drawn
    assert the_order(first_screen(client, regulation, text="", order="5")) == drawn
    first_screen(client, regulation, order="5", ballot_order="5")
    assert the_order(client.get(vote_url(regulation))) == drawn
    second_screen(client, regulation)
    from voting.rules import choices_in_order

    assert [str(choice) for choice in choices_in_order(standing().order)] == drawn
    assert the_order(client.get(vote_url(regulation))) == drawn, "a vote opened again to be changed"


def test_every_order_comes_up(app):
    regulation = a_regulation()
    orders = {tuple(the_order(app.test_client().get(vote_url(regulation)))) for _ in range(60)}
    assert len(orders) == 6


def test_the_ballot_shows_neither_tally_nor_how_many_stand_behind_a_reason(client):
    regulation = a_regulation()
    for n in range(3):
        a_vote(regulation, Choice.KEEP, text=f"Reason number {n}")
    comment = db.session.scalars(select(Comment.public_id).order_by(Comment.id)).first()
    for _ in range(2):
        a_vote(regulation, Choice.KEEP, text="", reason_kind=ReasonKind.SUPPORTED, supports=comment)
    settle_the_record()
    page = client.get(vote_url(regulation)).text.partition("<main")[2].partition("</main>")[0]
    assert "Reason number 0" in page
    assert not re.search(r"tally|this is my reason too|\b5\b (people|person)|gave a reason", page)


def test_at_most_five_reasons_a_side_are_offered_below_the_space_to_write(client):
    regulation = a_regulation()
    for n in range(8):
        a_vote(regulation, Choice.KEEP, text=f"Keep it {n}")
        a_vote(regulation, Choice.SCRAP, text=f"Scrap it {n}")
    page = client.get(vote_url(regulation)).text
    for side in ("keep", "scrap"):
        assert len(re.findall(rf'name="supports_{side}"\s+type="radio"\s+value="\w+"', page)) == 5
    assert "supports_improve" not in page
    assert page.index('name="text"') < page.index('name="supports_')


def test_somebody_signed_in_is_counted_at_once_and_sees_the_tally_move(client):
    regulation = a_regulation()
    sign_in(client, a_voter())
    first_screen(client, regulation, choice="improve", direction="stricter", text="Too little is checked.")
    answer = second_screen(client, regulation, capacity="business", organisation="Corner Shop", display_name="Kim")
    assert answer.status_code == 303
    page = client.get(answer.location)
    assert "Counted. Your vote to improve is in." in page.text
    assert "It gets its place within seconds." in page.text
    assert "1 person</strong> has answered" in re.sub(r"\s+", " ", page.text)
    assert "1 of 1 gave a reason" in page.text
    settle_the_record()
    assert "its place is proved" in client.get(answer.location).text
    comment = db.session.scalars(select(Comment)).one()
    assert (comment.display_name, comment.capacity, comment.direction) == ("Kim", "business", "stricter")


def test_a_receipt_is_its_holders_alone(client):
    regulation, voter = a_regulation(), a_voter()
    secret = a_vote(regulation, Choice.KEEP, voter).secret
    answer = client.get(f"/receipts/{secret}")
    headers = answer.headers
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in headers["X-Robots-Tag"]
    assert voter.email not in answer.text
    assert client.get(f"/receipts/{'0' * 32}").status_code == 404
    entry = the_record("vote")[0]["id"]
    assert client.get(f"/receipts/{entry}").status_code == 404
    assert f"/record/{entry}" in answer.text


def test_where_the_split_is_kept_the_receipt_shows_the_vote_and_no_tally(client):
    regulation = a_regulation(a_theme(split=Split.KEPT))
    a_vote(regulation, Choice.SCRAP)
    secret = a_vote(regulation, Choice.KEEP).secret
    page = client.get(f"/receipts/{secret}").text
    assert "Your vote to keep is in" in page
    assert "kept until the window closes" in page
    assert 'id="tally"' not in page


def test_pages_ask_the_database_little_however_many_reasons_there_are(client):
    regulation, voter = a_regulation(), a_voter()
    secret = a_vote(regulation, Choice.KEEP, voter).secret
    sign_in(client, voter)
    client.get("/healthz")  # a process looks once whether the record fits it, with its first answer
    counts = []
    for _ in range(2):
        for n in range(8):
            a_vote(regulation, Choice.KEEP, text=f"Because of {n}")
        for address in (vote_url(regulation), f"/receipts/{secret}"):
            db.session.rollback()
            with queries_counted() as sent:
                assert client.get(address).status_code == 200
            counts.append(len([statement for statement in sent if statement.lstrip().startswith("SELECT")]))
    assert counts[:2] == counts[2:]
    assert max(counts) <= 10


def test_a_vote_can_be_opened_again_filled_in_and_changed(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter, text="It works.")
    sign_in(client, voter)
    page = client.get(vote_url(regulation)).text
    assert re.search(r'value="keep"\s+checked', page)
    assert ">It works.</textarea>" in page
    first_screen(client, regulation, choice="scrap", text="It does not work.")
    answer = second_screen(client, regulation)
    assert "Your vote to scrap is in" in client.get(answer.location).text
    assert (standing().choice, how_many(Vote), len(the_record("vote"))) == ("scrap", 1, 2)


def test_an_old_receipt_says_that_the_vote_was_changed_or_withdrawn(client):
    regulation, voter = a_regulation(), a_voter()
    first = a_vote(regulation, Choice.KEEP, voter).secret
    a_vote(regulation, Choice.SCRAP, voter)
    assert "Changed since" in client.get(f"/receipts/{first}").text
    sign_in(client, voter)
    client.post(vote_url(regulation, "/withdraw"))
    assert "Withdrawn since" in client.get(f"/receipts/{first}").text


def test_withdrawing_asks_first_and_a_second_click_changes_nothing(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    sign_in(client, voter)
    assert "Withdraw your vote?" in client.get(vote_url(regulation, "/withdraw")).text
    assert standing().choice == "keep"
    for _ in range(2):
        answer = client.post(vote_url(regulation, "/withdraw"))
        assert "Your vote is withdrawn" in client.get(answer.location).text
    assert (standing().choice, len(the_record("vote"))) == (None, 2)


def test_withdrawing_and_details_need_a_vote(client):
    regulation = a_regulation()
    assert "/account/sign-in" in client.get(vote_url(regulation, "/withdraw")).location
    sign_in(client, a_voter())
    for step in ("/withdraw", "/details"):
        assert client.get(vote_url(regulation, step)).status_code == 404


def test_details_are_kept_beside_the_vote_and_never_in_the_record(client):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    sign_in(client, voter)
    address, before = vote_url(regulation, "/details"), how_many_entries()
    said = {"subject": "idea", "cost_pounds": "£1,200", "clause": "5(2)", "sector": "retail"}
    answer = client.post(address, data=said)
    assert "is kept with your vote" in client.get(answer.location).text
    kept = db.session.scalars(select(VoteDetail)).one()
    assert (kept.subject, kept.cost_pounds, kept.clause, kept.sector) == ("idea", 1200, "5(2)", "retail")
    assert (kept.cost_hours, kept.nation, how_many_entries()) == (None, None, before)
    assert client.post(address, data={"cost_hours": "3", "subject": ""}).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(VoteDetail)).one().cost_hours == 3


@pytest.mark.parametrize(
    "said",
    [{"cost_pounds": "a lot"}, {"cost_hours": "9" * 25}, {"sector": "xyz"}, {"subject": "xyz"}, {"clause": "x" * 81}],
)
def test_details_that_make_no_sense_are_refused_beside_their_field(client, said):
    regulation, voter = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter)
    answer = sign_in(client, voter).post(vote_url(regulation, "/details"), data={**said, "nation": "wales"})
    assert (answer.status_code, how_many(VoteDetail)) == (422, 0)
    assert "There is a problem" in answer.text
    assert re.search(r'value="wales"\s+selected', answer.text)


def how_many_entries() -> int:
    from audit.models import Entry

    return how_many(Entry)


def test_a_second_try_by_the_same_person_is_one_vote_and_the_same_page(client):
    regulation = a_regulation()
    sign_in(client, a_voter())
    first_screen(client, regulation)
    answers = {second_screen(client, regulation).location for _ in range(3)}
    assert (len(answers), how_many(Vote), how_many(Receipt), len(the_record("vote"))) == (1, 1, 1, 1)


@both_databases
def test_two_clicks_at_once_are_one_vote_and_the_same_page(app):
    regulation, voter = a_regulation(), a_voter()
    client = sign_in(app.test_client(), voter)
    first_screen(client, regulation)
    cookie, address = client.get_cookie("session").value, vote_url(regulation, "/who")
    db.session.remove()
    answers, ready = [], threading.Barrier(4)

    def click():
        with clock.pretending(NOON):
            one = FlaskClient(app, app.response_class)
            one.set_cookie("session", cookie)
            ready.wait()
            answer = one.post(address, data=PUBLIC)
            answers.append((answer.status_code, answer.location))

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1, answers
    assert answers[0][0] == 303
    assert (how_many(Vote), how_many(Receipt), len(the_record("vote")), len(the_record("comment"))) == (1, 1, 1, 1)


def test_going_on_without_a_first_screen_leads_back_to_it(client):
    regulation = a_regulation()
    for answer in (client.get(vote_url(regulation, "/who")), second_screen(client, regulation)):
        assert answer.location == vote_url(regulation)


def test_who_is_asked_a_name_only_for_a_reason_and_an_address_only_when_unknown(client, app):
    regulation = a_regulation()
    first_screen(client, regulation)
    page = client.get(vote_url(regulation, "/who")).text
    assert 'name="display_name"' in page
    assert 'name="email"' in page
    assert "Public for good" in page
    assert "Never public" in page
    assert "not linked to this one by name or number" in page
    assert "Votes confirmed in one go get places close together in the record" in page
    assert "they do not make it" in page
    assert "/help/no-email" in page
    known = sign_in(app.test_client(), a_voter(organisation_name="Corner Shop", capacity="business"))
    first_screen(known, regulation, text="", not_said="y")
    page = known.get(vote_url(regulation, "/who")).text
    assert "display_name" not in page
    assert 'name="email"' not in page
    assert 'value="Corner Shop"' in page


def test_a_ballot_sent_by_a_stranger_is_nowhere_but_waiting(client):
    regulation, before = a_regulation(), how_many_entries()
    answer = send(client, regulation)
    assert answer.location == vote_url(regulation, "/check-email")
    assert "<h1>Not counted yet: check your email</h1>" in client.get(answer.location).text
    with transaction():
        assert (how_many(PendingBallot), how_many(Vote), how_many(Comment)) == (1, 0, 0)
    assert (how_many_entries(), how_many(Account)) == (before, 0)


def test_a_vote_just_before_the_close_is_taken_and_just_after_is_not(client):
    regulation = a_regulation(a_theme(closes=NOON + DAY))
    with clock.pretending(NOON + DAY * 0.999):
        assert first_screen(client, regulation).status_code == 303
    with clock.pretending(NOON + DAY):
        assert first_screen(client, regulation).status_code == 410
        assert second_screen(client, regulation).status_code == 410


def test_signing_in_on_the_way_keeps_who_one_speaks_for(client):
    regulation = a_regulation()
    first_screen(client, regulation)
    typed = {"capacity": "business", "organisation": "Example Bakery", "display_name": "Demo: baker"}
    away = second_screen(client, regulation, sign_in="1", **typed)
    assert (away.status_code, "/account/sign-in?next=" in away.location) == (303, True)
    sign_in(client, a_voter())
    page = client.get(vote_url(regulation, "/who")).text
    assert re.search(r'value="business"[^>]*checked', page)
    assert 'value="Example Bakery"' in page
    assert 'value="Demo: baker"' in page


def test_a_receipt_shows_what_became_public_of_the_reason_and_says_when_it_no_longer_stands(client):
    regulation, voter = a_regulation(), a_voter()
    receipt = a_vote(regulation, voter=voter, text="It keeps my stairs lit.", display_name="Demo: tenant").secret
    page = client.get(f"/receipts/{receipt}").text
    assert "Counted. Your vote to keep is in." in page
    assert "It keeps my stairs lit." in page
    assert "Demo: tenant" in page
    a_vote(regulation, Choice.SCRAP, voter)
    page = client.get(f"/receipts/{receipt}").text
    assert "Changed since: your vote to keep" in page
    assert "Counted. Your vote" not in page


@pytest.mark.parametrize(
    ("stage", "said"),
    [("already_spent", "no longer in force"), ("moved", "in another place"), ("decided", "has been decided")],
)
def test_a_settled_regulation_says_why_it_takes_no_votes(client, stage, said):
    regulation = a_regulation()
    with transaction():
        settle(regulation=regulation, stage=Stage(stage), because="Because.", by="Example Office", now=NOON)
    page = client.get(vote_url(regulation))
    assert (page.status_code, said in page.text) == (410, True)
