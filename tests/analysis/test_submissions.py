"""What came by other ways than the ballot is counted beside the votes, and shown unless a public rule withholds it."""

import hashlib
import json

import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis.models import Submission
from analysis.papers import keep_paper
from analysis.queries import points_of
from analysis.submission_queries import regulations_named, submissions_of
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import attach_paper, change_submission, enter_submission, paper_of
from audit.tiles import log_folder
from core import clock
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from opendata.checking import check
from opendata.openings import Because, openings_of_line
from regulations.queries import regulation_with
from regulations.rules import Split
from seed_data.paper import a_paper
from tests.analysis.making import a_point
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
from tests.voting.walking import at_once
from voting.queries import standing_vote, tally_of

PDF = a_paper("Example Bakery on ovens", "What we found.")


def a_letter(**given):
    usual = {"how": How.LETTER, "capacity": Capacity.CHARITY, "received_on": NOON.date(), "text": "It helps us."}
    return Received(**(usual | given))


def a_submission(regulation, by, theme=None, paper="", **given):
    with transaction():
        made = enter_submission(
            theme=theme or regulation.theme, regulation=regulation, received=a_letter(**given), by=by, now=NOON,
            paper=paper, file_name="paper.pdf" if paper else "",
        )  # fmt: skip
    settle_the_record()
    return made


def change(submission, by, withheld=None, **given):
    submission = db.session.merge(submission)
    usual = {"seen": submission.entry_id, "organisation": "", "points": ()}
    with transaction():
        change_submission(
            submission=submission, withheld=withheld, by=db.session.merge(by), now=NOON, **(usual | given)
        )
    settle_the_record()


def said_in(line):
    return json.loads(openings_of_line(line).opened[0].text)


def test_a_letter_stands_in_the_record_with_a_commitment_that_everybody_can_open(regulation, analyst):
    point = a_point(regulation, analyst)
    made = a_submission(regulation, analyst, organisation="Example Aid", points=(point.public_id,))
    (line,) = the_record("submission")
    assert (line["reference"], line["how"], line["capacity"]) == ("S2026-0001", "letter", "charity")
    assert (line["item"], line["actor"]) == (regulation.slug, "Analysis Office")
    assert "withheld" not in line
    said = said_in(made.entry_id)
    assert (said["text"], said["organisation"], said["points"]) == ("It helps us.", "Example Aid", [point.public_id])
    assert points_of(regulation.id)[0].submissions == 1


def test_submissions_are_numbered_through_the_year(regulation, analyst):
    references = [a_submission(regulation, analyst, text=f"Letter {n}").reference for n in range(3)]
    assert references == ["S2026-0001", "S2026-0002", "S2026-0003"]


def test_a_withheld_one_is_counted_and_keeps_its_words_and_name_to_itself(regulation, analyst):
    made = a_submission(regulation, analyst, organisation="Example Aid", withheld=Withheld.AUTHOR_ASKED)
    (row,) = submissions_of(regulation.id)
    assert (row.withheld, row.text, row.organisation, row.points) == (Withheld.AUTHOR_ASKED, "", "", ())
    (line,) = the_record("submission")
    assert line["withheld"] is True
    found = openings_of_line(made.entry_id)
    assert not found.opened
    assert found.absent[0].because is Because.WITHHELD
    assert check(log_folder()).wrong == []


def test_what_is_withheld_later_can_no_longer_be_read_under_its_first_line_either(regulation, analyst):
    made = a_submission(regulation, analyst)
    first = made.entry_id
    change(made, analyst, withheld=Withheld.PERSONAL_DATA)
    absent = openings_of_line(first).absent[0]
    assert (absent.because, absent.by) == (Because.WITHHELD, the_record("submission")[1]["id"])
    assert check(log_folder()).wrong == []
    change(made, a_member_of_staff(Role.OFFICIAL))
    assert said_in(first)["text"] == "It helps us."
    lines = the_record("submission")
    assert [line.get("prev") for line in lines] == [None, first, lines[1]["id"]]


def test_while_something_was_just_withheld_the_record_waits_for_its_signature(regulation, analyst):
    made = a_submission(regulation, analyst)
    with transaction():
        change_submission(
            submission=made, seen=made.entry_id, withheld=Withheld.UNLAWFUL, organisation="", points=(), by=analyst,
            now=NOON,
        )  # fmt: skip
    assert "withheld since the last checkpoint" in check(log_folder()).waits


def test_where_the_split_is_kept_what_was_sent_in_is_kept_with_it_until_the_count_is_final(app, analyst):
    theme = a_theme(split=Split.KEPT, closes=NOON + DAY)
    regulation = a_regulation(theme)
    about, lines = regulation.id, [a_submission(regulation, analyst).entry_id]
    lines.append(a_submission(None, analyst, theme=theme).entry_id)
    assert [row.text for row in submissions_of(about)] == ["", ""]
    assert [openings_of_line(line).absent[0].because for line in lines] == [Because.KEPT, Because.KEPT]
    assert check(log_folder()).wrong == []
    a_frozen_theme(theme)
    assert [row.text for row in submissions_of(about)] == ["It helps us.", "It helps us."]
    assert [said_in(line)["text"] for line in lines] == ["It helps us.", "It helps us."]
    assert check(log_folder()).wrong == []


