"""Where papers lie: each under its digest in the data folder, so that the same paper is kept once."""

import hashlib
import os
import secrets
from pathlib import Path

from flask import current_app

from analysis.paper_checks import check_paper
from core.errors import NotFound


def keep_paper(content: bytes) -> str:
    """Returns the digest under which a paper lies from now on. Raises RuleBroken when it is no plain PDF."""
    check_paper(content)
    digest = hashlib.sha256(content).hexdigest()
    place = _folder() / digest
    if not place.exists():
        place.parent.mkdir(mode=0o700, exist_ok=True)
        begun = place.with_name(f"{digest}.{secrets.token_hex(4)}")
        with begun.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        begun.replace(place)
    return digest


def paper_at(digest: str) -> Path:
    """Raises NotFound."""
    place = _folder() / digest
    if not digest or not place.is_file():
        raise NotFound("This paper is not here any more.")
    return place


def _folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "papers"
