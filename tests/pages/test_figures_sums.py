"""The reconciliation: what became of everything, theme by theme, with the rows behind each number."""

import csv
import io
import re
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.models import Point
from analysis.services import put_under, take_out
from analysis.submission_rules import How, Received, Withheld
from analysis.submissions import enter_submission
from core.db import db, transaction
from decisions.rules import Outcome
from pages.figures import ANSWERS, COMMENTS, FIGURES, REGULATIONS, SIGNATURES, SUBMISSIONS
from regulations.models import Theme
from regulations.rules import Citation, Split, Stage
from regulations.services import Listing, list_regulations, settle
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_vote,
    a_voter,
    settle_the_record,
)
from tests.pages.readers import a_reason, hide, page
from tests.queries_counted import queries_counted
from voting.erasure import erase_person
from voting.models import Comment
from voting.moderation import hide_comment, show_comment
from voting.rules import Choice, ErasureBasis, ModerationRule
from voting.services import withdraw_vote

SCRAP, IMPROVE, KEEP = Choice
PROMISED = (
    "slug", "at_opening", "scrap", "improve", "keep", "moved", "already_spent", "undecided", "comments_received",
    "published", "hidden", "withheld", "erased", "answered", "awaiting",
)  # fmt: skip


def the_figures(client):
    return client.get("/figures.json").get_json()


def of_theme(client, theme):
    return next(row for row in the_figures(client)["themes"] if row["slug"] == theme.slug)


def comment_of_text(text):
    return db.session.scalars(select(Comment.public_id).filter_by(text=text)).one()


@pytest.fixture
def site(app):
    """A decided theme with something under every word, and an open one."""
    theme = a_theme(closes=NOON + DAY, title="Shops")
    scrapped, kept, waiting, _ = (a_regulation(theme) for _ in range(4))
    a_regulation(theme, spent="Its last duty ended in 2004.")
    leaver, mover = a_voter(), a_voter()
    a_reason(scrapped, "It costs us a day a month.", SCRAP)
    hidden = a_reason(scrapped, "Call me on 01632 960000.", SCRAP)
    a_vote(kept, voter=leaver, text="I would rather not say this for long.")
    a_vote(waiting, voter=mover, text="I change my mind tomorrow.")
    with transaction():
        withdraw_vote(voter=db.session.merge(mover), regulation=db.session.merge(waiting), now=NOON)
    hide(hidden)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    with transaction():
        erase_person(account=db.session.merge(leaver), basis=ErasureBasis.REQUEST, now=NOON + 4 * DAY)
    a_decision(scrapped, Outcome.KEEP)
    a_decision(scrapped, Outcome.SCRAP, now=NOON + 30 * DAY)
    a_decision(kept, Outcome.KEEP)
    a_reason(a_regulation(a_theme(title="Farms")), "It keeps the river clean.")
    _a_theme_that_keeps_its_split()
    _what_was_sent_in(theme)
    settle_the_record()
    db.session.rollback()
    return theme


def _a_theme_that_keeps_its_split():
    theme = a_theme(title="Schools", split=Split.KEPT)
    moved, late = a_regulation(theme), {"opens": NOON - 40 * DAY, "title": "Ports"}
    a_vote(a_regulation(theme), text="Nobody reads this yet.")
    a_vote(moved, text="Nor this, nor ever.")
    hide(comment_of_text("Nor this, nor ever."))
    with transaction():
        settle(regulation=db.session.merge(moved), stage=Stage.MOVED, because="It is.", by="Office", now=NOON)
    ports = a_theme(**late)
    for spent in ("", "Its last duty ended in 2004."):
        a_regulation(ports, spent=spent)


def _what_was_sent_in(theme):
    """More readable ones than fit on a page, one withheld, one that waits for the count, and a petition."""
    analyst = a_member_of_staff(Role.ANALYST)
    kept = db.session.scalars(select(Theme).filter_by(slug="schools")).one()
    sent = [(theme, {"text": f"Letter {number}."}) for number in range(51)]
    sent += [
        (theme, {"withheld": Withheld.AUTHOR_ASKED}),
        (kept, {}),
        (kept, {"text": "It harms.", "withheld": Withheld.UNLAWFUL}),
    ]
    sent.append((theme, {"how": How.PETITION, "capacity": Capacity.PUBLIC, "signatures": 12_000}))
    with transaction():
        for about, given in sent:
            usual = {"how": How.LETTER, "capacity": Capacity.CHARITY, "received_on": NOON.date(), "text": "It helps."}
            enter_submission(
                theme=db.session.merge(about), regulation=None, received=Received(**(usual | given)), by=analyst,
                now=NOON,
            )  # fmt: skip


