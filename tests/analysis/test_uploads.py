"""Files wait for whoever sent them, and for nobody else; not many, and not for long."""

import os
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from accounts import limits
from accounts.models import FileDay
from accounts.rules import FILES_A_DAY, FILES_AN_HOUR_FROM_A_NETWORK, MEGABYTES_A_DAY, Asked, Capacity, Network, Role
from analysis.uploads import MOST_WAITING, drop_upload, forget_uploads, keep_upload, kept_upload
from commands import do_chores
from core import clock
from core.db import transaction
from core.errors import Gone, TooOften
from opendata.bundle import Keeper
from tests.analysis.test_paper_routes import attach
from tests.analysis.test_submissions import PDF
from tests.conftest import both_databases
from tests.factories import (
    DAY,
    NOON,
    a_member_of_staff,
    a_regulation,
    a_vote,
    a_voter,
    how_many,
    settle_the_record,
    the_record,
)

HOUR = timedelta(hours=1)


def keep(content, sender=1, name="a.csv", now=NOON):
    return keep_upload(sender=sender, name=name, content=content, now=now)


def files_in(app, *folders):
    return [file for folder in folders for file in (Path(app.config["DATA_DIR"]) / folder).rglob("*") if file.is_file()]


@pytest.fixture(autouse=True)
def empty(app):
    for file in files_in(app, "uploads", "papers"):
        file.unlink()


def a_baker(regulation, email="clerk@bakery.example", organisation="Example Bakery"):
    voter = a_voter(email=email)
    a_vote(regulation, voter=voter, capacity=Capacity.BUSINESS, organisation=organisation)
    settle_the_record()
    return voter


def kept_in(answer):
    return answer.text.split('name="kept"')[1].split('value="')[1].split('"')[0]


def test_a_file_is_there_for_its_sender_alone(app):
    kept = keep(b"rows", sender=1)
    assert kept_upload(sender=1, kept=kept) == b"rows"
    for sender, name in ((2, kept), (1, f"../1/{kept}"), (1, "../../secret-key"), (1, "")):
        with pytest.raises(Gone):
            kept_upload(sender=sender, kept=name)
    drop_upload(sender=1, kept=kept)
    with pytest.raises(Gone):
        kept_upload(sender=1, kept=kept)


def test_only_the_latest_few_of_one_sender_wait(app):
    kept = [keep(b"%d" % n, now=NOON + n * HOUR) for n in range(5)]
    other = keep(b"0", sender=2)
    waiting = {file.name for file in files_in(app, "uploads/1")}
    assert waiting == set(kept[-MOST_WAITING:])
    assert kept_upload(sender=2, kept=other) == b"0"


def test_what_nobody_comes_back_for_is_taken_away_after_a_day(app):
    keep(b"old")
    before = Path(app.config["DATA_DIR"]) / "uploads" / "left-by-an-earlier-release.csv"
    before.write_bytes(b"")
    os.utime(before, (NOON.timestamp(), NOON.timestamp()))
    forget_uploads(NOON + 23 * HOUR)
    assert len(files_in(app, "uploads")) == 2
    new = keep(b"new", now=NOON + DAY)
    with clock.pretending(NOON + DAY + HOUR):
        do_chores(Keeper())
    assert [file.name for file in files_in(app, "uploads")] == [new]


def test_papers_that_are_refused_leave_at_most_a_few_files_and_none_where_papers_lie(app, signed_in):
    regulation = a_regulation()
    own = signed_in(a_baker(regulation))
    for n in range(8):
        answer = attach(own, regulation, PDF + b"%% %d\n%%%%EOF\n" % n, agreed="")
        assert answer.status_code == 422
    assert files_in(app, "papers") == []
    assert len(files_in(app, "uploads")) == MOST_WAITING
    again = attach(own, regulation, None, kept=kept_in(answer), kept_name="ours.pdf")
    assert again.status_code == 303
    assert len(files_in(app, "papers")) == 1
    assert len(files_in(app, "uploads")) == MOST_WAITING - 1


def test_a_forged_form_leaves_nothing(app, signed_in):
    regulation = a_regulation()
    own, desk = signed_in(a_baker(regulation)), signed_in(a_member_of_staff(Role.ANALYST))
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert attach(own, regulation).status_code == 400
        new = f"/staff/submissions/new?regulation={regulation.slug}"
        sent = {"paper": (BytesIO(PDF), "a.pdf")}
        assert desk.post(new, data=sent, content_type="multipart/form-data").status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert files_in(app, "papers", "uploads") == []
    assert how_many(FileDay) == 0


def test_nobody_attaches_what_another_has_sent(app, signed_in):
    regulation = a_regulation()
    theirs = attach(signed_in(a_baker(regulation)), regulation, agreed="")
    other = signed_in(a_baker(regulation, "clerk@mill.example", "Example Mill"))
    answer = attach(other, regulation, None, kept=kept_in(theirs), kept_name="ours.pdf")
    assert answer.status_code == 422
    assert "Choose it again" in answer.text
    desk = signed_in(a_member_of_staff(Role.ANALYST))
    new = f"/staff/submissions/new?regulation={regulation.slug}"
    letter = {"how": "letter", "received_on": "2026-03-01", "capacity": "charity", "shown": "shown"}
    assert desk.post(new, data={**letter, "kept": kept_in(theirs)}).status_code == 422
    assert the_record("submission") == []


def test_after_too_many_files_in_a_day_no_more_are_looked_at(app, signed_in):
    regulation = a_regulation()
    own = signed_in(a_baker(regulation))
    for _ in range(FILES_A_DAY):
        assert attach(own, regulation, b"no PDF").status_code == 422
    answer = attach(own, regulation)
    assert answer.status_code == 429
    assert f"You can send {FILES_A_DAY} files a day" in answer.text
    assert files_in(app, "papers", "uploads") == []
    with clock.pretending(NOON + DAY):
        assert attach(own, regulation).status_code == 303


@both_databases
def test_the_bytes_of_a_day_are_counted_too_and_staff_may_send_more(app):
    voter, member = a_voter(), a_member_of_staff(Role.ANALYST)
    whole = MEGABYTES_A_DAY * 1024 * 1024
    for account, size in ((voter, whole), (member, whole * 2)):
        with transaction():
            limits.count_file(account=account, size=size, now=NOON)
    with pytest.raises(TooOften, match=f"{MEGABYTES_A_DAY} MB"), transaction():
        limits.count_file(account=voter, size=1, now=NOON)
    with transaction():
        limits.count_file(account=member, size=1, now=NOON)
    with transaction():
        limits.count_file(account=voter, size=1, now=NOON + DAY)
    with transaction():
        limits.forget_counts(NOON + 3 * DAY)
    assert how_many(FileDay) == 1


def test_a_network_sends_only_so_many_files_an_hour_whoever_signs_in_there(app):
    network = Network.of("203.0.113.7")
    for n in range(FILES_AN_HOUR_FROM_A_NETWORK):
        with transaction():
            limits.count_from(network=network, asked=Asked.FILE, email=f"clerk{n % 7}@bakery.example", now=NOON)
    with pytest.raises(TooOften, match="from your network"), transaction():
        limits.count_from(network=network, asked=Asked.FILE, email="another@bakery.example", now=NOON)
    with transaction():
        limits.count_from(network=network, asked=Asked.FILE, email="another@bakery.example", now=NOON + HOUR)
