"""What is deleted when somebody asks for it, what stays, and that the record bears it out afterwards."""

import re
from pathlib import Path

import pytest
from flask import current_app
from sqlalchemy import select

from accounts import services as accounts
from accounts.models import Account
from accounts.rules import Capacity, Role
from audit.entries import Erasure
from audit.models import Entry, Opening
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import Gone, NotAllowed
from core.mail import Mail
from core.sending import deliver_due
from decisions.evidence import cited_in
from decisions.queries import decision_with
from decisions.services import decision_digest
from opendata.checking import check
from regulations.models import Regulation
from regulations.rules import Split
from search import queries as search
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from voting.assisted import How, Person, cast_for
from voting.erasure import erase_person, held_of
from voting.models import Comment, Pseudonym, Receipt, Vote
from voting.moderation import comment_to_moderate, comments_to_moderate, hide_comment
from voting.organisations import confirm_organisation, unchecked_organisations
from voting.queries import comment_by, reasons_of, standing_vote, tally_of
from voting.rules import Choice, Details, ErasureBasis, ModerationRule, ReasonKind
from voting.services import cast_vote, keep_details, withdraw_vote

LATER = NOON + 30 * DAY
EMAIL, NAME, FIRST, WORDS = "zelda@zanzibar.example", "Zelda Quagga", "Xylophones rust.", "Zeppelins leak terribly."


def erase(account: Account, now=LATER, basis=ErasureBasis.REQUEST) -> None:
    with transaction():
        erase_person(account=account, basis=basis, now=now)
    settle_the_record()


def read(client, address: str) -> str:
    """The page as somebody reads it, with plain spaces."""
    text = client.get(address).text.replace("&nbsp;", " ").replace("\xa0", " ")
    return re.sub(r"</?time[^>]*>", "", text)


def zelda(**given) -> Account:
    return a_voter(EMAIL, **given)


def a_closed_regulation_with_zelda(**theme) -> Regulation:
    """She gave one reason, then another, with details and a name; the window has closed and the count is final."""
    matter = a_theme(**theme)
    regulation, voter = a_regulation(matter), zelda()
    a_vote(regulation, Choice.KEEP, voter, text=FIRST, display_name=NAME)
    a_vote(regulation, Choice.SCRAP, voter, text=WORDS, display_name=NAME)
    with transaction():
        details = Details(clause="Quixotic clause 7")
        keep_details(voter=voter, regulation=regulation, details=details, now=NOON)
    a_frozen_theme(matter)
    return regulation


def everything_held() -> list[tuple[str, object]]:
    """Every value of every table, and every file of the data folder but the database itself."""
    db.session.rollback()
    held: list[tuple[str, object]] = []
    for table in db.metadata.sorted_tables:
        held += [(table.name, value) for row in db.session.execute(table.select()) for value in row]
    folder = Path(current_app.config["DATA_DIR"])
    files = [path for path in folder.rglob("*") if path.is_file() and "regulation-review.sqlite" not in path.name]
    return held + [(path.name, path.read_bytes()) for path in files]


def where_is(*needles: str | bytes) -> set[str]:
    """In which tables and files any of these stands, in letters or in bytes."""
    found = set()
    for where, value in everything_held():
        raw = value if isinstance(value, bytes) else str(value).encode()
        for needle in needles:
            sought = needle if isinstance(needle, bytes) else needle.encode()
            if sought.lower() in raw.lower():
                found.add(where)
    return found


def salts_of(account: Account, kept: bool = False) -> list[bytes]:
    """Of her pseudonyms and reasons; those of her votes in a theme that keeps its split are not among them."""
    comments = select(Entry.id).where(Entry.type == "comment", Entry.about_id.in_(_comments_of(account)))
    of_texts = db.session.scalars(select(Opening.salt).where(Opening.entry_id.in_(comments))).all()
    of_lines = db.session.scalars(select(Pseudonym.salt).filter_by(account_id=account.id)).all()
    found = [salt for salt in (*of_texts, *of_lines) if salt]
    assert found
    return found


