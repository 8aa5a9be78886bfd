"""No column of an audited table can be changed past the site without `flask log verify` naming it, but for a few."""

import sqlite3

import pytest
from sqlalchemy import JSON, Boolean, Date, DateTime, Integer, text

from audit.guard import Audited
from audit.tiles import log_folder
from core.db import db
from opendata.checking import rows_against_the_record
from tests.opendata.test_checking import edit, played, put_back_afterwards

__all__ = ["played"]

BESIDE = {"point_wording", "milestone_act", "submission_point", "regulation_sector", "census_item"}
"""Tables that are not audited themselves, and say what an audited row said once, or say more of it."""

FREE = {
    "answer.public_id": "An address of our own; the record knows the answer by its line.",
    "comment.demonstration": "A label. That of the whole record stands in its first line.",
    "comment.display_name": "Names that people gave stand nowhere on the record, so that they can be erased.",
    "comment.organisation_name": "As display_name.",
    "decision.demonstration": "As comment.demonstration.",
    "milestone.demonstration": "As comment.demonstration.",
    "organisation.domain": "Private: which addresses are taken to be its people's.",
    "point.demonstration": "As comment.demonstration.",
    "post.account_id": "The record names offices, and not who holds them.",
    "post.department_id": "The record names offices and their roles, and not where they belong.",
    "submission.demonstration": "As comment.demonstration.",
    "submission.digest": "Private: by which the same is known again when it is entered twice.",
    "vote.organisation_name": "As comment.display_name. One that staff checked stands under its own pseudonym.",
    "vote.reason_kind": "Its reason has a line of its own.",
    "vote.ballot_order": "Private: in which order this voter saw the choices.",
}
"""Columns that the record rightly does not speak of, and why. docs/verifying.md tells readers."""

FREE_TO_FORGET = {"moderation_act.target": "What the moderators of the oldest acts had read is not known."}
"""Columns in which only nothing at all goes unnamed."""

COLUMNS = sorted(
    f"{table.name}.{column.name}"
    for table in db.metadata.sorted_tables
    if table.name in Audited.tables | BESIDE
    for column in table.columns
    if not (column.primary_key and column.name == "id")  # a number of our own, which only other rows name
)


SHIFTS = ("+3 days", "-3 days", "+2 hours", "-2 hours")


def changes(column):
    """What somebody could write there, over all rows at once."""
    name = f'"{column.name}"'
    match column.type:
        case Boolean():
            values = [f"NOT {name}"]
        case Integer():
            values = [f"coalesce({name}, 0) + 1000"]
        case DateTime():
            values = [f"datetime(coalesce({name}, '2026-03-02 12:00:00'), '{shift}')" for shift in SHIFTS]
        case Date():
            values = [f"date(coalesce({name}, '2026-03-02'), '+1 day')"]
        case JSON():
            values = ["""'{"another": 1}'""", f"replace({name}, '1', '2')"]
        case _:
            values = [f"coalesce({name}, '') || 'x'"]
    return [*values, "NULL"] if column.nullable and str(column) not in FREE_TO_FORGET else values


def named_on_tampering(name):
    """For each change that takes hold, the tables of which a row was named."""
    table, column = name.split(".")
    found = {}
    for value in changes(db.metadata.tables[table].columns[column]):
        changed = f'"{column}" IS NOT {value}' if value != "NULL" else f'"{column}" IS NOT NULL'
        with put_back_afterwards():
            done = took_hold(table, column, value, changed)
            if done is None:
                found[value] = {"the database"}
            elif done:
                found[value] = {each.partition(":")[0] for each in rows_against_the_record(log_folder())}
    return found


def took_hold(table, column, value, where):
    """In how many rows: all, or one where the database refuses two alike; None where it refuses each of them."""
    numbers = db.session.scalars(text(f'SELECT rowid FROM "{table}" WHERE {where}')).all()
    for some in ("TRUE", *(f"rowid = {number}" for number in numbers)):
        try:
            return edit(f'UPDATE "{table}" SET "{column}" = {value} WHERE {where} AND {some}')
        except sqlite3.IntegrityError:
            continue
    return None


@pytest.mark.parametrize("table", sorted(Audited.tables | BESIDE))
def test_a_change_to_any_column_is_named(played, table):
    unseen, untouched = [], []
    for name in COLUMNS:
        if name.partition(".")[0] == table and name not in FREE:
            found = named_on_tampering(name)
            unseen += [f"{name} = {value}" for value, named in found.items() if not named]
            untouched += [name] if not found else []
    assert unseen == []
    assert untouched == [], "no row here has this column filled: let one be made"


def test_what_is_free_of_the_record_is_there_and_free_indeed(played):
    assert set(COLUMNS) > FREE.keys()
    assert {name: named for name in FREE if (named := set().union(*named_on_tampering(name).values()))} == {}
