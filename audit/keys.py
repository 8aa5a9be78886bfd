"""The two Ed25519 keys of a log: one signs checkpoints, the other the promises that receipts carry.

Each is a file only the site may read, or comes from the environment. The log's own is used by the sequencer alone.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import current_app

from audit.notes import Signer

LOG, PROMISE = "log", "promise"


class NoKey(RuntimeError):
    """A key that should be there is missing, or is no key."""


@dataclass(frozen=True)
class Keys:
    """Where the private keys are: in files of ``folder``, unless ``given`` holds one (base64 of its 32-byte seed)."""

    folder: Path
    given: dict[str, str]

    def make(self, name: str) -> str:
        """The public half in base64 (32 bytes, RFC 8032), of a key that is made if there is none yet."""
        if not self.given.get(name):
            _make_file(self.folder, name)
        return base64.b64encode(self._private(name).public_key().public_bytes_raw()).decode()

    def log_signer(self, origin: str) -> Signer:
        """Raises NoKey: a key that was lost is never replaced in silence."""
        return Signer(origin, self._private(LOG))

    def promise_signer(self, origin: str) -> Signer:
        """Raises NoKey."""
        return Signer(promise_name(origin), self._private(PROMISE))

    def _private(self, name: str) -> Ed25519PrivateKey:
        encoded = self.given.get(name)
        try:
            seed = base64.b64decode(encoded or (self.folder / f"{name}.key").read_text("ascii"), validate=True)
            return Ed25519PrivateKey.from_private_bytes(seed)
        except FileNotFoundError:
            raise NoKey(f"The private key {name}.key is not in its folder.") from None
        except (binascii.Error, ValueError):
            raise NoKey(f"What is given as the private key “{name}” is no base64 of 32 bytes.") from None


def keys_of_this_site() -> Keys:
    settings = current_app.config["SETTINGS"]
    return Keys(settings.data_dir / "keys", {LOG: settings.log_key, PROMISE: settings.promise_key})


def promise_name(origin: str) -> str:
    """The name under which promises of lines in a log are signed."""
    return f"{origin}/promise"


def _make_file(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
