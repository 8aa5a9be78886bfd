"""Following, choosing how, and stopping from within a mail; and what staff see of it."""

import re

import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from core.config import ROOT
from core.db import db, transaction
from core.mail import Mail
from core.sending import deliver_due
from notices.models import Follow, Hearing, Notice
from notices.rules import MOST_SEARCHES, Followed, How
from tests.factories import NOON, a_frozen_theme, a_member_of_staff, a_regulation, a_voter, how_many, its_session
from tests.notices.telling import (
    a_decided_regulation,
    a_follower,
    a_voted_regulation,
    go_overdue,
    hears,
    mails,
    notices_of,
    tell,
)
from tests.queries_counted import queries_counted


@pytest.fixture
def browser(app):
    """Signed in as somebody."""

    def open_as(account: Account):
        client = app.test_client()
        with client.session_transaction("/account/sign-in") as session:
            session.update(its_session(account))
        return client

    return open_as


def follows(account: Account) -> list[tuple[str, str, str]]:
    db.session.rollback()
    found = db.session.scalars(select(Follow).filter_by(account_id=account.id).order_by(Follow.id))
    return [(row.kind, row.key, row.how) for row in found]


def way_out(account: Account) -> str:
    db.session.rollback()
    return f"/account/notices/stop/{db.session.get_one(Hearing, account.id).secret}"


def how_of(account: Account) -> str:
    db.session.rollback()
    return db.session.get_one(Hearing, account.id).how