def test_every_regulation_listed_at_opening_stands_under_one_word_and_under_its_last_decision(site, client):
    row = of_theme(client, site)
    assert {name: row[name] for name in (f.name for f in REGULATIONS)} == {
        "at_opening": 5, "scrap": 1, "improve": 0, "keep": 1, "moved": 0, "already_spent": 1, "undecided": 2,
    }  # fmt: skip


def test_every_comment_received_stands_under_one_word(site, client):
    row = of_theme(client, site)
    assert {name: row[name] for name in (f.name for f in COMMENTS)} == {
        "comments_received": 4, "published": 1, "pending": 0, "hidden": 1, "withheld": 0, "erased": 2,
    }  # fmt: skip
    assert row["withdrawn"] == 1


def test_every_published_comment_is_answered_or_awaits_an_answer(site, client):
    assert [of_theme(client, site)[name] for name in ("published", "answered", "awaiting")] == [1, 1, 0]
    (answered,) = client.get("/figures/shops/answered.json").get_json()
    assert answered["status"] == "published"
    totals = the_figures(client)["totals"]
    assert (totals["answered"], totals["awaiting"]) == (1, 1)


def test_a_comment_put_under_an_answered_point_by_mistake_and_taken_out_awaits_an_answer_again_and_it_alone(
    app, client
):
    theme = a_theme(closes=NOON + DAY)
    regulation = a_regulation(theme)
    first, second = (a_reason(regulation, words) for words in ("It is safe.", "It is known."))
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    moderator, by = a_member_of_staff(Role.MODERATOR), a_member_of_staff(Role.OFFICIAL)
    with transaction():
        comment = db.session.scalars(select(Comment).filter_by(public_id=first)).one()
        hide_comment(comment=comment, rule=ModerationRule.ABUSE, reason="It names somebody.", by=moderator, now=NOON)
    a_decision(regulation)
    for act in (put_under, take_out):
        with transaction():
            comment = db.session.scalars(select(Comment).filter_by(public_id=first)).one()
            if act is put_under:
                show_comment(
                    comment=comment,
                    rule=ModerationRule.ABUSE,
                    reason="It names nobody.",
                    by=moderator,
                    now=NOON + 30 * DAY,
                )
            (point,) = db.session.scalars(select(Point).filter_by(regulation_id=regulation.id))
            act(point=point, comments=[comment], by=by, now=NOON + 30 * DAY)
    row = of_theme(client, theme)
    assert (row["published"], row["answered"], row["awaiting"]) == (2, 1, 1)
    for name, left in (("answered", second), ("awaiting", first)):
        assert [one["comment"] for one in client.get(f"/figures/all/{name}.json").get_json()] == [left]


def test_the_figures_have_the_promised_names_and_say_that_they_hold(site, client):
    said = the_figures(client)
    for row in said["themes"]:
        assert set(PROMISED) <= row.keys()
    assert said["equations_hold"] is True
    assert said["totals"]["at_opening"] == 8
    assert said["totals"]["comments_received"] == 7
    assert "They add up." in page(client, "/figures")


LINKED = re.compile(r'href="(/figures/([^/"]+)/([a-z_]+))">([\d,]+)')


