"""Hiding by public rules, and checking who speaks for an organisation."""

import pytest
from sqlalchemy import select

from accounts.models import Membership, Organisation
from accounts.rules import Capacity, Role
from core.db import db, transaction
from core.errors import NotAllowed, RuleBroken
from regulations.rules import Split
from tests.conftest import both_databases
from tests.factories import (
    NOON,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)
from tests.queries_counted import queries_counted
from tests.voting.walking import sign_in
from voting.models import Comment, ModerationAct, Vote
from voting.moderation import comment_to_moderate, hide_comment, show_comment
from voting.queries import offered_reasons, reasons_of, tally_of
from voting.rules import Choice, CommentStatus, ModerationRule, ReasonKind
from voting.services import withdraw_vote

RULE = {"rule": "personal_data", "reason": "It gives a neighbour’s telephone number."}
SHOP = {"capacity": Capacity.BUSINESS, "organisation": "Corner Shop Ltd"}


@pytest.fixture
def moderator(app):
    return sign_in(app.test_client(), a_member_of_staff(Role.MODERATOR, "Example Moderation Office"))


def a_comment(text="Ring my neighbour on 020 7946 0000.", **given) -> Comment:
    a_vote(given.pop("regulation", None) or a_regulation(), text=text, **given)
    return db.session.scalars(select(Comment).order_by(Comment.id.desc()).limit(1)).one()


def act_url(comment, act="hide") -> str:
    return f"/staff/comments/{comment.public_id}/{act}"


def form_for(comment, **changed):
    return {**RULE, "seen": comment.entry_id, **changed}


def test_a_comment_is_hidden_by_a_public_rule_and_shown_again(moderator):
    comment = a_comment()
    regulation_id = comment.regulation_id
    answer = moderator.post(act_url(comment), data=form_for(comment))
    assert "The comment is hidden." in moderator.get(answer.location).text
    (shown,) = reasons_of(regulation_id)
    assert (shown.text, shown.hidden_by) == ("", ModerationRule.PERSONAL_DATA.label)
    (entry,) = the_record("moderation")
    assert (entry["action"], entry["rule"], entry["actor"]) == ("hide", "personal_data", "Example Moderation Office")
    assert "neighbour" not in str(entry)
    settle_the_record()
    assert tally_of(regulation_id).keep == 1, "the vote still counts"
    assert offered_reasons(regulation_id, seed="x")[Choice.KEEP] == []

    moderator.post(act_url(comment, "restore"), data=form_for(comment))
    db.session.rollback()
    assert reasons_of(regulation_id)[0].text.startswith("Ring my neighbour")
    assert [entry["action"] for entry in the_record("moderation")] == ["hide", "restore"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"rule": ""}, "Choose the rule."),
        ({"rule": "unwelcome"}, "Choose the rule."),
        ({"reason": "no"}, "Say in a sentence why."),
        ({"reason": "x" * 501}, "Shorten this to 500 characters"),
    ],
)
def test_hiding_without_a_rule_or_a_reason_is_refused_and_keeps_what_was_typed(moderator, said, sentence):
    comment = a_comment()
    answer = moderator.post(act_url(comment), data=form_for(comment, **said))
    assert (answer.status_code, how_many(ModerationAct)) == (422, 0)
    assert sentence in answer.text
    assert said.get("reason", RULE["reason"]) in answer.text


def test_a_comment_its_author_has_changed_is_read_again_first(moderator):
    regulation, author = a_regulation(), a_voter()
    comment = a_comment(regulation=regulation, voter=author)
    form = form_for(comment)
    a_vote(regulation, voter=author, text="A new text without any number.")
    answer = moderator.post(act_url(comment), data=form)
    assert (answer.status_code, how_many(ModerationAct)) == (409, 0)
    assert "The author has changed this comment" in answer.text
    assert "A new text without any number." in answer.text
    assert RULE["reason"] in answer.text


def test_what_is_hidden_cannot_be_hidden_again_nor_what_is_withdrawn(moderator):
    comment = a_comment()
    moderator.post(act_url(comment), data=form_for(comment))
    assert moderator.post(act_url(comment), data=form_for(comment)).status_code == 422
    assert "hidden already" in moderator.get(act_url(comment)).text
    assert moderator.get("/staff/comments/no-such-comment/hide").status_code == 404


@both_databases
def test_only_moderators_hide(app):
    comment, official = a_comment(), a_member_of_staff(Role.OFFICIAL)
    for act in (hide_comment, show_comment):
        with pytest.raises(NotAllowed), transaction():
            act(
                comment=comment_to_moderate(comment.public_id, seen=comment.entry_id),
                rule=ModerationRule.SPAM,
                reason="It advertises a shop.",
                by=official,
                now=NOON,
            )
    assert db.session.scalars(select(Comment.status)).one() == CommentStatus.PUBLISHED


