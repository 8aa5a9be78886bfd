"""Words that a moderator covers, and comments they hide: the text is kept, and nothing public lets it out."""

import re
import zipfile

import pytest
from sqlalchemy import select

from accounts.rules import Role
from audit.tiles import log_folder
from core.db import db, transaction
from core.errors import RuleBroken
from core.sending import deliver_due
from opendata.bundle import write_bundle
from opendata.checking import check
from search import queries as search
from tests.conftest import both_databases
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
from tests.voting.test_erasure import EMAIL, LATER, erase, where_is, zelda
from tests.voting.walking import sign_in
from voting.models import Comment
from voting.moderation import comment_to_moderate, hide_comment, mask_comment, show_comment
from voting.queries import comment_by, reasons_of, tally_of
from voting.rules import Choice, CommentStatus, ModerationRule, covered

TEXT = "Ring Zebedee on 020 7946 0000: he knows that Zebedee pays twice."
LEFT = "Ring ▇▇ on ▇▇: he knows that ▇▇ pays twice."
WHY = {"rule": ModerationRule.PERSONAL_DATA, "reason": "It names a private person.", "now": NOON}


def a_reason(regulation, voter=None, text=TEXT):
    voter = voter or a_voter()
    a_vote(regulation, Choice.KEEP, voter, text=text)
    return comment_by(voter, regulation).public_id


def act(public_id, what=mask_comment, **given):
    moderator = a_member_of_staff(Role.MODERATOR)
    if what is mask_comment:
        given.setdefault("words", ["Zebedee", "020 7946 0000"])
    with transaction():
        done = what(comment=comment_to_moderate(public_id), by=moderator, **WHY, **given).entry_id
    settle_the_record()
    return done


def the_record_is_whole():
    db.session.rollback()
    found = check(log_folder())
    assert (found.wrong, found.waits) == ([], "")


def test_every_place_of_a_word_is_covered_and_longer_ones_first():
    assert covered("Ann Lee and Ann.", ["Ann", "Ann Lee"]) == "▇▇ and ▇▇."


@pytest.mark.parametrize(
    ("words", "why"),
    [([], "Enter the words"), (["zebra"], "does not stand"), (["One", "two"], "Nothing would be left")],
)
def test_what_is_not_there_or_is_everything_cannot_be_covered(words, why):
    with pytest.raises(RuleBroken, match=why):
        covered("One, two.", words)


@both_databases
def test_a_masked_reason_is_published_in_the_words_that_are_left(app):
    regulation = a_regulation()
    public_id = a_reason(regulation)
    act(public_id)
    (reason,) = reasons_of(regulation.id)
    assert (reason.text, reason.is_readable) == (LEFT, True)
    assert reason.masked_by == ModerationRule.PERSONAL_DATA.label
    assert db.session.scalars(select(Comment.text)).one() == TEXT
    assert tally_of(regulation.id).comments == 1
    assert search.matching_comments("pays", regulation.id)
    assert not search.matching_comments("zebedee", regulation.id)
    the_record_is_whole()


def test_the_line_of_a_mask_commits_to_what_is_left_and_opens_to_it(app, client):
    public_id = a_reason(a_regulation())
    line = act(public_id)
    (said,) = the_record("moderation")
    (opening,) = (o for o in client.get(f"/log/openings/{line}.json").json["openings"] if o["field"] == "body_commit")
    assert (said["action"], opening["text"], "body_commit" in said) == ("mask", LEFT, True)


def test_whatever_its_author_writes_over_a_mask_waits_for_a_moderator(app, client):
    regulation, author = a_regulation(), a_voter()
    public_id = a_reason(regulation, author)
    act(public_id)
    a_vote(regulation, Choice.KEEP, author, text="Ring Zebedee, I said.")
    settle_the_record()
    (reason,) = reasons_of(regulation.id)
    assert (reason.text, reason.is_readable) == ("", False)
    assert "its author has written it anew since" in client.get(f"/regulations/{regulation.slug}/comments").text
    assert not search.matching_comments("zebedee", regulation.id)
    act(public_id, words=["Zebedee"])
    assert reasons_of(regulation.id)[0].text == "Ring ▇▇, I said."
    the_record_is_whole()


def test_its_author_reads_their_own_words_and_that_some_are_covered_for_others(app, client):
    author = a_voter()
    act(a_reason(a_regulation(), author))
    page = sign_in(client, author).get("/my/contributions")
    assert "Zebedee pays twice" in page.text
    assert "A moderator covered words of this reason for others" in page.text
    (said,) = client.get("/my/contributions.json").json["contributions"]
    assert (said["reason"], said["masked_by"]) == (TEXT, ModerationRule.PERSONAL_DATA.label)