def test_each_number_on_the_page_leads_to_just_its_rows_the_same_on_pages_as_json_and_as_csv(site, client):
    said = the_figures(client)
    shown = LINKED.findall(client.get("/figures").get_data(as_text=True))
    columns = {figure.name for figure in (*REGULATIONS, *COMMENTS, *ANSWERS, *SUBMISSIONS, SIGNATURES)}
    rows_of_tables = [row["slug"] for row in said["themes"]] + ["all"]
    assert {(theme, name) for theme in rows_of_tables for name in columns} <= {link[1:3] for link in shown}
    assert all(said["totals"][name] for name in {*columns, "listed_later", "withdrawn"} - {"improve"})
    told = {row["slug"]: row for row in said["themes"]} | {"all": said["totals"]}
    for address, theme, name, number in shown:
        rows = client.get(f"{address}.json").get_json()
        counted = sum(row["signatures"] for row in rows) if name == "signatures" else len(rows)
        assert counted == told[theme][name] == int(number.replace(",", "")), address
        written = list(csv.DictReader(io.StringIO(client.get(f"{address}.csv").get_data(as_text=True))))
        assert [row["url"] for row in written] == [row["url"] for row in rows], address
        assert listed_on_pages(client, address) == [urlsplit(row["url"]).path for row in rows], address


def listed_on_pages(client, address):
    """Where each row leads, over all the pages of a list."""
    found, number = [], 1
    while (answer := client.get(f"{address}?page={number}")).status_code == 200:
        rows = answer.get_data(as_text=True).partition('<ul class="behind">')[2].partition("</ul>")[0]
        found += [re.search(r'href="([^"]+)"', row)[1] for row in rows.split("<li>")[1:]]
        number += 1
    return found


def test_the_rows_of_all_themes_are_those_of_each(site, client):
    for name in FIGURES:
        of_each = [
            client.get(f"/figures/{slug}/{name}.json").get_json() for slug in ("farms", "ports", "schools", "shops")
        ]
        assert sum(of_each, []) == client.get(f"/figures/all/{name}.json").get_json()


@both_databases
def test_submissions_are_readable_pending_or_withheld_and_signatures_stand_beside(site, client):
    row = of_theme(client, site)
    assert {name: row[name] for name in (f.name for f in (*SUBMISSIONS, SIGNATURES))} == {
        "submissions_received": 53, "submissions_readable": 52, "submissions_pending": 0, "submissions_withheld": 1,
        "signatures": 12_000,
    }  # fmt: skip
    assert row["submissions_readable"] == row["submissions_answered"] + row["submissions_awaiting"]
    kept = next(row for row in the_figures(client)["themes"] if row["slug"] == "schools")
    assert [kept[f.name] for f in SUBMISSIONS] == [2, 0, 1, 1]
    said = page(client, "/figures/shops/submissions_withheld")
    assert "Withheld: its author asked for it not to be shown" in said
    said = page(client, "/figures/all/signatures")
    assert "12,000 signatures in all, which are added to no votes. 1 petition" in said


@both_databases
def test_what_is_hidden_before_it_was_published_is_withheld_and_what_is_hidden_later_is_hidden(app, client):
    theme = a_theme(closes=NOON + DAY, split=Split.KEPT)
    regulation = a_regulation(theme)
    for words in ("It was never shown.", "It was shown for a day."):
        a_vote(regulation, text=words)
    hide(comment_of_text("It was never shown."))
    row = of_theme(client, theme)
    assert (row["pending"], row["hidden"], row["withheld"]) == (1, 0, 1)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    hide(comment_of_text("It was shown for a day."), now=NOON + 4 * DAY)
    row = of_theme(client, theme)
    assert (row["pending"], row["hidden"], row["withheld"]) == (0, 1, 1)
    assert the_figures(client)["equations_hold"] is True
    (withheld,) = client.get(f"/figures/{theme.slug}/withheld.json").get_json()
    assert (withheld["figure"], withheld["status"]) == ("withheld", "hidden")


def test_each_table_shows_its_equation_and_says_what_each_column_means(site, client):
    said = page(client, "/figures")
    for equation in (
        "At opening = scrap + improve + keep + moved + already spent + undecided",
        "Received = published + pending + hidden + withheld + taken back or erased",
        "Published = answered + awaiting",
        "Received = readable + pending + withheld",
    ):
        assert equation in said
    for figure in (*REGULATIONS, *COMMENTS, *ANSWERS, *SUBMISSIONS, SIGNATURES):
        assert f"{figure.heading} {figure.counts} . As data: {figure.name}".replace(" .", ".") in said


