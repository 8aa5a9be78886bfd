"""Whoever changes points behind the site's back is found out by `flask log verify`."""

import pytest
from sqlalchemy import text

from accounts.models import Account
from analysis.agreement import disagreements, gathers_few
from analysis.rules import FEW_SUMMARY, FEW_TITLE
from analysis.services import object_to, point_text
from audit.entries import text_digest
from core.db import db, transaction
from tests.analysis.making import a_comment, a_point, put
from tests.factories import DAY, NOON


@pytest.fixture
def sorted_out(regulation, analyst):
    first, second = a_comment(regulation), a_comment(regulation, "Another.")
    point = a_point(regulation, analyst, "It costs too much", "Small shops say so.")
    other = a_point(regulation, analyst, "It is not clear")
    (grouping,) = put(point, first, by=analyst)
    put(other, second, by=analyst)
    with transaction():
        object_to(grouping=grouping, author=db.session.get_one(Account, first.account_id), now=NOON + DAY)


def test_what_was_recorded_agrees(sorted_out):
    assert list(disagreements()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE point SET title = 'Another title' WHERE id = 1",
        "UPDATE point SET withdrawn_at = changed_at WHERE id = 1",
        "UPDATE point_wording SET summary = 'Something else' WHERE id = 1",
        "UPDATE point SET few = NOT few WHERE id = 1",
        "DELETE FROM point_wording WHERE id = 2",
        """UPDATE "grouping" SET stands = NOT stands WHERE id = 1""",
        """UPDATE "grouping" SET point_id = 2 WHERE id = 1""",
        """UPDATE "grouping" SET comment_id = 2 WHERE id = 1""",
        "UPDATE dispute SET outcome = 'kept'",
        "DELETE FROM dispute",
    ],
)
def test_each_thing_changed_behind_the_back_is_found(sorted_out, sql):
    db.session.rollback()
    with db.engine.connect() as connection:
        connection.exec_driver_sql(sql)
        connection.commit()
    db.session.expire_all()
    assert list(disagreements()) != [], text(sql)


def test_the_group_of_a_record_that_does_not_say_so_yet_is_known_by_its_words():
    of_few, other = point_text(FEW_TITLE, FEW_SUMMARY), point_text("It costs too much", "")
    assert gathers_few({"text_sha256": text_digest(of_few)})
    assert not gathers_few({"text_sha256": text_digest(other)})
    assert gathers_few({"text_sha256": text_digest(other), "few": True})
    assert not gathers_few({"text_sha256": text_digest(of_few), "few": False})
