"""Whoever edits the database directly is caught: `flask log verify` holds every audited row against the record."""

import sqlite3
from contextlib import contextmanager

import pytest

from accounts.rules import Capacity, Role
from audit.guard import Audited
from audit.tiles import log_folder
from core.db import db, transaction
from opendata.checking import check
from regulations.rules import Split
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
)
from tests.opendata import aftermath, points_made, sent_in
from voting.erasure import erase_person
from voting.models import Comment
from voting.moderation import hide_comment
from voting.organisations import confirm_organisation
from voting.queries import comment_by, standing_vote
from voting.rules import Choice, ErasureBasis, ModerationRule, ReasonKind
from voting.services import withdraw_vote

STOOD_BEHIND = "Something to stand behind."


@pytest.fixture
def played(app):
    """A small site on which everything that is audited has happened, and a line still waits for its place."""
    closed, kept = a_theme(title="Closed"), a_theme(title="Kept", split=Split.KEPT)
    open_still = a_theme(title="Open", closes=NOON + 60 * DAY)
    decided, sealed, running = a_regulation(closed, sectors=("retail",)), a_regulation(kept), a_regulation(open_still)
    a_theme(title="Coming", opens=NOON + DAY, closes=NOON + 5 * DAY)
    a_theme(title="Shortened", closes=NOON + 30 * DAY)
    gone = a_voter()
    a_vote(decided, Choice.KEEP, voter=gone, text="My name is in here.")
    for choice in (Choice.KEEP, Choice.KEEP, Choice.IMPROVE, Choice.SCRAP):
        a_vote(decided, choice)
        a_vote(sealed, choice)
    _reasons_on(running)
    _an_organisation_on(running)
    aftermath.days_go_by()
    aftermath.a_day_is_set()
    aftermath.themes_are_counted()
    sent_in.submissions_come(running)
    points_made.reasons_are_sorted(running)
    a_frozen_theme(closed)
    with transaction():
        erase_person(account=gone, basis=ErasureBasis.REQUEST, now=NOON + 9 * DAY)
    aftermath.an_edition_is_kept(closed, NOON + 10 * DAY)
    cited = db.session.scalars(db.select(Comment.public_id).filter_by(regulation_id=decided.id, status="published"))
    aftermath.steps_follow(a_decision(decided, now=NOON + 10 * DAY, cited_comments=tuple(cited)[:1]))
    aftermath.an_edition_is_kept(closed, NOON + 12 * DAY)
    a_vote(running, Choice.SCRAP, text="Written just now, and without its place yet.", now=NOON + 13 * DAY)
    return app


def _reasons_on(regulation):
    moderator, author = a_member_of_staff(Role.MODERATOR), a_voter()
    a_vote(regulation, Choice.KEEP, voter=author, text=STOOD_BEHIND)
    comment = comment_by(author, regulation)
    behind = {"text": "", "reason_kind": ReasonKind.SUPPORTED, "supports": comment.public_id}
    for _ in range(2):
        a_vote(regulation, Choice.KEEP, **behind)
    hidden, taken_back, erased = a_voter(), a_voter(), a_voter()
    a_vote(regulation, Choice.SCRAP, voter=hidden, text="Call this number.")
    a_vote(regulation, Choice.SCRAP, voter=taken_back, text="On second thoughts.")
    a_vote(regulation, Choice.SCRAP, voter=erased, text="Forget that I was here.")
    with transaction():
        hide_comment(
            comment=comment_by(hidden, regulation), rule=ModerationRule.SPAM, reason="It advertises.", by=moderator,
            now=NOON,
        )  # fmt: skip
        withdraw_vote(voter=taken_back, regulation=regulation, now=NOON)
    with transaction():
        erase_person(account=erased, basis=ErasureBasis.REQUEST, now=NOON)


