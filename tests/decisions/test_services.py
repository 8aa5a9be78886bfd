import threading

import pytest
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Role
from audit.guard import SilentChange
from core.db import db, transaction
from core.errors import Clash, NotAllowed, RuleBroken
from decisions.desk import drafts
from decisions.models import Decision, Draft
from decisions.queries import (
    Wanted,
    closed_themes,
    count_by,
    decision_with,
    decisions,
    decisions_on,
    draft_of,
    tally_to_decide_on,
    undecided,
)
from decisions.rules import DraftStatus, Outcome, Proposal
from decisions.services import (
    approve_and_publish,
    decision_digest,
    return_draft,
    save_draft,
    submit_draft,
)
from regulations.models import Regulation
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    everything_answered,
    how_many,
    settle_the_record,
    the_record,
)
from voting.rules import Choice
from voting.tallying import TallyFollower

LATER = NOON + 20 * DAY
TO_DO = {
    "legal_route": "Regulations under the same Act.",
    "consultation": False,
    "responsible": "Example Department, rules unit",
    "due_on": (NOON + 365 * DAY).date(),
}
SAID = {
    "outcome": Outcome.KEEP,
    "direction": None,
    "statement": "The regulation stays as it is.",
    "reasons": "It prevents harm at little cost, as inspections and those who answered say.",
    "departure_reason": "",
    "cited_comments": (),
    "other_evidence": "An inspection report of 2025.",
}


@pytest.fixture
def officials(app) -> tuple[Account, Account]:
    return a_member_of_staff(Role.OFFICIAL, "First Office"), a_member_of_staff(Role.OFFICIAL, "Second Office")


def a_closed_regulation(*choices: Choice, frozen: bool = True, split: Split = Split.SHOWN) -> Regulation:
    theme = a_theme(split=split)
    regulation = a_regulation(theme)
    for choice in choices or (Choice.KEEP,):
        a_vote(regulation, choice, text=f"Because of {choice}.")
    settle_the_record()
    if frozen:
        a_frozen_theme(theme)
    return regulation


def saved(regulation, by, version=0, **given):
    with transaction():
        return save_draft(regulation=regulation, proposal=Proposal(**(SAID | given)), version=version, by=by, now=LATER)


def submitted(regulation, by, version=0, **given):
    draft = saved(regulation, by, version, **given)
    everything_answered(regulation, now=LATER)
    with transaction():
        submit_draft(draft=draft, by=by, now=LATER)
    return draft


def approved(draft, by, now=LATER):
    with transaction():
        return approve_and_publish(draft=draft, version=draft.version, by=by, now=now, demonstration=False)


@both_databases
def test_a_decision_is_published_by_a_second_official_and_recorded(app):
    first, second = a_member_of_staff(Role.OFFICIAL, "First"), a_member_of_staff(Role.OFFICIAL, "Second")
    regulation = a_closed_regulation()
    decision = approved(submitted(regulation, first), second)
    (entry,), (tally,), stage = the_record("decision"), the_record("tally"), the_record("stage")[-1]
    assert (decision.decided_by, decision.approved_by) == ("First", "Second")
    assert (entry["official"], entry["approver"], entry["tally"]) == ("First", "Second", tally["id"])
    assert (entry["statement_sha256"], entry["reference"]) == (decision_digest(decision), "2026-0001")
    assert (stage["stage"], regulation.settled, how_many(Draft)) == ("decided", "decided", 0)


@both_databases
def test_the_digest_is_that_of_the_words_as_the_log_gives_them(app):
    decision = a_decision(a_closed_regulation(), Outcome.KEEP)
    assert decision_digest(decision_with(decision.reference)) == the_record("decision")[0]["statement_sha256"]


@both_databases
def test_whoever_wrote_a_decision_cannot_approve_it(app):
    first = a_member_of_staff(Role.OFFICIAL)
    draft = submitted(a_closed_regulation(), first)
    with pytest.raises(NotAllowed, match="another official"):
        approved(draft, first)
    assert how_many(Decision) == 0


