"""Where the operator demands witnesses, the file to take away holds what they signed, and so passes its own check."""

import zipfile

import pytest

from accounts.rules import Role
from audit.cosigning import cosigning_of_this_site
from audit.notes import Checkpoint, VerifierKey, note_text
from audit.tiles import log_folder
from audit.verify import verify
from core.db import transaction
from opendata.bundle import Keeper, kept_bundle, kept_path
from tests.audit.witnesses import WAIT_SECONDS, running
from tests.factories import NOON, a_member_of_staff, a_regulation, a_vote, a_voter, settle_the_record
from voting.moderation import hide_comment
from voting.queries import comment_by
from voting.rules import Choice, ModerationRule


@pytest.fixture
def witnessed(app, tmp_path):
    """A site whose policy demands one witness, which looks on when it is told to."""
    a_vote(a_regulation())
    settle_the_record()
    key = VerifierKey.read((log_folder().path / "vkey").read_text("utf-8"))
    with running(tmp_path, key) as witness:
        cosigning = cosigning_of_this_site()
        cosigning.witnesses.write_text(f"{witness.policy_line}quorum witness.example\n", "utf-8")

        def look():
            cosigning.look()
            assert cosigning.finish(WAIT_SECONDS)

        look()
        yield look
        cosigning.witnesses.unlink()
        look()
        kept_path().unlink(missing_ok=True)


def failures():
    return [failure.name for failure in verify(kept_path()).failures]


def size_of(note):
    return Checkpoint.read(note_text(note)).size


def test_it_waits_for_the_witnesses_that_the_policy_demands(witnessed):
    Keeper().refresh()
    first = kept_bundle()
    assert failures() == []
    a_vote(a_regulation())
    settle_the_record()
    assert Keeper().refresh() is None
    assert kept_bundle().note == first.note
    witnessed()
    Keeper().refresh()
    assert kept_bundle().note == log_folder().checkpoint()
    assert kept_bundle().size > first.size
    assert failures() == []


def test_what_is_hidden_leaves_it_at_once_without_waiting_for_anybody(witnessed):
    regulation, author = a_regulation(), a_voter()
    a_vote(regulation, Choice.KEEP, voter=author, text="Words that must go at once.")
    settle_the_record()
    witnessed()
    Keeper().refresh()
    assert holds("Words that must go at once.")
    comment, moderator = comment_by(author, regulation), a_member_of_staff(Role.MODERATOR)
    with transaction():
        hide_comment(comment=comment, rule=next(iter(ModerationRule)), reason="It had to go.", by=moderator, now=NOON)
    settle_the_record()
    Keeper().refresh()
    assert not holds("Words that must go at once.")
    assert kept_bundle().size == size_of(log_folder().checkpoint())
    assert failures() == ["quorum-not-met"], "and it says what is missing"
    assert Keeper().refresh() is None
    witnessed()
    Keeper().refresh()
    assert failures() == []


def holds(words):
    with zipfile.ZipFile(kept_path()) as file:
        return words in file.read("openings.jsonl").decode()
