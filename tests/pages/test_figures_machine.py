"""Whatever people, moderators and officials do, in whatever order: the figures add up and equal a naive recount."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings
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
from accounts.rules import Role
from analysis.models import Grouping
from analysis.services import take_out
from core import clock
from core.db import db, transaction
from core.errors import RuleBroken
from decisions.models import Answer, Decision
from decisions.rules import Outcome
from pages.figures import EVERY_THEME, FIGURES, together
from pages.figures_queries import count_behind, figures
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
from voting.erasure import erase_person
from voting.models import Comment
from voting.moderation import hide_comment, mask_comment, show_comment
from voting.rules import Choice, ErasureBasis, ModerationRule, ReasonKind
from voting.services import cast_vote, withdraw_vote

PEOPLE = 3


class Acts(RuleBasedStateMachine):
    """Two themes, one of which keeps its split, with two regulations each, and everything that can happen to them."""

    @initialize()
    def begin(self) -> None:
        open_the_record()
        self.now, self.listed = NOON, 0
        self.themes, self.regulations = [], []
        for split in (Split.SHOWN, Split.KEPT):
            theme = a_theme(split=split)
            self.regulations += [a_regulation(theme).id for _ in range(2)]
            self.themes.append(theme.id)
        self.people = [a_voter().id for _ in range(PEOPLE)]
        self.moderator = a_member_of_staff(Role.MODERATOR).id
        self.official = a_member_of_staff(Role.OFFICIAL).id
        for who, what in ((0, 0), (1, 0), (2, 1), (0, 2), (1, 3)):
            self.vote_or_change(who, what, Choice.KEEP, "It has always worked.")

    def teardown(self) -> None:
        try:
            db.session.rollback()
            recount = naive_recount()
            for name in FIGURES:
                assert count_behind(name, EVERY_THEME) == recount[EVERY_THEME].get(name, 0), name
        finally:
            db.session.rollback()
            empty_database()
            db.session.remove()

    def _later(self) -> None:
        self.now += DAY / 24

    def _regulation(self, number: int) -> Regulation:
        return db.session.get_one(Regulation, self.regulations[number])

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

    @rule(act=st.sampled_from(["hide", "show", "mask"]), which=st.integers(0, 11))
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
        theme, by = db.session.get_one(Theme, self.themes[which]), db.session.get_one(Account, self.official)
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
            .join(Theme)
            .outerjoin(Decision, Decision.regulation_id == Regulation.id)
            .where(Theme.frozen_at.is_not(None))
        )
        return sorted({row[0] for row in rows if row[1] is None or row[2] is not None})

    @precondition(lambda self: bool(self._decidable()))
    @rule(which=st.integers(0, 3), outcome=st.sampled_from(Outcome))
    def decide_or_supersede(self, which: int, outcome: Outcome) -> None:
        self._later()
        found = self._decidable()
        a_decision(db.session.get_one(Regulation, found[which % len(found)]), outcome, now=self.now)

    @rule(which=st.integers(0, 11))
    def take_out_of_its_points(self, which: int) -> None:
        """Staff find that it was put in the wrong place, perhaps after the decision."""
        self._later()
        stood = db.session.scalars(select(Grouping).filter_by(stands=True).order_by(Grouping.id)).all()
        if stood:
            grouping = stood[which % len(stood)]
            by = db.session.get_one(Account, self.official)
            with transaction():
                take_out(point=grouping.point, comments=[grouping.comment], by=by, now=self.now)

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


def naive_recount() -> dict[str, dict[str, int]]:
    """One thing after the other, in plain Python."""
    counts: dict[str, dict[str, int]] = {EVERY_THEME: {}}
    for theme in db.session.scalars(select(Theme)):
        counts[theme.slug] = {}
        for regulation in theme.regulations:
            for name in figures_of_regulation(regulation, theme):
                for slug in (theme.slug, EVERY_THEME):
                    counts[slug][name] = counts[slug].get(name, 0) + 1
            for comment in db.session.scalars(select(Comment).filter_by(regulation_id=regulation.id)):
                for name in figures_of_comment(comment, theme):
                    for slug in (theme.slug, EVERY_THEME):
                        counts[slug][name] = counts[slug].get(name, 0) + 1
    return counts


def standing(regulation_id: int) -> Decision | None:
    all_of_them = db.session.scalars(select(Decision).filter_by(regulation_id=regulation_id)).all()
    superseded = {decision.supersedes_id for decision in all_of_them}
    (last,) = [decision for decision in all_of_them if decision.id not in superseded] or [None]
    return last


def figures_of_regulation(regulation: Regulation, theme: Theme) -> list[str]:
    decision = standing(regulation.id)
    became = decision.outcome if decision else regulation.settled or "undecided"
    if regulation.listed_at <= theme.opens_at:
        return ["at_opening", became]
    return ["listed_later"] + ["listed_later_decided"] * (became != "undecided")


def figures_of_comment(comment: Comment, theme: Theme) -> list[str]:
    if comment.status in ("withdrawn", "erased"):
        return ["comments_received", "erased"] + ["withdrawn"] * (comment.status == "withdrawn")
    if comment.status == "hidden":
        return ["comments_received", "hidden"]
    if theme.split == "kept" and theme.frozen_at is None:
        return ["comments_received", "pending"]
    return ["comments_received", "published", "answered" if is_answered(comment) else "awaiting"]


def is_answered(comment: Comment) -> bool:
    decision = standing(comment.regulation_id)
    if decision is None:
        return False
    answers = db.session.scalars(select(Answer).filter_by(decision_id=decision.id)).all()
    under = db.session.scalars(select(Grouping).filter_by(comment_id=comment.id, version=comment.version, stands=True))
    points = {grouping.point_id for grouping in under}
    return any(answer.comment_id == comment.id or answer.point_id in points for answer in answers)


@pytest.mark.slow
def test_after_any_sequence_of_acts_the_figures_add_up(sqlite_app):
    with sqlite_app.app_context(), clock.pretending(NOON):
        run_state_machine_as_test(
            Acts,
            settings=settings(
                max_examples=10, stateful_step_count=20, deadline=None,
                suppress_health_check=list(HealthCheck), derandomize=True, database=None,
            ),
        )  # fmt: skip
