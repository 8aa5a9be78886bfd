"""Whatever people, moderators and officials do, in whatever order: the figures add up and equal a naive recount."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from accounts.models import Account
from accounts.rules import Capacity, Role
from analysis.models import Dispute, Grouping, Point, Submission
from analysis.rules import Outcome as Looked
from analysis.services import make_point, object_to, put_under, settle_dispute, take_out, withdraw_point
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import attach_paper, change_submission, enter_submission
from core import clock
from core.db import db, transaction
from core.errors import NotAllowed, RuleBroken
from decisions.answers import save_answer
from decisions.models import AnswerDraft, Decision
from decisions.rules import Outcome, Verdict
from pages.figures import EVERY_THEME, FIGURES, together
from pages.figures_queries import count_behind, figures, rows_behind
from regulations.census import take_census, themes_to_count
from regulations.models import Regulation, Theme
from regulations.rules import Citation, Split, Stage
from regulations.services import Listing, close_early, list_regulations, settle
from tests.conftest import empty_database
from tests.factories import (
    DAY,
    NOON,
    a_ballot,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_voter,
    open_the_record,
)
from tests.pages.recounting import Seen, made_in, naive_recount
from voting.ballots import begin, complete, confirm, give, mark
from voting.erasure import erase_person
from voting.models import Comment, FrozenTally, PendingBallot
from voting.moderation import hide_comment, mask_comment, show_comment
from voting.queries import standing_vote, waiting_ballots
from voting.rules import Choice, ErasureBasis, ModerationRule, ReasonKind
from voting.services import cast_vote, withdraw_vote

PEOPLE = 3
EXAMPLES, STEPS = 25, 40
WITHHELD = (None, None, Withheld.PERSONAL_DATA, Withheld.AUTHOR_ASKED)
Row = TypeVar("Row", Comment, Dispute, Grouping, PendingBallot, Point, Submission)


class Acts(RuleBasedStateMachine):
    """Two themes, one of which keeps its split, with two regulations each, and everything that can happen to them."""

    @initialize(closed=st.booleans(), grouped=st.booleans())
    def begin(self, closed: bool, grouped: bool) -> None:
        open_the_record()
        self.now, self.listed, self.sent = NOON, 0, 0
        self.themes, self.regulations = [], []
        self.seen = Seen()
        for split in (Split.SHOWN, Split.KEPT):
            theme = a_theme(split=split)
            self.regulations += [a_regulation(theme).id for _ in range(2)]
            self.themes.append(theme.id)
        self.people = [a_voter().id for _ in range(PEOPLE)]
        self.moderator = a_member_of_staff(Role.MODERATOR).id
        self.official = a_member_of_staff(Role.OFFICIAL).id
        for who, what in ((0, 0), (1, 0), (2, 1), (0, 2), (1, 3)):
            self.vote_or_change(who, what, Choice.KEEP, "It has always worked.")
        if grouped:
            for which in range(2):
                self.put_under_a_point(which, point=which)
            self.object_to_a_place(0)
        if closed:
            self.close_and_make_final()

    def teardown(self) -> None:
        try:
            db.session.rollback()
            recount = naive_recount()
            for name in FIGURES:
                rows = rows_behind(name, EVERY_THEME, "")
                number = sum(row["signatures"] for row in rows) if name == "signatures" else len(rows)
                assert number == recount[EVERY_THEME].get(name, 0), name
                assert len(rows) == count_behind(name, EVERY_THEME), name
        finally:
            db.session.rollback()
            empty_database()
            db.session.remove()

    def _later(self) -> None:
        self.now += DAY / 24

    def _regulation(self, number: int) -> Regulation:
        return db.session.get_one(Regulation, self.regulations[number])

    def _official(self) -> Account:
        return db.session.get_one(Account, self.official)

    def _person(self, number: int) -> Account:
        return db.session.get_one(Account, self.people[number])

    @rule(
        who=st.integers(0, PEOPLE - 1),
        what=st.integers(0, 3),
        choice=st.sampled_from(Choice),
        words=st.sampled_from(["It costs us time.", "It keeps people safe.", ""]),
    )
    def vote_or_change(self, who: int, what: int, choice: Choice, words: str) -> None:
        self._later()
        ballot = a_ballot(choice, words)
        with suppress(RuleBroken), transaction():
            cast_vote(voter=self._person(who), regulation=self._regulation(what), ballot=ballot, now=self.now)

    @rule(who=st.integers(0, PEOPLE - 1), what=st.integers(0, 3))
    def stand_behind_another(self, who: int, what: int) -> None:
        self._later()
        offered = select(Comment).where(
            Comment.regulation_id == self.regulations[what], Comment.account_id != self.people[who]
        )
        comment = db.session.scalars(offered.order_by(Comment.id).limit(1)).one_or_none()
        if comment is None:
            return
        given = {"text": "", "reason_kind": ReasonKind.SUPPORTED, "supports": comment.offer}
        ballot = a_ballot(Choice(comment.choice), **given)
        with suppress(RuleBroken), transaction():
            cast_vote(voter=self._person(who), regulation=self._regulation(what), ballot=ballot, now=self.now)

    @rule(who=st.integers(0, PEOPLE - 1), what=st.integers(0, 3))
    def withdraw(self, who: int, what: int) -> None:
        self._later()
        with suppress(RuleBroken), transaction():
            withdraw_vote(voter=self._person(who), regulation=self._regulation(what), now=self.now)

    @rule(who=st.integers(0, PEOPLE - 1), what=st.integers(0, 3))
    def give_without_confirming(self, who: int, what: int) -> None:
        """What nobody has confirmed yet is received by nobody."""
        self._later()
        addresses = {"confirm_url": "http://test.example/{secret}", "not_me_url": "http://test.example/not/{secret}"}
        with suppress(RuleBroken), transaction():
            pending = begin(
                regulation=self._regulation(what), pending=None, order="0", choice=Choice.SCRAP, direction=None,
                text="It waits for its address.", supports="", not_said=False, now=self.now,
            )  # fmt: skip
            complete(pending, capacity=Capacity.PUBLIC, organisation="", display_name="")
            email = self._person(who).email or ""
            give(pending=pending, email=email, replaces="", now=self.now, **addresses)

    @precondition(lambda self: bool(_all(PendingBallot)))
    @rule()
    def confirm_what_waits(self) -> None:
        self._later()
        for who in range(PEOPLE):
            with transaction():
                person = self._person(who)
                listed = [mark(pending) for pending in waiting_ballots(person.email or "", self.now)]
                confirm(account=person, listed=listed, struck=[], now=self.now)

    @rule(who=st.integers(0, PEOPLE - 1), what=st.integers(0, 3))
    def speak_for_an_organisation_with_a_paper(self, who: int, what: int) -> None:
        self._later()
        given = {"capacity": Capacity.BUSINESS, "organisation": f"Bakery {who}"}
        ballot = a_ballot(Choice.SCRAP, "It costs the bakery a day.", **given)
        with suppress(RuleBroken), transaction():
            cast_vote(voter=self._person(who), regulation=self._regulation(what), ballot=ballot, now=self.now)
        vote = standing_vote(self._person(who), self._regulation(what))
        db.session.rollback()
        if vote is not None:
            with suppress(RuleBroken, NotAllowed), transaction():
                attach_paper(vote=vote, paper="a" * 64, file_name="ours.pdf", now=self.now)

    @rule(what=st.integers(0, 3), how=st.sampled_from(How), wholly=st.booleans(), because=st.sampled_from(WITHHELD))
    def enter_what_was_sent_in(self, what: int, how: How, wholly: bool, because: Withheld | None) -> None:
        self._later()
        self.sent += 1
        received = Received(
            how=how, capacity=Capacity.CHARITY, received_on=NOON.date(), text=f"This is number {self.sent}.",
            signatures=1_000 * self.sent if how is How.PETITION else None, withheld=because,
        )  # fmt: skip
        regulation, by = self._regulation(what), self._official()
        with transaction():
            enter_submission(
                theme=regulation.theme, regulation=None if wholly else regulation, received=received, by=by,
                now=self.now,
            )  # fmt: skip

    @precondition(lambda self: bool(_all(Submission)))
    @rule(which=st.integers(0, 11), because=st.sampled_from(WITHHELD), keep=st.booleans())
    def withhold_or_show(self, which: int, because: Withheld | None, keep: bool) -> None:
        self._later()
        found = _all(Submission)
        submission = found[which % len(found)]
        points = [point.public_id for point in made_in(submission) if keep and point.withdrawn_at is None]
        said = {"seen": submission.entry_id or "", "organisation": "", "points": points}
        with suppress(RuleBroken), transaction():
            change_submission(submission=submission, withheld=because, by=self._official(), now=self.now, **said)

    @rule(act=st.sampled_from(["hide", "hide", "show", "mask"]), which=st.integers(0, 11))
    def moderate(self, act: str, which: int) -> None:
        self._later()
        comments = db.session.scalars(select(Comment).order_by(Comment.id)).all()
        if not comments:
            return
        comment = comments[which % len(comments)]
        said = {"rule": ModerationRule.PERSONAL_DATA, "reason": "It says who somebody is.", "now": self.now}
        words = {"words": comment.text.split()[:1]} if act == "mask" else {}
        do = {"hide": hide_comment, "show": show_comment, "mask": mask_comment}[act]
        with suppress(RuleBroken), transaction():
            do(comment=comment, by=db.session.get_one(Account, self.moderator), **said, **words)

    @rule(who=st.integers(0, PEOPLE - 1))
    def erase(self, who: int) -> None:
        self._later()
        with transaction():
            erase_person(account=self._person(who), basis=ErasureBasis.REQUEST, now=self.now)
        self.people[who] = a_voter().id

    @rule(which=st.integers(0, 1))
    def list_one_more(self, which: int) -> None:
        """After the window opened, so that the sums at opening stay as they are."""
        self._later()
        self.listed += 1
        listing = Listing(
            citation=Citation("uksi", 2020, self.listed), title="Late Regulations 2020", department=a_department(),
            binds="Shops", sentence="Came late.", summary="Came late.", checked_on="not checked", source="editors",
        )  # fmt: skip
        with transaction():
            theme = db.session.get_one(Theme, self.themes[which])
            list_regulations(theme=theme, listings=[listing], now=self.now)

    @rule(which=st.integers(0, 1))
    def close(self, which: int) -> None:
        self._later()
        theme, by = db.session.get_one(Theme, self.themes[which]), self._official()
        with suppress(RuleBroken), transaction():
            close_early(theme=theme, reason="All has been said.", by=by, now=self.now)

    def _to_make_final(self) -> list[Theme]:
        themes = db.session.scalars(select(Theme).filter_by(frozen_at=None).order_by(Theme.id))
        return [t for t in themes if t.window.has_closed(self.now) and any(r.settled is None for r in t.regulations)]

    @precondition(lambda self: bool(self._to_make_final()))
    @rule()
    def make_final(self) -> None:
        self.now += 2 * DAY
        a_frozen_theme(self._to_make_final()[0], now=self.now)

    @rule()
    def close_and_make_final(self) -> None:
        self.close(0)
        if self._to_make_final():
            self.make_final()

    @rule(what=st.integers(0, 3), stage=st.sampled_from([Stage.MOVED, Stage.ALREADY_SPENT]))
    def settle_without_a_decision(self, what: int, stage: Stage) -> None:
        self._later()
        regulation = self._regulation(what)
        with transaction():
            settle(regulation=regulation, stage=stage, because="Its last duty ended.", by="Office", now=self.now)

    def _decidable(self) -> list[int]:
        rows = db.session.execute(
            select(Regulation.id, Regulation.settled, Decision.id)
            .join(FrozenTally, FrozenTally.regulation_id == Regulation.id)
            .outerjoin(Decision, Decision.regulation_id == Regulation.id)
        )
        return sorted({row[0] for row in rows if row[1] is None or row[2] is not None})

    @precondition(lambda self: bool(self._decidable()))
    @rule(which=st.integers(0, 3), outcome=st.sampled_from(Outcome))
    def decide_or_supersede(self, which: int, outcome: Outcome) -> None:
        self._later()
        found = self._decidable()
        a_decision(db.session.get_one(Regulation, found[which % len(found)]), outcome, now=self.now)

    @rule(which=st.integers(0, 11), point=st.integers(0, 3))
    def put_under_a_point(self, which: int, point: int) -> None:
        """One that there is, or a new one, before the decision or after."""
        self._later()
        comments = _all(Comment)
        comment = comments[which % len(comments)]
        points = db.session.scalars(select(Point).filter_by(regulation_id=comment.regulation_id)).all()
        with suppress(RuleBroken), transaction():
            if point < len(points):
                meant = points[point]
            else:
                words = {"title": f"Point {len(points)}", "summary": ""}
                meant = make_point(regulation=comment.regulation, **words, by=self._official(), now=self.now)
            put_under(point=meant, comments=[comment], by=self._official(), now=self.now)

    @precondition(lambda self: bool(_all(Grouping)))
    @rule(which=st.integers(0, 11))
    def take_out_of_a_point(self, which: int) -> None:
        """Staff find that it was put in the wrong place, perhaps after the decision."""
        self._later()
        stood = [grouping for grouping in _all(Grouping) if grouping.stands]
        if stood:
            grouping = stood[which % len(stood)]
            with suppress(RuleBroken), transaction():
                take_out(point=grouping.point, comments=[grouping.comment], by=self._official(), now=self.now)

    @precondition(lambda self: bool(_all(Point)))
    @rule(which=st.integers(0, 11))
    def give_a_point_up(self, which: int) -> None:
        self._later()
        points = [point for point in _all(Point) if point.withdrawn_at is None]
        if points:
            with suppress(RuleBroken), transaction():
                withdraw_point(point=points[which % len(points)], by=self._official(), now=self.now)

    @precondition(lambda self: bool(_all(Grouping)))
    @rule(which=st.integers(0, 11))
    def object_to_a_place(self, which: int) -> None:
        self._later()
        found = _all(Grouping)
        grouping = found[which % len(found)]
        author = db.session.get_one(Account, grouping.comment.account_id)
        with suppress(RuleBroken, NotAllowed), transaction():
            object_to(grouping=grouping, author=author, now=self.now)

    @precondition(lambda self: any(dispute.settled_at is None for dispute in _all(Dispute)))
    @rule(outcome=st.sampled_from(Looked), elsewhere=st.booleans())
    def look_again(self, outcome: Looked, elsewhere: bool) -> None:
        self._later()
        dispute = next(dispute for dispute in _all(Dispute) if dispute.settled_at is None)
        of_it = Point.regulation_id == dispute.grouping.point.regulation_id
        others = select(Point).where(of_it, Point.withdrawn_at.is_(None)).order_by(Point.id.desc()).limit(1)
        to = list(db.session.scalars(others)) if elsewhere else []
        with suppress(RuleBroken), transaction():
            settle_dispute(dispute=dispute, outcome=outcome, by=self._official(), now=self.now, to=to)

    @rule(which=st.integers(0, 11), verdict=st.sampled_from([None, *Verdict]))
    def answer_one_by_itself(self, which: int, verdict: Verdict | None) -> None:
        """Or anew, or take the answer back; all of it counts from the next decision."""
        self._later()
        comments = _all(Comment)
        comment = comments[which % len(comments)]
        earlier = db.session.scalar(select(AnswerDraft.version).filter_by(comment_id=comment.id)) or 0
        said = {"verdict": verdict, "reasons": "To you alone, and at length." if verdict else "", "version": earlier}
        with suppress(RuleBroken), transaction():
            about = {"regulation": comment.regulation, "comment": comment}
            save_answer(**about, **said, by=self._official(), now=self.now)

    @invariant()
    def the_figures_add_up_and_equal_a_naive_recount(self) -> None:
        db.session.rollback()
        rows = figures()
        recount = naive_recount()
        for row in [*rows, together(rows)]:
            assert row.amiss == []
            for name in FIGURES:
                assert getattr(row, name) == recount[row.slug].get(name, 0), (row.slug, name)
        db.session.rollback()

    @precondition(lambda self: bool(themes_to_count(self.now)))
    @rule()
    def count_what_themes_list(self) -> None:
        """As the site does by itself once they have opened."""
        with transaction():
            for id in themes_to_count(self.now):
                take_census(theme=db.session.get_one(Theme, id), now=self.now)

    @invariant()
    def what_was_answered_stays_so_and_no_denominator_changes(self) -> None:
        db.session.rollback()
        self.seen.look_again()
        db.session.rollback()


def _all(model: type[Row]) -> Sequence[Row]:
    return db.session.scalars(select(model).order_by(model.id)).all()


@pytest.mark.slow
def test_after_any_sequence_of_acts_the_figures_add_up(sqlite_app):
    # What fails is told as it was found: to shrink it takes longer than a test may, and a time-out hides what failed.
    with sqlite_app.app_context(), clock.pretending(NOON):
        run_state_machine_as_test(
            Acts,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
                suppress_health_check=list(HealthCheck), derandomize=True, database=None, phases=[Phase.generate],
            ),
        )  # fmt: skip
