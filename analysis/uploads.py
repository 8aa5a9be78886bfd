"""Where a table waits between its preview and its import: a day at most, in the data folder."""

import hashlib
import re
import time
from pathlib import Path

from flask import current_app

from core.errors import Gone

_A_DAY = 24 * 60 * 60


def keep_upload(name: str, content: bytes) -> str:
    """Returns the name by which it is asked for again."""
    folder = _folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - _A_DAY:
            old.unlink(missing_ok=True)
    kept = f"{hashlib.sha256(content).hexdigest()}.{name.rpartition('.')[2].lower()}"
    (folder / kept).write_bytes(content)
    return kept


def kept_upload(kept: str) -> bytes:
    """Raises Gone."""
    if not re.fullmatch(r"[0-9a-f]{64}\.(csv|xlsx|json)", kept) or not (_folder() / kept).is_file():
        raise Gone("The file is not kept here any more. Choose it again.", field="file")
    return (_folder() / kept).read_bytes()


def drop_upload(kept: str) -> None:
    (_folder() / kept).unlink(missing_ok=True)


def _folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "uploads"
