"""A newcomer finds every state that a regulation, a reason, a draft or a step can be in, in the played past."""

import json
import subprocess
import sys
import zipfile

import pytest

from analysis.folding import SENT_ROUND_BY
from analysis.submission_rules import How
from decisions.comparing import TOO_FEW
from decisions.rules import Comparison, DraftStatus
from decisions.steps import State
from seed_data.people import VOTER, address
from tests.demonstration import ROOT, flask

WAY_OF_THE_VOTER = """
    SELECT r.slug, r.settled, g.id IS NOT NULL, d.id IS NOT NULL
    FROM vote v JOIN account a ON a.id = v.account_id JOIN regulation r ON r.id = v.regulation_id
    LEFT JOIN comment c ON c.account_id = v.account_id AND c.regulation_id = v.regulation_id
    LEFT JOIN grouping g ON g.comment_id = c.id AND g.stands
    LEFT JOIN decision d ON d.regulation_id = r.id
    WHERE a.email = '{}'
"""


@pytest.fixture(scope="module")
def voters_mail(ask):
    """By kind, the subjects and texts."""
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, subject, text in ask(f"SELECT kind, subject, text FROM mail WHERE recipient = '{address(VOTER)}'"):
        found.setdefault(kind, []).append((subject, text))
    return found


def test_the_played_record_verifies_and_says_what_the_database_says(demonstration):
    checked = flask(demonstration, "log", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "the database says what it says" in checked.stdout


def test_a_stranger_can_verify_the_played_record_from_one_file(demonstration, tmp_path):
    written = flask(demonstration, "log", "bundle", str(tmp_path / "record.zip"))
    assert written.returncode == 0, written.stdout + written.stderr
    with zipfile.ZipFile(tmp_path / "record.zip") as bundle:
        bundle.extractall(tmp_path / "record")
    command = [sys.executable, str(ROOT / "audit" / "verify.py"), str(tmp_path / "record")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_decisions_stand_in_every_way_to_the_vote(ask):
    assert {word for (word,) in ask("SELECT DISTINCT comparison FROM decision")} == set(Comparison)


def test_a_decision_departs_from_one_group_with_a_reason_of_its_own_and_from_another_with_a_shared_one(ask):
    found = [json.loads(row[0]) for row in ask("SELECT comparisons FROM decision")]
    differing = [said for compared in found for who, said in compared.items() if who != "all" and "covered_by" in said]
    own = [compared for compared in found if any("reason" in said for said in compared.values())]
    assert own
    assert own[0]["business"]["participants"] >= TOO_FEW
    assert own[0]["business"]["sentence"].startswith("Differs from the largest group of businesses")
    assert differing or any("covered_by" in compared["all"] for compared in found)


def test_a_later_decision_stands_beside_the_one_it_supersedes(ask):
    ((earlier, later),) = ask(
        "SELECT e.outcome, d.outcome FROM decision d JOIN decision e ON e.id = d.supersedes_id"
        " WHERE d.reasons <> e.reasons"
    )
    assert (earlier, later) == ("keep", "improve")


def test_drafts_are_in_every_status_and_both_officials_have_one_to_approve(ask):
    assert {status for (status,) in ask("SELECT status FROM draft")} == set(DraftStatus)
    submitted = "SELECT DISTINCT p.office FROM draft d JOIN post p ON p.account_id = d.written_by_id"
    assert len(ask(f"{submitted} WHERE d.status = 'submitted'")) == 2
    assert ask("SELECT count(*) FROM draft WHERE status = 'returned' AND return_note <> ''") == [(1,)]
    assert ask("SELECT count(*) FROM draft WHERE status = 'approved' AND publish_at > datetime('now')") == [(1,)]


def test_one_regulation_is_half_answered_and_its_next_answer_given_to_the_analyst(ask):
    rows = ask(
        "SELECT p.id, a.verdict, a.assigned_to_id FROM point p JOIN regulation r ON r.id = p.regulation_id"
        " LEFT JOIN answer_draft a ON a.point_id = p.id WHERE r.slug = 'uksi-2024-1216' AND p.withdrawn_at IS NULL"
    )
    answered = [row for row in rows if row[1]]
    assert 0 < len(answered) < len(rows)
    assert any(row[2] for row in rows if not row[1])


def test_steps_are_in_every_state_and_say_what_did_them_or_why_not(ask):
    rows = ask("SELECT state, instrument, reason FROM milestone")
    assert {row[0] for row in rows} == set(State)
    assert all("invented" in instrument for state, instrument, _ in rows if state == State.DONE)
    assert all("invented" in reason for state, _, reason in rows if state == State.DROPPED)
    moved = "SELECT m.id FROM milestone_act m GROUP BY m.milestone_id HAVING count(DISTINCT m.due_on) > 1"
    assert ask(moved)
    assert ask("SELECT count(*) FROM decision WHERE review_on IS NOT NULL") > [(0,)]


def test_regulations_are_in_every_stage_that_is_settled(ask):
    settled = {row[0] for row in ask("SELECT DISTINCT settled FROM regulation WHERE settled IS NOT NULL")}
    assert settled == {"decided", "being_implemented", "done", "moved", "already_spent"}


def test_two_departments_are_late_and_one_theme_was_given_longer(ask):
    late = ask(
        "SELECT DISTINCT d.name FROM due_change c JOIN regulation r ON r.theme_id = c.theme_id"
        " JOIN department d ON d.id = r.department_id WHERE c.act = 'overdue' AND r.settled IS NULL"
    )
    assert len(late) == 2
    ((reason,),) = ask("SELECT reason FROM due_change WHERE act = 'extended'")
    assert "invented for this demonstration" in reason


def test_objections_are_waiting_and_settled_each_way(ask):
    assert sorted(ask("SELECT outcome, settled_at IS NULL FROM dispute")) == [("", 1), ("kept", 0), ("moved", 0)]


def test_what_few_raised_is_gathered_and_answered(ask):
    answered = "SELECT count(*) FROM answer a JOIN point p ON p.id = a.point_id WHERE p.few"
    assert ask(answered) > [(0,)]


def test_submissions_came_by_every_way_and_all_say_that_they_are_invented(ask):
    rows = ask("SELECT how, text, file_name, demonstration, organisation_name FROM submission")
    assert {row[0] for row in rows} == set(How)
    assert all(text.startswith("Invented for this demonstration.") or file for _, text, file, _, _ in rows)
    assert all(demonstration and (not name or "Example" in name) for *_, demonstration, name in rows)
    assert ask("SELECT count(*) FROM submission WHERE regulation_id IS NULL") > [(0,)]
    assert ask("SELECT count(*) FROM submission_point") >= [(3,)]
    withheld = {row[0] for row in ask("SELECT DISTINCT withheld_because FROM submission WHERE withheld")}
    assert withheld == {"personal_data", "commercial_confidence", "waiting"}


def test_papers_of_ballots_lie_in_the_data_folder_one_shown_and_one_waiting(ask, made_demonstration):
    rows = ask("SELECT file_sha256, withheld FROM submission WHERE from_ballot")
    assert sorted(row[1] for row in rows) == [0, 1]
    for digest, _ in rows:
        assert b"Invented for this demonstration" in (made_demonstration / "papers" / digest).read_bytes()


def test_many_sent_the_same_words_on_one_regulation(ask):
    ((most,),) = ask("SELECT max(n) FROM (SELECT count(*) n FROM comment GROUP BY regulation_id, text)")
    assert most >= 12 > SENT_ROUND_BY


def test_no_decision_cites_the_same_words_twice(ask):
    texts = dict(ask("SELECT public_id, text FROM comment"))
    for (evidence,) in ask("SELECT evidence FROM decision"):
        cited = [texts[piece["comment"]] for piece in json.loads(evidence) if piece["kind"] == "comment"]
        assert len(cited) == len(set(cited))


def test_on_three_regulations_enough_told_of_themselves_for_charts(ask):
    told = ask(
        "SELECT count(d.nation), count(d.size_band), count(d.cost_pounds) FROM vote_detail d"
        " JOIN vote v ON v.id = d.vote_id GROUP BY v.regulation_id"
    )
    assert sum(nation >= 30 and size >= 15 and cost >= 10 for nation, size, cost in told) >= 3


def test_the_voter_meets_every_step_of_the_way(ask):
    ways = ask(WAY_OF_THE_VOTER.format(address(VOTER)))
    heard_only = [way for way in ways if not way[2]]
    grouped_only = [way for way in ways if way[2] and not way[3]]
    decided = [way for way in ways if way[2] and way[3] and way[1] != "done"]
    done = [way for way in ways if way[2] and way[3] and way[1] == "done"]
    assert all((heard_only, grouped_only, decided, done))
    assert ask(
        f"SELECT count(*) FROM follow f JOIN account a ON a.id = f.account_id WHERE a.email = '{address(VOTER)}'"
    )


def test_the_mailbox_holds_what_became_of_the_voters_words(voters_mail):
    assert set(voters_mail) >= {"receipt", "decision", "milestone", "slippage", "done", "extended", "overdue", "digest"}
    decided = [text for subject, text in voters_mail["decision"] if "Hedgerows" in subject]
    assert len(decided) == 1
    assert "pinned to a gate on the day the digger came" in " ".join(decided[0].split())
    assert "(An invented answer.)" in " ".join(decided[0].split())


def test_the_voters_mail_is_dated_on_the_days_of_what_it_tells(ask):
    rows = ask(
        "SELECT m.written_at, d.published_at FROM mail m JOIN decision d ON d.entry_id = m.cause"
        f" WHERE m.kind = 'decision' AND m.recipient = '{address(VOTER)}'"
    )
    assert len(rows) >= 2
    assert all(written[:10] == published[:10] for written, published in rows)


def test_every_role_can_be_signed_in_as_and_one_office_is_of_one_department(ask):
    assert {row[0] for row in ask("SELECT DISTINCT role FROM post")} == {
        "moderator", "analyst", "official", "administrator",
    }  # fmt: skip
    ((department,),) = ask("SELECT d.name FROM post p JOIN department d ON d.id = p.department_id")
    assert department == "Department for Education"
