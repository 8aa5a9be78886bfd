"""Every route, role and department: who works on whose regulations is written down here, and a new route fails too."""

import secrets
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from accounts.rules import Capacity, Role
from analysis.importing import prepare
from analysis.services import object_to
from analysis.submission_rules import How, Received
from analysis.submissions import enter_submission
from analysis.tables import read_table
from core import clock
from core.db import db, transaction
from decisions.milestones import add_milestone
from decisions.steps import Step
from regulations.models import Regulation
from tests.analysis.making import a_comment, a_point, put
from tests.factories import (
    DAY,
    NOON,
    a_decision,
    a_department,
    a_frozen_theme,
    a_member_of_staff,
    a_regulation,
    a_theme,
    a_voter,
    its_session,
)

OFFICIAL, ANALYST, ADMINISTRATOR = Role.OFFICIAL, Role.ANALYST, Role.ADMINISTRATOR
LATER = NOON + 30 * DAY

OWN_DEPARTMENT_ALONE = """
    analysis.dispute analysis.point analysis.points answers.answers answers.elsewhere answers.sheet_csv
    answers.sheet_xlsx answers.upload decisions.approve decisions.close_theme decisions.extend decisions.set_days
    decisions.versions decisions.write erasing.erase_submission_for_good milestones.step milestones.steps
    submissions.new_submission submissions.staff_paper submissions.submission
"""
THE_SAME_FOR_EVERY_DEPARTMENT = """
    analysis.disputes analysis.to_read decisions.desk importing.import_submissions importing.template_csv
    importing.template_xlsx notices.progress submissions.list_submissions
    assisted.answer assisted.assist assisted.counted assisted.withdraw moderation.organisation moderation.organisations
"""


@dataclass
class World:
    """One regulation of the Home Department with everything that staff can work on, and a theme it shares."""

    home: int
    elsewhere: int
    addresses: dict[str, str]


@pytest.fixture
def world(app):
    home, elsewhere = a_department("Home Department"), a_department("Elsewhere Department")
    theme, shared = a_theme(title="Retail"), a_theme(title="Shared", opens=NOON, closes=NOON + 60 * DAY)
    a_regulation(shared, department=home)
    a_regulation(shared, department=elsewhere)
    regulation, central, author = a_regulation(theme, department=home), a_member_of_staff(OFFICIAL), a_voter()
    point = a_point(regulation, central)
    (grouping,) = put(point, a_comment(regulation, voter=author), by=central)
    with transaction():
        dispute = object_to(grouping=grouping, author=author, now=NOON)
        letter = Received(How.LETTER, Capacity.PUBLIC, NOON.date(), "It helps.")
        sent = enter_submission(theme=regulation.theme, regulation=regulation, received=letter, by=central, now=NOON)
    a_frozen_theme(theme)
    decision = a_decision(regulation)
    with transaction():
        step = add_milestone(
            decision=db.session.merge(decision), step=Step.GUIDANCE, words="", due_on=(LATER + DAY).date(),
            by=central, now=LATER,
        )  # fmt: skip
    steps = f"/staff/decisions/{decision.reference}/steps"
    of_regulation = f"/staff/regulations/{regulation.slug}"
    with clock.pretending(LATER):
        yield World(
            home.id,
            elsewhere.id,
            {
                "analysis.dispute": f"/staff/disputes/{dispute.id}",
                "analysis.point": f"/staff/points/{point.public_id}",
                "analysis.points": f"{of_regulation}/points",
                "answers.answers": f"{of_regulation}/answers",
                "answers.elsewhere": f"{of_regulation}/answers/elsewhere?for=point-{point.public_id}",
                "answers.sheet_csv": f"{of_regulation}/answers.csv",
                "answers.sheet_xlsx": f"{of_regulation}/answers.xlsx",
                "answers.upload": f"{of_regulation}/answers/upload",
                "decisions.approve": f"{of_regulation}/approve",
                "decisions.close_theme": "/staff/themes/retail/close",
                "decisions.extend": "/staff/themes/retail/due",
                "decisions.set_days": "/staff/themes/retail/days",
                "decisions.versions": f"{of_regulation}/decision/versions",
                "decisions.write": f"{of_regulation}/decision",
                "erasing.erase_submission_for_good": f"/staff/submissions/{sent.reference}/erase",
                "milestones.step": f"{steps}/{step.id}",
                "milestones.steps": steps,
                "submissions.new_submission": f"/staff/submissions/new?regulation={regulation.slug}",
                "submissions.staff_paper": f"/staff/submissions/{sent.reference}/paper",
                "submissions.submission": f"/staff/submissions/{sent.reference}",
            },
        )


