"""Texts behind lines: whoever may read them can check them, and who may not is told why and by which line."""

import json

import pytest

from accounts.rules import Role
from audit.agreement import Recorded
from audit.entries import commitment, text_digest
from audit.models import Entry
from audit.queries import log_size, read
from core.db import db, snapshot, transaction
from opendata.openings import Absent, Because, NotYet, Standing, openings_below, openings_of_line
from regulations.rules import Split
from tests.factories import (
    NOON,
    a_decision,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
    the_record,
)
from voting.moderation import comment_to_moderate, hide_comment, show_comment
from voting.queries import comment_by
from voting.rules import Choice, ModerationRule
from voting.services import withdraw_vote

REASON = "It names a private person, which the rules do not allow."


def moderated(comment, act=hide_comment):
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        found = comment_to_moderate(comment.public_id)
        return act(comment=found, rule=ModerationRule.PERSONAL_DATA, reason=REASON, by=moderator, now=NOON).entry_id


def a_reason(regulation, voter=None, text="It keeps people safe at work."):
    voter = voter or a_voter()
    a_vote(regulation, voter=voter, text=text)
    return comment_by(voter, regulation)


def fields_open(entry_id):
    return [opened.field for opened in openings_of_line(entry_id).opened]


def below(size=None):
    with snapshot():
        return list(openings_below(log_size() if size is None else size))


def test_a_published_reason_opens_its_line(app):
    comment = a_reason(a_regulation(), text="It works: café.")
    (opened,) = openings_of_line(comment.entry_id).opened
    (line,) = the_record("comment")
    assert opened.text == "It works: café."
    assert commitment(opened.kind, bytes.fromhex(opened.salt), opened.text) == line["body_commit"]


def test_a_hidden_reason_is_shut_by_the_act_that_hid_it_and_the_acts_own_reason_is_open(app):
    comment = a_reason(a_regulation())
    act = moderated(comment)
    found = openings_of_line(comment.entry_id)
    assert (found.opened, found.absent) == ([], [Absent("body_commit", Because.HIDDEN, act)])
    assert [(o.field, o.text) for o in openings_of_line(act).opened] == [("reason_commit", REASON)]


def test_a_reason_shown_again_is_open_again(app):
    comment = a_reason(a_regulation())
    moderated(comment)
    moderated(comment, act=show_comment)
    assert fields_open(comment.entry_id) == ["body_commit"]


def test_a_reason_written_anew_shuts_its_earlier_words_and_names_the_new_line(app):
    regulation, voter = a_regulation(), a_voter()
    first = a_reason(regulation, voter, "It costs too much.").entry_id
    second = a_reason(regulation, voter, "It costs too much for small shops.").entry_id
    assert openings_of_line(first).absent == [Absent("body_commit", Because.REPLACED, second)]
    assert fields_open(second) == ["body_commit"]


def test_a_reason_taken_back_is_shut_in_every_line_of_it(app):
    regulation, voter = a_regulation(), a_voter()
    first = a_reason(regulation, voter, "It costs too much.").entry_id
    second = a_reason(regulation, voter, "It costs too much for small shops.").entry_id
    with transaction():
        withdraw_vote(voter=voter, regulation=regulation, now=NOON)
    last = comment_by(voter, regulation).entry_id
    for line in (first, second):
        assert openings_of_line(line).absent == [Absent("body_commit", Because.WITHDRAWN, last)]


def test_a_kept_split_opens_nothing_of_votes_and_reasons_before_the_final_count_and_everything_after(app):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    comment = a_reason(regulation)
    vote = the_record("vote")[0]["id"]
    assert openings_of_line(vote).absent == [Absent("commit", Because.KEPT, None)]
    assert {absent.field for absent in openings_of_line(comment.entry_id).absent} == {"commit", "body_commit"}
    settle_the_record()
    assert not {vote, comment.entry_id} & {opened.entry for opened in below()}
    line = comment.entry_id
    a_frozen_theme(theme)
    assert [opened.text for opened in openings_of_line(vote).opened] == ["keep:"]
    assert sorted(fields_open(line)) == ["body_commit", "commit"]
    assert [opened.field for opened in below() if opened.entry == line] == ["body_commit", "commit"]


