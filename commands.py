"""What `flask` can be told to do. Each command opens its own transaction."""

import logging
import os
import shutil
import sys
import time
from functools import partial
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from flask_migrate import upgrade
from sqlalchemy import inspect

from account_commands import accounts_group
from accounts import services as accounts
from analysis.papers import forget_unused_papers
from analysis.uploads import forget_uploads
from audit import followers
from audit import services as audit
from audit.cosigning import cosigning_of_this_site
from audit.followers import Follower
from audit.keys import LOG, PROMISE, keys_of_this_site
from audit.publishing import LAST_SIGNED, RefusesToSign, publisher_of_this_site
from audit.queries import is_opened, some_wait
from audit.tiles import log_folder
from chores import note_what_went_by
from core import clock, mail, sending, worker
from core.config import SECRET_FILE, Settings, mark_folder
from core.db import db, empty_write_ahead_log, transaction
from core.errors import Clash, RuleBroken
from decisions import set_times
from importing_commands import import_group
from notices import services as notices
from notices.follower import NoticesFollower
from notices.telling import tell_due
from opendata.bundle import Keeper, write_bundle
from opendata.checking import check
from opendata.openings import NotYet
from regulations.models import Theme
from search.follower import SearchFollower, rebuild_comments, rebuild_documents
from search.follower import mend as mend_search
from voting import ballots, tallying
from voting.tallying import TallyFollower

log = logging.getLogger(__name__)

FOLLOWERS: tuple[Follower, ...] = (TallyFollower(), SearchFollower(), NoticesFollower())
SEQUENCER_SECONDS = 1.0
WITNESS_SECONDS = 2.0
CHORES_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 15.0
ACCOUNTS_FILE = "accounts.txt"
TOLD_AT_MOST = 20


def init_app(app: Flask) -> None:
    app.cli.add_command(prepare)
    app.cli.add_command(seed)
    app.cli.add_command(demo)
    app.cli.add_command(work)
    app.cli.add_command(search_group)
    app.cli.add_command(accounts_group)
    app.cli.add_command(log_group)
    app.cli.add_command(import_group)


def settings() -> Settings:
    return current_app.config["SETTINGS"]


def migrate_and_open() -> None:
    """Bring the database to this release, and open the record if nobody has."""
    mark_folder(settings().data_dir, settings().mode)
    upgrade()
    if is_opened():
        return
    keys = keys_of_this_site()
    demonstration = settings().is_demonstration
    name = "demonstration.regulation-review" if demonstration else settings().site_url.partition("://")[2]
    with transaction():
        audit.open_log(
            origin=f"{name}/log",
            log_key=keys.make(LOG),
            promise_key=keys.make(PROMISE),
            demonstration=demonstration,
            now=clock.now(),
        )


def settle_record() -> None:
    """Give every waiting entry its place, sign the log, let the followers read to the end, and tell who is to hear."""
    publisher = publisher_of_this_site()
    if publisher.check():
        _place_all()
        publisher.publish(clock.now())
        cosigning_of_this_site().read_policy()
    followers.catch_up(FOLLOWERS)
    while tell_due(clock.now()):
        pass


def settle_a_played_day() -> None:
    """The same where nobody reads or searches yet: a day in the past of a demonstration."""
    _place_all()
    followers.catch_up([follower for follower in FOLLOWERS if not follower.keeps_outside])


def _place_all() -> None:
    while some_wait():
        with transaction():
            audit.sequence_waiting()


