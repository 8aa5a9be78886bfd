"""Everyone hears: once, together once a day or as it happens, and with the answer to what they said."""

import re
from datetime import timedelta

from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from audit import followers
from core.db import db, transaction
from decisions.rules import Outcome
from notices.follower import NoticesFollower
from notices.rules import Followed, FollowHow, How
from tests.analysis.making import a_point, put
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_member_of_staff,
    a_vote,
    a_voter,
    settle_the_record,
)
from tests.notices.telling import (
    MORNING,
    a_decided_regulation,
    a_follower,
    a_voted_regulation,
    decide,
    hears,
    mails,
    notices_of,
    tell,
)
from voting.models import Comment
from voting.rules import Choice, ReasonKind
from voting.services import withdraw_vote


@both_databases
def test_everyone_who_voted_hears_the_decision_once_the_next_morning(app):
    decision = a_decided_regulation(voters=3)
    assert mails() == []
    followers.start_again(NoticesFollower())
    settle_the_record()
    tell(MORNING - timedelta(seconds=1))
    assert mails() == [], "a daily mail goes out at its hour"
    tell()
    tell(MORNING + DAY)
    heard = mails("decision")
    assert sorted(mail.recipient for mail in heard) == [f"voter{n}@example.org" for n in range(3)]
    assert len({mail.message_id for mail in heard}) == 3
    assert {mail.cause for mail in heard} == {decision.entry_id}
    assert {mail.subject for mail in heard} == {"Demonstration: Decided: keep – The Workplace Regulations 1992"}


def test_who_wants_to_hear_at_once_does(app):
    hears(a_voter("voter0@example.org"), How.IMMEDIATELY)
    a_decided_regulation(voters=2)
    assert [mail.recipient for mail in mails("decision")] == ["voter0@example.org"]


def test_who_wants_never_to_hear_gets_receipts_alone(app):
    hears(a_voter("voter0@example.org"), How.NEVER)
    a_decided_regulation()
    tell()
    assert mails() == []
    assert len(mails("receipt")) == 1


def test_the_decision_mail_says_how_it_compares_and_leaves_what_they_chose_to_their_own_page(app):
    decision = a_decided_regulation(outcome=Outcome.IMPROVE)
    tell()
    (mail,) = mails("decision")
    for said in (
        "Decided: improve (clearer)", decision.statement, f"/decisions/{decision.reference}", "/my/contributions",
        "Differs from the largest group, who chose keep: 1 of 1.", "approved by",
    ):  # fmt: skip
        assert said in mail.text, said
    assert "Decided: improve (clearer)" in mail.html
    assert "You voted on" in mail.text
    assert not re.search(r"you (voted|chose|said)[^.]{0,40}\b(keep|scrap|improve)\b", mail.text, re.IGNORECASE)


def test_the_decision_mail_quotes_the_readers_own_words_the_point_they_were_counted_in_and_the_answer(app):
    regulation = a_voted_regulation(text="Our hall had to close for a week.", reason_kind=ReasonKind.WRITTEN)
    official = a_member_of_staff(Role.OFFICIAL)
    (comment,) = db.session.scalars(select(Comment))
    put(a_point(regulation, official, title="It costs small halls too much"), comment, by=official)
    decision = decide(regulation)
    tell()
    (mail,) = mails("decision")
    assert "“Our hall had to close for a week.”" in mail.text
    assert "Our hall had to close for a week." in mail.html
    assert "It was counted in the point:\n\n  “It costs small halls too much”" in mail.text
    assert "The answer: accepted in part:\n\n  “We have weighed this, and say so here.”" in mail.text
    assert f"/decisions/{decision.reference}" in mail.text
    assert f"/my/contributions/{regulation.slug}" in mail.text


def test_a_demonstration_says_so_in_every_part(app):
    a_decided_regulation()
    tell()
    (mail,) = mails("decision")
    assert mail.subject.startswith("Demonstration: ")
    assert "no such decision was made" in mail.text
    assert "no such decision was made" in mail.html


