"""Where a file waits between two pages: for whoever sent it alone, a day at most, in the data folder."""

import hashlib
import os
import re
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app

from core.errors import Gone

KEPT_FOR = timedelta(days=1)
MOST_WAITING = 3
"""Of one person's: whoever chooses another file has no more use for those before."""


def keep_upload(*, sender: int, name: str, content: bytes, now: datetime) -> str:
    """Returns the name by which its sender, an account's id, asks for it again."""
    folder = _folder(sender)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = f"{hashlib.sha256(content).hexdigest()}.{name.rpartition('.')[2].lower()}"
    (folder / kept).write_bytes(content)
    os.utime(folder / kept, (now.timestamp(), now.timestamp()))
    others = sorted((file for file in folder.iterdir() if file.name != kept), key=_age, reverse=True)
    for file in others[MOST_WAITING - 1 :]:
        file.unlink(missing_ok=True)
    return kept


def kept_upload(*, sender: int, kept: str, field: str = "file") -> bytes:
    """Raises Gone, also for what somebody else has sent."""
    place = _folder(sender) / kept
    if not re.fullmatch(r"[0-9a-f]{64}\.(csv|xlsx|json|pdf)", kept) or not place.is_file():
        raise Gone("The file is not kept here any more. Choose it again.", field=field)
    return place.read_bytes()


def drop_upload(*, sender: int, kept: str) -> None:
    (_folder(sender) / kept).unlink(missing_ok=True)


def forget_uploads(now: datetime) -> None:
    """Those that nobody came back for within a day."""
    for file in [*_everybodys().rglob("*")]:
        if file.is_file() and _age(file) < (now - KEPT_FOR).timestamp():
            file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _folder(sender: int) -> Path:
    return _everybodys() / str(sender)


def _everybodys() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "uploads"
