import json

import pytest
from sqlalchemy import select

from accounts.rules import Role
from audit.entries import commitment, text_digest
from audit.guard import SilentChange
from audit.models import Opening
from core.db import db, transaction
from core.errors import Clash, NotAllowed, NotFound, RuleBroken
from decisions.rules import Outcome
from regulations.listed import texts_of
from regulations.models import Regulation, RegulationSector, Theme
from regulations.queries import regulation_and_sectors, regulation_with, stage_expression, theme_with, themes
from regulations.rules import DAYS_TO_DECIDE, Stage
from regulations.services import close_early, settle
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    how_many,
    the_record,
)

REASON = "The bill it belongs to was withdrawn."


def closed_early(theme, by, now=NOON, reason=REASON):
    with transaction():
        close_early(theme=theme, reason=reason, by=by, now=now)


@both_databases
def test_the_stage_in_sql_is_the_stage_in_the_rules(app):
    """Every settled stage, and every side of both edges of the window."""
    theme = a_theme(opens=NOON, closes=NOON + DAY)
    a_regulation(theme)
    for stage in Stage:
        regulation = a_regulation(theme)
        with transaction():
            settle(regulation=regulation, stage=stage, because="For the test.", by="Example Office", now=NOON)
    seen = set()
    for seconds in (-1, 0, 1, 86_399, 86_400, 86_401, 3 * 86_400):
        now = NOON + seconds * DAY / 86_400
        in_sql = db.session.execute(
            select(Regulation, stage_expression(now)).join(Theme, Theme.id == Regulation.theme_id)
        ).all()
        assert {regulation.id: regulation.stage(now) for regulation, _ in in_sql} == {
            regulation.id: stage for regulation, stage in in_sql
        }
        seen |= {stage for _, stage in in_sql}
    assert seen == set(Stage)


@both_databases
def test_closing_early_ends_the_window_now_and_starts_the_clock_of_the_decision(app):
    theme = a_theme(closes=NOON + 30 * DAY)
    official = a_member_of_staff(Role.OFFICIAL, "Example Office")
    closed_early(theme, official)
    assert (theme.window.closes, theme.decision_due_at) == (NOON, NOON + DAYS_TO_DECIDE * DAY)
    assert theme.closed_early_because == REASON
    announced, closed = the_record("window")
    assert (announced["act"], closed["act"], closed["actor"]) == ("set", "closed_early", "Example Office")
    assert closed["closes"] == int(NOON.timestamp())


@both_databases
def test_the_reason_for_closing_early_is_committed_to_and_published(app):
    closed_early(a_theme(), a_member_of_staff(Role.ADMINISTRATOR))
    opening = db.session.scalars(select(Opening).filter_by(field="reason_commit")).one()
    entry = the_record("window")[-1]
    assert (opening.entry_id, opening.text) == (entry["id"], REASON)
    assert commitment(opening.kind, opening.salt, opening.text) == entry["reason_commit"]
    assert REASON not in str(entry)


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.MODERATOR, Role.ANALYST])
def test_only_officials_close_early(app, role):
    theme, person = a_theme(), a_member_of_staff(role)
    with pytest.raises(NotAllowed):
        closed_early(theme, person)
    assert len(the_record("window")) == 1


def test_a_theme_is_closed_early_once(app):
    theme, official = a_theme(), a_member_of_staff(Role.OFFICIAL)
    closed_early(theme, official)
    with pytest.raises(RuleBroken, match="not open"):
        closed_early(theme, official, reason="Once more, with another reason.")
    assert db.session.get_one(Theme, theme.id).closed_early_because == REASON


def test_a_window_does_not_move_in_silence(app):
    theme = a_theme()
    with pytest.raises(SilentChange), transaction():
        db.session.get_one(Theme, theme.id).closes_at = NOON


@both_databases
def test_listing_fixes_the_words_people_are_asked_about(app):
    regulation = a_regulation(sectors=("retail", "hospitality"))
    (entry,) = the_record("item.version")
    assert entry["text_sha256"] == text_digest(texts_of([regulation.id])[regulation.id])
    assert (entry["item"], regulation_and_sectors(regulation.slug)[1]) == (regulation.slug, ["hospitality", "retail"])
    assert how_many(RegulationSector) == 2
    told = json.loads(texts_of([regulation.id])[regulation.id])
    assert (told["sectors"], told["department"]) == (["hospitality", "retail"], regulation.department.slug)
    assert {"binds", "in_force", "link", "source", "checked_on"} <= told.keys()


def test_what_was_spent_already_is_listed_as_such(app):
    spent = a_regulation(spent="Its last duty ended in 2019.")
    assert (spent.stage(NOON), spent.settled_because) == (Stage.ALREADY_SPENT, "Its last duty ended in 2019.")


def test_a_theme_is_listed_once(app):
    a_theme(title="Water")
    with pytest.raises(Clash, match="already"):
        a_theme(title="Water")


@both_databases
def test_themes_come_open_first_and_are_decided_when_nothing_in_them_waits(app):
    past = a_theme(closes=NOON - DAY, title="Decided")
    decided = a_regulation(past)
    a_regulation(past, spent="Its last duty ended in 2019.")
    a_frozen_theme(past)
    a_decision(decided, Outcome.MOVED)
    a_theme(opens=NOON + DAY, title="Upcoming")
    a_theme(closes=NOON + 9 * DAY, title="Open later")
    a_theme(closes=NOON + DAY, title="Open")
    a_regulation(a_theme(closes=NOON - DAY, title="Waiting"))
    rows = themes(NOON)
    assert [row.title for row in rows] == ["Open", "Open later", "Upcoming", "Waiting", "Decided"]
    assert [row.stage for row in rows][2:] == [Stage.UPCOMING, Stage.UNDER_CONSIDERATION, Stage.DECIDED]
    assert (rows[-1].regulations, rows[-1].decided) == (2, 1)


def test_unknown_addresses_are_not_found(app):
    for ask in (theme_with, regulation_with):
        with pytest.raises(NotFound):
            ask("nowhere")