def _comments_of(account: Account):
    return select(Comment.id).filter_by(account_id=account.id)


def the_record_is_whole() -> None:
    """A stranger verifies it, and the database still says what it says."""
    db.session.rollback()
    found = check(log_folder())
    assert (found.wrong, found.waits) == ([], "")
    assert found.counts


@both_databases
def test_after_an_erasure_nothing_of_a_person_is_left_anywhere(app):
    still_open = a_regulation(a_theme(closes=LATER + DAY))
    regulation = a_closed_regulation_with_zelda()
    a_vote(still_open, Choice.KEEP, zelda(), now=LATER, text="Quokkas adore it.", display_name=NAME)
    account = zelda()
    with transaction():
        accounts.send_way_in(email=EMAIL, about=None, confirm_url="c{secret}", not_me_url="n{secret}", now=LATER)
    settle_the_record()
    salts = salts_of(account)
    secrets = list(db.session.scalars(select(Receipt.secret)))
    needles = [EMAIL, "zelda", "zanzibar", NAME, "quagga", "xylophone", "zeppelin", "quokka", "quixotic"]
    needles += [*salts, *(salt.hex() for salt in salts), *secrets]
    assert {"account", "comment", "opening", "pseudonym", "mail", "receipt", "vote_detail"} <= where_is(*needles)
    assert search.matching_comments("zeppelins", regulation.id)
    erase(account)
    assert where_is(*needles) == {"mail"}, "until the letter that says so is away"
    deliver_due(LATER)
    assert where_is(*needles) == set()
    assert not search.matching_comments("zeppelins", regulation.id)
    the_record_is_whole()


@both_databases
def test_votes_in_open_windows_are_withdrawn_and_those_in_closed_ones_stand(app):
    closed, still_open = a_closed_regulation_with_zelda(), a_regulation(a_theme(closes=LATER + DAY))
    a_vote(still_open, Choice.KEEP, zelda(), text="Mine.")
    settle_the_record()
    held = held_of(zelda(), LATER)
    assert (held.votes, held.open_votes, held.comments) == (2, 1, 2)
    erase(zelda())
    assert (tally_of(closed.id).scrap, tally_of(closed.id).participants) == (1, 1)
    assert (tally_of(still_open.id).participants, tally_of(still_open.id).reasons) == (0, 0)
    assert [said.get("withdrawn") for said in the_record("vote") if said["item"] == still_open.slug] == [None, True]


def test_each_text_and_each_vote_that_goes_has_its_line(app):
    regulation, account = a_closed_regulation_with_zelda(), zelda()
    erase(account, basis=ErasureBasis.COURT)
    comments = [said["id"] for said in the_record("comment")]
    votes = [said["id"] for said in the_record("vote")]
    erasures = the_record(Erasure.type)
    assert [said["target"] for said in erasures] == [*comments, votes[-1]]
    assert {(said["basis"], said["item"]) for said in erasures} == {("court", regulation.slug)}
    assert len(comments) == len(votes) == 2


def test_an_erased_reason_keeps_its_place_without_its_words_and_says_when_and_why(app, client):
    regulation = a_closed_regulation_with_zelda()
    a_vote(a_regulation(), Choice.KEEP)
    erase(zelda())
    (reason,) = reasons_of(regulation.id)
    assert (reason.text, reason.display_name, reason.is_readable, reason.erased_at) == ("", "", False, LATER)
    page = read(client, f"/regulations/{regulation.slug}/comments")
    assert "were deleted for good on 1 April 2026, because the person asked for it" in page
    assert f"/record/{the_record(Erasure.type)[1]['id']}" in page
    (row,) = client.get(f"/regulations/{regulation.slug}/comments.json").json
    assert (row["text"], row["erased_on"], row["who"]) == (None, "2026-04-01", "Member of the public")
    assert row["erased_because"] == "because the person asked for it"
    assert "2026-04-01" in client.get(f"/regulations/{regulation.slug}/comments.csv").text
    line = client.get(f"/record/{reason.entry_id}").text
    assert "deleted for good" in line
    assert WORDS not in line
    assert comments_to_moderate(status="", slug=regulation.slug, offset=0, limit=9) == []
    assert tally_of(regulation.id).comments == 0


