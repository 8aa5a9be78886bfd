"""Two analysts at the same moment: real threads on both databases."""

import threading
from contextlib import suppress

from accounts.models import Account
from accounts.rules import Role
from analysis.importing import import_rows
from analysis.models import Grouping, Point, Submission
from analysis.services import make_point, put_under, reword_point
from analysis.tables import read_table
from core import clock
from core.db import db, transaction
from core.errors import Clash, RuleBroken
from regulations.models import Regulation
from tests.analysis.making import a_comment, a_point
from tests.conftest import both_databases
from tests.factories import NOON, a_member_of_staff, a_regulation, how_many, the_record
from voting.models import Comment

A_WHILE = 0.7


def both_at_once(app, act) -> list[str]:
    """The act in two threads, each begun when both have read; what stopped either is returned by its name."""
    db.session.remove()
    gate, stopped = threading.Barrier(2), []

    def go() -> None:
        with app.app_context(), clock.pretending(NOON):
            try:
                with transaction():
                    db.session.get_one(Account, 1)
                    with suppress(threading.BrokenBarrierError):  # on SQLite only one is ever inside
                        gate.wait(A_WHILE)
                    act()
            except RuleBroken as refused:
                stopped.append(type(refused).__name__)
            db.session.remove()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return stopped


@both_databases
def test_a_comment_put_under_a_point_twice_at_once_stands_there_once(app):
    analyst, regulation = a_member_of_staff(Role.ANALYST), a_regulation()
    comment, point = a_comment(regulation), a_point(regulation, analyst)
    by, of, under = analyst.id, comment.id, point.id

    def act() -> None:
        put_under(
            point=db.session.get_one(Point, under), comments=[db.session.get_one(Comment, of)],
            by=db.session.get_one(Account, by), now=NOON,
        )  # fmt: skip

    assert both_at_once(app, act) == []
    assert how_many(Grouping) == len(the_record("grouping")) == 1


@both_databases
def test_of_two_who_word_a_point_at_once_one_is_told(app):
    analyst, regulation = a_member_of_staff(Role.ANALYST), a_regulation()
    by, under = analyst.id, a_point(regulation, analyst).id

    def act() -> None:
        reword_point(
            point=db.session.get_one(Point, under), version=1, title=f"Said by {threading.get_ident()}", summary="",
            by=db.session.get_one(Account, by), now=NOON,
        )  # fmt: skip

    assert both_at_once(app, act) == [Clash.__name__]
    assert len(the_record("point")) == 2


@both_databases
def test_the_few_are_gathered_in_one_group_whoever_makes_it_first(app):
    analyst, regulation = a_member_of_staff(Role.ANALYST), a_regulation()
    by, on = analyst.id, regulation.id

    def act() -> None:
        make_point(
            regulation=db.session.get_one(Regulation, on), title="Raised by few", summary="", few=True,
            by=db.session.get_one(Account, by), now=NOON,
        )  # fmt: skip

    assert both_at_once(app, act) == [RuleBroken.__name__]
    assert how_many(Point) == 1


@both_databases
def test_of_two_who_confirm_one_import_at_once_one_enters_it(app):
    regulation, entered = a_regulation(), []
    a_member_of_staff(Role.ANALYST)
    row = f"letter,charity,2026-03-01,{regulation.slug}"
    table = read_table("a.csv", f"how,capacity,received_on,regulation,text\n{row},One\n{row},Two\n".encode())

    def act() -> None:
        entered.append(len(import_rows(table=table, by=None, now=NOON).ready))

    assert both_at_once(app, act) == []
    assert (sorted(entered), how_many(Submission), len(the_record("submission"))) == ([0, 2], 2, 2)