def a_browser(app, account):
    client = app.test_client()
    db.session.rollback()
    with client.session_transaction("/account/sign-in") as session:
        session.update(its_session(account) | {"browser": secrets.token_hex(8)})
    return client


def roles_of(view):
    """Those who alone may open it; none for what is not for staff."""
    access = view.__dict__.get("access", "")
    return set(access.removeprefix("staff:").split(",")) if access.startswith("staff:") else set()


def staff_of(role, department):
    return a_member_of_staff(role, department=a_department(department) if department else None)


def test_every_route_of_those_bound_to_a_department_stands_in_the_table(sqlite_app):
    bound = {name for name, view in sqlite_app.view_functions.items() if {OFFICIAL, ANALYST} & roles_of(view)}
    assert bound == set((OWN_DEPARTMENT_ALONE + THE_SAME_FOR_EVERY_DEPARTMENT).split())


@pytest.mark.parametrize(
    ("role", "department", "may"),
    [
        (OFFICIAL, "Home Department", True),
        (OFFICIAL, "", True),
        (OFFICIAL, "Elsewhere Department", False),
        (ANALYST, "Home Department", True),
        (ANALYST, "", True),
        (ANALYST, "Elsewhere Department", False),
        (ADMINISTRATOR, "Elsewhere Department", True),
    ],
)
def test_officials_and_analysts_work_on_their_own_departments_regulations_alone(app, world, role, department, may):
    assert world.addresses.keys() == set(OWN_DEPARTMENT_ALONE.split())
    client, wrong = a_browser(app, staff_of(role, department)), []
    for name, address in world.addresses.items():
        (rule,) = (rule for rule in app.url_map.iter_rules() if rule.endpoint == name)
        has_role = role in roles_of(app.view_functions[name])
        for method in sorted(rule.methods & {"GET", "POST"}):
            answer = client.open(address, method=method)
            assert "/account/sign-in" not in answer.headers.get("Location", "")
            if (answer.status_code != 403) != (has_role and may):
                wrong.append(f"{method} {address}: {answer.status_code}")
            if has_role and not may and "/themes/" not in address:
                assert "Home Department is responsible for this regulation" in answer.get_data(as_text=True)
    assert wrong == []


@pytest.mark.parametrize("act", ["close", "due"])
def test_a_theme_that_departments_share_is_closed_and_moved_by_those_who_belong_to_none(app, world, act):
    who = {
        "home": staff_of(OFFICIAL, "Home Department"),
        "central": staff_of(OFFICIAL, ""),
        "administrator": staff_of(ADMINISTRATOR, "Home Department"),
    }
    got = {name: a_browser(app, account).get(f"/staff/themes/shared/{act}") for name, account in who.items()}
    assert {name: answer.status_code for name, answer in got.items()} == {
        "home": 403, "central": 200, "administrator": 200,
    }  # fmt: skip
    assert "Other departments’ regulations are in this theme too" in got["home"].get_data(as_text=True)


@pytest.mark.parametrize("role", [OFFICIAL, ANALYST])
def test_nobody_is_shown_a_link_that_would_refuse_them(app, world, role):
    lists = ("/staff", "/staff?department=all", "/staff/points", "/staff/disputes", "/staff/submissions")
    client = a_browser(app, staff_of(role, "Elsewhere Department"))
    pages = {address: client.get(address).get_data(as_text=True) for address in lists}
    wrong = [
        (page, address)
        for page, text in pages.items()
        for address in world.addresses.values()
        if f'href="{address}"' in text
    ]
    assert wrong == []
    own = a_browser(app, staff_of(role, "Home Department"))
    assert "/staff/disputes/" in own.get("/staff/disputes").get_data(as_text=True)
    assert "/staff/submissions/S" in own.get("/staff/submissions").get_data(as_text=True)


def test_an_import_tells_in_which_rows_another_departments_regulation_stands(world):
    departments = (world.home, world.elsewhere)
    ours, theirs = (db.session.scalar(select(Regulation.slug).filter_by(department_id=id)) for id in departments)
    lines = ["how,capacity,received_on,regulation,text"]
    lines += [f"letter,public,2026-01-05,{slug},It helps." for slug in (ours, theirs)]
    table = read_table("letters.csv", "\n".join(lines).encode())
    prepared = prepare(table, now=LATER, by=staff_of(ANALYST, "Home Department"))
    assert [(wrong.row, wrong.column) for wrong in prepared.wrong] == [(3, "regulation")]
    assert "Elsewhere Department is responsible" in prepared.wrong[0].message
    assert len(prepare(table, now=LATER).ready) == 2
