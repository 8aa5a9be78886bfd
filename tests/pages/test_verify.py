"""How to verify: every place that leads there, and what the page says of keys, failures and the sign of the day."""

import html
import subprocess
import sys

import pytest
from sqlalchemy import update

from audit.models import LogHead
from audit.verify import FAILURES
from core.db import db, transaction
from opendata.bundle import VERIFIER
from pages.proof import signing
from tests.factories import a_decision, a_frozen_theme, a_regulation, a_theme, a_vote, settle_the_record, the_record
from tests.pages.readers import words_of


def refused():
    with transaction():
        db.session.execute(update(LogHead).values(refusal="The key at hand is not the one it names."))


def test_verifying_takes_ten_steps_and_names_the_key_and_every_failure(client):
    a_vote(a_regulation())
    settle_the_record()
    answer = client.get("/help/verify")
    assert answer.text.partition('<ol class="ten">')[2].count("<h2 ") == 10 + len(["What this does not prove"])
    read = html.unescape(answer.text)
    assert signing().key.text in read
    assert signing().note.strip() in read
    assert FAILURES
    for name, words in FAILURES.items():
        assert f"<code>{name}</code>" in read
        assert words in read
    assert "linked to its vote by its place and hour" in read


def test_before_there_is_a_record_the_page_still_tells_how(client):
    assert "The first checkpoint is signed within seconds" in words_of(client.get("/help/verify").text)


def test_while_the_record_is_not_signed_how_to_verify_says_so(client):
    a_vote(a_regulation())
    settle_the_record()
    refused()
    assert "not being signed at the moment" in words_of(client.get("/help/verify").text)


@pytest.mark.parametrize("page", ["/record", "/data", "/help", "/help/how-it-works", "/decisions", "/"])
def test_how_to_verify_is_one_link_away(client, page):
    assert 'href="/help/verify"' in client.get(page).text


def test_the_home_page_says_how_many_lines_there_are_and_when_they_were_signed(client):
    assert "not signed yet" in words_of(client.get("/").text)
    a_vote(a_regulation())
    settle_the_record()
    words = words_of(client.get("/").text)
    assert f"{signing().size} lines in the record signed at 12:00pm on 2 March" in words
    refused()
    assert "not being signed since 12:00pm on 2 March" in words_of(client.get("/").text)


def test_a_decision_leads_to_the_count_it_rests_on_and_to_how_to_verify_that(client):
    theme = a_theme()
    regulation = a_regulation(theme)
    a_vote(regulation)
    a_frozen_theme(theme)
    decision = a_decision(regulation)
    said = the_record("decision")[-1]
    text = client.get(f"/decisions/{decision.reference}").text
    assert f'href="/record/{said["tally"]}"' in text
    assert "It rests on the count at line" in words_of(text)
    assert 'href="/help/verify#decision"' in text
    assert 'id="decision"' in client.get("/help/verify").text


def test_the_sample_of_what_the_check_prints_is_worded_as_it_prints():
    """Every kind of number the page shows is one the program can count, and its options are those the page gives."""
    program = VERIFIER.read_text("utf-8")
    for words in ("signatures", "entries", "votes counted", "tallies recounted", "decisions checked", "VERIFIED"):
        assert words in program, words
    usage = subprocess.run([sys.executable, str(VERIFIER), "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("--since", "--receipt", "--identity"):
        assert option in usage
