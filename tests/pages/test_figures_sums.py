"""The reconciliation: what became of everything, theme by theme, with the rows behind each number."""

import csv
import io

import pytest
from sqlalchemy import select

from core.db import db, transaction
from decisions.rules import Outcome
from pages.figures import ANSWERS, COMMENTS, FIGURES, OF_REGULATIONS, REGULATIONS
from regulations.rules import Citation, Split, Stage
from regulations.services import Listing, list_regulations, settle
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
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
from voting.rules import Choice, ErasureBasis
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


def comment_of(voter):
    return db.session.scalars(select(Comment).filter_by(account_id=voter.id)).one()


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
    settle_the_record()
    db.session.rollback()
    return theme


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


def test_the_figures_have_the_promised_names_and_say_that_they_hold(site, client):
    said = the_figures(client)
    for row in said["themes"]:
        assert set(PROMISED) <= row.keys()
    assert said["equations_hold"] is True
    assert said["totals"]["at_opening"] == 6
    assert said["totals"]["comments_received"] == 5
    assert "They add up." in page(client, "/figures")


def test_each_number_leads_to_as_many_rows_the_same_as_json_and_csv(site, client):
    said = the_figures(client)
    shown = client.get("/figures").get_data(as_text=True)
    totals = {"slug": "all", **said["totals"]}
    for row in [*said["themes"], totals]:
        for name in FIGURES:
            address = f"/figures/{row['slug']}/{name}"
            rows = client.get(f"{address}.json").get_json()
            assert len(rows) == row[name], address
            written = list(csv.DictReader(io.StringIO(client.get(f"{address}.csv").get_data(as_text=True))))
            assert [one["url"] for one in written] == [one["url"] for one in rows]
            said_in_words = page(client, address)
            for one in rows:
                assert (one["title"] if name in OF_REGULATIONS else one["comment"]) in said_in_words
            if name in {f.name for f in (*REGULATIONS, *COMMENTS, *ANSWERS)}:
                assert f'href="{address}"' in shown


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