@pytest.mark.parametrize("address", ["/staff/comments", "/staff/organisations"])
def test_staff_pages_are_for_staff(app, address):
    assert "/account/sign-in" in app.test_client().get(address).location
    assert sign_in(app.test_client(), a_voter()).get(address).status_code == 403


def test_officials_check_organisations_and_moderate_nothing(app):
    official = sign_in(app.test_client(), a_member_of_staff(Role.OFFICIAL))
    comment = a_comment()
    assert official.get("/staff/comments").status_code == 403
    assert official.post(act_url(comment), data=form_for(comment)).status_code == 403
    assert official.get("/staff/organisations").status_code == 200


def test_the_list_is_newest_first_filtered_and_paged(moderator):
    regulation, other = a_regulation(), a_regulation()
    for n in range(22):
        a_comment(f"Reason number {n}.", regulation=regulation)
    elsewhere = a_comment("Said elsewhere.", regulation=other)
    first = moderator.get("/staff/comments").text
    assert first.index("Said elsewhere.") < first.index("Reason number 21.")
    assert "Reason number 0." not in first
    assert "Reason number 0." in moderator.get("/staff/comments?page=2").text
    assert "Said elsewhere." not in moderator.get(f"/staff/comments?regulation={regulation.slug}").text
    moderator.post(act_url(elsewhere), data=form_for(elsewhere))
    hidden = moderator.get("/staff/comments?status=hidden").text
    assert "Said elsewhere." in hidden
    assert "It gives somebody’s personal details" in hidden
    assert "Reason number" not in hidden


@pytest.mark.parametrize("query", ["page=abc", "page=-1", "page=99999", "status=zzz", "regulation=%00", "regulation=("])
@both_databases
def test_odd_addresses_are_no_fault(app, query):
    staff = sign_in(app.test_client(), a_member_of_staff(Role.ADMINISTRATOR))
    assert staff.get(f"/staff/comments?{query}").status_code == 200


def test_the_list_costs_the_same_however_long_it_is(moderator):
    counts = []
    for _ in range(2):
        for n in range(6):
            a_comment(f"Reason number {n}.")
        db.session.rollback()
        with queries_counted() as sent:
            moderator.get("/staff/comments")
        counts.append(len([statement for statement in sent if statement.lstrip().startswith("SELECT")]))
    assert counts[0] == counts[1] <= 10


def test_a_moderator_does_not_learn_the_side_while_the_split_is_kept(moderator):
    a_comment("A reason under seal.", regulation=a_regulation(a_theme(split=Split.KEPT)))
    page = moderator.get("/staff/comments").text.partition("<main")[2]
    assert "A reason under seal." in page
    assert "choice--keep" not in page


def the_vote() -> Vote:
    db.session.rollback()
    return db.session.scalars(select(Vote).order_by(Vote.id).limit(1)).one()


def test_a_checked_organisation_appears_by_name_with_its_open_votes(moderator):
    regulation, voter = a_regulation(), a_voter(email="ann@shop.example")
    a_vote(regulation, voter=voter, **SHOP)
    assert reasons_of(regulation.id)[0].who == "A business"
    page = moderator.get("/staff/organisations").text
    assert "Corner Shop Ltd" in page
    address = f"/staff/organisations/{the_vote().id}"
    assert "shop.example" in moderator.get(address).text
    answer = moderator.post(address, data={"name": "Corner Shop Limited", "domain": "@Shop.example"})
    assert "From now on “Corner Shop Limited”" in moderator.get(answer.location).text
    assert (the_vote().level, how_many(Membership)) == (3, 1)
    assert reasons_of(regulation.id)[0].who == "Corner Shop Limited", "as staff confirmed it"
    assert [entry["level"] for entry in the_record("vote")] == [1, 1, 3], "withdrawn as hers, cast as the shop’s"
    settle_the_record()
    assert [label for label, _ in tally_of(regulation.id).by_level] == ["Checked by staff"]
    assert "Nothing to check" in moderator.get("/staff/organisations").text


def test_colleagues_who_write_from_its_domain_are_matched_too(moderator):
    one, two = a_regulation(), a_regulation()
    a_vote(one, voter=a_voter(email="ann@shop.example"), **SHOP)
    a_vote(two, voter=a_voter(email="bob@shop.example"), **SHOP)
    a_vote(a_regulation(), voter=a_voter(email="eve@notshop.example"), **SHOP)
    moderator.post(f"/staff/organisations/{the_vote().id}", data={"name": "Corner Shop Ltd", "domain": "shop.example"})
    db.session.rollback()
    assert db.session.scalars(select(Vote.level).order_by(Vote.id)).all() == [3, 2, 1]


