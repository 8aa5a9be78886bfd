"""A person's steps through the ballot, as plain functions on a test client."""

import re
import threading

from sqlalchemy import select

from accounts.models import Account
from core.db import db
from core.mail import Mail
from tests import factories

KEEP = {"choice": "keep", "text": "It keeps people safe at work."}
PUBLIC = {"capacity": "public", "organisation": "", "display_name": ""}


def its_session(client):
    """A browser's session, to read or change; only pages that keep one let it be saved."""
    return client.session_transaction("/account/sign-in")


def sign_in(client, account: Account):
    """As after a confirmed link, without the mail."""
    with its_session(client) as session:
        session.update(factories.its_session(account))
    return client


def vote_url(regulation, step=""):
    return f"/regulations/{regulation.slug}/vote{step}"


def first_screen(client, regulation, **said):
    return client.post(vote_url(regulation), data={**KEEP, **said})


def second_screen(client, regulation, **said):
    return client.post(vote_url(regulation, "/who"), data={**PUBLIC, **said})


def send(client, regulation, email="kim@example.org", **said):
    """Both screens of somebody who is not signed in; returns the answer to the second."""
    assert first_screen(client, regulation, **said).status_code == 303
    return second_screen(client, regulation, email=email)


def last_mail(email="kim@example.org") -> Mail:
    wanted = select(Mail).filter_by(recipient=email, kind="confirm").order_by(Mail.id.desc())
    db.session.rollback()
    return db.session.scalars(wanted.limit(1)).one()


def link(mail: Mail, kind="confirm") -> str:
    found = re.search(rf"/account/{kind}/\S+", mail.text)
    assert found
    return found[0]


def code(mail: Mail) -> str:
    found = re.search(r"^\s+(\d{6})$", mail.text, re.M)
    assert found
    return found[1]


def at_once(act, each) -> None:
    """``act`` with every one of ``each``, in a thread of its own."""
    threads = [threading.Thread(target=act, args=(one,)) for one in each]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def listed(page) -> dict[str, str]:
    """What the confirming page sends back when its button is pressed."""
    found = re.search(r'name="listed"[^>]*value="([^"]*)"', page.text)
    assert found
    return {"listed": found[1]}


def confirm(client, mail: Mail, **struck):
    page = client.get(link(mail))
    return client.post(link(mail), data={**listed(page), **struck})


def marks(page) -> list[str]:
    return re.findall(r'name="not_mine"\s+value="([^"]+)"', page.text)


def without_tokens(page) -> bytes:
    return re.sub(rb'name="csrf_token"[^>]*>', b"", page.data)
