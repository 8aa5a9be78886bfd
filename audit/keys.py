"""The two Ed25519 keys of a log: one signs checkpoints, the other the promises that receipts carry."""

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def public_key(folder: Path, name: str) -> str:
    """The key's public half in base64 (32 bytes, RFC 8032); made on first use in a file only the site may read."""
    return base64.b64encode(_private_key(folder, name).public_key().public_bytes_raw()).decode()


def _private_key(folder: Path, name: str) -> Ed25519PrivateKey:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{name}.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text("ascii")))
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.b64encode(key.private_bytes_raw()).decode())
    return key