def test_a_final_count_is_not_touched_by_a_later_check(moderator):
    theme = a_theme()
    a_vote(a_regulation(theme), voter=a_voter(email="ann@shop.example"), **SHOP)
    a_frozen_theme(theme)
    vote = the_vote()
    assert "Nothing to check" in moderator.get("/staff/organisations").text
    moderator.post(f"/staff/organisations/{vote.id}", data={"name": "Corner Shop Ltd", "domain": ""})
    assert (the_vote().level, len(the_record("vote"))) == (1, 1)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"name": ""}, "Enter the organisation’s name."),
        ({"name": "Another Firm"}, "The voter named “Corner Shop Ltd”."),
        ({"domain": "gmail.com"}, "Anybody can have an address there"),
        ({"domain": "not a domain"}, "Enter a domain such as example.org."),
    ],
)
def test_a_check_that_would_match_the_wrong_people_is_refused(moderator, said, sentence):
    a_vote(a_regulation(), voter=a_voter(), **SHOP)
    data = {"name": "Corner Shop Ltd", "domain": ""} | said
    answer = moderator.post(f"/staff/organisations/{the_vote().id}", data=data)
    assert (answer.status_code, how_many(Organisation)) == (422, 0)
    assert sentence in answer.text


@pytest.mark.parametrize("vote_id", ["999", "9" * 30])
def test_a_vote_that_is_not_there_names_nobody(moderator, vote_id):
    assert moderator.get(f"/staff/organisations/{vote_id}").status_code == 404


def hidden(comment: Comment) -> None:
    moderator = a_member_of_staff(Role.MODERATOR)
    with transaction():
        hide_comment(
            comment=comment_to_moderate(comment.public_id, seen=comment.entry_id),
            rule=ModerationRule.PERSONAL_DATA, reason=RULE["reason"], by=moderator, now=NOON,
        )  # fmt: skip


@both_databases
def test_what_was_hidden_stays_hidden_whatever_its_author_does(app):
    regulation, author = a_regulation(), a_voter()
    hidden(a_comment(regulation=regulation, voter=author))

    def is_hidden() -> bool:
        db.session.rollback()
        (reason,) = reasons_of(regulation.id)
        return (reason.text, reason.hidden_by) == ("", ModerationRule.PERSONAL_DATA.label)

    for text in ("Ring my neighbour on 020 7946 0000.", "It costs too much."):
        a_vote(regulation, Choice.SCRAP, author, text=text)
        assert is_hidden(), text
    for reason in ({"text": "It costs too much."}, {"text": "Ring her!"}):
        with transaction():
            withdraw_vote(voter=author, regulation=regulation, now=NOON)
        assert reasons_of(regulation.id) == []
        a_vote(regulation, Choice.SCRAP, author, **reason)
        assert is_hidden(), reason
    a_vote(regulation, Choice.SCRAP, author, text="", reason_kind=ReasonKind.NOT_SAID)
    a_vote(regulation, Choice.SCRAP, author, text="Back again.")
    assert is_hidden()


def test_moderators_are_told_of_what_was_changed_since_it_was_hidden_and_can_show_it(moderator):
    regulation, author = a_regulation(), a_voter()
    comment = a_comment(regulation=regulation, voter=author)
    hidden(comment)
    assert "changed since it was hidden" not in moderator.get("/staff/comments?status=hidden").text
    a_vote(regulation, voter=author, text="Now without the number.")
    assert "changed since it was hidden" in moderator.get("/staff/comments?status=hidden").text
    db.session.rollback()
    page = moderator.get(act_url(comment, "restore")).text
    assert "Now without the number." in page
    assert "has changed it since" in page
    moderator.post(act_url(comment, "restore"), data=form_for(comment))
    db.session.rollback()
    assert reasons_of(regulation.id)[0].text == "Now without the number."
    assert "changed since it was hidden" not in moderator.get("/staff/comments").text
    a_vote(regulation, voter=author, text="And again, in other words.")
    assert reasons_of(regulation.id)[0].text == "And again, in other words.", "shown again, it is the author's again"


def test_the_author_of_a_hidden_reason_is_told_that_it_stays_hidden(app):
    regulation, author = a_regulation(), a_voter()
    hidden(a_comment(regulation=regulation, voter=author))
    client = sign_in(app.test_client(), author)
    sentence = "stays hidden until a moderator"
    assert sentence in client.get(f"/regulations/{regulation.slug}/vote").text
    secret = a_vote(regulation, voter=author, text="Now without the number.").secret
    for address in (f"/receipts/{secret}", "/my/contributions"):
        assert sentence in client.get(address).text, address
    secret = a_vote(regulation, voter=author, text="").secret
    assert sentence not in client.get(f"/receipts/{secret}").text


def test_a_reason_too_short_is_no_reason(app):
    comment, moderator = a_comment(), a_member_of_staff(Role.MODERATOR)
    with pytest.raises(RuleBroken, match="Say in a sentence why"), transaction():
        hide_comment(comment=comment, rule=ModerationRule.SPAM, reason="spam", by=moderator, now=NOON)
