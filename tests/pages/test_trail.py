"""The story of one regulation: sentences for every kind of line, a day's votes in one, and nothing about people."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.rules import Capacity, Role
from audit.entries import ALL
from audit.queries import Line
from core.db import db, transaction
from pages import trail
from pages.gathered import Gathered, gathered_sentence
from pages.sentences import ACTORS, TYPE_WORDS, Around, sentence
from pages.trail import Place, Told, hours_of
from regulations.rules import Split
from regulations.services import close_early
from tests.conftest import both_databases
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
from tests.queries_counted import queries_counted
from voting.models import Comment
from voting.moderation import hide_comment, show_comment
from voting.rules import Choice, Direction, ModerationRule, ReasonKind
from voting.services import withdraw_vote

SCRAP, IMPROVE, KEEP = Choice
AROUND = Around("Example Regulations 1992", "Retail", "It gave a telephone number.")
WORDS = {
    "vote": {"item": "x", "voter": "v", "capacity": "public", "level": 1, "choice": "keep"},
    "comment": {"item": "x", "author": "a", "capacity": "business", "vote": "improve", "direction": "clearer"},
    "support": {"item": "x", "comment": "c", "author": "a"},
    "moderation": {"item": "x", "target": "c", "action": "hide", "rule": "personal_data", "actor": "Example Office"},
    "tally": {"item": "x", "at_size": 1200, "counts": {"participants": 1, "scrap": 0, "improve": 0, "keep": 1}},
    "decision": {"item": "x", "reference": "2026-0007", "outcome": "keep", "official": "A", "approver": "B"},
    "stage": {"item": "x", "stage": "being_implemented", "actor": "A"},
    "window": {"theme": "retail", "act": "closed_early", "opens": 0, "closes": 86_400, "actor": "A"},
    "theme": {"theme": "retail", "kind": "spotlight", "split": "kept"},
    "item.version": {"item": "x", "theme": "retail"},
    "role": {"office": "A", "role": "official", "act": "given", "actor": "The operator"},
    "organisation": {"organisation": "digest", "act": "checked", "actor": "A"},
    "log.open": {"origin": "test.example/log", "demonstration": False},
    "erasure": {"target": "c", "basis": "request", "item": "x"},
    "invalidation": {"act": "a1", "rule": "one_person_twice", "actor": "A", "targets": ["v", "w"]},
    "reinstatement": {"act": "a2", "rule": "one_person_twice", "actor": "A", "targets_commit": "digest"},
    "point": {"item": "x", "point": "p", "text_sha256": "digest", "actor": "A"},
    "grouping": {"item": "x", "comment": "c", "point": "p", "actor": "A"},
    "dispute": {"item": "x", "grouping": "g", "state": "raised"},
    "submission": {
        "theme": "retail", "item": "x", "reference": "S-2026-0001", "how": "letter", "capacity": "charity",
        "received": 86_400, "actor": "A",
    },
    "answer": {"item": "x", "decision": "d", "point": "p", "verdict": "accept_in_part"},
    "due": {"theme": "retail", "due": 86_400, "actor": "A"},
    "overdue": {"theme": "retail", "due": 86_400, "undecided": 3},
    "milestone": {
        "item": "x", "decision": "d", "step": "law_drafted", "state": "under_way", "actor": "A", "due": 86_400,
    },
    "census": {"theme": "retail", "opens": 86_400, "number": 14, "items_sha256": "digest"},
    "edition": {"theme": "retail", "number": 2, "at_size": 1200, "text_sha256": "digest"},
    "key.rotate": {"which": "log", "old": "b2xk", "new": "bmV3", "actor": "The operator"},
    "incident": {"kind": "restored_from_backup", "actor": "The operator"},
}  # fmt: skip


def said(type, **more):
    return sentence(type, WORDS[type] | more, AROUND).text


def test_every_type_of_entry_has_a_sentence_and_a_word():
    assert WORDS.keys() == ALL.keys() == TYPE_WORDS.keys()
    for type, words in WORDS.items():
        told = sentence(type, words, AROUND)
        assert told.text.endswith("."), type
        assert "_" not in told.text, type


def test_a_point_that_gathers_what_few_people_raised_is_told_as_such():
    assert said("point", few=True) == "A made the group for what few people raised."
    assert "few people" not in said("point", few=False)


def test_every_type_of_entry_is_put_down_to_somebody_once():
    assert sorted(type for _, types in ACTORS.values() for type in types) == sorted(ALL)


def test_a_type_that_is_not_known_is_named_and_not_hidden():
    assert sentence("appeal", {}, AROUND).text == "An entry of the type appeal was written."


@pytest.mark.parametrize("type", sorted(WORDS))
def test_a_line_whose_fields_cannot_be_read_is_named_and_breaks_no_page(type):
    for said in ({}, dict.fromkeys(WORDS[type]), dict.fromkeys(WORDS[type], 10**30)):
        assert sentence(type, said, AROUND).text


def test_what_keeps_the_record_itself_is_told_plainly():
    assert said("erasure") == ("What an earlier line stands for was deleted for good, because the person asked for it.")
    assert said("erasure", basis="court_order").endswith("on this ground: court order.")
    assert said("invalidation") == "A took 2 votes out of the count. The rule: one person twice."
    assert said("reinstatement") == (
        "A put a list of votes back into the count. They had been taken out by the rule: one person twice."
    )
    assert said("milestone") == (
        "A named a step towards what was decided, “law drafted”: under way, to be done by 2 January 1970."
    )
    assert (
        said("milestone", state="done", prev="m")
        == "A said that a step towards what was decided, “law drafted”, is done."
    )
    assert said("milestone", state="missed", actor="The site", prev="m") == (
        "The day for a step towards what was decided, “law drafted”, went by: 2 January 1970."
    )
    assert said("census") == "“Retail” opened with 14 regulations."
    assert said("edition") == "Edition 2 of the report on “Retail” was kept."
    assert said("key.rotate") == (
        "The operator changed a key: from the next checkpoint on, another one signs the record."
    )
    assert said("incident") == (
        "Something went wrong with the record itself: restored from backup. Told by The operator."
    )


def test_points_and_what_stands_under_them_are_told():
    assert said("point") == "A named a point."
    assert said("point", prev="q") == "A worded a point anew."
    assert said("point", withdrawn=True) == "A gave up a point."
    assert said("grouping") == "A put a reason under a point."
    assert said("grouping", withdrawn=True) == "A took a reason out from under a point."


def test_votes_are_told_as_they_were_given():
    assert said("vote") == "A vote to keep it was counted, by a member of the public."
    assert said("vote", choice="improve", direction="other", capacity="trade_body") == (
        "A vote to improve it (in another way) was counted, by a trade body."
    )
    assert said("vote", prev="p") == "A vote took the place of an earlier one: to keep it, by a member of the public."
    assert said("vote", withdrawn=True, choice=None) == "A vote was withdrawn, by a member of the public."
    kept = {name: value for name, value in WORDS["vote"].items() if name != "choice"} | {"commit": "c"}
    assert sentence("vote", kept, AROUND).text == (
        "A vote was counted, by a member of the public. Which way it went is kept until the count is final."
    )


def test_reasons_moderation_and_windows_are_told_with_why():
    assert said("comment") == "A reason to improve it (clearer) was given, by a business."
    assert said("comment", withdrawn=True) == "A reason was taken back, by a business."
    hidden = sentence("moderation", WORDS["moderation"], AROUND)
    assert hidden.text == "Example Office hid a reason. The rule: It gives somebody’s personal details."
    assert hidden.detail == "The moderator’s reason: It gave a telephone number."
    assert said("moderation", action="mask").startswith("Example Office took words out of a reason, and left the rest.")
    assert said("moderation", action="hold").startswith("Example Office held a reason back until it is looked at.")
    closed = sentence("window", WORDS["window"], AROUND)
    assert closed.text == "A closed “Retail” early, on 2 January 1970."
    assert closed.detail == "The reason given: It gave a telephone number."


def test_a_demonstrations_decision_says_that_there_was_none():
    told = sentence("decision", WORDS["decision"], Around(demonstration=True)).text
    assert told == "Demonstration: no such decision was made. Decision 2026-0007 was published: keep."
    assert said("decision").startswith("Decision 2026-0007 was published")


def test_a_days_lines_are_added_up_in_one_sentence():
    day = Gathered()
    for side, number in (("scrap", 12), ("improve", 9), ("keep", 10)):
        day.add(side, number, taken_back=False, again=False)
    assert gathered_sentence("vote", day) == "31 votes counted: 12 scrap, 9 improve, 10 keep"
    day.add("keep", 1, taken_back=False, again=True)
    day.add(None, 2, taken_back=True, again=True)
    assert gathered_sentence("vote", day) == (
        "32 votes counted: 12 scrap, 9 improve, 11 keep (1 in place of an earlier one); 2 withdrawn"
    )
    support = Gathered()
    support.add(None, 1, taken_back=False, again=False)
    assert gathered_sentence("support", support) == "1 person stood behind a reason that another gave"


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25), date(2026, 1, 1)])
def test_a_day_begins_and_ends_at_midnight_in_the_uk(day):
    begins, ends = (datetime.fromtimestamp(seconds, UTC) for seconds in hours_of(day))
    summer = timedelta(hours=1)
    assert (begins.hour, ends.hour) == {28: (0, 0), 29: (0, 23), 25: (23, 0), 1: (0, 0)}[day.day]
    assert ends - begins == timedelta(days=1) + {29: -summer, 25: summer}.get(day.day, timedelta(0))


def three_days_of_votes():
    regulation, voter = a_regulation(), a_voter()
    for n, choice in enumerate([SCRAP, SCRAP, KEEP]):
        a_vote(regulation, choice, now=NOON - 2 * DAY, text="" if n else "It costs more than it gives us.",
               reason_kind=ReasonKind.NOT_SAID if n else ReasonKind.WRITTEN)  # fmt: skip
    a_vote(regulation, IMPROVE, voter, now=NOON - DAY, direction=Direction.STRICTER)
    a_vote(regulation, KEEP, voter, now=NOON, text="It keeps us safe enough as it is.")
    settle_the_record()
    return regulation, voter


@both_databases
def test_the_trail_is_added_up_by_day_on_either_database(app):
    regulation, voter = three_days_of_votes()
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    settle_the_record()
    folds = trail.folded_days(Place(regulation.slug, regulation.theme_id))
    assert [fold.text for fold in folds] == [
        "1 vote counted: 1 keep (1 in place of an earlier one); 1 withdrawn. "
        "1 reason given: 1 keep (1 in place of an earlier one); 1 taken back.",
        "1 vote counted: 1 improve. 1 reason given: 1 improve.",
        "3 votes counted: 2 scrap, 1 keep. 1 reason given: 1 scrap.",
    ]
    unfolded = trail.unfold(Place(regulation.slug, regulation.theme_id), folds, demonstration=False)
    assert [len(fold.lines) for fold in unfolded] == [fold.number for fold in folds] == [4, 2, 4]


def test_the_history_tells_it_newest_first_with_a_permalink_for_each_line(client):
    regulation, _ = three_days_of_votes()
    text = client.get(f"/regulations/{regulation.slug}/history").text
    told = [
        "1 vote counted: 1 keep",
        "1 vote counted: 1 improve",
        "3 votes counted: 2 scrap, 1 keep",
        "was listed under",
    ]
    assert sorted(map(text.index, told)) == [text.index(words) for words in told]
    ids = [row["id"] for row in client.get(f"/regulations/{regulation.slug}/history.json").get_json()]
    assert len(ids) == 11
    for id in ids:
        assert f'href="/record/{id}"' in text


def test_days_with_too_many_lines_lead_to_a_page_of_their_own(client):
    regulation = a_regulation()
    for _ in range(trail.UNFOLDED_AT_MOST):
        a_vote(regulation, KEEP, text="", reason_kind=ReasonKind.NOT_SAID)
    a_vote(regulation, SCRAP, text="It costs more than it gives us.")
    settle_the_record()
    text = client.get(f"/regulations/{regulation.slug}/history").text
    day = f"/regulations/{regulation.slug}/history?day=2026-03-02"
    assert f'href="{day}"' in text
    page = client.get(day).text
    assert "Everything on" in page
    assert "42 lines" in page
    assert page.count("A vote to keep it was counted") == 40
    assert "A reason to scrap it was given" in page
    assert "A reason to scrap it was given" not in client.get(f"{day}&type=vote").text


def test_the_history_holds_windows_moderation_counts_and_decisions_with_their_reasons(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation, KEEP, text="Ring me on 01632 960000 any time.")
    official, moderator = a_member_of_staff(Role.OFFICIAL), a_member_of_staff(Role.MODERATOR)
    comment_id = db.session.query(Comment.id).scalar()
    with transaction():
        comment = db.session.get_one(Comment, comment_id)
        act = {"comment": comment, "rule": ModerationRule.PERSONAL_DATA, "by": moderator, "now": NOON}
        hide_comment(reason="It gave a telephone number.", **act)
        show_comment(reason="The number is invented.", **act)
    with transaction():
        close_early(theme=db.session.merge(theme), reason="The rules are replaced next week.", by=official, now=NOON)
    a_frozen_theme(theme, NOON + DAY)
    a_decision(regulation)
    text = client.get(f"/regulations/{regulation.slug}/history").text
    for words in (
        "hid a reason. The rule: It gives somebody’s personal details.",
        "The moderator’s reason: It gave a telephone number.",
        "showed a hidden reason again.",
        "The reason given: The rules are replaced next week.",
        "The count became final: 1 person, 0 scrap, 0 improve, 1 keep.",
        "Demonstration: no such decision was made. Decision 2026-0001 was published: keep.",
    ):
        assert words in text, words
    assert "960000" not in text


def test_the_stage_a_decision_sets_is_told_in_its_line_and_keeps_its_own_in_the_record(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_frozen_theme(theme)
    a_decision(regulation)
    history = f"/regulations/{regulation.slug}/history"
    for address in (history, f"{history}.atom", f"/regulations/{regulation.slug}"):
        text = client.get(address).text
        assert "The stage was set to decided, by" not in text, address
        assert "The stage was set to decided." in text, address
    assert [row["sentence"][:28] for row in client.get(f"{history}.json?type=stage").get_json()] == [
        "The stage was set to decided"
    ]
    assert "The stage was set to decided, by" in client.get("/record").text


def test_a_stage_nobody_decided_keeps_its_own_line():
    def told(id, type, **said):
        at = datetime(2026, 3, 2, 12, tzinfo=UTC)
        around = AROUND if type == "decision" else Around()
        return Told(Line(id, 1, type, "x", at, said), "", sentence(type, WORDS[type] | said, around))

    decision = told("1", "decision", approver="B", reference="2026-0007")
    own, other = told("2", "stage", stage="decided", actor="B"), told("3", "stage", stage="done", actor="C")
    assert [act.line.id for act in trail.with_its_stage([own, other, decision])] == ["3", "1"]
    assert [act.line.id for act in trail.with_its_stage([own, other])] == ["2", "3"]


def test_what_a_shortened_story_leaves_out_is_counted():
    one = trail.Folded(date(2026, 3, 2), {"vote": Gathered(keep=3, taken_back=1)})
    two = trail.Folded(date(2026, 3, 1), {"vote": Gathered(scrap=1), "comment": Gathered(scrap=1)})
    three = trail.Folded(date(2026, 2, 1), {"vote": Gathered(scrap=1)})
    assert trail.left_out([]) == ""
    assert trail.left_out([three]) == "1 earlier vote on 1 day"
    assert trail.left_out([one, two, three]) == "5 earlier votes on 3 days, and more"
    assert trail.left_out([trail.Folded(date(2026, 2, 1), {"support": Gathered(unsaid=1)})]) == "There is more"


def test_a_kept_split_stays_kept_in_the_trail(client):
    regulation = a_regulation(a_theme(split=Split.KEPT))
    a_vote(regulation, SCRAP, text="They are a burden on us.")
    settle_the_record()
    for form in ("", ".json", ".csv", ".atom"):
        text = client.get(f"/regulations/{regulation.slug}/history{form}").text
        assert "scrap" not in text.lower(), form
        assert "burden" not in text


def test_the_history_as_data_holds_every_line_and_says_that_it_is_a_demonstration(client):
    regulation, _ = three_days_of_votes()
    address = f"/regulations/{regulation.slug}/history"
    rows = client.get(f"{address}.json").get_json()
    assert {row["type"] for row in rows} == {"vote", "comment", "item.version", "theme", "window"}
    assert all(row["demonstration"] is True for row in rows)
    places = [row["idx"] for row in rows]
    assert places == sorted(places, reverse=True)
    in_csv = list(csv.DictReader(io.StringIO(client.get(f"{address}.csv").text)))
    assert [row["id"] for row in in_csv] == [row["id"] for row in rows]
    assert [row["type"] for row in client.get(f"{address}.json?type=vote").get_json()] == ["vote"] * 5
    feed = client.get(f"{address}.atom")
    assert feed.mimetype == "application/atom+xml"
    assert feed.text.count("<title>Demonstration") == feed.text.count("<title>")


def test_the_trail_never_names_who_gave_a_line(client):
    regulation = a_regulation()
    voter = a_voter("ann.shopkeeper@example.org")
    a_vote(regulation, KEEP, voter, capacity=Capacity.BUSINESS, organisation="Ann’s Corner Shop", display_name="Ann")
    settle_the_record()
    for address in (f"/regulations/{regulation.slug}/history", "/record"):
        for form in ("", ".json", ".csv", ".atom"):
            text = client.get(address + form).text
            assert "Ann" not in text
            assert "example.org" not in text.replace("test.example", "")
            assert ":00:00Z" in text or form == ""


def test_the_history_asks_the_database_as_often_however_long_it_is(client):
    regulation, _ = three_days_of_votes()
    numbers = []
    for _ in range(2):
        with queries_counted() as asked:
            client.get(f"/regulations/{regulation.slug}/history")
        numbers.append(len(asked))
        for n in range(12):
            a_vote(regulation, Choice(list(Choice)[n % 3]), now=NOON - n % 6 * DAY)
        settle_the_record()
    assert numbers[0] == numbers[1] <= 10


def test_entries_in_these_tests_are_spelt_as_the_record_spells_them():
    """The words above stand for real entries: every field named there is one that its type has."""
    for type, words in WORDS.items():
        assert words.keys() <= {*ALL[type].__dataclass_fields__}, type
