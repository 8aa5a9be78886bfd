"""No page asks the database more than ten questions, nor more of them when there is more to show."""

import pytest

from accounts.rules import Role
from core import clock
from core.db import db
from tests.factories import a_member_of_staff, its_session
from tests.house.rich_record import AFTER, a_rich_record
from tests.queries_counted import queries_counted

MOST = 10
MOST_TO_APPROVE = 13
"""Their page is the public page, its preview to those who disagree and all its checks in one, for one reader."""
EVERYBODYS = """
    / /themes /themes/{open_theme} /themes/{closed_theme} /regulations /progress /progress/steps /decisions /figures
    /regulations/{open} /regulations/{waiting} /regulations/{decided}
    /regulations/{open}/evidence /regulations/{waiting}/evidence /regulations/{decided}/evidence
    /regulations/{decided}/evidence?rows=sector&by=nation
    /regulations/{decided}/evidence.json /regulations/{decided}/evidence.csv
    /regulations/{open}/comments /regulations/{decided}/comments /regulations/{decided}/submissions
    /regulations/{decided}/history /regulations/{open}/paper-ballot /regulations/{open}/poster
    /themes/{open_theme}/we-asked /themes/{closed_theme}/we-asked /themes/{closed_theme}/we-asked.json
    /themes/{closed_theme}/we-asked/editions
    /points/{point} /decisions/{earlier} /decisions/{later} /decisions/{later}/compare/{earlier}
"""
KIMS = """
    /my/contributions /my/contributions/{open} /my/contributions/{decided} /account/notices /account
    /account/follow?kind=regulation&key={open}
"""
OFFICIALS = """
    /staff /staff?theme={closed_theme} /staff/points /staff/regulations/{open}/points
    /staff/regulations/{waiting}/points /staff/points/{waiting_point} /staff/disputes /staff/submissions
    /staff/submissions/new /staff/regulations/{waiting}/answers /staff/regulations/{decided}/answers
    /staff/regulations/{waiting}/answers?show=missing
    /staff/regulations/{waiting}/answers/elsewhere?for=point-{waiting_point}
    /staff/regulations/{waiting}/answers/upload /staff/regulations/{waiting}/answers.csv
    /staff/regulations/{waiting}/decision /staff/regulations/{decided}/decision /staff/regulations/{waiting}/approve
    /staff/decisions/{later}/steps /staff/decisions/{later}/steps/{step} /staff/themes/{open_theme}/close
    /staff/themes/{closed_theme}/due /staff/notices
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_page_asks_ten_questions_at_most_and_no_more_for_thirty_than_for_one(app):
    writer = a_member_of_staff(Role.OFFICIAL)
    counted = []
    for many in (1, 30):
        rich = a_rich_record(many, writer)
        readers = {EVERYBODYS: None, KIMS: rich.kim, OFFICIALS: a_member_of_staff(Role.OFFICIAL)}
        with clock.pretending(AFTER):
            counted.append(
                {
                    address: _questions(app, account, address.format(**rich.names))
                    for addresses, account in readers.items()
                    for address in addresses.split()
                }
            )
    few, lots = counted
    said = [f"{address}: {few[address]}, then {lots[address]}" for address in few]
    assert [line for line, address in zip(said, few, strict=True) if lots[address] > _most(address)] == []
    assert [line for line, address in zip(said, few, strict=True) if lots[address] > few[address]] == []


def _most(address):
    return MOST_TO_APPROVE if address.endswith("/approve") else MOST


def _questions(app, account, address):
    client = app.test_client()
    if account is not None:
        db.session.rollback()
        with client.session_transaction("/account/sign-in") as session:
            session.update(its_session(db.session.merge(account)))
    for _ in range(2):  # the first request of all also asks whether the record fits the mode
        db.session.remove()
        with queries_counted() as sent:
            answer = client.get(address, headers={"If-None-Match": '"what it was"'})
            answer.get_data()
        assert answer.status_code == 200, (address, answer.status_code)
    return len(sent)
