"""Every word of a draft is kept, with its answers, and nobody approves words of their own."""

import re

import pytest
from sqlalchemy import select

from accounts.rules import Role
from analysis.models import Point
from core.db import db, transaction
from core.errors import Clash, NotAllowed
from decisions.answers import save_answer
from decisions.deciders import may_approve, who_approves
from decisions.models import AnswerDraft, AnswerVersion, Decision, DraftVersion
from decisions.queries import draft_of
from decisions.rules import DraftStatus, Verdict
from decisions.services import return_draft, submit_draft
from tests.conftest import both_databases
from tests.decisions.conftest import LATER
from tests.decisions.test_routes import decide, send, the_draft
from tests.decisions.test_services import a_closed_regulation, approved, saved, submitted
from tests.factories import DAY, a_member_of_staff, how_many
from tests.queries_counted import queries_counted
from voting.models import Comment

NOTE = "Answer the point about cost."


@pytest.fixture
def officials(app):
    return [a_member_of_staff(Role.OFFICIAL, f"{which} Office") for which in ("First", "Second", "Third")]


def the_answer():
    db.session.expire_all()
    return db.session.scalars(select(AnswerDraft)).first()


def answered_anew(regulation, by, reasons, now=LATER):
    with transaction():
        answer = the_answer()
        save_answer(
            regulation=db.session.merge(regulation), point=db.session.get_one(Point, answer.point_id),
            verdict=Verdict.REJECT, reasons=reasons, version=answer.version, by=by, now=now,
        )  # fmt: skip


def returned(regulation, by, version):
    with transaction():
        return_draft(draft=draft_of(regulation), version=version, note=NOTE, by=by, now=LATER)


def changed_section(text):
    return text.partition("What changed since it was last returned")[2].partition("</section>")[0]


@pytest.mark.usefixtures("after_the_close")
@both_databases
@pytest.mark.parametrize("at", [LATER, LATER + DAY])
def test_an_answer_that_alone_changed_since_a_decision_was_returned_is_shown(
    app, signed_in, regulation, official, second, at
):
    send(signed_in(official), regulation.slug, do="submit")
    decide(signed_in(second), regulation.slug, "return", 1, note=NOTE)
    answered_anew(regulation, official, "Inspections found otherwise last year.", now=at)
    assert send(signed_in(official), regulation.slug, do="submit", version="1").status_code == 303
    text = signed_in(second).get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    section = changed_section(text)
    assert NOTE in section
    assert "Answer to “Raised by few people”" in section
    (old, *_), (new, *_) = re.findall(r"<del>.*?</del>", section), re.findall(r"<ins>.*?</ins>", section)
    assert "in part" in old
    assert "Not" in new
    assert "Inspections found otherwise last year." in section
    assert "Nothing was changed" not in section


