"""Where papers lie: the same one once, what nobody speaks of not for long, and never shown as another than was sent."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.rules import Role
from analysis.papers import forget_unused_papers, keep_paper, paper_with, put_away
from analysis.submission_rules import Withheld
from audit.tiles import log_folder
from commands import do_chores
from core import clock
from core.db import transaction
from core.errors import Gone, RuleBroken
from opendata.bundle import Keeper
from opendata.checking import check
from tests.analysis.test_submissions import PDF, a_submission, change
from tests.factories import DAY, NOON, a_member_of_staff, settle_the_record
from tests.voting.test_receipts_refused import refuse

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def papers(app):
    """The folder, empty."""
    folder = Path(app.config["DATA_DIR"]) / "papers"
    for file in folder.glob("*"):
        file.unlink()
    return folder


def forget(now):
    with transaction():
        forget_unused_papers(now)


def lying_since(place, moment):
    os.utime(place, (moment.timestamp(), moment.timestamp()))


def test_a_paper_is_kept_once_under_its_digest(papers):
    digest = keep_paper(PDF)
    assert keep_paper(PDF) == digest
    assert paper_with(digest) == PDF
    assert [file.name for file in papers.iterdir()] == [digest]


def test_what_is_no_plain_pdf_is_not_kept(papers):
    with pytest.raises(RuleBroken):
        keep_paper(PDF.replace(b"/Catalog", b"/AA 3 0 R"))
    assert [*papers.glob("*")] == []


def test_papers_that_no_submission_speaks_of_are_taken_away_after_a_day(regulation, analyst, papers):
    used, unused, begun = keep_paper(PDF), put_away(b"another"), papers / "half-written"
    begun.write_bytes(b"%PDF-1.4")
    a_submission(regulation, analyst, paper=used)
    for file in papers.iterdir():
        lying_since(file, NOON)
    forget(NOON + 23 * HOUR)
    assert {file.name for file in papers.iterdir()} == {used, unused, begun.name}
    with clock.pretending(NOON + DAY + HOUR):
        do_chores(Keeper())
    assert {file.name for file in papers.iterdir()} == {used}


def test_nothing_is_taken_away_beside_an_older_copy_of_the_database(regulation, analyst, papers):
    a_submission(regulation, analyst)
    lying_since(papers / put_away(b"another"), NOON)
    refuse()
    forget(NOON + 2 * DAY)
    assert len([*papers.iterdir()]) == 1
    refuse(None)
    forget(NOON + 2 * DAY)
    assert [*papers.iterdir()] == []


def test_a_paper_that_comes_again_is_not_taken_away_before_it_is_spoken_of(papers):
    digest = put_away(b"another")
    lying_since(papers / digest, NOON)
    put_away(b"another")
    forget(datetime.now(UTC))
    assert paper_with(digest) == b"another"


@pytest.mark.parametrize(
    ("harm", "told"),
    [(lambda place: place.write_bytes(b"%PDF-1.4 other"), "is not what was sent in"), (Path.unlink, "is missing")],
)
def test_a_paper_that_was_changed_or_lost_is_not_shown_and_is_named(
    client, regulation, analyst, signed_in, papers, caplog, harm, told
):
    digest = keep_paper(PDF)
    made = a_submission(regulation, analyst, paper=digest).reference
    staff = signed_in(analyst)
    assert client.get(f"/submissions/{made}/paper").data == PDF
    assert check(log_folder()).wrong == []
    harm(papers / digest)
    with caplog.at_level(logging.ERROR):
        assert client.get(f"/submissions/{made}/paper").status_code == 410
    assert f"{digest} in the data folder {told}" in caplog.text
    assert staff.get(f"/staff/submissions/{made}/paper").status_code == 410
    assert check(log_folder()).wrong == [f"submission: the paper of {made} in the data folder {told}."]
    with pytest.raises(Gone):
        paper_with(digest)


def test_caches_keep_a_paper_only_while_it_is_shown_and_never_for_staff(client, regulation, analyst, signed_in):
    made = a_submission(regulation, analyst, paper=keep_paper(PDF))
    public, staffs = f"/submissions/{made.reference}/paper", f"/staff/submissions/{made.reference}/paper"
    shown = client.get(public)
    assert shown.headers["Cache-Control"] == "public, max-age=0, s-maxage=1"
    assert client.get(public, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    change(made, analyst, withheld=Withheld.PERSONAL_DATA)
    settle_the_record()
    assert client.get(public, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 404
    desk = signed_in(a_member_of_staff(Role.OFFICIAL)).get(staffs)
    assert (desk.data, desk.headers["Cache-Control"]) == (PDF, "private, no-store")
    without = a_submission(regulation, analyst, text="No paper came with it.")
    assert signed_in(analyst).get(f"/staff/submissions/{without.reference}/paper").status_code == 404
