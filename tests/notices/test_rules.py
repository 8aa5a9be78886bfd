"""When the day's mail goes out, and what a followed search finds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.errors import RuleBroken
from notices import rules
from notices.rules import Findable, Followed, asked_in, followed_by, next_digest, search_key, stems_of
from search.rules import words_of


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


def stem(word: str) -> str:
    return word.rstrip("s")


LIFTS = Findable(
    citation="uksi-1998-2307",
    words=stems_of(
        words_of("The Lifting Operations Regulations 1998 Makes employers examine lifts. UK SI 1998/2307"), stem
    ),
    theme="workplace",
    department="labour",
    outcomes=frozenset({"none"}),
    sectors=frozenset({"construction"}),
)


def found(key: str, regulation: Findable = LIFTS) -> bool:
    return asked_in(key, stem).finds(regulation)


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
        ("outcome=none", True),
        ("q=2307", True),
        ("q=1998", True),
    ],
)
def test_a_followed_search_finds_what_has_every_word_of_it(key, expected):
    assert found(key) is expected


def test_what_bears_on_all_sectors_bears_on_each():
    everywhere = replace(LIFTS, sectors=frozenset({"all-sectors"}))
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
    rules.check_may_follow(Followed.THEME, rules.MOST_FOLLOWS - 1, rules.MOST_SEARCHES)
    with pytest.raises(RuleBroken):
        rules.check_may_follow(Followed.THEME, rules.MOST_FOLLOWS, 0)


def test_searches_end_sooner_since_each_is_held_against_everything():
    rules.check_may_follow(Followed.SEARCH, rules.MOST_SEARCHES, rules.MOST_SEARCHES - 1)
    with pytest.raises(RuleBroken, match="You follow 20 searches"):
        rules.check_may_follow(Followed.SEARCH, rules.MOST_SEARCHES, rules.MOST_SEARCHES)
