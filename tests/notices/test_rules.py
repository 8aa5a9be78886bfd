"""When the day's mail goes out, and what a followed search finds."""

from datetime import UTC, datetime

import pytest

from core.errors import RuleBroken
from notices import rules
from notices.rules import Findable, Followed, finds, followed_by, next_digest, search_key, words_in


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T12:00", "2026-03-03T07:00"),
        ("2026-03-03T06:59", "2026-03-03T07:00"),
        ("2026-03-03T07:00", "2026-03-04T07:00"),
        ("2026-03-28T12:00", "2026-03-29T06:00"),
        ("2026-07-01T05:59", "2026-07-01T06:00"),
        ("2026-10-24T12:00", "2026-10-25T07:00"),
    ],
)
def test_the_days_mail_goes_out_at_seven_by_the_clock_on_the_wall(now, due):
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert next_digest(moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)


LIFTS = Findable(
    title="The Lifting Operations Regulations 1998",
    citation="uksi-1998-2307",
    text="Makes employers examine lifts. Employers",
    theme="workplace",
    department="labour",
    outcome="",
    sectors=frozenset({"construction"}),
)


def found(key: str, regulation: Findable = LIFTS) -> bool:
    stems = {word: word.rstrip("s") for word in words_in([key], regulation)}
    return finds(key, regulation, stems)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("q=lifting", True),
        ("q=lift+employer", True),
        ("q=lifting+cranes", False),
        ("q=the", True),
        ("q=1998%2F2307", True),
        ("q=SI+1998%2F2307", True),
        ("q=1998%2F230", False),
        ("q=lifting&theme=workplace", True),
        ("q=lifting&theme=retail", False),
        ("department=labour&sector=construction", True),
        ("department=labour&sector=retail", False),
        ("outcome=scrap", False),
    ],
)
def test_a_followed_search_finds_what_has_every_word_of_it(key, expected):
    assert found(key) is expected


def test_what_bears_on_all_sectors_bears_on_each():
    everywhere = Findable("A", "uksi-1998-1", "", "t", "d", "", frozenset({"all-sectors"}))
    assert found("sector=retail", everywhere)


def test_a_search_is_kept_the_same_however_it_was_asked():
    assert search_key({"theme": "retail", "q": "  food   safety ", "stage": "open", "page": "3"}) == (
        "q=food+safety&theme=retail"
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"theme": "retail"}, (Followed.THEME, "retail")),
        ({"department": "labour", "stage": "open"}, (Followed.DEPARTMENT, "labour")),
        ({"q": "food", "theme": "retail"}, (Followed.SEARCH, "q=food&theme=retail")),
        ({"stage": "open", "sort": "newest"}, None),
        ({}, None),
    ],
)
def test_a_list_is_followed_as_the_simplest_thing_it_is(asked, expected):
    assert followed_by(asked) == expected


def test_nobody_follows_without_end():
    rules.check_may_follow(rules.MOST_FOLLOWS - 1)
    with pytest.raises(RuleBroken):
        rules.check_may_follow(rules.MOST_FOLLOWS)