def test_words_behind_plain_digests_are_open_too(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    decision = a_decision(regulation)
    (listed,) = the_record("item.version")
    for line, field, words in (
        (the_record("decision")[0], "statement_sha256", decision.statement),
        (listed, "text_sha256", regulation.title),
        (the_record("theme")[0], "text_sha256", theme.title),
    ):
        (opened,) = openings_of_line(line["id"]).opened
        assert text_digest(opened.text) == line[field]
        assert words in json.loads(opened.text).values()
        assert opened.said() == {"entry": line["id"], "field": field, "text": opened.text}
    assert {"decision", "item.version", "theme"} <= {
        read(db.session.scalar(db.select(Entry.body).filter_by(id=opened.entry)))["type"] for opened in below()
    }


def test_a_line_that_commits_to_nothing_has_nothing_to_open_and_an_unknown_one_is_none(app):
    a_vote(a_regulation(), text="")
    found = openings_of_line(the_record("vote")[0]["id"])
    assert (list(found.opened), list(found.absent)) == ([], [])
    assert openings_of_line("0" * 32) is None


def test_a_text_that_is_gone_without_a_line_that_says_so_is_said_to_be_missing(app):
    comment = a_reason(a_regulation())
    with transaction():
        db.session.execute(db.text("DELETE FROM opening"))
    assert openings_of_line(comment.entry_id).absent == [Absent("body_commit", Because.MISSING, None)]


def test_what_is_open_by_a_lines_own_page_is_what_the_whole_record_opens(app):
    regulation, kept = a_regulation(), a_regulation(a_theme(split=Split.KEPT))
    shown, hidden, back = a_reason(regulation), a_reason(regulation), a_reason(regulation)
    again, sealed, gone = a_voter(), a_voter(), a_voter()
    for text in ("First words here.", "Second words here."):
        a_vote(regulation, Choice.SCRAP, voter=again, text=text)
    a_vote(kept, voter=sealed)
    a_vote(regulation, voter=gone)
    moderated(hidden)
    moderated(back)
    moderated(back, act=show_comment)
    with transaction():
        withdraw_vote(voter=gone, regulation=regulation, now=NOON)
    settle_the_record()
    in_bulk = [(opened.entry, opened.field, opened.text) for opened in below()]
    assert in_bulk == sorted(in_bulk)
    ids = list(db.session.scalars(db.select(Entry.id)))
    one_by_one = [(o.entry, o.field, o.text) for id in ids for o in openings_of_line(id).opened]
    assert sorted(one_by_one) == in_bulk
    assert {shown.entry_id, back.entry_id} < {entry for entry, _, _ in in_bulk}


def test_what_was_hidden_since_the_last_checkpoint_keeps_the_record_from_being_given_out(app):
    comment = a_reason(a_regulation())
    settle_the_record()
    size = log_size()
    assert comment.entry_id in {opened.entry for opened in below(size)}
    moderated(comment)
    with pytest.raises(NotYet):
        below(size)
    settle_the_record()
    assert comment.entry_id not in {opened.entry for opened in below()}


def test_reasons_given_since_the_last_checkpoint_wait_for_the_next(app):
    regulation = a_regulation()
    a_reason(regulation)
    settle_the_record()
    size = log_size()
    late = a_reason(regulation)
    assert late.entry_id not in {opened.entry for opened in below(size)}
    settle_the_record()
    assert late.entry_id in {opened.entry for opened in below()}


def told(*lines):
    """How reasons stand after a theme, a regulation and these lines."""
    standing = Standing()
    listed = [
        {"type": "theme", "id": "t", "theme": "retail", "split": "shown"},
        {"type": "item.version", "id": "i", "item": "x", "theme": "retail"},
    ]
    for idx, said in enumerate([*listed, *lines]):
        standing.take(Recorded(said["id"], idx, {"item": "x", **said}, None, None))
    return standing


FIRST = {"type": "comment", "id": "c1"}
SECOND = {"type": "comment", "id": "c2", "prev": "c1"}


def an_act(id, action, target="c1"):
    return {"type": "moderation", "id": id, "action": action, "target": target}


@pytest.mark.parametrize(
    ("lines", "because", "by"),
    [
        ([FIRST, an_act("m", "hold")], Because.HELD, "m"),
        ([FIRST, an_act("m", "hold"), an_act("n", "release")], None, None),
        ([FIRST, an_act("m", "mask")], Because.MASKED, "m"),
        ([FIRST, an_act("m", "hide"), {"type": "erasure", "id": "e", "target": "c1"}], Because.ERASED, "e"),
        ([FIRST, SECOND, an_act("m", "hide", "c1")], Because.HIDDEN, "m"),
    ],
)
def test_the_latest_act_on_a_reason_decides_whether_it_is_open(lines, because, by):
    absent = told(*lines).why_absent("c1", "body_commit", "comment", "x")
    assert absent == (Absent("body_commit", because, by) if because else None)


def test_the_words_a_mask_leaves_are_open_while_it_is_the_latest_act():
    masked = told(FIRST, an_act("m", "mask"))
    assert masked.why_absent("m", "body_commit", "moderation", "x") is None
    shown = told(FIRST, an_act("m", "mask"), an_act("n", "restore"))
    assert shown.why_absent("m", "body_commit", "moderation", "x") == Absent("body_commit", Because.REPLACED, "n")


def test_a_reason_hidden_in_its_first_words_stays_hidden_in_the_words_written_over_it():
    standing = told(FIRST, an_act("m", "hide"), SECOND)
    assert standing.why_absent("c2", "body_commit", "comment", "x") == Absent("body_commit", Because.HIDDEN, "m")