@click.command("prepare")
@click.option("--empty", is_flag=True, help="The catalogue only, without demonstration people and votes.")
def prepare(empty: bool) -> None:
    """Make the database ready, with the catalogue and (in a demonstration) some invented participation."""
    from seed_data import demonstration, loader, people

    folder = settings().data_dir
    unfinished = folder / "unfinished"
    if unfinished.exists():
        click.echo("The last set-up was cut short; starting over.")
        _empty_folder(folder)
    there = inspect(db.engine).has_table("entry")
    if not there and (folder / "keys" / LAST_SIGNED).exists():
        _begin_anew_without_its_database(folder)
    if there:
        migrate_and_open()
    else:
        db.engine.dispose()
        unfinished.touch()
        if settings().is_demonstration and not empty:
            demonstration.play(migrate_and_open, settle_a_played_day)
            mend_search()
            settle_record()
            demonstration.deliver_the_past()
            (folder / ACCOUNTS_FILE).touch(mode=0o600)
        else:
            migrate_and_open()
        unfinished.unlink()
    loader.load_catalogue_if_missing(now=clock.now())
    mend_search()
    settle_record()
    Keeper().refresh()
    if (folder / ACCOUNTS_FILE).exists():
        (folder / ACCOUNTS_FILE).write_text(people.accounts_text(settings().site_url), "utf-8")


def _begin_anew_without_its_database(folder: Path) -> None:
    """A demonstration has nothing to lose. What was signed of a real record must be found again, not begun again."""
    if not settings().is_demonstration:
        raise click.ClickException(
            f"The database is empty, but {folder} holds what was signed of a record. Restore its database, or begin "
            "a new record in a new DATA_DIR."
        )
    click.echo("The demonstration’s database is gone; starting over.")
    _empty_folder(folder)


def _empty_folder(folder: Path) -> None:
    """Only what set-up itself began: a half-played past is worth nothing, and nobody real has used it."""
    db.session.remove()
    db.engine.dispose()
    if db.engine.dialect.name != "sqlite":
        raise click.ClickException("Set-up was cut short: empty the database, delete the data folder, and start again.")
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != SECRET_FILE:
            path.unlink()


@click.command("seed")
def seed() -> None:
    """Load the catalogue of regulations into a database that has none."""
    from seed_data import loader

    migrate_and_open()
    loader.load_catalogue_if_missing(now=clock.now())
    settle_record()


@click.command("demo")
@click.argument("folder", type=click.Path(path_type=Path))
def demo(folder: Path) -> None:
    """Make a new data folder with a demonstration in it."""
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} is not empty; a demonstration is always made in a new folder.")
    environ = {**os.environ, "DATA_DIR": str(folder.absolute()), "SITE_MODE": "demonstration"}
    environ.pop("DATABASE_URL", None)
    os.execve(sys.executable, [sys.executable, "-m", "flask", "--app", "app", "prepare"], environ)  # noqa: S606


@click.command("worker")
@click.argument("only", required=False, type=click.Choice(["sequencer", "witnesses", "mail", "chores"]))
def work(only: str | None) -> None:
    """Run the background processes: the sequencer with its followers, witnesses, mail, chores."""
    steps = {
        "sequencer": (SEQUENCER_SECONDS, Sequencer().step),
        "witnesses": (WITNESS_SECONDS, cosigning_of_this_site().look),
        "mail": (1.0, send_mail),
        "chores": (CHORES_SECONDS, partial(do_chores, Keeper())),
    }
    if only:
        worker.every(*steps[only])
    else:
        flask = [sys.executable, "-m", "flask", "--app", "app", "worker"]
        worker.supervise({name: [*flask, name] for name in steps})


class Sequencer:
    """What the sequencer process does every second: places, signature, followers, counts that become final."""

    def __init__(self) -> None:
        self.publisher = publisher_of_this_site()
        self.looks_again_at = 0.0

    def step(self) -> None:
        try:
            signs = self._may_sign()
            if signs and some_wait():
                db.session.rollback()
                with transaction():
                    audit.sequence_waiting()
            if signs:
                self.publisher.publish(clock.now())
            followers.catch_up(FOLLOWERS)
            if signs:
                freeze_due()
                publish_due()
        finally:
            db.session.remove()

    def _may_sign(self) -> bool:
        """Where that was refused it looks again, but not every second: it reads the whole record each time."""
        if self.publisher.tree is None and time.monotonic() >= self.looks_again_at and not self.publisher.check():
            self.looks_again_at = time.monotonic() + LOOK_AGAIN_SECONDS
        return self.publisher.tree is not None


