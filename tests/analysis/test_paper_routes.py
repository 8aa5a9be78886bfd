"""An organisation attaches a paper to its vote; staff look at it, and then everybody can read it."""

from io import BytesIO

import pytest

from accounts.rules import Capacity
from core import clock
from tests.analysis.test_submissions import PDF
from tests.factories import DAY, NOON, a_regulation, a_theme, a_vote, a_voter, settle_the_record, the_record


@pytest.fixture
def baker(regulation):
    account = a_voter(email="clerk@bakery.example")
    a_vote(regulation, voter=account, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    settle_the_record()
    return account


def attach(client, regulation, content=PDF, **given):
    upload = {"paper": (BytesIO(content), "ours.pdf")} if content else {}
    data = {"agreed": "y", **given, **upload}
    return client.post(f"/regulations/{regulation.slug}/vote/paper", data=data, content_type="multipart/form-data")


def test_a_paper_is_attached_looked_at_and_then_read_by_everybody(client, signed_in, analyst, baker, regulation):
    own, desk, slug = signed_in(baker), signed_in(analyst), regulation.slug
    assert f"/regulations/{slug}/vote/paper" in own.get(f"/regulations/{slug}/vote/details").text
    assert attach(own, regulation).status_code == 303
    settle_the_record()
    assert "Staff look at it before it is shown" in own.get(f"/regulations/{slug}/vote/paper").text
    page = client.get(f"/regulations/{slug}/submissions").text
    assert "staff have not looked at it yet" in page
    assert "Bakery" not in page
    assert client.get("/submissions/S2026-0001/paper").status_code == 404
    waiting = desk.get("/staff/submissions?show=waiting").text
    assert "S2026-0001" in waiting
    review = desk.get("/staff/submissions/S2026-0001").text
    assert "It waits for you to look at it" in review
    assert 'value="shown" checked' not in review
    seen = the_record("submission")[0]["id"]
    said = {"seen": seen, "organisation": "Example Bakery"}
    assert desk.post("/staff/submissions/S2026-0001", data=said).status_code == 422
    assert desk.post("/staff/submissions/S2026-0001", data={**said, "shown": "shown"}).status_code == 303
    settle_the_record()
    assert client.get("/submissions/S2026-0001/paper").data == PDF
    assert "Example Bakery" in client.get(f"/regulations/{slug}/submissions").text
    assert "can be read by everybody" in own.get(f"/regulations/{slug}/vote/paper").text


def test_only_one_paper_comes_with_a_vote(signed_in, baker, regulation):
    own = signed_in(baker)
    attach(own, regulation)
    answer = attach(own, regulation, PDF + b"%%EOF\n")
    assert answer.status_code == 409
    assert len(the_record("submission")) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"content": b"MZ"}, "This is not a PDF"),
        ({"content": None}, "Choose the file of the paper"),
        ({"agreed": ""}, "Tick this if you want the paper to be published"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_attached(signed_in, baker, regulation, given, told):
    answer = attach(signed_in(baker), regulation, **given)
    assert answer.status_code == 422
    assert told in answer.text
    assert the_record("submission") == []


def test_more_than_ten_megabytes_are_refused_kindly(signed_in, baker, regulation):
    answer = attach(signed_in(baker), regulation, PDF[:-7] + b" " * (10 * 1024 * 1024) + b"%%EOF\n")
    assert answer.status_code == 422
    assert "larger than 10 MB" in answer.text


def test_members_of_the_public_have_no_papers(signed_in, regulation):
    voter = a_voter()
    a_vote(regulation, voter=voter)
    own = signed_in(voter)
    assert "vote/paper" not in own.get(f"/regulations/{regulation.slug}/vote/details").text
    assert attach(own, regulation).status_code == 403
    assert attach(signed_in(a_voter()), regulation).status_code == 404


def test_after_the_close_nothing_more_is_attached(signed_in):
    regulation, voter = a_regulation(a_theme(closes=NOON + DAY)), a_voter()
    a_vote(regulation, voter=voter, capacity=Capacity.BUSINESS, organisation="Example Bakery")
    with clock.pretending(NOON + 2 * DAY):
        answer = attach(signed_in(voter), regulation)
    assert answer.status_code == 422
    assert "The window has closed" in answer.text


def test_whoever_is_not_signed_in_is_asked_to(client, regulation):
    assert client.get(f"/regulations/{regulation.slug}/vote/paper").status_code == 303