def test_the_tables_rows_are_downloaded_too(site, client):
    written = list(csv.DictReader(io.StringIO(client.get("/figures.csv").get_data(as_text=True))))
    said = the_figures(client)["themes"]
    assert [(row["slug"], row["scrap"], row["erased"]) for row in written] == [
        (row["slug"], str(row["scrap"]), str(row["erased"])) for row in said
    ]


def test_the_comments_rows_hold_no_words_of_theirs(site, client):
    for name in ("comments_received", "hidden", "erased", "withdrawn"):
        for form in ("", ".json", ".csv"):
            said = client.get(f"/figures/all/{name}{form}").get_data(as_text=True)
            for words in ("960000", "rather not say", "change my mind", "costs us"):
                assert words not in said


def test_what_is_listed_after_opening_is_told_apart_and_changes_no_sum(app, client):
    theme = a_theme()
    a_regulation(theme)
    late = Listing(
        citation=Citation("uksi", 2001, 77), title="Late Regulations 2001", department=a_department(),
        binds="Employers", sentence="It came late.", summary="It came late.", checked_on="not checked",
        source="editors", spent="Its last duty ended in 2004.",
    )  # fmt: skip
    with transaction():
        list_regulations(theme=db.session.merge(theme), listings=[late], now=theme.opens_at + DAY)
    row = of_theme(client, theme)
    assert (row["at_opening"], row["undecided"], row["already_spent"]) == (1, 1, 0)
    assert (row["listed_later"], row["listed_later_decided"]) == (1, 1)
    said = page(client, "/figures")
    assert "Listed after their theme had opened" in said
    assert "They add up." in said


def test_what_is_settled_without_a_decision_counts_as_spent_or_moved(app, client):
    theme = a_theme()
    moved, spent = a_regulation(theme), a_regulation(theme)
    with transaction():
        for regulation, stage in ((moved, Stage.MOVED), (spent, Stage.ALREADY_SPENT)):
            settle(regulation=db.session.merge(regulation), stage=stage, because="So it is.", by="Office", now=NOON)
    row = of_theme(client, theme)
    assert (row["moved"], row["already_spent"], row["undecided"]) == (1, 1, 0)


@both_databases
def test_comments_of_a_theme_that_keeps_its_split_are_pending_until_its_count_is_final(app, client):
    theme = a_theme(closes=NOON + DAY, split=Split.KEPT)
    a_vote(a_regulation(theme), text="Nobody reads this yet.")
    row = of_theme(client, theme)
    assert (row["comments_received"], row["pending"], row["published"], row["awaiting"]) == (1, 1, 0, 0)
    assert client.get(f"/figures/{theme.slug}/pending.json").get_json()[0]["figure"] == "pending"
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    row = of_theme(client, theme)
    assert (row["comments_received"], row["pending"], row["published"], row["awaiting"]) == (1, 0, 1, 1)


def test_figures_that_do_not_add_up_say_so_loudly(site, client):
    with db.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE comment SET status = 'lost' WHERE status = 'hidden'")
        connection.commit()
    said = page(client, "/figures")
    assert "These figures do not add up" in said
    assert "They add up." not in said
    assert "Shops: comments received and confirmed: 4, but what became of them adds up to 3." in said
    told = the_figures(client)
    assert told["equations_hold"] is False
    assert told["amiss"]


def test_the_figures_ask_the_database_as_little_for_many_themes_as_for_one(app, client):
    a_reason(a_regulation(a_theme(title="One")), "It keeps people safe here.")
    client.get("/figures")
    with queries_counted() as few:
        client.get("/figures", headers={"If-None-Match": "nothing"})
    for number in range(12):
        a_reason(a_regulation(a_theme(title=f"More {number}")), f"It keeps people safe, {number}.")
    with queries_counted() as many:
        client.get("/figures", headers={"If-None-Match": "nothing"})
    assert len(few) == len(many) <= 10, "\n".join(many)
    with queries_counted() as rows:
        client.get("/figures/all/published")
    assert len(rows) <= 10


def test_rows_that_are_not_there_are_not_found(site, client):
    for address in ("/figures/nowhere/scrap", "/figures/shops/nothing", "/figures/shops/keep?page=2"):
        assert client.get(address).status_code == 404


def test_no_regulations_of_their_own_leave_an_empty_page_that_says_what_will_come(app, client):
    assert "No themes yet" in page(client, "/figures")