def test_signatures_of_a_petition_are_never_votes(regulation, analyst):
    a_submission(regulation, analyst, how=How.PETITION, capacity=Capacity.PUBLIC, signatures=12_000)
    (line,) = the_record("submission")
    assert line["signatures"] == 12_000
    assert tally_of(regulation.id).participants == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"how": How.PETITION}, "signatures"),
        ({"signatures": 5}, "signatures"),
        ({"how": How.PETITION, "signatures": -5}, "signatures"),
        ({"text": ""}, "text"),
        ({"text": "x" * 50_001}, "text"),
        ({"received_on": (NOON + DAY).date()}, "received_on"),
        ({"capacity": Capacity.PUBLIC, "organisation": "Jo Bloggs"}, "organisation"),
        ({"points": ("nowhere",)}, "points"),
    ],
)
def test_what_cannot_be_so_is_said_beside_its_field(regulation, analyst, given, field):
    with pytest.raises(RuleBroken) as refusal:
        a_submission(regulation, analyst, **given)
    assert refusal.value.field == field
    assert the_record("submission") == []


def test_the_very_same_is_entered_once_unless_its_number_tells_it_apart(regulation, analyst):
    a_submission(regulation, analyst)
    with pytest.raises(Clash, match="S2026-0001"):
        a_submission(regulation, analyst)
    a_submission(regulation, analyst, own_number="Call 17")
    assert len(the_record("submission")) == 2


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_only_analysts_and_officials_enter_submissions(regulation, role):
    with pytest.raises(NotAllowed):
        a_submission(regulation, a_member_of_staff(role))


def test_of_two_colleagues_the_second_is_told_that_something_changed(regulation, analyst):
    made = a_submission(regulation, analyst)
    seen = made.entry_id
    change(made, analyst, withheld=Withheld.UNLAWFUL)
    with pytest.raises(Clash):
        change(made, analyst, seen=seen)


@both_databases
def test_an_organisations_paper_waits_until_somebody_has_looked_at_it(app):
    regulation, voter, analyst = a_regulation(), a_voter(), a_member_of_staff(Role.ANALYST)
    a_vote(regulation, voter=voter, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    vote, digest = standing_vote(voter, regulation), keep_paper(PDF)
    db.session.rollback()
    with transaction():
        made = attach_paper(vote=vote, paper=digest, file_name="ours.pdf", now=NOON)
    settle_the_record()
    (row,) = submissions_of(regulation.id)
    assert (row.withheld, row.organisation, row.file_sha256) == (Withheld.WAITING, "", "")
    (line,) = the_record("submission")
    assert "file_sha256" not in line
    assert "Bakery" not in json.dumps(line)
    with pytest.raises(Clash), transaction():
        attach_paper(vote=vote, paper=digest, file_name="ours.pdf", now=NOON)
    change(made, analyst, organisation="Example Bakery")
    (row,) = submissions_of(regulation.id)
    assert (row.withheld, row.organisation, row.file_sha256) == (None, "Example Bakery", digest)
    assert the_record("submission")[1]["file_sha256"] == hashlib.sha256(PDF).hexdigest()
    assert paper_of(standing_vote(voter, regulation)).reference == row.reference
    assert check(log_folder()).wrong == []


def test_no_paper_comes_with_a_vote_of_the_public_or_after_the_close(regulation):
    one, other = a_voter(), a_voter()
    a_vote(regulation, voter=one)
    a_vote(regulation, voter=other, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    db.session.rollback()
    with pytest.raises(NotAllowed), transaction():
        attach_paper(vote=standing_vote(one, regulation), paper="", file_name="", now=NOON)
    with pytest.raises(RuleBroken, match="closed"), transaction():
        attach_paper(vote=standing_vote(other, regulation), paper="", file_name="", now=NOON + 8 * DAY)


def test_a_regulation_is_found_by_words_and_by_number(regulation):
    number = regulation.citation.official
    assert [row.slug for row in regulations_named("workplace 1992")] == [regulation.slug]
    assert [row.slug for row in regulations_named(number)] == [regulation.slug]
    assert regulations_named("100%") == []


def test_nothing_of_it_changes_silently(regulation, analyst):
    a_submission(regulation, analyst)
    with pytest.raises(RuntimeError), transaction():
        db.session.scalars(select(Submission)).one().text = "Other words"


@both_databases
def test_two_who_enter_the_very_same_at_once_enter_it_once(app):
    regulation, analyst = a_regulation(), a_member_of_staff(Role.ANALYST)
    about, by, refused = regulation.slug, analyst.id, []
    db.session.rollback()

    def enter(text):
        with app.app_context(), clock.pretending(NOON):
            try:
                with transaction():
                    found = regulation_with(about)
                    enter_submission(
                        theme=found.theme, regulation=found, received=a_letter(text=text),
                        by=db.session.get_one(Account, by), now=NOON,
                    )  # fmt: skip
            except Clash as clash:
                refused.append(clash)

    at_once(enter, ["The same", "The same", "Another", "A third"])
    settle_the_record()
    assert len(refused) == 1
    assert sorted(line["reference"] for line in the_record("submission")) == ["S2026-0001", "S2026-0002", "S2026-0003"]