def test_a_decision_that_cites_an_erased_reason_stands_as_it_was_published(app, client):
    regulation = a_closed_regulation_with_zelda()
    cited = comment_by(zelda(), regulation).public_id
    decision = a_decision(regulation, cited_comments=(cited,))
    digest = decision_digest(decision)
    erase(zelda())
    assert decision_digest(decision_with(decision.reference)) == digest == the_record("decision")[0]["statement_sha256"]
    (piece, _) = cited_in(decision_with(decision.reference))
    assert (piece.side, piece.reason.erased_at, piece.reason.text) == ("scrap", LATER, "")
    page = read(client, f"/decisions/{decision.reference}")
    assert "deleted for good on 1 April 2026" in page
    assert WORDS not in page
    the_record_is_whole()


def test_an_erased_reason_can_be_cited_no_more_nor_stood_behind(app):
    regulation = a_closed_regulation_with_zelda()
    cited = comment_by(zelda(), regulation).public_id
    erase(zelda(), now=NOON + 12 * DAY)
    with pytest.raises(Exception, match="hidden, withdrawn or erased by now"):
        a_decision(regulation, cited_comments=(cited,))


@both_databases
def test_who_votes_again_with_the_same_address_is_somebody_new(app):
    regulation = a_regulation(a_theme(closes=LATER + DAY))
    before = a_vote(regulation, Choice.KEEP, zelda()).vote.account_id
    erase(zelda())
    after = zelda()
    a_vote(regulation, Choice.SCRAP, after, now=LATER)
    settle_the_record()
    assert after.id != before
    first, _, again = the_record("vote")
    assert (again["voter"] != first["voter"], "prev" in again) == (True, False)
    assert (tally_of(regulation.id).scrap, tally_of(regulation.id).participants) == (1, 1)
    the_record_is_whole()


@both_databases
def test_in_a_kept_split_the_votes_can_still_be_counted_and_nothing_else_be_read(app):
    regulation = a_closed_regulation_with_zelda(split=Split.KEPT)
    votes = {said["id"] for said in the_record("vote")}
    erase(zelda())
    kept = db.session.scalars(select(Opening).where(Opening.entry_id.in_(votes))).all()
    assert sorted(opening.text for opening in kept) == ["keep:", "scrap:"]
    comments = {said["id"] for said in the_record("comment")}
    assert db.session.scalars(select(Opening.id).where(Opening.entry_id.in_(comments))).all() == []
    assert tally_of(regulation.id).scrap == 1
    the_record_is_whole()


def test_a_reason_that_others_stand_behind_still_counts_them_when_its_words_are_gone(app):
    matter = a_theme()
    regulation, author = a_regulation(matter), zelda()
    a_vote(regulation, Choice.KEEP, author, text=WORDS)
    named = comment_by(author, regulation).public_id
    a_vote(regulation, Choice.KEEP, text="", reason_kind=ReasonKind.SUPPORTED, supports=named)
    a_frozen_theme(matter)
    erase(zelda())
    assert [(reason.text, reason.supports) for reason in reasons_of(regulation.id)] == [("", 1)]
    assert tally_of(regulation.id).reasons == 2
    the_record_is_whole()


def test_what_a_moderator_hid_and_its_author_had_erased_is_erased(app):
    matter = a_theme()
    regulation, author, moderator = a_regulation(matter), zelda(), a_member_of_staff(Role.MODERATOR)
    a_vote(regulation, Choice.KEEP, author, text=WORDS)
    with transaction():
        comment = comment_to_moderate(comment_by(author, regulation).public_id)
        hide_comment(comment=comment, rule=ModerationRule.ABUSE, reason="It is abusive.", by=moderator, now=NOON)
    a_frozen_theme(matter)
    erase(zelda())
    (reason,) = reasons_of(regulation.id)
    assert (reason.hidden_by, reason.erased_at) == (None, LATER)
    assert where_is("zeppelin") == set()
    the_record_is_whole()


