from dataclasses import replace
from datetime import date

import pytest

from core.errors import NotAllowed, RuleBroken
from decisions.comparing import comparisons
from decisions.documents import documents_in
from decisions.rules import (
    Outcome,
    Proposal,
    check_approver,
    check_cited,
    check_days,
    check_note,
    check_proposal,
    check_submitter,
    lacking,
    names_in,
)
from voting.rules import Direction, Tally

KEEPERS = Tally(participants=30, scrap=5, improve=5, improve_clearer=5, keep=20)
FEW = Tally(participants=5, scrap=1, keep=4)
TO_DO = {"legal_route": "A bill.", "consultation": False, "responsible": "Rules unit", "due_on": date(2027, 3, 1)}


def a_proposal(**given):
    usual = {
        "outcome": Outcome.KEEP,
        "direction": None,
        "statement": "The regulation stays as it is.",
        "reasons": "It prevents harm at little cost, as inspections and those who answered say.",
        "departure_reason": "",
        "cited_comments": ("0123456789abcdef",),
        "other_evidence": "",
    }
    return Proposal(**(usual | given))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"outcome": None}, "outcome"),
        ({"outcome": Outcome.IMPROVE}, "direction"),
        ({"statement": "Kept."}, "statement"),
        ({"reasons": "Because."}, "reasons"),
        ({"cited_comments": ()}, "other_evidence"),
    ],
)
def test_a_decision_says_everything_it_has_to(given, field):
    with pytest.raises(RuleBroken) as refusal:
        check_proposal(a_proposal(**given), {})
    assert refusal.value.field == field


@pytest.mark.parametrize("tally", [KEEPERS, FEW], ids=["many", "few"])
def test_departing_from_the_vote_takes_a_reason_that_says_so_however_few_voted(tally):
    proposal = a_proposal(outcome=Outcome.SCRAP)
    with pytest.raises(RuleBroken, match="Say why the decision departs") as refusal:
        check_proposal(proposal, comparisons(Outcome.SCRAP, None, tally))
    assert refusal.value.field == "departure_reason"
    said = replace(proposal, departure_reason="The duty is in an Act now, so nothing is lost.", **TO_DO)
    check_proposal(said, comparisons(Outcome.SCRAP, None, tally))


def test_other_evidence_alone_will_do():
    check_proposal(a_proposal(cited_comments=(), other_evidence="An inspection report of 2025."), {})


@pytest.mark.parametrize("outcome", [Outcome.SCRAP, Outcome.IMPROVE])
def test_what_is_to_be_done_says_how_by_whom_and_until_when(outcome):
    proposal = a_proposal(outcome=outcome, direction=Direction.CLEARER)
    assert [problem.field for problem in lacking(proposal, {})] == [
        "legal_route", "consultation", "responsible", "due_on",
    ]  # fmt: skip
    said = replace(
        proposal, legal_route="A bill.", consultation=False, responsible="Rules unit", due_on=date(2027, 3, 1)
    )
    assert lacking(said, {}) == []
    (early,) = lacking(replace(said, review_on=date(2027, 2, 1)), {})
    assert early.field == "review_on"
    with pytest.raises(RuleBroken, match="gone by"):
        check_days(said, date(2027, 3, 2))


def test_documents_are_listed_one_to_a_line():
    listed = f"Assessment 2025: https://example.org/a.pdf, {'A' * 64}\n\nhttps://example.org/nameless\nNo address"
    documents, unclear = documents_in(listed)
    assert documents == [{"title": "Assessment 2025", "address": "https://example.org/a.pdf", "sha256": "a" * 64}]
    assert unclear == ["https://example.org/nameless", "No address"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Assessment https://example.org/a.pdf", "Give the SHA-256 of “Assessment”"),
        (f"Assessment https://example.org/a.pdf {'a' * 63}", "of “Assessment” has 63 digits here"),
        (f"Assessment https://example.org/a.pdf sha256:{'a' * 65}", "has 65 digits here"),
        (f"Assessment https://example.org/a.pdf {'a' * 63}g", "has 64 digits here; 64 from 0 to f are right"),
        (f"Assessment https://example.org/a.pdf {'a' * 40}", "has 40 digits here"),
    ],
)
def test_a_document_is_cited_with_its_whole_digest_or_not_at_all(line, told):
    right = f"A judgment https://example.org/b {'b' * 64}"
    assert lacking(a_proposal(documents=right), {}) == []
    (problem,) = lacking(a_proposal(documents=f"{right}\n{line}"), {})
    assert problem.field == "documents"
    assert told in problem.message
    assert "sha256sum FILE" in problem.message


def test_what_the_public_cannot_read_is_no_evidence():
    check_cited(["a", "b"], ["b", "a"])
    with pytest.raises(RuleBroken, match="A reason this decision cites is hidden"):
        check_cited(["a", "b"], ["a"])
    with pytest.raises(RuleBroken, match="2 reasons"):
        check_cited(["a", "b"], [])


def test_nobody_approves_their_own_decision():
    check_approver(written_by=1, submitted=True, approver=2)
    with pytest.raises(NotAllowed, match="another official"):
        check_approver(written_by=1, submitted=True, approver=1)
    with pytest.raises(RuleBroken, match="not been submitted"):
        check_approver(written_by=1, submitted=False, approver=2)


def test_who_submits_is_who_wrote_last():
    check_submitter(1, 1)
    with pytest.raises(NotAllowed):
        check_submitter(1, 2)


def test_a_returned_draft_says_what_has_to_change():
    check_note("Answer the point about cost.")
    with pytest.raises(RuleBroken):
        check_note("No")


def test_reasons_are_named_by_their_addresses_or_numbers():
    line, reason = "a" * 32, "0123456789abcdef"
    pasted = (
        f"https://example.org/record/{line}\n/regulations/uksi-1992-2792/comments#reason-{reason}\n\nthe one on cafés"
    )
    assert names_in(pasted) == ([line, reason], ["the one on cafés"])


def test_moved_and_spent_are_no_decision_stage():
    assert [outcome.stage for outcome in Outcome] == ["decided", "decided", "decided", "moved", "already_spent"]
