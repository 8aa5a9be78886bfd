"""What a decision rests on, and what is kept of its drafts."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.models import Point
from analysis.papers import keep_paper
from analysis.services import make_point, reword_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import attach_paper, change_submission, digest_of, enter_submission
from audit.entries import ItemVersion, text_digest
from audit.models import Entry
from audit.services import record
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import RuleBroken
from decisions.models import Decision, DraftVersion
from decisions.queries import decision_with
from decisions.services import decision_text, return_draft, what_it_says
from decisions.versions import last_returned, versions_of
from opendata.checking import check
from tests.analysis.test_submissions import PDF
from tests.conftest import both_databases
from tests.decisions.test_services import LATER, a_closed_regulation, approved, officials, submitted
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    everything_answered,
    settle_the_record,
    the_record,
)
from voting.models import Comment
from voting.moderation import hide_comment
from voting.queries import standing_vote
from voting.rules import Choice, ModerationRule

__all__ = ["officials"]


@both_databases
def test_cited_reasons_stand_in_the_evidence_with_their_lines(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation = a_closed_regulation(Choice.KEEP)
    comment = db.session.scalars(select(Comment)).one()
    name, entry = comment.public_id, comment.entry_id
    decision = approved(submitted(regulation, first, cited_comments=(name, name)), second)
    cited = {"kind": "comment", "comment": name, "entry": entry, "side": "keep"}
    (tally,), listed = the_record("tally"), the_record("item.version")[-1]
    assert decision.evidence[:2] == [cited, {"kind": "other", "text": "An inspection report of 2025."}]
    assert decision.evidence[2:] == [
        {"kind": "version", "entry": listed["id"], "text_sha256": listed["text_sha256"]},
        {
            "kind": "tally", "entry": tally["id"], "at_size": tally["at_size"], "counts": tally["counts"],
            "by_capacity": {"public": tally["counts"]},
        },
    ]  # fmt: skip


@both_databases
def test_what_was_cited_stays_as_it_was_worded_and_a_document_with_its_digest(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation, analyst = a_closed_regulation(Choice.KEEP), a_member_of_staff(Role.ANALYST)
    with transaction():
        point = make_point(
            regulation=regulation, title="It keeps people safe", summary="Inspections show it.", by=analyst, now=LATER
        )
        name, line = point.public_id, point.entry_id
    everything_answered(regulation, now=LATER)
    settle_the_record()
    listed = f"An assessment, https://example.org/a.pdf {'a' * 64}\nA judgment https://example.org/judgment {'B' * 64}"
    draft = submitted(regulation, first, cited_points=(name,), documents=listed, other_evidence="")
    decision = approved(draft, second)
    said, digest = decision_text(decision), the_record("decision")[0]["statement_sha256"]
    with transaction():
        point = db.session.scalars(select(Point).filter_by(public_id=name)).one()
        reword_point(point=point, version=point.version, title="Other words", summary="", by=analyst, now=LATER)
    kept = db.session.scalars(select(Decision)).one()
    point, *documents = kept.evidence[:3]
    words = {"title": "It keeps people safe", "summary": "Inspections show it."}
    assert point == {"kind": "point", "point": name, "entry": line, **words}
    assert documents == [
        {"kind": "document", "title": "An assessment", "address": "https://example.org/a.pdf", "sha256": "a" * 64},
        {"kind": "document", "title": "A judgment", "address": "https://example.org/judgment", "sha256": "b" * 64},
    ]
    assert (decision_text(kept), text_digest(said)) == (said, digest)


@both_databases
def test_a_submission_is_cited_by_its_lines_commitment_which_no_guess_at_what_is_withheld_confirms(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    analyst, theme = a_member_of_staff(Role.ANALYST), a_theme()
    regulation, clerk = a_regulation(theme), a_voter()
    a_vote(regulation, voter=clerk, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    given = {"theme": theme, "regulation": regulation, "by": analyst, "now": NOON}
    letter = Received(How.LETTER, Capacity.CHARITY, NOON.date(), "We fear Mr X.", "Example Aid")
    ours, theirs = keep_paper(PDF), keep_paper(PDF + b"\n")
    db.session.rollback()
    with transaction():
        paper = attach_paper(vote=standing_vote(clerk, regulation), paper=ours, file_name="ours.pdf", now=NOON)
        kept_back = enter_submission(received=replace(letter, withheld=Withheld.PERSONAL_DATA), **given)
        shown = enter_submission(received=replace(letter, text="In the open."), paper=theirs, **given)
        change_submission(
            submission=paper, seen=paper.entry_id, withheld=Withheld.COMMERCIAL, organisation="", points=(), by=analyst,
            now=NOON,
        )  # fmt: skip
        sent_in = [paper, kept_back, shown]
        names, private = [each.reference for each in sent_in], {each.digest for each in sent_in}
    settle_the_record()
    a_frozen_theme(theme)
    everything_answered(regulation, now=LATER)
    settle_the_record()
    decision = approved(submitted(regulation, first, cited_submissions=tuple(names)), second)
    latest = {line["reference"]: line for line in the_record("submission")}
    lines = [{name: latest[each].get(name) for name in ("id", "text_commit")} for each in names]
    pieces = [piece for piece in decision.evidence if piece["kind"] == "submission"]
    assert [{"id": piece["entry"], "text_commit": piece["text_commit"]} for piece in pieces] == lines
    assert [piece["withheld"] for piece in pieces] == [True, True, False]
    assert [piece.get("file_sha256") for piece in pieces] == [None, None, theirs]
    settle_the_record()
    address, browser = f"/decisions/{decision.reference}", app.test_client()
    opened = f"/log/openings/{decision.entry_id}.json"
    told = "".join(browser.get(each).text for each in (address, f"{address}.json", opened))
    assert lines[1]["text_commit"] in told
    guesses = {digest_of(theme.slug, regulation.slug, letter), text_digest(letter.text), text_digest("ballot 1")}
    assert not [digest for digest in guesses | private | {ours} if digest in told]
    assert check(log_folder()).wrong == []


@both_databases
def test_evidence_is_frozen_at_a_size_of_the_record_at_which_all_that_is_cited_stands_in_it(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation, analyst = a_closed_regulation(Choice.KEEP), a_member_of_staff(Role.ANALYST)
    with transaction():
        point = make_point(regulation=regulation, title="It keeps people safe", summary="", by=analyst, now=LATER)
        name = point.public_id
    everything_answered(regulation, now=LATER)
    draft = submitted(regulation, first, cited_points=(name,))
    with pytest.raises(RuleBroken, match="no place in the record yet"):
        approved(draft, second)
    settle_the_record()
    with transaction():
        changed = ItemVersion(item=regulation.slug, theme=regulation.theme.slug, text_sha256="c" * 64)
        record(changed, about=db.session.merge(regulation), now=LATER)
    decision = approved(draft, second)
    cited = [piece["entry"] for piece in decision.evidence if "entry" in piece]
    places = db.session.scalars(select(Entry.idx).where(Entry.id.in_(cited))).all()
    (line,), (tally,) = the_record("decision"), the_record("tally")
    assert len(places) == 3
    assert line["evidence_at_size"] == decision.evidence_at_size > max(places) >= tally["at_size"] == line["at_size"]
    version = next(piece for piece in decision.evidence if piece["kind"] == "version")
    assert version["text_sha256"] != "c" * 64, "what has no place yet is not what it was decided on"
    settle_the_record()
    size = f"{decision.evidence_at_size:,}"
    page, line_page = f"/decisions/{decision.reference}", f"/record/{decision.entry_id}"
    assert f"frozen as it stood among the first {size} lines" in app.test_client().get(page).text
    assert f"As it stood among the first {size} lines" in app.test_client().get(line_page).text
    assert app.test_client().get(f"{page}.json").json["evidence_at_size"] == decision.evidence_at_size


def test_the_first_decisions_which_said_less_still_give_their_digest(app):
    reference = a_decision(a_closed_regulation()).reference
    row = replace(
        decision_with(reference), comparisons={}, legal_route="", consultation=None, responsible="", due_on=None,
        evidence=[{"kind": "other", "text": "An inspection report of 2025."}],
    )  # fmt: skip
    first_ones = {"statement", "reasons", "departure_reason", "direction", "evidence"}
    assert set(what_it_says(row)) == first_ones
    assert set(what_it_says(decision_with(reference))) > first_ones


@both_databases
def test_every_version_of_a_draft_and_its_note_are_kept_inside(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL, "Second Office")
    regulation = a_closed_regulation()
    draft = submitted(regulation, first)
    with transaction():
        return_draft(draft=draft, version=draft.version, note="Answer the point about cost.", by=second, now=LATER)
    draft = submitted(regulation, first, version=1, statement="The regulation stays, and here is why.")
    assert last_returned(draft, versions_of(draft)).words["statement"] == "The regulation stays as it is."
    decision = approved(draft, second)
    kept = db.session.scalars(select(DraftVersion).order_by(DraftVersion.version)).all()
    assert [(v.version, v.note, v.noted_by, v.decision_id) for v in kept] == [
        (1, "Answer the point about cost.", "Second Office", decision.id),
        (2, "", "", decision.id),
    ]


def test_a_hidden_reason_cannot_be_cited(app, officials):
    first, second = officials
    regulation = a_closed_regulation(Choice.KEEP)
    name = db.session.scalars(select(Comment.public_id)).one()
    draft, moderator = submitted(regulation, first, cited_comments=(name,)), a_member_of_staff(Role.MODERATOR)
    with transaction():
        hide_comment(
            comment=db.session.scalars(select(Comment)).one(),
            rule=ModerationRule.PERSONAL_DATA,
            reason="It names a neighbour and their address.",
            by=moderator,
            now=LATER,
        )
    with pytest.raises(RuleBroken, match="hidden, withdrawn or erased"):
        approved(draft, second)


def test_a_reason_given_on_another_regulation_cannot_be_cited(app, officials):
    elsewhere, here = a_closed_regulation(Choice.SCRAP), a_closed_regulation(Choice.KEEP)
    name = db.session.scalars(select(Comment.public_id).filter_by(regulation_id=elsewhere.id)).one()
    with pytest.raises(RuleBroken, match="hidden, withdrawn or erased"):
        submitted(here, officials[0], cited_comments=(name,))