@pytest.mark.usefixtures("after_the_close")
def test_where_nothing_changed_since_it_was_returned_that_is_said(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    decide(signed_in(second), regulation.slug, "return", 1, note=NOTE)
    send(signed_in(official), regulation.slug, do="submit", version="1")
    text = signed_in(second).get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    assert "Nothing was changed" in changed_section(text)


@pytest.mark.usefixtures("after_the_close")
def test_answers_count_as_they_were_submitted_and_not_as_they_were_when_the_decision_was_saved(
    app, signed_in, regulation, official, second
):
    author, approver = signed_in(official), signed_in(second)
    send(author, regulation.slug)
    answered_anew(regulation, second, "Inspections found otherwise last year.")
    send(author, regulation.slug, do="submit")
    page = approver.get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    assert "You wrote one of these answers yourself." in page
    decide(approver, regulation.slug, "return", 1, note=NOTE)
    send(author, regulation.slug, do="submit", version="1")
    text = approver.get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    assert "Nothing was changed" in changed_section(text)


@both_databases
def test_every_saving_of_an_answer_is_kept(app):
    official, regulation = a_member_of_staff(Role.OFFICIAL), a_closed_regulation()
    submitted(regulation, official)
    first = the_answer()
    answered_anew(regulation, official, "It costs more than it saves.")
    answered_anew(regulation, official, "It costs more than it saves.")
    kept = db.session.scalars(select(AnswerVersion).order_by(AnswerVersion.version)).all()
    assert [(each.version, each.verdict) for each in kept] == [(1, "accept_in_part"), (2, "reject")]
    assert kept[-1].answer_draft_id == first.id


def test_an_answer_changed_after_the_submission_makes_a_version_to_which_a_note_can_be_kept(officials):
    author, approver, _ = officials
    regulation = a_closed_regulation()
    submitted(regulation, author)
    answered_anew(regulation, author, "It costs more than it saves.")
    with transaction():
        submit_draft(draft=draft_of(regulation), by=author, now=LATER)
    returned(regulation, approver, version=2)
    versions = db.session.scalars(select(DraftVersion).order_by(DraftVersion.version)).all()
    assert [(each.version, each.note) for each in versions] == [(1, ""), (2, NOTE)]


@both_databases
def test_a_note_is_for_the_version_that_was_read(app):
    author, approver = (a_member_of_staff(Role.OFFICIAL) for _ in range(2))
    regulation = a_closed_regulation()
    submitted(regulation, author)
    saved(regulation, author, version=1, statement="The regulation stays until 2030.")
    with transaction():
        submit_draft(draft=draft_of(regulation), by=author, now=LATER)
    with pytest.raises(Clash, match="has changed since you opened it"):
        returned(regulation, approver, version=1)
    assert draft_of(regulation).status == DraftStatus.SUBMITTED
    assert {each.note for each in db.session.scalars(select(DraftVersion))} == {""}


@pytest.mark.usefixtures("after_the_close")
def test_whoever_returns_what_changed_meanwhile_keeps_their_note_and_reads_it_anew(
    app, signed_in, regulation, official, second
):
    send(signed_in(official), regulation.slug, do="submit")
    send(signed_in(official), regulation.slug, do="submit", version="1", statement="The regulation stays until 2030.")
    clash = decide(signed_in(second), regulation.slug, "return", 1, note=NOTE)
    text = clash.get_data(as_text=True)
    assert (clash.status_code, NOTE in text, "until 2030." in text) == (409, True, True)
    assert the_draft().return_note == ""


@both_databases
def test_nobody_approves_a_decision_of_which_they_wrote_a_part(app):
    author, other, third = (a_member_of_staff(Role.OFFICIAL, f"{n} Office") for n in "ABC")
    regulation = a_closed_regulation()
    saved(regulation, author)
    submitted(regulation, other, version=1, statement="The regulation stays as it is!")
    with pytest.raises(NotAllowed, match="You wrote part of this decision .*“Reasons”"):
        approved(draft_of(regulation), author)
    assert approved(draft_of(regulation), third).decided_by == "B Office"


def test_whoever_only_changed_one_part_is_told_which(officials):
    author, other, _ = officials
    regulation = a_closed_regulation()
    saved(regulation, author)
    saved(regulation, other, version=1, statement="The regulation stays for now.")
    submitted(regulation, author, version=2, statement="The regulation stays for good.")
    with pytest.raises(NotAllowed, match=re.escape("part of this decision (“In one sentence”), so another")):
        approved(draft_of(regulation), other)


def test_an_author_is_told_where_nobody_may_approve(app):
    author = a_member_of_staff(Role.OFFICIAL, "Only Office")
    regulation = a_closed_regulation()
    draft = saved(regulation, author)
    assert not may_approve(draft)
    assert "appoint a second official" in who_approves(draft)
    other = a_member_of_staff(Role.OFFICIAL, "Other Office")
    assert may_approve(draft)
    assert who_approves(draft) == "It waits on the desks of those who may."
    draft = saved(regulation, other, version=1, statement="Shops may open whenever they like from April on.")
    assert not may_approve(draft), "whose reasons stand in it is no second official"


def test_what_somebody_wrote_of_an_earlier_decision_does_not_bar_them_from_approving_the_next(officials):
    author, other, third = officials
    regulation = a_closed_regulation()
    approved(submitted(regulation, author), other)
    approved(submitted(regulation, other), third)
    assert how_many(Decision) == 2
    assert approved(submitted(regulation, third), author).approved_by == "First Office"


@pytest.mark.usefixtures("after_the_close")
def test_authors_see_a_sentence_and_no_button(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug)
    send(signed_in(second), regulation.slug, do="submit", version="1", statement="The regulation stays for now.")
    address = f"/staff/regulations/{regulation.slug}/approve"
    for account, sentence in ((official, "You wrote part of this decision"), (second, "You wrote this decision")):
        text = signed_in(account).get(address).get_data(as_text=True)
        assert sentence in text.partition('id="approve')[2]
        assert 'value="approve"' not in text
        assert decide(signed_in(account), regulation.slug, "approve", 2).status_code == 403
    desk = signed_in(official).get("/staff").get_data(as_text=True)
    assert "Nothing waits for you." in desk
    third = signed_in(a_member_of_staff(Role.OFFICIAL))
    assert 'value="approve"' in third.get(address).get_data(as_text=True)
    assert "Nothing waits for you." not in third.get("/staff").get_data(as_text=True)


@pytest.mark.usefixtures("after_the_close")
def test_before_they_change_what_waits_for_them_colleagues_read_what_that_means(
    app, signed_in, regulation, official, second
):
    send(signed_in(official), regulation.slug, do="submit")
    text = signed_in(second).get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    assert "a third official has to approve it" in text
    assert f'href="/staff/regulations/{regulation.slug}/approve"' in text
    own = signed_in(official).get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    assert "a third official" not in own


@pytest.mark.usefixtures("after_the_close")
def test_an_approver_is_warned_of_answers_they_wrote_themselves(app, signed_in, regulation, official, second):
    answered_anew(regulation, second, "Inspections found otherwise last year.")
    send(signed_in(official), regulation.slug, do="submit")
    address = f"/staff/regulations/{regulation.slug}/approve"
    assert "You wrote one of these answers yourself." in signed_in(second).get(address).get_data(as_text=True)
    assert "answers yourself" not in signed_in(official).get(address).get_data(as_text=True)
    assert decide(signed_in(second), regulation.slug, "approve", 1).status_code == 303


@pytest.mark.usefixtures("after_the_close")
def test_a_second_click_finds_what_the_first_one_did(app, signed_in, regulation, official, second):
    author, approver = signed_in(official), signed_in(second)
    for do in ("save", "save", "submit", "submit"):
        assert send(author, regulation.slug, do=do).status_code == 303, do
    assert (the_draft().version, the_draft().status) == (1, DraftStatus.SUBMITTED)
    page = approver.get(f"/staff/regulations/{regulation.slug}/approve").get_data(as_text=True)
    shown = re.search(r'<input[^>]*name="shown"[^>]*value="([^"]*)"', page)[1]
    clicks = [decide(approver, regulation.slug, "approve", 1, shown=shown) for _ in range(2)]
    assert [(click.status_code, click.location) for click in clicks] == [(303, "/decisions/2026-0001")] * 2
    assert how_many(Decision) == 1
    stranger = signed_in(a_member_of_staff(Role.OFFICIAL))
    assert decide(stranger, regulation.slug, "approve", 1, shown=shown).status_code == 404


@pytest.mark.usefixtures("after_the_close")
def test_a_second_click_returns_a_decision_once(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit")
    for _ in range(2):
        assert decide(signed_in(second), regulation.slug, "return", 1, note=NOTE).status_code == 303
    assert the_draft().status == DraftStatus.RETURNED


def test_whoever_saves_again_what_was_returned_meanwhile_is_told_of_it(officials):
    author, approver, _ = officials
    regulation = a_closed_regulation()
    submitted(regulation, author)
    returned(regulation, approver, version=1)
    with pytest.raises(Clash):
        saved(regulation, author, version=0)


def test_an_answer_that_changed_meanwhile_keeps_nobody_from_saving_their_own_words(officials):
    author, _, _ = officials
    regulation = a_closed_regulation()
    submitted(regulation, author)
    answered_anew(regulation, author, "It costs more than it saves.")
    assert saved(regulation, author, version=1, statement="The regulation stays until 2030.").version == 3


@pytest.mark.usefixtures("after_the_close")
def test_a_clash_shows_everything_in_which_two_texts_differ(app, signed_in, regulation, official, second):
    kept = db.session.scalars(select(Comment).filter_by(choice="keep")).first()
    theirs = {
        "departs_business": "Theirs to businesses, at some length.", "covers": ["charity", "trade_body"],
        "consultation": "yes", "review_on": "2027-03-01", "publish_at": "2026-12-01T09:30", "cited": kept.public_id,
        "legal_route": "By their bill.", "documents": "Their report https://example.org/theirs",
    }  # fmt: skip
    send(signed_in(official), regulation.slug, **theirs)
    mine = {
        "departs_business": "Mine to businesses, at some length.",
        "consultation": "no",
        "review_on": "2028-03-01",
        "publish_at": "",
    }
    mine |= {"legal_route": "", "documents": ""}
    clash = send(signed_in(second), regulation.slug, statement="The regulation stays for now.", **mine)
    section = clash.get_data(as_text=True).partition('id="theirs')[2].partition("</section>")[0]
    assert clash.status_code == 409
    plain = " ".join(re.sub(r"<[^>]+>", " ", section.replace("taken out: ", "").replace("put in: ", "")).split())
    for words in (
        "Businesses", "Theirs", "Mine", "Charities", "Trade bodies", "Yes", "No", "1 March 2027", "2028",
        "1 December 2026, 09:30", "It keeps", "By their bill.", "Their report https://example.org/theirs", "for now.",
    ):  # fmt: skip
        assert words in plain, words
    assert "It prevents harm" not in section


@pytest.mark.usefixtures("after_the_close")
def test_all_versions_are_listed_for_those_who_decide(app, signed_in, regulation, official, second):
    send(signed_in(official), regulation.slug, do="submit", statement="The regulation stays as it was.")
    decide(signed_in(second), regulation.slug, "return", 1, note=NOTE)
    send(signed_in(official), regulation.slug, do="submit", version="1")
    decide(signed_in(second), regulation.slug, "approve", 2)
    send(signed_in(second), regulation.slug, statement="The regulation stays for now.")
    client, address = signed_in(official), f"/staff/regulations/{regulation.slug}/decision/versions"
    assert address in client.get(f"/staff/regulations/{regulation.slug}/decision").get_data(as_text=True)
    text = client.get(address).get_data(as_text=True)
    third, latest, first = text.split("<h2")[1:4]
    assert ("Saved by Second Office" in third, "What the first version said" in third, "/decisions/" in third) == (
        True, True, False,
    )  # fmt: skip
    assert ("decision 2026-0001" in latest, "taken out: </span>was." in latest) == (True, True)
    assert ("Returned by Second Office" in first, NOTE in first) == (True, True)


@pytest.mark.usefixtures("after_the_close")
def test_the_page_of_versions_asks_no_more_for_more_and_comes_in_pages(app, signed_in, regulation, official):
    client, address, counted = signed_in(official), f"/staff/regulations/{regulation.slug}/decision/versions", []
    cited = [each.public_id for each in db.session.scalars(select(Comment))]
    for version in range(12):
        send(client, regulation.slug, version=str(version), statement=f"The {version}th one.", cited=cited[version % 2])
        if version in (2, 11):
            client.get(address)
            with queries_counted() as sent:
                text = client.get(address).get_data(as_text=True)
            counted.append(len(sent))
    assert counted[1] <= counted[0] <= 10
    numbers = [int(number) for number in re.findall(r"Version (\d+)\b", text)]
    assert numbers == list(range(12, 2, -1))
    assert "Version 1<" in client.get(f"{address}?page=2").get_data(as_text=True)
