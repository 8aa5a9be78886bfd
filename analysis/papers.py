"""Where papers lie: each under its digest in the data folder, so that the same paper is kept once."""

import hashlib
import logging
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from analysis.models import Submission
from analysis.paper_checks import check_paper
from audit.services import check_writable
from core.db import db
from core.errors import Gone, Unavailable

log = logging.getLogger(__name__)

UNUSED_FOR = timedelta(days=1)
"""How long a paper may lie here before a submission speaks of it: far longer than any form takes to be sent."""


def keep_paper(content: bytes) -> str:
    """Returns the digest under which a paper lies from now on. Raises RuleBroken when it is no plain PDF."""
    check_paper(content)
    return put_away(content)


def put_away(content: bytes) -> str:
    """The same for a paper that was looked through already."""
    digest = digest_of_paper(content)
    place = _folder() / digest
    if not place.exists():
        place.parent.mkdir(mode=0o700, exist_ok=True)
        begun = place.with_name(f"{digest}.{secrets.token_hex(4)}")
        with begun.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(place)
    os.utime(place)
    return digest


def digest_of_paper(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def paper_with(digest: str) -> bytes:
    """What was sent and nothing else. Raises Gone when it is no longer here, or is not what the record speaks of."""
    content, wrong = _looked_at(digest)
    if wrong:
        log.error("The paper %s in the data folder %s.", digest, wrong)
        raise Gone("This paper is not here as it was sent in, so it cannot be shown. Those who run the site are told.")
    return content


def wrong_with_paper(digest: str) -> str:
    """In a few words, or nothing."""
    return _looked_at(digest)[1]


def _looked_at(digest: str) -> tuple[bytes, str]:
    try:
        content = (_folder() / digest).read_bytes()
    except OSError:
        return b"", "is missing"
    return content, "" if digest_of_paper(content) == digest else "is not what was sent in"


def forget_unused_papers(now: datetime) -> None:
    """Those that no submission speaks of: it was erased, or its form was refused at the last moment.

    Within a transaction. None beside an older copy of the database, which speaks of fewer than were sent in.
    """
    try:
        check_writable()
    except Unavailable:
        return
    used = set(db.session.scalars(select(Submission.file_sha256)))
    for file in [*_folder().glob("*")]:
        try:
            if file.name not in used and file.stat().st_mtime < (now - UNUSED_FOR).timestamp():
                file.unlink()
        except FileNotFoundError:
            continue


def _folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "papers"
