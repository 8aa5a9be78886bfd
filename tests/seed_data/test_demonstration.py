"""The played past holds together: what `flask prepare` made, read with nothing but SQL."""

import json
import re
import sqlite3
import stat

from analysis.rules import FEW_TITLE, check_wording
from seed_data.answering import INVENTED, OF_FEW, REASONS
from seed_data.script import alike, read_script, table
from tests.demonstration import flask


def test_the_record_begins_with_its_opening_and_has_no_gap(ask):
    rows = ask("SELECT idx, t, type, body FROM entry ORDER BY idx")
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert rows[0][2] == "log.open"
    assert json.loads(rows[0][3])["origin"].startswith("demonstration.")
    times = [row[1] for row in rows]
    assert times == sorted(times)


def test_nothing_is_counted_twice_or_lost(ask):
    ((votes,),) = ask("SELECT count(*) FROM vote WHERE choice IS NOT NULL")
    assert ask("SELECT sum(participants) FROM tally_total") == [(votes,)]
    assert ask("SELECT sum(votes) FROM tally_cell") == [(votes,)]
    directions = "improve_lighter + improve_clearer + improve_stricter + improve_other"
    assert ask(f"SELECT count(*) FROM tally_total WHERE improve <> {directions}") == [(0,)]
    assert votes > 700


def test_every_stage_and_every_kind_of_comparison_can_be_seen(ask):
    assert {row[0] for row in ask("SELECT DISTINCT comparison FROM decision")} >= {"same", "differs", "too_few"}
    assert {row[0] for row in ask("SELECT DISTINCT settled FROM regulation WHERE settled IS NOT NULL")} >= {
        "decided",
        "already_spent",
    }
    assert ask("SELECT count(*) FROM theme WHERE frozen_at IS NOT NULL") == [(8,)]
    assert ask("SELECT count(*) FROM decision WHERE supersedes_id IS NOT NULL") >= [(1,)]
    assert ask("SELECT count(*) FROM comment WHERE status = 'hidden'") >= [(1,)]
    assert ask("SELECT count(*) FROM vote WHERE choice IS NULL") >= [(1,)]


def test_everybody_and_everything_invented_says_so(ask):
    assert ask("SELECT count(*) FROM account WHERE email NOT LIKE '%@demonstration.example' OR NOT demonstration") == [
        (0,)
    ]
    assert ask("SELECT count(*) FROM comment WHERE NOT demonstration") == [(0,)]
    assert ask("SELECT count(*) FROM comment WHERE display_name <> '' AND display_name NOT LIKE 'Demo: %'") == [(0,)]
    assert ask("SELECT count(*) FROM decision WHERE NOT demonstration OR decided_by NOT LIKE 'Example %'") == [(0,)]
    assert ask("SELECT count(*) FROM decision WHERE reasons NOT LIKE 'This is an invented decision%'") == [(0,)]
    for name, text in ask("SELECT organisation_name, text FROM comment"):
        assert not name or "Example" in name
        assert not re.search(r"https?://|@", text)


def test_nothing_waits_to_be_mailed_out(ask):
    assert ask("SELECT count(*) FROM mail WHERE sent_at IS NULL") == [(0,)]


def test_the_script_speaks_of_regulations_that_are_listed(ask):
    listed = {row[0] for row in ask("SELECT slug FROM regulation WHERE settled IS NULL OR settled <> 'already_spent'")}
    script = read_script()
    assert set(script.parts) <= listed
    assert {ruling.slug for ruling in script.rulings} <= listed


def test_the_demo_accounts_are_printed_and_kept_private(made_demonstration):
    told = made_demonstration / "accounts.txt"
    assert "official@demonstration.example" in told.read_text("utf-8")
    assert stat.S_IMODE(told.stat().st_mode) == 0o600


def test_preparing_again_changes_nothing(demonstration):
    database = demonstration / "regulation-review.sqlite"
    before = sqlite3.connect(database).execute("SELECT count(*), max(idx) FROM entry").fetchall()
    again = flask(demonstration, "prepare")
    assert again.returncode == 0, again.stderr
    assert sqlite3.connect(database).execute("SELECT count(*), max(idx) FROM entry").fetchall() == before