def test_an_organisations_vote_stays_the_organisations(app):
    matter = a_theme()
    regulation, boss, moderator = a_regulation(matter), zelda(), a_member_of_staff(Role.MODERATOR)
    a_vote(regulation, Choice.KEEP, boss, text=WORDS, capacity=Capacity.BUSINESS, organisation="Corner Shop")
    vote_id = standing_vote(boss, regulation).id
    with transaction():
        vote = db.session.get_one(Vote, vote_id)
        confirm_organisation(vote=vote, name="Corner Shop", domain="", by=moderator, now=NOON)
    a_frozen_theme(matter)
    erase(zelda())
    kept = db.session.scalars(select(Pseudonym).where(Pseudonym.salt.is_not(None))).one()
    assert (kept.organisation_id is not None, kept.account_id) == (True, None)
    assert {said["target"] for said in the_record(Erasure.type)} == {
        *(said["id"] for said in the_record("comment")),
        the_record("vote")[1]["id"],
    }
    deliver_due(LATER)
    assert where_is("zeppelin", EMAIL) == set()
    the_record_is_whole()


def test_staff_are_not_asked_to_check_whom_nobody_can_be_any_more(app):
    matter = a_theme()
    regulation, boss = a_regulation(matter), zelda()
    a_vote(regulation, Choice.KEEP, boss, capacity=Capacity.BUSINESS, organisation="Corner Shop")
    assert len(unchecked_organisations(limit=9)) == 1
    erase(zelda(), now=NOON + 7 * DAY)
    assert tally_of(regulation.id).participants == 1
    assert unchecked_organisations(limit=9) == []
    assert where_is("corner shop") == set()


def test_who_took_part_by_phone_is_forgotten_too(app):
    matter = a_theme()
    regulation, official = a_regulation(matter), a_member_of_staff(Role.OFFICIAL)
    given = {"how": How.PHONE, "received_on": None, "organisation_checked": False, "by": official, "now": NOON}
    with transaction():
        receipt = cast_for(person=Person(NAME, "LS1 4AP"), regulation=regulation, ballot=a_ballot(text=WORDS), **given)
        account_id = receipt.vote.account_id
    a_frozen_theme(matter)
    erase(db.session.get_one(Account, account_id))
    assert where_is("quagga", "ls1 4ap", "zeppelin") == set()
    assert tally_of(regulation.id).keep == 1
    the_record_is_whole()


def test_who_holds_an_office_cannot_be_erased_while_they_hold_it(app):
    official = a_member_of_staff(Role.OFFICIAL, office="Deputy Director")
    with pytest.raises(NotAllowed, match="You hold the office Deputy Director"):
        erase(official)


def test_a_vote_that_was_on_its_way_when_everything_was_erased_is_refused(app):
    """In another tab, read before the erasure and pressed after it."""
    regulation, account = a_regulation(a_theme(closes=LATER + DAY)), zelda()
    a_vote(regulation, Choice.KEEP, account, text="")
    erase(account)
    account = db.session.get_one(Account, account.id)
    with pytest.raises(Gone, match="has been erased"), transaction():
        cast_vote(voter=account, regulation=regulation, ballot=a_ballot(), now=LATER)
    with pytest.raises(Gone, match="has been erased"), transaction():
        withdraw_vote(voter=account, regulation=regulation, now=LATER)
    with pytest.raises(Gone, match="has been erased"), transaction():
        erase_person(account=account, basis=ErasureBasis.REQUEST, now=LATER)


def test_no_mail_about_a_decision_goes_to_whom_nobody_knows_any_more(app):
    regulation = a_closed_regulation_with_zelda()
    erase(zelda(), now=NOON + 12 * DAY)
    a_decision(regulation)
    assert db.session.scalars(select(Mail.recipient).where(Mail.kind == "decision")).all() == []