def test_a_colleague_submits_only_what_they_wrote_last(app, officials):
    first, second = officials
    draft = saved(a_closed_regulation(), first)
    with pytest.raises(NotAllowed, match="Save it as yours"), transaction():
        submit_draft(draft=draft, by=second, now=LATER)


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ANALYST, Role.ADMINISTRATOR])
def test_only_officials_decide(app, officials, role):
    first, _ = officials
    regulation, other = a_closed_regulation(), a_member_of_staff(role)
    with pytest.raises(NotAllowed):
        saved(regulation, other)
    draft = submitted(regulation, first)
    with pytest.raises(NotAllowed):
        approved(draft, other)
    with pytest.raises(NotAllowed), transaction():
        return_draft(draft=draft, version=draft.version, note="Answer the point about cost.", by=other, now=LATER)


@both_databases
def test_an_edit_after_submission_needs_approval_anew(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation = a_closed_regulation()
    shown = submitted(regulation, first).version
    saved(regulation, first, version=shown, statement="The regulation stays, with one exception.")
    with pytest.raises(RuleBroken, match="not been submitted"):
        approved(draft_of(regulation), second)
    with transaction():
        submit_draft(draft=draft_of(regulation), by=first, now=LATER)
    with pytest.raises(Clash, match="has changed since you opened it"), transaction():
        approve_and_publish(draft=draft_of(regulation), version=shown, by=second, now=LATER, demonstration=False)
    assert approved(draft_of(regulation), second).statement.endswith("with one exception.")


@both_databases
def test_two_who_write_at_once_lose_nothing(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation = a_closed_regulation()
    began = saved(regulation, first).version
    saved(regulation, second, version=began, statement="The second official's words.")
    with pytest.raises(Clash, match="A colleague has changed this draft"):
        saved(regulation, first, version=began, statement="The first official's words.")
    assert draft_of(regulation).statement == "The second official's words."


def test_a_returned_draft_keeps_its_note_until_it_is_submitted_again(app, officials):
    first, second = officials
    regulation = a_closed_regulation()
    draft = submitted(regulation, first)
    with transaction():
        return_draft(draft=draft, version=draft.version, note="Answer the point about cost.", by=second, now=LATER)
    assert (draft.status, drafts(first.id)[0].return_note) == (DraftStatus.RETURNED, "Answer the point about cost.")
    saved(regulation, first, version=draft.version)
    assert draft_of(regulation).return_note == "Answer the point about cost."
    with transaction():
        submit_draft(draft=draft_of(regulation), by=first, now=LATER)
    assert draft_of(regulation).return_note == ""


@both_databases
def test_nothing_is_published_before_the_count_is_final(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation = a_closed_regulation(frozen=False)
    draft = submitted(regulation, first)
    with pytest.raises(RuleBroken, match="24 hours at most"):
        approved(draft, second)
    a_frozen_theme(regulation.theme)
    assert approved(draft_of(regulation), second).tally["keep"] == 1


@both_databases
def test_the_count_decided_on_is_the_one_the_record_holds_whatever_was_folded(app):
    regulation = a_closed_regulation(Choice.KEEP, Choice.KEEP, Choice.SCRAP)
    with transaction():
        TallyFollower().forget()
    tally, frozen = tally_to_decide_on(regulation.id)
    (entry,) = the_record("tally")
    assert (tally.counts, frozen.entry_id) == (entry["counts"], entry["id"])
    decision = a_decision(regulation)
    assert (decision.tally, decision.at_size) == (entry["counts"], entry["at_size"])


def test_a_kept_split_is_compared_only_once_it_is_final(app, officials):
    first, second = officials
    regulation = a_closed_regulation(Choice.KEEP, frozen=False, split=Split.KEPT)
    draft = submitted(regulation, first, outcome=Outcome.SCRAP, **TO_DO)
    a_frozen_theme(regulation.theme)
    with pytest.raises(RuleBroken, match="Say why the decision departs"):
        approved(draft, second)


def test_departing_from_the_vote_needs_its_reason_before_it_is_submitted(app, officials):
    first, _ = officials
    regulation = a_closed_regulation(Choice.KEEP)
    with pytest.raises(RuleBroken, match="departs"):
        submitted(regulation, first, outcome=Outcome.SCRAP)
    assert draft_of(regulation).status == DraftStatus.DRAFT


def test_an_open_theme_has_nothing_to_decide(app, officials):
    regulation = a_regulation()
    with pytest.raises(RuleBroken, match="once the theme has closed"), transaction():
        save_draft(regulation=regulation, proposal=Proposal(**SAID), version=0, by=officials[0], now=NOON)


def test_what_was_spent_when_it_was_listed_has_nothing_to_decide(app, officials):
    theme = a_theme()
    spent = a_regulation(theme, spent="Its last duty ended in 2019.")
    with pytest.raises(RuleBroken, match="spent already"):
        saved(spent, officials[0])


@both_databases
def test_a_later_decision_supersedes_and_both_stay(app):
    regulation = a_closed_regulation()
    first = a_decision(regulation, Outcome.KEEP).reference
    second = a_decision(regulation, Outcome.IMPROVE, now=LATER + 30 * DAY).reference
    standing, earlier = decisions_on(regulation.id)
    assert (standing.reference, standing.supersedes, standing.superseded_by) == (second, first, None)
    assert (earlier.reference, earlier.supersedes, earlier.superseded_by) == (first, None, second)
    old, new = the_record("decision")
    assert (new["supersedes"], old["outcome"], new["outcome"]) == (old["id"], "keep", "improve")


def test_a_published_decision_cannot_be_changed_in_silence(app):
    reference = a_decision(a_closed_regulation()).reference
    with pytest.raises(SilentChange), transaction():
        db.session.scalars(select(Decision).filter_by(reference=reference)).one().statement = "Something else."


@both_databases
def test_references_are_counted_within_their_year(app):
    regulation = a_closed_regulation()
    given = [a_decision(regulation, now=LATER + n * 200 * DAY).reference for n in range(3)]
    assert given == ["2026-0001", "2026-0002", "2027-0001"]


@both_databases
def test_two_approvals_at_the_same_moment_make_one_decision(app):
    first, second = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.OFFICIAL)
    regulation = a_closed_regulation()
    version, slug, approver = submitted(regulation, first).version, regulation.slug, second.id
    db.session.rollback()
    ready, outcomes = threading.Barrier(2), []

    def approve():
        with app.app_context():
            ready.wait()
            try:
                with transaction():
                    found = db.session.scalars(select(Regulation).filter_by(slug=slug)).one()
                    draft = draft_of(found, to_change=True)
                    if draft is not None:
                        by = db.session.get_one(Account, approver)
                        approve_and_publish(draft=draft, version=version, by=by, now=LATER, demonstration=False)
                        outcomes.append("published")
            except Clash:
                outcomes.append("clash")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=approve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("published"), how_many(Decision)) == (1, 1)


@both_databases
def test_the_desk_lists_the_longest_wait_first_and_counts_what_is_overdue(app):
    late = a_theme(opens=NOON - 20 * DAY, closes=NOON - 10 * DAY, title="Zoos, the longest wait")
    soon = a_theme(closes=NOON + DAY, title="Airports, closed since")
    waiting, recent = a_regulation(late), a_regulation(soon)
    a_regulation(late, spent="Its last duty ended in 2019.")
    now = NOON + 85 * DAY
    assert [row.slug for row in undecided(now)] == [waiting.slug, recent.slug]
    assert [row.slug for row in undecided(now, offset=1, limit=5)] == [recent.slug]
    themes = closed_themes(now)
    assert [(theme.title, theme.waiting, theme.due_at < now) for theme in themes] == [
        (recent.theme.title, 1, False),
        (waiting.theme.title, 1, True),
    ]
    assert [row.slug for row in undecided(now, theme=themes[0].slug)] == [recent.slug]


@both_databases
def test_the_log_is_narrowed_sorted_and_counted(app):
    kept = a_decision(a_closed_regulation(Choice.KEEP), Outcome.KEEP).reference
    scrapped = a_decision(a_closed_regulation(Choice.KEEP), Outcome.SCRAP, now=LATER + DAY).reference
    assert [row.reference for row in decisions(Wanted())] == [scrapped, kept]
    assert [row.reference for row in decisions(Wanted(sort="oldest"))] == [kept, scrapped]
    assert [row.reference for row in decisions(Wanted(outcome="keep"))] == [kept]
    best_first = Wanted(references=[kept, scrapped], sort="relevance")
    assert [row.reference for row in decisions(best_first)] == [kept, scrapped]
    assert decisions(Wanted(references=[])) == []
    assert count_by("outcome", Wanted(outcome="keep")) == [("keep", "keep", 1), ("scrap", "scrap", 1)]
    assert count_by("comparison", Wanted(outcome="keep")) == [("too_few", "too_few", 1)]
    assert [row.agrees_with_vote for row in decisions(Wanted(sort="oldest"))] == [True, False]
