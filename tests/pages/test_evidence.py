import csv
import io
import re
from datetime import date

import pytest

from accounts.models import Account
from accounts.rules import Role
from analysis.models import Submission
from analysis.services import reword_point
from audit.entries import SubmissionEntry
from audit.services import record
from core import clock
from core.db import db, transaction
from regulations.rules import Split
from tests.analysis.making import a_comment, a_point, put, stands_behind
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
    settle_the_record,
)
from tests.pages.readers import page
from tests.queries_counted import queries_counted
from voting.models import Vote
from voting.rules import Choice, Details
from voting.services import keep_details

SCRAP, IMPROVE, KEEP = Choice


@pytest.fixture
def regulation(app):
    return a_regulation(a_theme())


def told(regulation, choice=SCRAP, now=NOON - DAY, direction=None, **details):
    """A vote whose voter added something about themselves."""
    receipt = a_vote(regulation, choice, text="", now=now, **({"direction": direction} if direction else {}))
    with transaction():
        vote = db.session.get_one(Vote, receipt.vote_id)
        keep_details(voter=db.session.get_one(Account, vote.account_id), regulation=vote.regulation,
                     details=Details(**details), now=now)  # fmt: skip


def came(regulation, how="email", **given):
    usual = {
        "reference": f"S-{how}-{len(given)}",
        "capacity": "charity",
        "received_on": date(2026, 3, 1),
        "digest": how,
        "regulation_id": regulation.id,
    }
    with transaction():
        row = Submission(
            theme_id=regulation.theme_id, how=how, entered_by="An office",
            entered_at=clock.now(), **(usual | given),
        )  # fmt: skip
        db.session.add(row)
        db.session.flush()
        body = SubmissionEntry(
            theme=regulation.theme.slug,
            reference=row.reference,
            how=how,
            capacity=row.capacity,
            received=0,
            actor="An office",
        )
        row.entry_id = record(body, about=row, now=NOON).id


def evidence(client, regulation):
    return client.get(f"/regulations/{regulation.slug}/evidence.json").get_json()


def cut(client, regulation, part):
    return {row["group"]: row for row in evidence(client, regulation)["rows"] if row["part"] == part}


@both_databases
def test_what_people_told_of_themselves_is_counted_with_small_groups_put_together(app):
    client, regulation = app.test_client(), a_regulation(a_theme())
    for n in range(7):
        told(regulation, SCRAP if n < 5 else KEEP, size_band="1-9")
    for band in ("0", "0", "10-49", "250+", "250+"):
        told(regulation, IMPROVE, size_band=band)
    for _ in range(3):
        told(regulation, nation="wales")
    settle_the_record()
    found = cut(client, regulation, "size_band")
    assert {group: row["participants"] for group, row in found.items()} == {"1-9": 7, "other": 5, "not_said": 3}
    assert (found["1-9"]["scrap"], found["1-9"]["keep"], found["other"]["improve_clearer"]) == (5, 2, 5)
    assert sum(row["participants"] for row in found.values()) == 15
    assert cut(client, regulation, "nation") == {}
    words = page(client, f"/regulations/{regulation.slug}/evidence")
    assert "1 to 9 people 7 5 0 2" in words
    assert "Others, fewer than 5 each 5" in words
    assert "Fewer than five people said, which is too few to show" in words


def test_a_group_left_alone_among_the_others_does_not_tell_of_itself(client, regulation):
    for _ in range(5):
        told(regulation, sector="retail")
    for _ in range(6):
        told(regulation, sector="finance")
    told(regulation, KEEP, sector="health")
    settle_the_record()
    found = cut(client, regulation, "sector")
    assert {group: row["participants"] for group, row in found.items()} == {"finance": 6, "other": 6}


def test_while_votes_come_in_what_voters_tell_counts_from_the_next_day(client, regulation):
    for _ in range(5):
        told(regulation, nation="wales", now=NOON)
    settle_the_record()
    assert cut(client, regulation, "nation") == {}
    with clock.pretending(NOON + DAY):
        assert cut(client, regulation, "nation")["wales"]["participants"] == 5


@both_databases
def test_stated_costs_come_with_their_spread_and_how_many_said(app):
    client, regulation = app.test_client(), a_regulation(a_theme())
    for pounds in (100, 200, 300, 400, 10_000):
        told(regulation, cost_pounds=pounds)
    told(regulation, cost_hours=12)
    settle_the_record()
    pounds, hours = evidence(client, regulation)["costs"]
    assert pounds == {
        "unit": "pounds", "said": 5, "of": 6, "total": 11_000, "lower_quartile": 200, "median": 300,
        "upper_quartile": 400,
    }  # fmt: skip
    assert (hours["said"], hours["total"]) == (1, None)
    words = page(client, f"/regulations/{regulation.slug}/evidence")
    assert "Pounds 5 of 6 £11,000 £200 £300 £400" in words
    assert "fewer than 5 of 6 Too few to show" in words


