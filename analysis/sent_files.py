"""Files that people send: counted before anything looks at them, looked through, and set aside for their sender until
the page they came with is right."""

from dataclasses import dataclass

from flask import request

from accounts import limits
from accounts.models import Account
from accounts.rules import STAFF, Asked, Network
from analysis.paper_checks import check_paper
from analysis.submission_forms import PaperForm, paper_name
from analysis.uploads import drop_upload, keep_upload, kept_upload
from core import clock
from core.db import transaction
from core.errors import Clash, RuleBroken, TooOften


def status_of_refusal(error: RuleBroken) -> int:
    """Of a page that shows its form again, with what was wrong beside it."""
    return {Clash: 409, TooOften: 429}.get(type(error), 422)


@dataclass(frozen=True)
class SentPaper:
    """Looked through, and not yet anybody's submission."""

    content: bytes
    name: str


def count_sent(size: int, by: Account) -> None:
    """In a transaction of its own, as it counts whatever becomes of the file. Raises TooOften."""
    with transaction():
        if by.role not in STAFF:
            network = Network.of(request.remote_addr)
            limits.count_from(network=network, asked=Asked.FILE, email=by.email or "", now=clock.now())
        limits.count_file(account=by, size=size, now=clock.now())


def sent_paper(form: PaperForm, by: Account) -> SentPaper | None:
    """What was attached now or, by the same person, a page before. Raises RuleBroken, and then keeps nothing.

    To be asked for only once the form's token is known to be right.
    """
    if form.paper.data:
        content = form.paper.data.read()
        count_sent(len(content), by)
        check_paper(content)
        form.kept.data = keep_upload(sender=by.id, name="paper.pdf", content=content, now=clock.now())
        form.kept_name.data = paper_name(form.paper.data.filename)
        return SentPaper(content, form.kept_name.data)
    if not form.kept.data:
        return None
    kept, form.kept.data = form.kept.data, ""
    content = kept_upload(sender=by.id, kept=kept, field="paper")
    form.kept.data = kept
    return SentPaper(content, form.kept_name.data)


def drop_sent(form: PaperForm, by: Account) -> None:
    """It has become a submission."""
    if form.kept.data:
        drop_upload(sender=by.id, kept=form.kept.data)
