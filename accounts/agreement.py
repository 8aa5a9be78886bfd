"""Whether offices and checked organisations are what the record says."""

from collections.abc import Iterator

from sqlalchemy import select

from accounts.models import Organisation, Post
from accounts.rules import organisation_key
from audit.agreement import recorded
from audit.entries import text_digest
from core.db import db


def disagreements() -> Iterator[str]:
    yield from _offices()
    yield from _organisations()


def _offices() -> Iterator[str]:
    said: dict[str, str] = {}
    for line in recorded("role"):
        if line.said["act"] == "given":
            said[line.said["office"]] = line.said["role"]
        else:
            said.pop(line.said["office"], None)
    kept = {row.office: row.role for row in db.session.execute(select(Post.office, Post.role))}
    for office in sorted(kept.keys() | said.keys()):
        if kept.get(office) != said.get(office):
            has, should = kept.get(office, "no role"), said.get(office, "no role")
            yield f"post: the office {office} has {has} in the database and {should} on the record."


def _organisations() -> Iterator[str]:
    lines = {line.said["organisation"]: line for line in recorded("organisation")}
    said = {digest: line.named for digest, line in lines.items()}
    columns = (Organisation.key, Organisation.name, Organisation.checked_at)
    rows = db.session.execute(select(*columns).order_by(Organisation.id)).all()
    kept = {text_digest(row.key): row.name for row in rows}
    for row in rows:
        line = lines.get(text_digest(row.key))
        if organisation_key(row.name) != row.key or (line is not None and not line.is_of(row.checked_at)):
            yield f"organisation: {row.name} was checked under another name, or at another time."
    for digest in sorted(kept.keys() - said.keys()):
        yield f"organisation: {kept[digest]} stands in the database as checked, and no line says so."
    for digest in sorted(said.keys() - kept.keys()):
        yield f"organisation: the one of {said[digest]} is missing, or has another name now."
