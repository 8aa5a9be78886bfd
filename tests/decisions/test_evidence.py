"""What a decision rests on, and what is kept of its drafts."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.models import Point
from analysis.services import make_point, reword_point
from audit.entries import text_digest
from core.db import db, transaction
from core.errors import RuleBroken
from decisions.models import Decision, DraftVersion
from decisions.queries import decision_with
from decisions.services import decision_text, return_draft, what_it_says
from decisions.versions import last_returned
from tests.conftest import both_databases
from tests.decisions.test_services import LATER, a_closed_regulation, approved, officials, submitted
from tests.factories import a_decision, a_member_of_staff, everything_answered, the_record
from voting.models import Comment
from voting.moderation import hide_comment
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
    listed = f"An assessment, https://example.org/a.pdf {'a' * 64}\nA judgment https://example.org/judgment"
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
        {"kind": "document", "title": "A judgment", "address": "https://example.org/judgment"},
    ]
    assert (decision_text(kept), text_digest(said)) == (said, digest)


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
        return_draft(draft=draft, note="Answer the point about cost.", by=second, now=LATER)
    draft = submitted(regulation, first, version=1, statement="The regulation stays, and here is why.")
    assert last_returned(draft).words["statement"] == "The regulation stays as it is."
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
