"""Whoever gave a reason sees under which points it was put, and can say that it was meant otherwise."""

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from accounts.models import Account
from analysis.queries import Placed, grouping_with, placed_of
from analysis.services import is_kept, object_to
from core import clock
from core.access import participant, visitor
from core.db import db, transaction
from core.errors import NotFound
from voting.models import Comment, Receipt
from voting.queries import comment_by
from voting.receipts import receipt_with

bp = Blueprint("own_points", __name__)


@bp.route("/my/contributions/objections/<int:grouping_id>", methods=["POST"])
@participant
def object_here(grouping_id: int) -> Response:
    _object(grouping_id, current_user.id)
    return redirect(url_for("personal.contributions", _anchor=f"placed-{grouping_id}"), code=303)


@bp.route("/receipts/<secret>/points", methods=["GET", "POST"])
@visitor
def by_receipt(secret: str) -> str | Response:
    """Who has the address of a receipt gave the reason: they need not sign in to say where it does not belong."""
    found = receipt_with(secret)
    if found is None:
        raise NotFound("There is no receipt at this address. It has to be exactly as it was given to you.")
    if request.method == "POST":
        given = request.form.get("grouping", "")
        _object(int(given) if given.isdecimal() and len(given) < 18 else 0, found.vote.account_id)
        return redirect(url_for("own_points.by_receipt", secret=secret, _anchor="placed"), code=303)
    comment = _comment_of(found)
    return render_template(
        "analysis/by_receipt.html",
        regulation=found.vote.regulation,
        secret=secret,
        reason=comment.text if comment is not None else "",
        kept=is_kept(found.vote.regulation),
        placed=_placed(comment.id) if comment is not None else [],
        token=generate_csrf(),
    )


def _placed(comment_id: int) -> list[dict[str, Any]]:
    return [placed_shown(placed) for placed in placed_of([comment_id]) if placed.counts or placed.disputed]


def _comment_of(receipt: Receipt) -> Comment | None:
    comment = comment_by(receipt.vote.account, receipt.vote.regulation)
    return comment if comment is not None and comment.text and receipt.vote.choice else None


def _object(grouping_id: int, account_id: int) -> None:
    with transaction():
        author = db.session.get_one(Account, account_id)
        object_to(grouping=grouping_with(grouping_id), author=author, now=clock.now())


def placed_shown(placed: Placed) -> dict[str, Any]:
    """What the macro of a reason's points is told."""
    return {
        "id": placed.grouping_id,
        "title": placed.title,
        "href": f"/points/{placed.public_id}",
        "counts": placed.counts,
        "disputed": placed.disputed,
        "object_href": url_for("own_points.object_here", grouping_id=placed.grouping_id),
    }