def test_points_stand_with_the_people_behind_them_and_campaigns_beside_them(client, regulation):
    analyst = a_member_of_staff(Role.ANALYST)
    comments = [a_comment(regulation, f"It costs too much{'!' * n}") for n in range(4)]
    comments += [a_comment(regulation, "IT costs too much") for _ in range(3)]
    comments += [a_comment(regulation, "it costs too much") for _ in range(2)]
    clear = a_comment(regulation, "Nobody understands it.", IMPROVE)
    stands_behind(clear)
    put(a_point(regulation, analyst), *comments, by=analyst)
    put(a_point(regulation, analyst, "It is not clear"), clear, by=analyst)
    said = evidence(client, regulation)
    assert [(row["title"], row["behind"], row["scrap"], row["improve"]) for row in said["points"]] == [
        ("It costs shops too much", 9, 9, 0), ("It is not clear", 2, 0, 2),
    ]  # fmt: skip
    (sent,) = said["sent_round"]
    assert (sent["people"], sent["by_choice"]["scrap"]) == (9, 9)
    words = page(client, f"/regulations/{regulation.slug}/evidence")
    assert "It is not clear 2 members of the public 2 0 2 0" in words
    assert "9 of the 9 who chose scrap sent this same text." in words
    assert "9 people of 11 who answered" in words
    (link,) = re.findall(r'href="([^"]+\?q=[^"]+)"', client.get(f"/regulations/{regulation.slug}/evidence").text)
    assert "9 reasons" in page(client, link)


def test_a_kept_split_tells_nothing_of_points_costs_or_groups(client):
    theme = a_theme(split=Split.KEPT)
    regulation = a_regulation(theme)
    for _ in range(6):
        told(regulation, nation="wales", cost_pounds=77_777)
    settle_the_record()
    text = client.get(f"/regulations/{regulation.slug}/evidence").text
    assert "77,777" not in text
    assert "Wales" not in text
    said = evidence(client, regulation)
    assert (said["scrap"], said["costs"], said["points"]) == (None, [], [])
    a_frozen_theme(theme)
    assert cut(client, regulation, "nation")["wales"]["scrap"] == 6


def test_submissions_are_counted_beside_the_votes_and_withheld_ones_as_such(client, regulation):
    a_vote(regulation)
    came(regulation)
    came(regulation, withheld=True, withheld_because="personal_data", digest="b")
    came(regulation, "petition", signatures=4_000)
    came(regulation, "letter", regulation_id=None)
    settle_the_record()
    ways = {way["how"]: way for way in evidence(client, regulation)["submissions"]}
    assert (ways["email"]["received"], ways["email"]["withheld"]) == (2, 1)
    assert (ways["petition"]["signatures"], ways["letter"]["of_theme"], ways["letter"]["received"]) == (4_000, 1, 0)
    assert evidence(client, regulation)["participants"] == 1
    assert "Petition 1 0 4,000 0" in page(client, f"/regulations/{regulation.slug}/evidence")


def test_what_is_new_since_the_decision_is_said(client, regulation):
    analyst = a_member_of_staff(Role.ANALYST)
    reason, point = a_comment(regulation), a_point(regulation, analyst)
    put(point, reason, by=analyst)
    a_frozen_theme(regulation.theme)
    with clock.pretending(NOON + 21 * DAY):
        a_decision(regulation)
        assert "Nothing in the evidence has changed since" in page(client, f"/regulations/{regulation.slug}/evidence")
    with clock.pretending(NOON + 30 * DAY):
        with transaction():
            reword_point(point=point, version=1, title="Another", summary="", by=analyst, now=clock.now())
        came(regulation)
        settle_the_record()
        since = evidence(client, regulation)["since_decision"]
        assert (since["votes"], since["points"], since["submissions"]) == (0, 1, 1)


def test_the_same_numbers_come_as_one_table(client, regulation):
    analyst = a_member_of_staff(Role.ANALYST)
    put(a_point(regulation, analyst), a_comment(regulation), by=analyst)
    rows = list(csv.DictReader(io.StringIO(client.get(f"/regulations/{regulation.slug}/evidence.csv").text)))
    assert [(row["part"], row["participants"]) for row in rows] == [("capacity_and_level", "1"), ("point", "1")]


def test_the_page_asks_as_little_of_a_long_list_as_of_a_short_one(client, regulation):
    analyst = a_member_of_staff(Role.ANALYST)
    for n in range(12):
        put(a_point(regulation, analyst, f"Point {n}"), a_comment(regulation, f"Because {n}."), by=analyst)
    address = f"/regulations/{regulation.slug}/evidence"
    client.get(address)
    with queries_counted() as sent:
        client.get(address)
    assert len(sent) <= 10, sent
