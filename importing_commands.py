"""What `flask import` can bring in."""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from analysis.beside import MOST_TOGETHER, Papers, in_folder, unpacked
from analysis.importing import COLUMNS, ImportRefused, Prepared, Wrong, import_rows, prepare
from analysis.tables import KINDS, Table, read_table
from core import clock
from core.db import db, transaction
from core.errors import RuleBroken
from notices.bounces import note_bounces
from notices.services import set_bounced_aside
from regulations.queries import regulation_with, theme_with

TOLD_AT_MOST = 100
WHAT = (
    f"Enter the submissions of a FILE ({', '.join(KINDS)}, or a zip of one with the papers its rows name): all rows or "
    "none. Papers of a table that is not packed lie in its folder."
)

import_group = AppGroup("import", help="Bring in what came by other ways.")


@import_group.command("submissions", help=WHAT)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--theme", help="Slug of the theme that rows are about which name neither.")
@click.option("--regulation", help="Slug of the regulation that rows are about which name neither.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def import_submissions(file: Path, theme: str | None, regulation: str | None, dry_run: bool) -> None:
    if theme and regulation:
        raise click.UsageError("Give --theme or --regulation, not both.")
    try:
        table, read = _table_and_papers(file)
        if table.note or table.read_as:
            click.echo(table.note or f"The file was read as {table.read_as}.", err=True)
        papers = Papers(read, dry_run=dry_run)
        prepared = _dry_run(table, theme, regulation, papers)
        if not dry_run and not prepared.wrong:
            prepared = _import(table, theme, regulation, papers)
    except ImportRefused as refusal:
        raise _refused(refusal.wrong) from refusal
    except RuleBroken as refusal:
        raise click.ClickException(refusal.message) from refusal
    if prepared.wrong:
        raise _refused(prepared.wrong)
    for row in prepared.known:
        click.echo(f"Row {row} was entered before, or stands in the file twice. It adds nothing.")
    click.echo(
        f"{len(prepared.ready):,} {'would be' if dry_run else 'are'} entered, {len(prepared.known):,} were known."
    )


@import_group.command("bounces")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def import_bounces(file: Path) -> None:
    """Read reports of letters that came back: the mailbox of MAIL_FROM (mbox), or one mail (eml)."""
    with transaction():
        noted = note_bounces(file)
        aside = set_bounced_aside(clock.now())
    click.echo(
        f"{noted.mails:,} mails, of which {noted.bounces:,} report an address that takes none; {noted.ours:,} are of "
        f"letters of ours and new. Set aside: {aside:,}."
    )


def _about(theme: str | None, regulation: str | None) -> dict[str, Any]:
    return {
        "theme": theme_with(theme) if theme else None,
        "regulation": regulation_with(regulation) if regulation else None,
        "now": clock.now(),
    }


def _table_and_papers(file: Path) -> tuple[Table, Callable[[PurePosixPath], bytes]]:
    """Papers lie beside the table in its folder, or are packed with it."""
    if file.suffix.lower() == ".zip":
        if file.stat().st_size > MOST_TOGETHER:
            raise RuleBroken("The zip file is larger than 200 MB. Send it in parts.")
        name, content, read = unpacked(file.read_bytes())
        return read_table(name, content), read
    return read_table(file.name, file.read_bytes()), in_folder(file.parent)


def _dry_run(table: Table, theme: str | None, regulation: str | None, papers: Papers) -> Prepared:
    try:
        return prepare(table, papers=papers, **_about(theme, regulation))
    finally:
        db.session.rollback()


def _import(table: Table, theme: str | None, regulation: str | None, papers: Papers) -> Prepared:
    demonstration = current_app.config["SITE"].demonstration
    with transaction():
        about = _about(theme, regulation)
        return import_rows(table=table, by=None, papers=papers, demonstration=demonstration, **about)


def _refused(wrong: Sequence[Wrong]) -> click.ClickException:
    for one in wrong[:TOLD_AT_MOST]:
        click.echo(str(one), err=True)
    if any(not one.row for one in wrong):
        click.echo("The columns:", err=True)
        for name, holds in COLUMNS.items():
            click.echo(f"  {name:<18}{holds}", err=True)
    return click.ClickException(f"Nothing was imported: {len(wrong):,} things have to be put right first.")
