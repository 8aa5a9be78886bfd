"""What somebody sent in is deleted for good when they ask, and the record still verifies."""

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.erasing import erase_submission
from analysis.models import Submission
from analysis.papers import keep_paper
from analysis.submission_queries import submission_row
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import attach_paper, change_submission, enter_submission
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from opendata.checking import check
from opendata.openings import Because, openings_below, openings_of_line
from tests.analysis.making import a_point
from tests.analysis.test_submissions import PDF
from tests.conftest import both_databases
from tests.factories import (
    NOON,
    a_member_of_staff,
    a_regulation,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from voting.erasure import erase_person
from voting.queries import standing_vote
from voting.rules import Choice, ErasureBasis

SENT = "It helps us, says Ada Example of 1 Example Road."


@pytest.fixture
def official(app):
    return a_member_of_staff(Role.OFFICIAL)


def a_letter(by, regulation=None, paper="", withheld=None):
    regulation = regulation or a_regulation()
    point = a_point(regulation, by, "It helps")
    received = Received(
        How.LETTER, Capacity.CHARITY, NOON.date(), SENT, "Example Aid", withheld=withheld, points=(point.public_id,)
    )
    with transaction():
        made = enter_submission(
            theme=regulation.theme, regulation=regulation, received=received, by=by, now=NOON, paper=paper,
            file_name="letter.pdf" if paper else "",
        )  # fmt: skip
    settle_the_record()
    return made


def a_paper_with_a_vote(voter, regulation=None, content=PDF):
    regulation = regulation or a_regulation()
    a_vote(regulation, Choice.KEEP, voter=voter, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    with transaction():
        made = attach_paper(
            vote=standing_vote(voter, regulation), paper=keep_paper(content), file_name="view.pdf", now=NOON
        )
    settle_the_record()
    return made


def erased(submission, by):
    with transaction():
        erase_submission(submission=submission, seen=submission.entry_id, basis=ErasureBasis.REQUEST, by=by, now=NOON)
    settle_the_record()


@both_databases
def test_what_was_sent_in_goes_and_the_record_says_that_it_did_and_verifies(app, official):
    letter = a_letter(official)
    line, reference = letter.entry_id, letter.reference
    erased(letter, official)
    row = submission_row(reference)
    assert (row.text, row.organisation, row.points, row.withheld) == ("", "", (), Withheld.ERASED)
    assert SENT not in "".join(opened.text for opened in openings_below(log_folder().signed_size()))
    (erasure,) = the_record("erasure")
    assert (erasure["target"], erasure["basis"]) == (line, "request")
    (absent,) = openings_of_line(line).absent
    assert (absent.because, absent.by) == (Because.ERASED, erasure["id"])
    assert check(log_folder()).wrong == []


def test_nobody_but_an_official_deletes_and_nobody_twice_or_unseen(app, official):
    letter, analyst = a_letter(official), a_member_of_staff(Role.ANALYST)
    with pytest.raises(NotAllowed), transaction():
        erase_submission(submission=letter, seen=letter.entry_id, basis=ErasureBasis.LAW, by=analyst, now=NOON)
    with pytest.raises(Clash), transaction():
        erase_submission(submission=letter, seen="another", basis=ErasureBasis.LAW, by=official, now=NOON)
    erased(letter, official)
    with pytest.raises(RuleBroken, match="already"):
        erased(letter, official)
    with pytest.raises(RuleBroken, match="deleted for good"), transaction():
        change_submission(
            submission=letter, seen=letter.entry_id, withheld=None, organisation="", points=(), by=official, now=NOON
        )


@both_databases
def test_a_paper_that_came_with_a_ballot_goes_with_whoever_brought_it(app):
    voter = a_voter()
    paper = a_paper_with_a_vote(voter)
    digest, reference = paper.file_sha256, paper.reference
    with transaction():
        erase_person(account=voter, basis=ErasureBasis.REQUEST, now=NOON)
    settle_the_record()
    kept = db.session.query(Submission).filter_by(reference=reference).one()
    assert (kept.file_sha256, kept.file_name, kept.organisation_name) == ("", "", "")
    assert submission_row(reference).withheld is Withheld.ERASED
    assert check(log_folder()).wrong == []
    assert digest not in db.session.scalars(select(Submission.file_sha256)).all()


def test_another_persons_paper_and_the_same_paper_sent_twice_stay(app):
    gone, stays = a_voter(), a_voter()
    mine, other = a_paper_with_a_vote(gone), a_paper_with_a_vote(stays)
    digest = mine.file_sha256
    assert digest == other.file_sha256
    with transaction():
        erase_person(account=gone, basis=ErasureBasis.REQUEST, now=NOON)
    assert (other.file_sha256, other.file_name) == (digest, "view.pdf")


def test_what_a_rule_withholds_is_read_by_officials_alone(signed_in, official):
    analyst = a_member_of_staff(Role.ANALYST)
    letter = a_letter(official, paper=keep_paper(PDF), withheld=Withheld.COMMERCIAL)
    page = f"/staff/submissions/{letter.reference}"
    analysts, officials = signed_in(analyst), signed_in(official)
    shown = analysts.get(page)
    assert shown.status_code == 200
    assert "Ada Example" not in shown.text
    assert "letter.pdf" not in shown.text
    assert analysts.get(f"{page}/paper").status_code == 403
    assert "Ada Example" in officials.get(page).text
    assert officials.get(f"{page}/paper").status_code == 200
    given = {"withheld": None, "organisation": "", "points": (), "now": NOON}
    with pytest.raises(NotAllowed), transaction():
        change_submission(submission=letter, seen=letter.entry_id, by=analyst, **given)


def test_an_official_deletes_it_on_a_page_that_says_what_goes_and_what_stays(signed_in, client, official):
    letter = a_letter(official)
    page, officials = f"/staff/submissions/{letter.reference}", signed_in(official)
    said = {"seen": letter.entry_id, "basis": "request", "understood": "y"}
    assert f"{page}/erase" in officials.get(page).text
    refused = officials.post(f"{page}/erase", data={"seen": letter.entry_id})
    assert refused.status_code == 422
    assert "Say why it is deleted." in refused.text
    assert officials.post(f"{page}/erase", data=said | {"seen": "another"}).status_code == 409
    assert officials.post(f"{page}/erase", data=said).status_code == 303
    assert officials.get(f"{page}/erase").status_code == 410
    assert "Save" not in officials.get(page).text
    assert "deleted for good" in client.get(f"/submissions/{letter.reference}").text
