"""Reads the record and writes to those it concerns: a receipt when a vote has its place, the decision when there is one."""

from collections.abc import Sequence
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from accounts.models import Account
from audit.followers import Step
from core.db import db
from core.mail import write_mail
from decisions.models import Decision
from regulations.models import Regulation
from voting.models import Receipt, Vote


class NoticesFollower:
    """A mail is a row, unique per recipient, cause and kind, so being told twice sends nothing twice."""

    name = "notices"
    keeps_outside = False

    def follow(self, steps: Sequence[Step], now: datetime) -> None:
        for step in steps:
            if step.type == "vote":
                _send_receipt(step, now)
            elif step.type == "decision":
                _send_decision(step, now)

    def forget(self) -> None:
        """Nothing is derived that could be built anew: what was sent stays sent."""


def _send_receipt(step: Step, now: datetime) -> None:
    found = db.session.execute(
        select(Account.email, Receipt.secret, Regulation.title, Regulation.slug)
        .select_from(Receipt)
        .join(Vote, Vote.id == Receipt.vote_id)
        .join(Account, Account.id == Vote.account_id)
        .join(Regulation, Regulation.id == Vote.regulation_id)
        .where(Receipt.entry_id == step.id)
    ).one_or_none()
    if found is None or found.email is None:
        return
    url = current_app.config["SITE"].url
    write_mail(
        to=found.email,
        cause=step.id,
        kind="receipt",
        subject="Your vote is counted",
        template="receipt",
        now=now,
        regulation_title=found.title,
        receipt_url=f"{url}/receipts/{found.secret}",
        regulation_url=f"{url}/regulations/{found.slug}",
    )


def _send_decision(step: Step, now: datetime) -> None:
    decision = db.session.get(Decision, step.about_id)
    if decision is None:
        return
    regulation, url = decision.regulation, current_app.config["SITE"].url
    heard = (
        select(Account.email)
        .join(Vote, Vote.account_id == Account.id)
        .where(Vote.regulation_id == decision.regulation_id, Vote.choice.is_not(None), Account.email.is_not(None))
    )
    for email in db.session.scalars(heard).all():
        write_mail(
            to=email or "",
            cause=step.id,
            kind="decision",
            subject=f"Decided: {decision.outcome.replace('_', ' ')} – {regulation.title}",
            template="decision",
            now=now,
            regulation_title=regulation.title,
            outcome=decision.outcome,
            statement=decision.statement,
            comparison=decision.comparison_sentence,
            decision_url=f"{url}/decisions/{decision.reference}",
        )