def _an_organisation_on(regulation):
    clerk, official = a_voter(email="clerk@bakery.example"), a_member_of_staff(Role.OFFICIAL)
    a_vote(regulation, Choice.IMPROVE, voter=clerk, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    with transaction():
        confirm_organisation(
            vote=standing_vote(clerk, regulation), name="Example Bakery", domain="bakery.example", by=official, now=NOON
        )


def edit(sql):
    """What an administrator of the database can do, past every guard of ours."""
    db.session.rollback()
    own = db.engine.raw_connection()
    cursor = own.cursor()
    off, on = ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON")
    if db.engine.dialect.name == "postgresql":
        off, on = ("SET session_replication_role = replica", "SET session_replication_role = origin")
    cursor.execute(off)
    try:
        cursor.execute(sql)
        return cursor.rowcount
    finally:
        cursor.execute(on)
        own.commit()
        own.close()
        db.session.expire_all()


def copied(table, **given):
    """A second row like the first of a table, but for the columns named."""
    names = [column.name for column in db.metadata.tables[table].columns if column.name != "ballot_order"]
    names += ["ballot_order"] if table == "vote" else []
    taken = ", ".join(str(given.get(name, f'"{name}"')) for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    return f'INSERT INTO "{table}" ({columns}) SELECT {taken} FROM "{table}" ORDER BY 1 LIMIT 1'


@contextmanager
def put_back_afterwards():
    db.session.rollback()
    kept = sqlite3.connect(":memory:")
    own = db.engine.raw_connection()
    own.driver_connection.backup(kept)
    own.close()
    yield
    db.session.rollback()
    own = db.engine.raw_connection()
    kept.backup(own.driver_connection)
    own.close()
    db.session.expire_all()


def wrong():
    return check(log_folder()).wrong


NEW = {"id": 99_999}
TAMPERINGS = {
    "vote": [
        "UPDATE vote SET choice = 'scrap', direction = NULL WHERE id = (SELECT min(id) FROM vote)",
        "UPDATE vote SET choice = NULL, direction = NULL WHERE id = (SELECT min(id) FROM vote)",
        "UPDATE vote SET level = 3 WHERE id = (SELECT max(id) FROM vote)",
        "UPDATE vote SET capacity = 'charity' WHERE id = (SELECT max(id) FROM vote)",
        "UPDATE vote SET direction = 'other' WHERE choice = 'improve'",
        "UPDATE vote SET account_id = (SELECT max(id) FROM account) WHERE id = (SELECT min(id) FROM vote)",
        "UPDATE vote SET entry_id = NULL WHERE id = (SELECT max(id) FROM vote)",
        "UPDATE vote SET regulation_id = (SELECT max(id) FROM regulation) WHERE id = (SELECT min(id) FROM vote)",
        "DELETE FROM vote WHERE id = (SELECT min(id) FROM vote)",
        "DELETE FROM vote WHERE choice IS NULL",
        lambda: copied("vote", **NEW, account_id=999_999),
    ],
    "comment": [
        "UPDATE comment SET text = 'Words nobody wrote.' WHERE status = 'published'",
        "UPDATE comment SET choice = 'scrap', direction = NULL WHERE id = (SELECT min(id) FROM comment)",
        "UPDATE comment SET status = 'published' WHERE status = 'hidden'",
        "UPDATE comment SET status = 'hidden' WHERE status = 'published'",
        "UPDATE comment SET status = 'published' WHERE status = 'withdrawn'",
        "UPDATE comment SET text = 'Back again.' WHERE erased_at IS NOT NULL",
        "UPDATE comment SET status = 'erased', text = '' WHERE status = 'published'",
        "UPDATE comment SET capacity = 'charity' WHERE id = (SELECT min(id) FROM comment)",
        "UPDATE comment SET account_id = 999999 WHERE id = (SELECT min(id) FROM comment)",
        "DELETE FROM comment WHERE id = (SELECT min(id) FROM comment)",
        lambda: copied("comment", **NEW, account_id=999_999, public_id="'another'"),
    ],
    "support": [
        "UPDATE support SET stands = NOT stands WHERE id = (SELECT min(id) FROM support)",
        "UPDATE support SET comment_id = (SELECT min(id) FROM comment) WHERE id = (SELECT min(id) FROM support)",
        "UPDATE support SET account_id = 999999 WHERE id = (SELECT min(id) FROM support)",
        "DELETE FROM support WHERE id = (SELECT min(id) FROM support)",
        lambda: copied("support", **NEW, account_id=999_999),
    ],
    "moderation_act": [
        "UPDATE moderation_act SET action = 'restore'",
        "UPDATE moderation_act SET rule = 'abuse'",
        "UPDATE moderation_act SET reason = 'For no reason at all.'",
        "UPDATE moderation_act SET office = 'Another office'",
        "UPDATE moderation_act SET comment_id = (SELECT min(id) FROM comment)",
        "DELETE FROM moderation_act",
        lambda: copied("moderation_act", **NEW),
    ],
    "frozen_tally": [
        "UPDATE frozen_tally SET at_size = at_size - 1",
        "UPDATE frozen_tally SET regulation_id = (SELECT max(id) FROM regulation)",
        "DELETE FROM frozen_tally",
        lambda: copied("frozen_tally", **NEW, regulation_id="(SELECT max(id) FROM regulation)"),
    ],
    "decision": [
        "UPDATE decision SET outcome = 'scrap'",
        "UPDATE decision SET statement = 'Something else was decided.'",
        "UPDATE decision SET reasons = 'For other reasons.'",
        "UPDATE decision SET departure_reason = ''",
        "UPDATE decision SET decided_by = 'Another office'",
        "UPDATE decision SET reference = '2026-0009'",
        "UPDATE decision SET at_size = at_size - 1",
        "UPDATE decision SET tally = '{\"keep\": 1000}'",
        "UPDATE decision SET evidence = '[]'",
        "DELETE FROM decision",
        lambda: copied("decision", **NEW, reference="'2026-0002'"),
    ],
    "answer": [
        "UPDATE answer SET verdict = 'accept' WHERE id = (SELECT min(id) FROM answer)",
        "UPDATE answer SET reasons = 'For reasons that nobody gave.'",
        "UPDATE answer SET point_title = 'What nobody said'",
        "UPDATE answer SET decision_id = 999999",
        "UPDATE answer SET point_id = (SELECT max(id) + 1 FROM point)",
        "UPDATE answer SET point_id = NULL, comment_id = (SELECT min(id) FROM comment)",
        "UPDATE answer SET entry_id = NULL",
        "DELETE FROM answer",
        lambda: copied("answer", **NEW, public_id="'another'", decision_id=999_999),
    ],
    "theme": [
        "UPDATE theme SET title = 'Another subject' WHERE slug = 'open'",
        "UPDATE theme SET off_the_table = '' WHERE slug = 'open'",
        "UPDATE theme SET split = 'shown' WHERE slug = 'kept'",
        "UPDATE theme SET closes_at = '2026-12-31 00:00:00' WHERE slug = 'open'",
        "UPDATE theme SET opens_at = '2025-12-31 00:00:00' WHERE slug = 'open'",
        "UPDATE theme SET decision_due_at = '2029-12-31 00:00:00' WHERE slug = 'closed'",
        "UPDATE theme SET decision_due_at = '2026-01-31 00:00:00' WHERE slug = 'moved'",
        "UPDATE theme SET days_to_decide = 900 WHERE slug = 'open'",
        "UPDATE theme SET days_to_decide = 90 WHERE slug = 'quick'",
        "UPDATE theme SET closed_early_because = 'It was enough.' WHERE slug = 'open'",
        "UPDATE theme SET frozen_at = NULL WHERE slug = 'closed'",
        "UPDATE theme SET frozen_at = '2026-03-02 12:00:00' WHERE slug = 'open'",
        "DELETE FROM theme WHERE slug = 'coming'",
        lambda: copied("theme", **NEW, slug="'unheard-of'"),
    ],
    "regulation": [
        "UPDATE regulation SET title = 'Another title' WHERE id = (SELECT min(id) FROM regulation)",
        "UPDATE regulation SET summary = 'It does nothing.' WHERE id = (SELECT min(id) FROM regulation)",
        "UPDATE regulation SET settled = 'decided' WHERE settled IS NULL",
        "UPDATE regulation SET settled = NULL",
        "UPDATE regulation SET slug = 'uksi-1-1' WHERE id = (SELECT min(id) FROM regulation)",
        "UPDATE regulation SET theme_id = (SELECT max(id) FROM theme) WHERE id = (SELECT min(id) FROM regulation)",
        "DELETE FROM regulation WHERE id = (SELECT min(id) FROM regulation)",
        lambda: copied("regulation", **NEW, slug="'uksi-1-2'"),
    ],
    "post": [
        "UPDATE post SET role = 'administrator'",
        "UPDATE post SET office = 'The highest office' WHERE id = (SELECT min(id) FROM post)",
        "DELETE FROM post WHERE id = (SELECT min(id) FROM post)",
        lambda: copied("post", **NEW, account_id=999_999, office="'The highest office'"),
    ],
    "organisation": [
        "UPDATE organisation SET \"key\" = 'anotherbakery'",
        "DELETE FROM organisation",
        lambda: copied("organisation", **NEW, key="'anotherbakery'", domain="NULL"),
    ],
    "entry": [
        'UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), \'"choice":"keep"\', \'"choice":"scrap"\') AS BLOB)',
        "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 1) WHERE idx = 2",
        "UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 1) WHERE idx IS NULL",
        "UPDATE entry SET item = 'uksi-1-1' WHERE type = 'tally'",
        "UPDATE entry SET t = t - 7200 WHERE idx = 5",
        "UPDATE entry SET idx = idx + 1000 WHERE idx > 20",
        "UPDATE entry SET idx = -1 - idx WHERE idx IN (3, 4)",
        "DELETE FROM entry WHERE idx = 7",
        "DELETE FROM entry WHERE idx IS NULL",
        "DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)",
        lambda: copied("entry", seq=99_999, id="'ff'", idx="NULL"),
        lambda: copied("entry", seq=99_999, id="'ff'", idx="(SELECT max(idx) + 1 FROM entry)"),
    ],
    "opening": [
        "UPDATE opening SET text = 'Words nobody wrote.'",
        "UPDATE opening SET salt = (SELECT salt FROM opening ORDER BY id DESC LIMIT 1)",
        "DELETE FROM opening WHERE field = 'body_commit'",
        "DELETE FROM opening WHERE field = 'reason_commit'",
        "DELETE FROM opening WHERE field = 'commit'",
        lambda: copied("opening", **NEW, entry_id="'ff'"),
    ],
    "pseudonym": [
        'UPDATE pseudonym SET identity = \'{"email":"other@example.org"}\' WHERE identity IS NOT NULL',
        "UPDATE pseudonym SET account_id = 999999 WHERE id = (SELECT min(id) FROM pseudonym)",
        "DELETE FROM pseudonym WHERE id = (SELECT min(id) FROM pseudonym)",
    ],
    "log_head": ["UPDATE log_head SET size = size - 1", "UPDATE log_head SET note = 'another'", "DELETE FROM log_head"],
    "tally_cell": ["UPDATE tally_cell SET votes = votes + 1", "DELETE FROM tally_cell"],
    "tally_total": ["UPDATE tally_total SET keep = keep + 1"],
    **aftermath.TAMPERINGS,
    **sent_in.TAMPERINGS,
    **points_made.TAMPERINGS,
}
SHOWS_IN = {
    "opening": ("opening", "missing-opening", "vote", "comment", "moderation_act"),
    "pseudonym": ("pseudonym", "vote", "comment"),
    "entry": ("entry", "vote"),
    "census": ("census", "census_item"),
}
"""Which rows are missed, or miss theirs, where that is not the table's own: what is gone leaves no row to name."""


def test_there_is_a_tampering_with_every_audited_table():
    assert set(TAMPERINGS) > Audited.tables


def test_an_untouched_site_verifies_with_its_counts(played):
    done = played.test_cli_runner().invoke(args=["log", "verify"])
    assert done.exit_code == 0, done.output
    assert "The record verifies, and the database says what it says." in done.output
    assert "tallies recounted" in done.output


@pytest.mark.parametrize("table", TAMPERINGS)
def test_rows_that_were_changed_deleted_or_put_in_directly_are_named(played, table):
    missed = []
    for tampering in TAMPERINGS[table]:
        sql = tampering if isinstance(tampering, str) else tampering()
        with put_back_afterwards():
            assert edit(sql) > 0, f"changes nothing: {sql}"
            told = wrong()
            if not any(each.startswith(f"{name}:") for each in told for name in SHOWS_IN.get(table, (table,))):
                missed.append((sql, told[:3]))
    assert missed == []
    assert wrong() == [], "what was put back is in order"


def test_the_command_names_what_is_wrong_and_fails(played):
    edit("UPDATE decision SET outcome = 'scrap'")
    done = played.test_cli_runner().invoke(args=["log", "verify"])
    assert done.exit_code == 1
    assert "WRONG  decision: 2026-0001 has another outcome than line" in done.output


def test_a_tampering_with_the_published_files_is_found_too(played):
    tile = log_folder().path / "tile" / "entries"
    part = max(tile.glob("000.p/*"), key=lambda path: int(path.name))
    kept = part.read_bytes()
    part.write_bytes(kept.replace(b'"keep"', b'"scrp"', 1))
    try:
        told = wrong()
    finally:
        part.write_bytes(kept)
    assert any("is not what the published tile holds" in each for each in told)


def test_while_something_was_just_hidden_the_command_asks_for_a_moment(played):
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        comment = db.session.get_one(Comment, db.session.scalar(db.select(Comment.id).filter_by(text=STOOD_BEHIND)))
        hide_comment(
            comment=comment, rule=ModerationRule.SPAM, reason="It advertises.", by=moderator, now=NOON + 13 * DAY
        )
    done = played.test_cli_runner().invoke(args=["log", "verify"])
    assert done.exit_code == 2, done.output
    settle_the_record()
    assert played.test_cli_runner().invoke(args=["log", "verify"]).exit_code == 0


@pytest.mark.parametrize("app", ["postgresql"], indirect=True)
def test_on_postgresql_every_table_is_held_against_the_record_as_well(played):
    assert wrong() == []
    for sql in (
        "UPDATE vote SET capacity = 'charity'",
        "UPDATE comment SET text = 'Words nobody wrote.'",
        "UPDATE support SET stands = NOT stands",
        "UPDATE moderation_act SET rule = 'abuse'",
        "UPDATE frozen_tally SET at_size = at_size - 1",
        "UPDATE decision SET outcome = 'scrap'",
        "UPDATE answer SET reasons = 'For reasons that nobody gave.'",
        "UPDATE due_change SET undecided = 7",
        "UPDATE census SET number = 7",
        "UPDATE edition SET text = 'What was never said'",
        "UPDATE milestone SET words = 'Something less'",
        "UPDATE point SET made_by = 'Another office'",
        'UPDATE "grouping" SET stands = NOT stands',
        "UPDATE dispute SET settled_by = 'Another office'",
        "UPDATE theme SET title = 'Another subject'",
        "UPDATE regulation SET title = 'Another title'",
        "UPDATE post SET role = 'administrator'",
        "UPDATE organisation SET key = 'anotherbakery'",
        "UPDATE entry SET leaf = body WHERE idx = 3",
        "UPDATE opening SET text = 'Words nobody wrote.'",
    ):
        assert edit(sql) > 0, sql
    told = wrong()
    named = {each.partition(":")[0] for each in told}
    assert Audited.tables | {"entry", "opening"} <= named