@both_databases
def test_a_masked_reason_can_be_shown_whole_again_or_hidden_altogether(app):
    regulation = a_regulation()
    public_id = a_reason(regulation)
    act(public_id)
    act(public_id, show_comment)
    assert (reasons_of(regulation.id)[0].text, reasons_of(regulation.id)[0].masked_by) == (TEXT, None)
    act(public_id)
    act(public_id, hide_comment)
    assert (reasons_of(regulation.id)[0].text, reasons_of(regulation.id)[0].is_readable) == ("", False)
    act(public_id)
    assert reasons_of(regulation.id)[0].text == LEFT
    the_record_is_whole()


def test_a_moderator_covers_words_through_the_browsers_door(app, client):
    regulation = a_regulation()
    public_id = a_reason(regulation)
    sign_in(client, a_member_of_staff(Role.MODERATOR))
    page = client.get(f"/staff/comments/{public_id}/mask")
    seen = re.search(r'name="seen"[^>]*value="([^"]*)"', page.text)[1]
    said = {"rule": "personal_data", "reason": WHY["reason"], "seen": seen}
    refused = client.post(f"/staff/comments/{public_id}/mask", data={**said, "words": "Zebra"})
    assert (refused.status_code, "does not stand in this comment" in refused.text) == (422, True)
    answer = client.post(f"/staff/comments/{public_id}/mask", data={**said, "words": "Zebedee\r\n 020 7946 0000 "})
    assert "The words are covered" in client.get(answer.location).text
    assert reasons_of(regulation.id)[0].text == LEFT
    assert "Words covered" in client.get("/staff/comments?status=masked").text


@pytest.mark.parametrize("what", [mask_comment, hide_comment])
def test_no_public_address_lets_out_what_a_moderator_took_out_of_sight(app, client, tmp_path, what):
    """Every page, list, feed, opening and download; before, the same search finds it."""
    theme = a_theme()
    regulation, other = a_regulation(theme), a_regulation()
    public_id = a_reason(regulation)
    cited = a_reason(regulation, text="Another one.")
    a_reason(other)
    settle_the_record()
    a_frozen_theme(theme)
    reference = a_decision(regulation, cited_comments=(public_id, cited)).reference
    assert len(leaking(client, regulation, reference, tmp_path)) > 4
    line = act(public_id, what)
    act(comment_of(other), what)
    assert leaking(client, regulation, reference, tmp_path) == []
    page = client.get(f"/regulations/{regulation.slug}/comments").text
    assert "personal details" in page
    assert f'href="/record/{line}"' in page


def comment_of(regulation):
    return db.session.scalars(select(Comment.public_id).filter_by(regulation_id=regulation.id)).one()


def leaking(client, regulation, reference, tmp_path) -> list[str]:
    """Where the covered name can be read by anybody."""
    db.session.rollback()
    entries = [said["id"] for kind in ("comment", "vote", "moderation", "decision") for said in the_record(kind)]
    lists = [f"/regulations/{regulation.slug}{page}" for page in ("", "/comments", "/evidence", "/history")]
    lists += ["/", "/record", "/decisions", "/regulations", "/themes", f"/decisions/{reference}"]
    addresses = [address + form for address in lists for form in ("", ".json", ".csv", ".atom")]
    addresses += [f"/regulations/{regulation.slug}/comments?q=Zebedee", "/sitemap.xml", "/record?type=moderation"]
    addresses += [f"/record/{entry}{form}" for entry in entries for form in ("", ".json")]
    addresses += [f"/log/openings/{entry}.json" for entry in entries]
    found = [address for address in addresses if "020 7946" in client.get(address).text]
    file = tmp_path / "record.zip"
    write_bundle(file, log_folder())
    with zipfile.ZipFile(file) as bundle:
        found += [name for name in bundle.namelist() if b"Zebedee" in bundle.read(name)]
    return found


def test_what_is_erased_takes_the_words_of_its_mask_along(app):
    theme = a_theme()
    regulation = a_regulation(theme)
    act(a_reason(regulation, zelda()))
    a_frozen_theme(theme)
    erase(zelda())
    deliver_due(LATER)  # the letter that says so goes with the address
    assert where_is(EMAIL, "Zebedee", "pays twice") == set()
    assert db.session.scalars(select(Comment.status)).one() == CommentStatus.ERASED
    the_record_is_whole()
