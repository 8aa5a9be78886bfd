"""Puts the pieces together: settings, extensions, blueprints, commands. Read this first."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, request
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from jinja2 import ChainableUndefined, ChoiceLoader, PackageLoader, PrefixLoader
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

import accounts.routes
import analysis.erasure_routes
import analysis.import_routes
import analysis.own_routes
import analysis.paper_routes
import analysis.routes
import analysis.submission_routes
import audit.routes
import core.mail
import decisions.answer_routes
import decisions.answer_sheet_routes  # its routes belong to the same blueprint
import decisions.approval_routes  # like its desk
import decisions.desk_routes  # its routes belong to the blueprint of decisions.routes
import decisions.milestone_routes
import decisions.routes
import decisions.version_routes
import notices.queries
import notices.routes
import pages.decision_routes
import pages.evidence_routes
import pages.figures_routes
import pages.log_routes
import pages.news_routes
import pages.own_way_routes
import pages.paper_routes
import pages.personal_routes
import pages.point_routes
import pages.progress_routes
import pages.record_routes
import pages.routes
import pages.submission_routes
import pages.we_asked_routes
import voting.assisted_routes
import voting.erasure
import voting.erasure_routes
import voting.routes
import voting.staff_routes
from accounts import sessions
from accounts.rules import SIGNED_IN_FOR
from analysis.erasing import erase_papers_of
from audit.queries import opened_as_demonstration, positions
from audit.tiles import log_folder
from core import clock, error_pages, security
from core.access import SessionForThoseWhoNeedOne
from core.config import LOOPBACK, ROOT, Settings
from core.db import db
from core.errors import NotAllowed, Unavailable
from notices.follower import RECEIPT, enclose_receipt

BLUEPRINTS = (
    pages.routes.bp,
    pages.figures_routes.bp,
    pages.we_asked_routes.bp,
    pages.decision_routes.bp,
    pages.point_routes.bp,
    pages.personal_routes.bp,
    pages.own_way_routes.bp,
    pages.progress_routes.bp,
    pages.news_routes.bp,
    pages.record_routes.bp,
    pages.log_routes.bp,
    audit.routes.bp,
    accounts.routes.bp,
    voting.routes.bp,
    voting.staff_routes.bp,
    voting.assisted_routes.bp,
    voting.erasure_routes.bp,
    analysis.routes.bp,
    analysis.own_routes.bp,
    analysis.import_routes.bp,
    analysis.paper_routes.bp,
    analysis.submission_routes.bp,
    analysis.erasure_routes.bp,
    pages.submission_routes.bp,
    pages.paper_routes.bp,
    decisions.routes.bp,
    notices.routes.bp,
    decisions.answer_routes.bp,
    decisions.milestone_routes.bp,
)
MAX_FORM_BYTES = 512 * 1024


@dataclass(frozen=True)
class Site:
    """What templates and mails may know of the site itself."""

    name: str
    url: str
    demonstration: bool
    release: str
    contact: str


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    settings = Settings.from_environment(environ)
    app = Flask(__name__)
    https = settings.site_url.startswith("https://")
    app.config.update(
        SETTINGS=settings,
        SITE=Site(settings.site_name, settings.site_url, settings.is_demonstration, settings.release, settings.contact),
        DATA_DIR=str(settings.data_dir),
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},  # they hold addresses, which belong in no log
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        PERMANENT_SESSION_LIFETIME=SIGNED_IN_FOR,
        SESSION_COOKIE_NAME="__Host-session" if https else "session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        WTF_CSRF_TIME_LIMIT=None,
        FRESHNESS=lambda: _freshness(settings.release),
    )
    os.umask(0o077)  # whatever the site writes holds people's matter
    if settings.trusted_proxies:  # so that a visitor's address is theirs, and limits are kept by network
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    app.session_interface = SessionForThoseWhoNeedOne()
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    forms = CSRFProtect(app)
    _let_people_sign_in(app)
    _prepare_templates(app)
    security.init_app(app, https=https, hidden_from_search=settings.is_demonstration)
    error_pages.init_app(app)
    _keep_to_its_own(app, settings)
    app.url_map.strict_slashes = False  # an address with a slash too many is still that address
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.view_functions["static"].access = "public"  # type: ignore[attr-defined]
    forms.exempt(notices.routes.stop)  # mail programs press that button, without a session; it has its own secret
    core.mail.enclose(app, RECEIPT, enclose_receipt)
    voting.erasure.erase_along(app, erase_papers_of)
    accounts.routes.tell_on_account(app, notices.routes.tell_of_mail)
    decisions.desk_routes.tell_on_desk(app, notices.queries.letters_to_write)
    _add_search(app)
    _add_commands(app)
    return app


def _freshness(release: str) -> str:
    """Changes when anything a public page shows may have: a line folded or cosigned, a new release, an hour gone."""
    return f"{release}-{positions()}-{log_folder().moved()}-{clock.now():%Y%m%d%H}"


def _keep_to_its_own(app: Flask, settings: Settings) -> None:
    """A demonstration answers this machine alone; and neither mode serves the other's record."""
    known = LOOPBACK if settings.is_demonstration else (urlsplit(settings.site_url).hostname or "", *LOOPBACK)
    app.config["TRUSTED_HOSTS"] = [*known, "[::1]"]
    checked: list[bool] = []

    @app.before_request
    def refuse() -> None:
        if settings.is_demonstration and request.remote_addr not in LOOPBACK:
            raise NotAllowed("This is a demonstration. It answers only on the machine it runs on.")
        if not checked and _record_fits(settings):
            checked.append(True)


def _record_fits(settings: Settings) -> bool:
    """False while there is no record to judge by. Raises Unavailable when it was made in the other mode."""
    try:
        opened = opened_as_demonstration()
    except SQLAlchemyError:
        db.session.rollback()
        return False
    if opened is not None and opened is not settings.is_demonstration:
        raise Unavailable("The database was made in another mode than this site runs in: see SITE_MODE.")
    return opened is not None


def _let_people_sign_in(app: Flask) -> None:
    login = LoginManager()
    login.init_app(app, add_context_processor=False)
    login.user_loader(sessions.holder)


def _prepare_templates(app: Flask) -> None:
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    app.jinja_options = {"undefined": ChainableUndefined, "trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.loader = ChoiceLoader([app.jinja_env.loader, govuk])  # type: ignore[list-item]
    digests: dict[str, str] = {}

    def asset(name: str) -> str:
        """A static file's address with a digest of its bytes, so that browsers may keep it for good."""
        if name not in digests or app.debug:
            content = (Path(app.static_folder or "") / name).read_bytes()
            digests[name] = hashlib.sha256(content).hexdigest()[:12]
        return f"{app.static_url_path}/{name}?v={digests[name]}"

    app.jinja_env.globals.update(asset=asset, site=app.config["SITE"])

    @app.context_processor
    def where() -> dict[str, str | datetime]:
        return {"current_path": request.path if request else "/", "now": clock.now()}


def _add_search(app: Flask) -> None:
    import search.services

    search.services.init_app(app)


def _add_commands(app: Flask) -> None:
    import commands

    commands.init_app(app)
