import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update

from audit import services
from audit.entries import LogOpen, StageSet, hour_of
from audit.guard import SilentChange
from audit.models import Entry, Opening
from audit.queries import log_size, read
from audit.services import Sealed, record, record_many
from core.db import db, transaction
from core.errors import Clash
from regulations.models import Regulation, Theme
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_regulation, a_theme, a_vote, a_voter, how_many, open_the_record, the_record
from voting.models import Vote
from voting.rules import Choice


def sequence():
    db.session.rollback()
    with transaction():
        return services.sequence_waiting()


def places():
    return [tuple(row) for row in db.session.execute(select(Entry.idx, Entry.id, Entry.t).order_by(Entry.idx))]


@both_databases
def test_log_open_is_the_first_line_and_there_is_one(app):
    assert [said["type"] for said in the_record("log.open")] == ["log.open"]
    with pytest.raises(Clash, match="open already"):
        open_the_record()


@both_databases
def test_whatever_is_recorded_in_its_hour_log_open_has_the_first_place(app):
    for _ in range(8):
        a_theme(now=NOON - 60 * DAY)
    sequence()
    (opening,) = the_record("log.open")
    assert places()[0][1] == opening["id"]


def test_nothing_is_recorded_before_the_log_is_open(app):
    regulation = a_regulation()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM entry")
        connection.exec_driver_sql("DELETE FROM log_head")
    with pytest.raises(services.NotOpened), transaction():
        record(StageSet(item=regulation.slug, stage="moved", actor="Example"), about=regulation, now=NOON)


@both_databases
def test_places_are_contiguous_and_keep_the_order_of_hours_and_references(app):
    regulation, voter = a_regulation(), a_voter()
    for choice in (Choice.KEEP, Choice.SCRAP, Choice.KEEP, Choice.SCRAP):
        a_vote(regulation, choice, voter)
    a_vote(regulation, now=NOON + timedelta(hours=2))
    while sequence():
        pass
    rows = places()
    assert [idx for idx, _, _ in rows] == list(range(len(rows)))
    assert [t for *_, t in rows] == sorted(t for *_, t in rows)
    place = {id: idx for idx, id, _ in rows}
    for said in the_record("vote") + the_record("comment"):
        if "prev" in said:
            assert place[said["prev"]] < place[said["id"]]


def test_acts_of_staff_within_an_hour_keep_their_order_as_the_later_one_decides(app):
    regulation = a_regulation()
    stages = [stage for _ in range(8) for stage in ("decided", "being_implemented")]
    for stage in stages:
        with transaction():
            regulation.settled = stage
            record(StageSet(item=regulation.slug, stage=stage, actor="An office"), about=regulation, now=NOON)
    sequence()
    placed = db.session.scalars(select(Entry.body).where(Entry.type == "stage").order_by(Entry.idx))
    assert [read(body)["stage"] for body in placed] == stages


def test_within_an_hour_the_order_is_drawn_by_lot(app):
    regulation = a_regulation()
    orders = set()
    for _ in range(6):
        before = log_size()
        sequence()
        ids = [a_vote(regulation, text="").entry_id for _ in range(4)]
        sequence()
        placed = db.session.execute(select(Entry.id).where(Entry.idx >= before, Entry.id.in_(ids)).order_by(Entry.idx))
        orders.add(tuple(ids.index(row.id) for row in placed))
    assert len(orders) > 1


def test_time_does_not_run_backwards(app):
    regulation = a_regulation()
    a_vote(regulation, now=NOON + timedelta(hours=5))
    sequence()
    late = a_vote(regulation, now=NOON)
    (said,) = [said for said in the_record("vote") if said["id"] == late.entry_id]
    assert said["t"] == hour_of(NOON + timedelta(hours=5))


@both_databases
def test_many_writers_and_one_sequencer_leave_no_gap(app):
    regulation = a_regulation()
    slug, problems = regulation.slug, []

    def vote(n):
        with app.app_context():
            try:
                for m in range(6):
                    regulation = db.session.scalars(select(Regulation).filter_by(slug=slug)).one()
                    a_vote(regulation, voter=a_voter(f"writer{n}-{m}@example.org"))
            except Exception as error:
                problems.append(error)
            finally:
                db.session.remove()

    def sequence_until_done():
        with app.app_context():
            while any(writer.is_alive() for writer in writers):
                sequence()
            sequence()
            db.session.remove()

    writers = [threading.Thread(target=vote, args=(n,)) for n in range(6)]
    sequencer = threading.Thread(target=sequence_until_done)
    for thread in [*writers, sequencer]:
        thread.start()
    for thread in [*writers, sequencer]:
        thread.join()
    while sequence():
        pass
    assert problems == []
    assert how_many(Vote) == 36
    assert [idx for idx, *_ in places()] == list(range(how_many(Entry)))