@pytest.mark.parametrize("path", ["/regulations/{slug}", "/themes/{theme}", "/regulations?department={department}"])
def test_each_page_of_what_can_be_followed_leads_to_following_it(client, browser, path):
    regulation, ada = a_regulation(), a_voter()
    given = {"slug": regulation.slug, "theme": regulation.theme.slug, "department": regulation.department.slug}
    page = client.get(path.format(**given)).text
    link = re.search(r'href="(/account/follow\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert "/account/sign-in" in client.get(link).headers["Location"], "nobody follows without an address"
    mine = browser(ada)
    assert mine.get(link).status_code == 200
    assert mine.post(link, data={"how": "immediately"}).headers["Location"] == "/account/notices?saved=1"
    ((kind, key, how),) = follows(ada)
    assert (key in given.values(), how) == (True, "immediately")
    assert kind in ("regulation", "theme", "department")


def test_following_again_changes_how_and_ending_ends_it(browser):
    regulation, ada, other = a_regulation(), a_voter(), a_voter()
    mine, path = browser(ada), f"/account/follow?kind=regulation&key={regulation.slug}"
    for how in ("as_set", "daily"):
        mine.post(path, data={"how": how})
    assert follows(ada) == [("regulation", regulation.slug, "daily")]
    page = mine.get("/account/notices").text
    assert regulation.title in page
    assert f'href="/regulations/{regulation.slug}/history.atom"' in page
    end = re.search(r'action="(/account/follows/\d+/end)"', page)[1]
    browser(other).post(end)
    assert len(follows(ada)) == 1, "nobody ends what another follows"
    assert mine.post(end).status_code == mine.post(end).status_code == 303
    assert follows(ada) == []


def test_one_search_too_many_is_refused_beside_the_question(browser):
    ada = a_voter()
    for n in range(MOST_SEARCHES):
        a_follower(Followed.SEARCH, f"q=word{n}", ada.email)
    answer = browser(ada).post("/account/follow?kind=search&key=q%3Done+more", data={"how": "daily"})
    assert answer.status_code == 422
    assert "You follow 20 searches, which is as many as we can look for." in answer.text
    assert len(follows(ada)) == MOST_SEARCHES


@pytest.mark.parametrize(
    ("kind", "key", "feed"),
    [
        ("theme", "{theme}", "/regulations.atom?theme="),
        ("department", "{department}", "/regulations.atom?department="),
        ("search", "q=clean", "/regulations.atom?q=clean"),
        ("regulation", "{slug}", "/history.atom"),
        ("themes", "", "/record.atom?type=theme"),
    ],
)
def test_each_followed_thing_has_a_feed_that_asks_for_no_address(browser, client, kind, key, feed):
    regulation = a_regulation()
    given = {"slug": regulation.slug, "theme": regulation.theme.slug, "department": regulation.department.slug}
    page = browser(a_voter()).get("/account/follow", query_string={"kind": kind, "key": key.format(**given)}).text
    address = next(href.replace("&amp;", "&") for href in re.findall(r'href="([^"]+\.atom[^"]*)"', page))
    assert feed in address
    assert client.get(address).mimetype == "application/atom+xml"


@pytest.mark.parametrize(
    "asked", ["", "kind=regulation&key=none", "kind=pope&key=x", "kind=search&key=", "kind=themes&key=x",
              "kind=theme&key=%00", "kind=search&key=%00"],
)  # fmt: skip
def test_what_there_is_not_cannot_be_followed(browser, asked):
    assert browser(a_voter()).get(f"/account/follow?{asked}").status_code == 404


def test_an_answer_that_was_not_offered_is_refused_beside_the_question(browser):
    regulation, ada = a_regulation(), a_voter()
    answer = browser(ada).post(f"/account/follow?kind=regulation&key={regulation.slug}", data={"how": "hourly"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    assert follows(ada) == []


def test_people_choose_how_they_hear_and_daily_is_what_stands(browser):
    ada = a_voter()
    mine = browser(ada)
    page = mine.get("/account/notices").text
    assert re.search(r'value="daily"\s+checked', page)
    assert "You follow nothing yet" in page
    mine.post("/account/notices", data={"how": "never"})
    assert how_of(ada) == How.NEVER
    assert re.search(r'value="never"\s+checked', mine.get("/account/notices").text)
    assert "Never" in mine.get("/account").text


def test_looking_at_the_way_out_ends_nothing_and_one_press_without_a_session_ends_all(app, client):
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        ada = a_voter("voter0@example.org")
        a_decided_regulation()
        tell()
        (mail,) = mails()
        path = mail.unsubscribe_url.removeprefix("http://127.0.0.1:8000")
        assert path == way_out(ada)
        for _ in range(2):
            answer = client.get(path)
            assert answer.status_code == 200
            assert "Stop all mail" in answer.text
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert how_of(ada) == How.DAILY
        answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
        assert how_of(ada) == How.NEVER
        assert client.post(path).status_code == 200, "pressing it twice is no fault"
        assert "stopped already" in client.get(path).text
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_way_out_also_ends_what_waits_to_be_told(client):
    ada = a_voter("voter0@example.org")
    a_decided_regulation()
    with transaction():
        hearing = Hearing(account_id=ada.id, how=How.DAILY, secret="a-secret")
        db.session.add(hearing)
    assert len(notices_of(ada)) == 1
    client.post("/account/notices/stop/a-secret")
    db.session.rollback()
    assert notices_of(ada) == []


@pytest.mark.parametrize("by", ["link", "account"])
def test_what_was_written_and_has_not_left_yet_is_stopped_too(client, browser, by):
    ada = hears(a_voter("voter0@example.org"), How.IMMEDIATELY)
    other = hears(a_voter("voter1@example.org"), How.IMMEDIATELY)
    a_decided_regulation(voters=2)
    assert {mail.recipient for mail in mails()} == {ada.email, other.email}
    if by == "link":
        client.post(way_out(ada))
    else:
        browser(ada).post("/account/notices", data={"how": "never"})
    db.session.rollback()
    assert {mail.recipient for mail in mails()} == {other.email}
    assert len(mails("receipt")) == 2, "a receipt is no notice"


def test_what_has_left_stays_known_so_that_it_is_not_written_again(client):
    ada = hears(a_voter("voter0@example.org"), How.IMMEDIATELY)
    a_decided_regulation()
    while deliver_due(NOON):
        pass
    client.post(way_out(ada))
    db.session.rollback()
    assert len(mails()) == 1


def test_the_mail_says_truly_how_many_presses_it_takes():
    for kind in ("txt", "html"):
        said = (ROOT / f"templates/mail/notices.{kind}").read_text("utf-8")
        assert "press the button" in said
        assert "one click" not in said


def test_a_link_that_is_nobodys_says_so(client):
    for answer in (client.get("/account/notices/stop/nobody"), client.post("/account/notices/stop/nobody")):
        assert answer.status_code == 410
        assert "belongs to no address" in answer.text


def test_an_address_that_is_set_aside_is_shown_so_to_its_holder(browser):
    ada = hears(a_voter(), How.DAILY)
    with transaction():
        db.session.get_one(Hearing, ada.id).bounced_at = NOON
    mine = browser(ada)
    assert "comes back" in mine.get("/account").text
    assert "refused our mail" in mine.get("/account/notices").text


def test_staff_see_how_far_everybody_has_been_told(browser):
    decision = a_decided_regulation(voters=3)
    hears(a_voter("soon@example.org"), How.IMMEDIATELY)
    desk = browser(a_member_of_staff(Role.OFFICIAL))
    waiting = desk.get("/staff/notices").text
    assert decision.regulation.title in waiting
    assert re.search(r'stats__number">3</span> <span class="stats__label">wait', waiting)
    tell()
    assert how_many(Notice) == 3
    assert re.search(r'class="number">3</td>\s*<td class="number">3</td>', desk.get("/staff/notices").text)


def test_staff_see_how_many_letters_left_wait_and_were_refused(browser):
    for name in ("voter0", "voter1", "voter2"):
        hears(a_voter(f"{name}@example.org"), How.IMMEDIATELY)
    a_decided_regulation(voters=3)
    sent, refused, _ = mails()
    with transaction():
        db.session.get_one(Mail, sent.id).sent_at = NOON
        db.session.get_one(Mail, refused.id).failed_at = NOON
    page = browser(a_member_of_staff(Role.OFFICIAL)).get("/staff/notices").text
    for label in ("letters sent today", "letters wait to be sent", "letters refused today"):
        assert re.search(rf'stats__number">1</span> <span class="stats__label">{label}', page), label


def test_what_is_told_of_a_theme_names_the_theme(browser):
    regulation = a_voted_regulation()
    a_frozen_theme(regulation.theme)
    go_overdue(regulation.theme)
    page = browser(a_member_of_staff(Role.OFFICIAL)).get("/staff/notices").text
    theme = db.session.merge(regulation).theme
    assert f'Decisions overdue: <a href="/themes/{theme.slug}">{theme.title}</a>' in page


@pytest.mark.parametrize(("role", "status"), [(None, 403), (Role.MODERATOR, 200), (Role.ANALYST, 200)])
def test_only_staff_see_that(browser, role, status):
    account = a_member_of_staff(role) if role else a_voter()
    assert browser(account).get("/staff/notices").status_code == status


def test_the_list_of_follows_takes_few_questions_however_long_it_is(browser):
    ada = a_voter("ada@example.org")
    regulations = [a_regulation() for _ in range(6)]
    a_follower(Followed.SEARCH, "q=clean", ada.email)
    counted = []
    for some in (regulations[:1], regulations[1:]):
        for regulation in some:
            a_follower(Followed.REGULATION, regulation.slug, ada.email)
            a_follower(Followed.THEME, regulation.theme.slug, ada.email)
        mine = browser(ada)
        with queries_counted() as sent:
            mine.get("/account/notices")
        counted.append(len(sent))
    assert counted[0] == counted[1] <= 10
