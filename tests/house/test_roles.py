"""Every route and every role: who may open what is written down here, and a new route fails until it stands in it."""

import secrets

import pytest

from accounts.rules import Role
from core.db import db
from tests.factories import a_member_of_staff, a_voter, its_session

NOBODY, PARTICIPANT = "nobody", Role.PARTICIPANT
MODERATOR, ANALYST, OFFICIAL, ADMINISTRATOR = Role.MODERATOR, Role.ANALYST, Role.OFFICIAL, Role.ADMINISTRATOR
SIGNED_IN = (PARTICIPANT, MODERATOR, ANALYST, OFFICIAL, ADMINISTRATOR)
EVERYBODY = (NOBODY, *SIGNED_IN)

SAME_FOR_ALL = """
    accounts.signed_out decision_log.compare decision_log.decision decision_log.decision_json decision_log.decisions
    decision_log.decisions_atom decision_log.decisions_csv decision_log.decisions_json erasure.erased
    figures.ballot_order figures.figures figures.rows_behind log.entries log.note log.tile log_files.openings
    log_files.record_zip log_files.verifier news.news on_paper.paper_ballot on_paper.poster pages.data pages.healthz
    pages.help_index pages.help_page pages.home pages.readyz pages.regulations pages.sources pages.theme
    pages.themes points.point points.point_json progress.progress progress.progress_atom progress.progress_csv
    progress.progress_json progress.steps progress.steps_csv progress.steps_json reading.comments
    reading.comments_csv reading.comments_json reading.entry reading.entry_json reading.evidence
    reading.evidence_csv reading.evidence_json reading.history reading.history_atom reading.history_csv
    reading.history_json reading.record reading.record_atom reading.record_csv reading.record_json
    reading.regulation reading.regulation_json reading.verify sent.paper sent.submission sent.submissions
    sent.submissions_csv sent.submissions_json static voting.stopped we_asked.edition
    we_asked.editions we_asked.we_asked
"""
THEIRS_ALONE = """
    accounts.check_email accounts.sign_in accounts.sign_out notices.stop own_points.by_receipt personal.mailbox
    personal.mailbox_html personal.mailbox_letter voting.check_email voting.confirm voting.not_me voting.receipt
    voting.receipt_file voting.vote voting.who
"""
OWN_ACCOUNT = """
    accounts.account accounts.password accounts.sign_out_everywhere notices.end_follow notices.follow
    notices.notices own_papers.own_paper own_points.object_here own_way.contribution personal.contributions
    personal.contributions_json personal.waiting voting.confirmed voting.details voting.withdraw
"""
MODERATING = """
    moderation.comments moderation.hide moderation.mask moderation.restore
"""
HELPING_PEOPLE = """
    assisted.answer assisted.assist assisted.counted assisted.withdraw moderation.organisation
    moderation.organisations
"""
READING_WHAT_PEOPLE_SAY = """
    analysis.dispute analysis.disputes analysis.point analysis.points analysis.to_read answers.answers
    answers.elsewhere answers.sheet_csv answers.sheet_xlsx importing.import_submissions importing.template_csv
    importing.template_xlsx submissions.list_submissions submissions.new_submission submissions.staff_paper
    submissions.submission
"""
DECIDING = """
    answers.upload decisions.approve decisions.versions decisions.write erasing.erase_submission_for_good
    milestones.step milestones.steps
"""
MINDING_THE_CLOCKS = """
    decisions.close_theme decisions.extend decisions.set_days
"""
WORKING_HERE = """
    decisions.desk notices.progress
"""

MAY: dict[str, tuple[str, ...]] = {
    name: roles
    for names, roles in (
        (SAME_FOR_ALL, EVERYBODY),
        (THEIRS_ALONE, EVERYBODY),
        (OWN_ACCOUNT, SIGNED_IN),
        ("erasure.erase", (PARTICIPANT,)),
        (MODERATING, (MODERATOR, ADMINISTRATOR)),
        (HELPING_PEOPLE, (MODERATOR, OFFICIAL, ADMINISTRATOR)),
        (READING_WHAT_PEOPLE_SAY, (ANALYST, OFFICIAL)),
        (DECIDING, (OFFICIAL,)),
        (MINDING_THE_CLOCKS, (OFFICIAL, ADMINISTRATOR)),
        (WORKING_HERE, (MODERATOR, ANALYST, OFFICIAL, ADMINISTRATOR)),
    )
    for name in names.split()
}


@pytest.fixture
def people(app):
    return {
        NOBODY: None,
        PARTICIPANT: a_voter(),
        **{role: a_member_of_staff(role) for role in (MODERATOR, ANALYST, OFFICIAL, ADMINISTRATOR)},
    }


def a_browser(app, account):
    client = app.test_client()
    if account is not None:
        db.session.rollback()
        with client.session_transaction("/account/sign-in") as session:
            session.update(its_session(account) | {"browser": secrets.token_hex(8)})  # one was signed out on the way
    return client


def answers(app, who, rule, method):
    """opened, sign in first, or refused: whatever else is wrong with what was asked."""
    anything = {name: 1 if "int" in type(kind).__name__.lower() else "1" for name, kind in rule._converters.items()}
    for name, kind in rule._converters.items():
        if type(kind).__name__ == "AnyConverter":
            anything[name] = sorted(kind.items)[0]
    address = app.url_map.bind("localhost").build(rule.endpoint, anything, method=method)
    answer = a_browser(app, who).open(address, method=method)
    answer.get_data()
    if answer.status_code == 403:
        return "refused"
    if answer.status_code == 303 and "/account/sign-in" in answer.location and "next=" in answer.location:
        return "sign in first"
    return "opened"


def test_every_route_stands_in_the_table(sqlite_app):
    assert MAY.keys() == {rule.endpoint for rule in sqlite_app.url_map.iter_rules()}


@pytest.mark.slow
def test_every_route_opens_for_those_the_table_names_and_for_nobody_else(app, people):
    wrong = []
    for rule in sorted(app.url_map.iter_rules(), key=str):
        for method in sorted(rule.methods & {"GET", "POST"}):
            for role, account in people.items():
                may = role in MAY.get(rule.endpoint, ())
                expected = "opened" if may else "sign in first" if role == NOBODY else "refused"
                if (got := answers(app, account, rule, method)) != expected:
                    wrong.append(f"{method} {rule} for {role}: {got}, not {expected}")
    assert wrong == []