def test_who_withdrew_or_left_no_address_is_not_written_to(app):
    regulation = a_voted_regulation(voters=0)
    stays, withdrew, gone = (a_voter(f"{name}@example.org") for name in ("stays", "withdrew", "gone"))
    for voter in (stays, withdrew, gone):
        a_vote(regulation, Choice.KEEP, voter)
    with transaction():
        withdraw_vote(voter=withdrew, regulation=regulation, now=NOON)
    decide(regulation)
    with transaction():
        db.session.get_one(Account, gone.id).email = None
    tell()
    assert [mail.recipient for mail in mails("decision")] == ["stays@example.org"]


def test_a_later_decision_is_told_as_one_that_takes_an_earlier_ones_place(app):
    regulation = a_voted_regulation()
    decide(regulation)
    tell()
    a_decision(regulation, Outcome.SCRAP, now=NOON + 60 * DAY)
    tell(MORNING + DAY)
    first, second = mails("decision")
    assert ("takes the place" in first.text, "takes the place" in second.text) == (False, True)


def test_two_decisions_of_a_day_come_as_one_mail_with_everything(app):
    voter = a_voter("voter0@example.org")
    one, other = a_voted_regulation(title="The First Regulations"), a_voted_regulation(title="The Other Regulations")
    decide(one)
    decide(other)
    tell()
    (mail,) = mails()
    assert mail.subject == "Demonstration: 2 pieces of news on regulations"
    assert "The First Regulations" in mail.text
    assert "The Other Regulations" in mail.html
    assert all(notice.told_at == MORNING for notice in notices_of(voter))


def test_a_worker_that_was_down_for_days_loses_nothing_and_tells_it_in_one_mail(app):
    decide(a_voted_regulation(title="The First Regulations"))
    decide(a_voted_regulation(title="The Other Regulations"))
    tell(MORNING + 3 * DAY)
    (mail,) = mails()
    assert "The First Regulations" in mail.text
    assert "The Other Regulations" in mail.text


def test_what_comes_too_late_for_the_days_mail_waits_for_the_next_one(app):
    decide(a_voted_regulation(title="The First Regulations"))
    tell()
    decide(a_voted_regulation(title="The Other Regulations"))
    tell(MORNING + timedelta(minutes=1))
    assert len(mails()) == 1, "one mail a day"
    tell(MORNING + DAY)
    assert ["The Other" in mail.subject for mail in mails()] == [False, True]


def test_nobody_is_written_to_when_there_is_nothing_to_tell(app):
    a_voted_regulation()
    settle_the_record()
    tell()
    assert mails() == []


def test_each_mail_names_its_own_way_out_and_the_subject_never_a_vote(app):
    a_decided_regulation(voters=2)
    tell()
    ways = {mail.unsubscribe_url for mail in mails()}
    assert len(ways) == 2
    for mail in mails():
        assert mail.unsubscribe_url in mail.text
        assert mail.unsubscribe_url in mail.html
    assert {mail.unsubscribe_url for mail in mails("receipt")} == {None}, "a receipt is no notice"


@both_databases
def test_a_follower_of_one_thing_can_hear_of_it_at_once_and_of_the_rest_once_a_day(app):
    soon, later = a_voted_regulation(title="The Soon Regulations"), a_voted_regulation(title="The Later Regulations")
    ada = a_follower(Followed.REGULATION, soon.slug, how=FollowHow.IMMEDIATELY)
    a_follower(Followed.THEME, later.theme.slug)
    decide(soon)
    decide(later)
    assert [(mail.recipient, "Soon" in mail.subject) for mail in mails("decision")] == [(ada.email, True)]
    tell()
    assert [mail.subject for mail in mails() if mail.recipient == ada.email][1:] == [
        "Demonstration: Decided: keep – The Later Regulations"
    ]


def test_who_follows_and_took_part_is_told_once(app):
    regulation = a_voted_regulation()
    voter = a_follower(Followed.REGULATION, regulation.slug, "voter0@example.org")
    a_follower(Followed.DEPARTMENT, regulation.department.slug, "voter0@example.org")
    decide(regulation)
    tell()
    assert len(mails()) == 1
    assert [notice.because for notice in notices_of(voter)] == ["follows"]