def test_a_failed_change_leaves_neither_row_nor_entry(app):
    regulation = a_regulation()
    before = how_many(Entry)
    with pytest.raises(RuntimeError), transaction():
        regulation.settled = "moved"
        record(StageSet(item=regulation.slug, stage="moved", actor="Example"), about=regulation, now=NOON)
        raise RuntimeError("the lights went out")
    assert (how_many(Entry), regulation.settled) == (before, None)


def test_one_recorded_change_does_not_excuse_a_silent_one(app):
    first, second = a_regulation(), a_regulation()
    with pytest.raises(SilentChange, match="Regulation"), transaction():
        first.settled = "moved"
        record(StageSet(item=first.slug, stage="moved", actor="Example"), about=first, now=NOON)
        second.title = "Quietly renamed"


@pytest.mark.parametrize(
    "statement",
    [
        update(Vote).values(choice="scrap", direction=None),
        delete(Vote),
        update(Vote.__table__).values(choice="scrap", direction=None),
        insert(Theme.__table__).values(slug="x"),
        text("UPDATE vote SET choice = 'scrap'"),
        text("delete from vote"),
        text("UPDATE ONLY vote SET choice = 'scrap'"),
        text('UPDATE "public"."vote" SET choice = NULL'),
    ],
    ids=str,
)
def test_a_bulk_statement_on_an_audited_table_is_refused(app, statement):
    a_vote(a_regulation())
    with pytest.raises(SilentChange, match="bulk"), transaction():
        db.session.execute(statement)
    assert db.session.scalars(select(Vote.choice)).one() == "keep"


def test_a_deleted_audited_row_is_refused(app):
    theme = a_theme()
    with pytest.raises(SilentChange), transaction():
        db.session.delete(theme)


def test_an_entry_cannot_be_rewritten_or_deleted(app):
    entry_id = db.session.scalars(select(Entry.seq)).first()
    with pytest.raises(SilentChange, match="never changed"), transaction():
        db.session.get_one(Entry, entry_id).body = b"{}"
    with pytest.raises(SilentChange, match="never changed"), transaction():
        db.session.delete(db.session.get_one(Entry, entry_id))


@pytest.mark.parametrize(
    "statement", [update(Entry).values(body=b"{}"), delete(Entry), text("DELETE FROM entry")], ids=str
)
def test_a_bulk_statement_on_the_record_itself_is_refused(app, statement):
    with pytest.raises(SilentChange, match="never changed"), transaction():
        db.session.execute(statement)


@both_databases
def test_many_rows_are_written_with_their_entries(app):
    theme = a_theme()
    first = a_regulation(theme)
    wanted = ("kind", "year", "title", "binds", "sentence", "summary", "link", "checked_on", "source")
    usual = {name: getattr(first, name) for name in wanted}
    usual |= {
        "theme_id": theme.id,
        "department_id": first.department_id,
        "listed_at": NOON,
        "settled_because": "",
        "in_force": "",
    }
    rows = [usual | {"slug": f"bulk-{n}", "number": n} for n in range(50)]
    bodies = [StageSet(item=row["slug"], stage="upcoming", actor="Example") for row in rows]
    db.session.rollback()
    with transaction():
        record_many(Regulation, rows, bodies, now=NOON)
    pairs = (
        select(Entry.item, Regulation.slug)
        .join(Regulation, Regulation.id == Entry.about_id)
        .where(Entry.type == "stage")
    )
    assert [row.item == row.slug for row in db.session.execute(pairs)] == [True] * 50


def test_many_rows_need_as_many_entries(app):
    with pytest.raises(ValueError, match="its entry"), transaction():
        record_many(Vote, [{}, {}], [], now=NOON)


def test_openings_are_kept_beside_the_record_not_in_it(app):
    regulation = a_regulation()
    sealed = Sealed.of("reason", "Because of a flood")
    with transaction():
        body = StageSet(item=regulation.slug, stage="moved", actor="Example")
        regulation.settled = "moved"
        written = record(body, about=regulation, now=NOON, openings={"reason": sealed})
    opening = db.session.scalars(select(Opening).filter_by(entry_id=written.id)).one()
    assert (opening.text, opening.salt) == ("Because of a flood", sealed.salt)
    assert b"flood" not in db.session.scalars(select(Entry.body).filter_by(id=written.id)).one()


def test_log_open_names_the_origin_and_both_keys():
    names = set(LogOpen.__dataclass_fields__)
    assert {"origin", "log_key", "promise_key", "demonstration"} <= names