def test_a_demonstration_folder_refuses_production(demonstration):
    settings = {
        "SITE_MODE": "production",
        "SECRET_KEY": "x" * 40,
        "MAIL_URL": "smtp://localhost",
        "SITE_URL": "https://x.example",
    }
    refused = flask(demonstration, "routes", **settings)
    assert refused.returncode != 0
    assert "was made for demonstration" in refused.stderr


def test_a_demonstration_is_never_made_over_something_else(demonstration):
    refused = flask(demonstration, "demo", str(demonstration))
    assert refused.returncode != 0
    assert "not empty" in refused.stderr


def test_set_up_cut_short_is_begun_again(tmp_path):
    folder = tmp_path / "cut"
    assert flask(folder, "prepare", "--empty").returncode == 0
    (folder / "unfinished").touch()
    again = flask(folder, "prepare", "--empty")
    assert "starting over" in again.stdout
    connection = sqlite3.connect(folder / "regulation-review.sqlite")
    assert connection.execute("SELECT count(*) FROM regulation").fetchone()[0] >= 240
    assert connection.execute("SELECT count(*) FROM vote").fetchone() == (0,)
    assert not (folder / "unfinished").exists()


def test_without_a_demonstration_no_past_is_invented(tmp_path):
    assert flask(tmp_path / "empty", "prepare", "--empty").returncode == 0
    connection = sqlite3.connect(tmp_path / "empty" / "regulation-review.sqlite")
    assert connection.execute("SELECT count(*) FROM theme WHERE closes_at < datetime('now')").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM account").fetchone() == (0,)


def test_what_is_written_out_of_points_is_about_reasons_that_are_given():
    script, voters = read_script(), table("one_voter.toml")["contribution"]
    for slug, written in table("points.toml").items():
        said = [voice.text for voice in script.parts[slug].voices]
        said += [given["text"] for given in voters if given["regulation"] == slug]
        for point in written:
            assert sum(text.startswith(point["begins"]) for text in said) == 1, point["begins"]
            check_wording(point["title"], point.get("summary", ""))


def test_an_answer_written_out_is_the_one_that_was_published(ask):
    published = ask("SELECT point_title, verdict, reasons FROM answer")
    written = [point for points in table("points.toml").values() for point in points if "answer" in point]
    found = [point for point in written if point["title"] in {title for title, _, _ in published}]
    assert len(found) > 60
    for point in found:
        assert (point["title"], point["verdict"], f"{point['answer']} {INVENTED}") in published


def test_a_decision_that_was_superseded_answered_each_point_otherwise(ask):
    written = [point for points in table("points.toml").values() for point in points if "keep" in point]
    assert written
    for point in written:
        wanted = "SELECT verdict, reasons FROM answer WHERE point_title = '{}' ORDER BY decision_id"
        earlier, later = ask(wanted.format(point["title"]))
        assert earlier == (point["keep"]["verdict"], f"{point['keep']['answer']} {INVENTED}")
        assert later == (point["verdict"], f"{point['answer']} {INVENTED}")


def test_no_answer_is_a_formula_and_no_point_is_named_by_what_one_person_said(ask):
    answers = [reasons for (reasons,) in ask("SELECT reasons FROM answer")]
    assert answers
    assert len(set(answers)) == len(answers)
    assert all(answer.endswith(INVENTED) for answer in answers)
    assert not {f"{formula} {INVENTED}" for formula in (*REASONS.values(), OF_FEW)} & set(answers)
    few = {FEW_TITLE, *(point["title"] for points in table("points.toml").values() for point in points)}
    assert [title for (title,) in ask("SELECT title FROM point") if title not in few] == []


def test_a_reason_that_makes_anothers_point_names_one_that_is_there():
    voices = [voice.text for part in read_script().parts.values() for voice in part.voices]
    assert alike()
    assert all(sum(text.startswith(begins) for text in voices) == 1 for begins in alike().values())