def freeze_due() -> None:
    """Make final the counts of themes that closed, as soon as nothing more can be added to them.

    A theme where this fails is logged and tried again with the next round, and keeps no other waiting.
    """
    for theme_id in tallying.themes_to_freeze(clock.now()):
        db.session.rollback()
        try:
            with transaction():
                tallying.freeze_theme(theme=db.session.get_one(Theme, theme_id), now=clock.now())
        except Exception:
            log.exception("The count of theme %s could not be made final.", theme_id)


def publish_due() -> None:
    """Publish approved decisions whose time has come; one that cannot be published goes back with the reason."""
    for draft_id in set_times.due(clock.now()):
        db.session.rollback()
        try:
            _publish_one(draft_id)
        except Exception:
            log.exception("The approved draft %s could not be published; trying again.", draft_id)


def _publish_one(draft_id: int) -> None:
    try:
        with transaction():
            set_times.publish_due(draft_id=draft_id, now=clock.now(), demonstration=settings().is_demonstration)
    except Clash:
        raise
    except RuleBroken as refusal:
        with transaction():
            set_times.send_back_due(draft_id=draft_id, why=refusal.message, now=clock.now())


def send_mail() -> None:
    try:
        while sending.deliver_due(clock.now()) + tell_due(clock.now()):
            pass
    finally:
        db.session.remove()


def do_chores(keeper: Keeper) -> None:
    """Delete what must not be kept, mend a search index that was lost, and keep the record's one file fresh."""
    try:
        if mend_search():
            log.warning("The search index was missing or broken and has been made anew.")
        with transaction():
            ballots.forget_unconfirmed(clock.now())
            accounts.forget_old(clock.now())
            notices.forget_erased()
            notices.take_back_confirmed()
            notices.set_bounced_aside(clock.now())
            if not settings().is_demonstration:
                mail.forget_sent(clock.now())
        forget_uploads(clock.now())
        with transaction():
            forget_unused_papers(clock.now())
        note_what_went_by()
        keeper.refresh()
    finally:
        db.session.remove()
    empty_write_ahead_log()


search_group = AppGroup("search", help="The search index.")
log_group = AppGroup("log", help="The public record.")


@search_group.command("rebuild")
def search_rebuild() -> None:
    """Make the search index anew from the database."""
    rebuild_documents()
    rebuild_comments()
    click.echo("The search index is rebuilt.")


@log_group.command("refold")
def log_refold() -> None:
    """Drop the tallies and fold them anew from the first line of the record."""
    followers.start_again(FOLLOWERS[0])
    followers.catch_up(FOLLOWERS[:1])
    click.echo("The tallies are folded anew.")


@log_group.command("rebuild")
def log_rebuild() -> None:
    """Make every tile of the signed log anew from the database, byte for byte."""
    try:
        size = publisher_of_this_site().rebuild()
    except RefusesToSign as refusal:
        raise click.ClickException(str(refusal)) from refusal
    click.echo(f"The tiles of {size:,} lines are made anew.")


@log_group.command("bundle")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def log_bundle(file: Path) -> None:
    """Write the whole record, the texts that may be read, and the program that checks them into one zip file."""
    try:
        made = write_bundle(file.absolute(), log_folder())
    except NotYet as wait:
        raise click.ClickException(f"{wait} Try again in a moment.") from wait
    click.echo(f"{file} holds {made.size:,} lines and {made.openings:,} texts. See README.txt in it.")


@log_group.command("verify")
def log_verify() -> None:
    """Check the record as a stranger would, and that the database's own rows say what it says."""
    found = check(log_folder())
    for what, number in found.counts.items():
        click.echo(f"{number:>12,}  {what}")
    for wrong in found.wrong[:TOLD_AT_MOST]:
        click.echo(f"WRONG  {wrong}", err=True)
    if found.wrong:
        raise click.ClickException(f"{len(found.wrong):,} disagreements were found. The first are named above.")
    if found.waits:
        click.echo(f"{found.waits} The rows agree with the record; run this again in a moment for the rest.", err=True)
        sys.exit(2)
    click.echo("The record verifies, and the database says what it says.")
