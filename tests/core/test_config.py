"""Settings work on a laptop as they are, and stop a production site by name where one is missing."""

import os
import stat

import pytest
from flask import request

from app import create_app
from core.config import Mode, SettingMissing, Settings, mark_folder, mode_of_folder
from core.db import db
from tests.conftest import empty_database
from tests.factories import open_the_record

PRODUCTION = {
    "SITE_MODE": "production",
    "SECRET_KEY": "long and secret, as production needs",
    "SITE_URL": "https://review.example.org/",
    "SITE_CONTACT": "Example Department, 1 Example Street",
    "MAIL_URL": "smtp+tls://mail.example.org",
}


def settings(folder, **environ: str) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(folder), **environ})


def test_a_laptop_needs_no_settings(tmp_path):
    found = settings(tmp_path)
    assert found.is_demonstration
    assert found.database_url == f"sqlite:///{tmp_path / 'regulation-review.sqlite'}"
    assert (found.mail_url, found.site_url) == ("mailbox:", "http://127.0.0.1:8000")
    assert found.site_name == "Regulation Review"


def test_a_laptops_secret_outlives_a_restart_and_is_the_owners_alone(tmp_path):
    folder = tmp_path / "data"
    first, again = settings(folder).secret_key, settings(folder).secret_key
    assert first == again
    assert len(first) >= 32
    assert settings(tmp_path / "another").secret_key != first
    assert stat.S_IMODE(os.stat(folder / "secret-key").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


def test_production_takes_what_it_is_given(tmp_path):
    found = settings(tmp_path, **PRODUCTION)
    assert (found.mode, found.secret_key) == (Mode.PRODUCTION, PRODUCTION["SECRET_KEY"])
    assert found.site_url == "https://review.example.org"


@pytest.mark.parametrize("name", ["SECRET_KEY", "SITE_URL", "MAIL_URL", "SITE_CONTACT"])
@pytest.mark.parametrize("given", [None, ""])
def test_production_without_a_setting_does_not_start_and_names_it(tmp_path, name, given):
    environ = {"DATA_DIR": str(tmp_path), **PRODUCTION}
    environ.pop(name)
    if given is not None:
        environ[name] = given
    with pytest.raises(SettingMissing, match=f"^{name} is not set"):
        create_app(environ)


def test_a_mode_nobody_knows_is_named(tmp_path):
    with pytest.raises(SettingMissing, match="SITE_MODE must be one of demonstration, production"):
        settings(tmp_path, SITE_MODE="rehearsal")


def test_a_folder_made_for_demonstration_never_becomes_production(tmp_path):
    mark_folder(tmp_path, Mode.DEMONSTRATION)
    with pytest.raises(SettingMissing, match="invented people and votes"):
        settings(tmp_path, **PRODUCTION)


def test_a_production_folder_is_never_started_as_a_demonstration(tmp_path):
    mark_folder(tmp_path, Mode.PRODUCTION)
    with pytest.raises(SettingMissing, match="set SITE_MODE=production"):
        settings(tmp_path)


def test_a_folder_keeps_the_mode_it_was_made_in(tmp_path):
    assert mode_of_folder(tmp_path) is None
    mark_folder(tmp_path, Mode.DEMONSTRATION)
    mark_folder(tmp_path, Mode.PRODUCTION)
    assert mode_of_folder(tmp_path) is Mode.DEMONSTRATION


@pytest.mark.parametrize("given", ["postgres://db/site", "postgresql://db/site", "postgresql+psycopg://db/site"])
def test_the_address_of_a_postgresql_is_taken_as_hosts_write_it(tmp_path, given):
    assert settings(tmp_path, DATABASE_URL=given).database_url == "postgresql+psycopg://db/site"


def test_cookies_travel_over_https_alone_where_the_site_has_it(tmp_path):
    app = create_app({"DATA_DIR": str(tmp_path), **PRODUCTION})
    assert app.config["SESSION_COOKIE_SECURE"]
    assert app.config["SESSION_COOKIE_HTTPONLY"]
    headers = app.test_client().get("/account/signed-out").headers
    assert "max-age=31536000" in headers["Strict-Transport-Security"]
    assert "X-Robots-Tag" not in headers


def test_a_secret_that_can_be_guessed_does_not_start_production(tmp_path):
    with pytest.raises(SettingMissing, match="SECRET_KEY is too short"):
        settings(tmp_path, **PRODUCTION | {"SECRET_KEY": "x"})


def test_production_is_reached_over_https_or_from_its_own_machine(tmp_path):
    with pytest.raises(SettingMissing, match="https://"):
        settings(tmp_path, **PRODUCTION | {"SITE_URL": "http://review.example.org"})
    assert settings(tmp_path, **PRODUCTION | {"SITE_URL": "http://127.0.0.1:8000"}).site_url == "http://127.0.0.1:8000"


def test_a_demonstration_answers_its_own_machine_alone(sqlite_app):
    near = sqlite_app.test_client()
    assert near.get("/help").status_code == 200
    assert near.get("/help", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    assert near.get("/dev/mailbox", headers={"Host": "evil.example"}).status_code == 400
    assert near.get("/dev/mailbox", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403


def test_production_does_not_serve_a_demonstrations_record(sqlite_app, tmp_path):
    with sqlite_app.app_context():
        open_the_record()
        db.session.remove()
    environ = {**PRODUCTION, "DATA_DIR": str(tmp_path), "DATABASE_URL": sqlite_app.config["SQLALCHEMY_DATABASE_URI"]}
    try:
        answer = create_app(environ).test_client().get("/help", headers={"Host": "review.example.org"})
        assert answer.status_code == 503
        assert "another mode" in answer.text
    finally:
        with sqlite_app.app_context():
            empty_database()


@pytest.mark.parametrize(("proxies", "seen"), [("", "192.0.2.1"), ("1", "198.51.100.9"), ("2", "203.0.113.5")])
def test_a_visitors_address_is_taken_from_as_many_proxies_as_are_trusted(tmp_path, proxies, seen):
    app = create_app({"DATA_DIR": str(tmp_path), **PRODUCTION, "TRUSTED_PROXIES": proxies})
    addresses = []
    app.before_request_funcs[None].insert(0, lambda: addresses.append(request.remote_addr))
    client = app.test_client()
    forwarded = {"X-Forwarded-For": "203.0.113.5, 198.51.100.9"}
    client.get("/help", headers=forwarded, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert addresses == [seen]


@pytest.mark.parametrize("given", ["one", "-1", "10", "²"])
def test_how_many_proxies_is_a_number(tmp_path, given):
    with pytest.raises(SettingMissing, match="TRUSTED_PROXIES must be a number"):
        settings(tmp_path, TRUSTED_PROXIES=given)


def test_what_the_site_writes_is_its_users_alone(tmp_path):
    create_app({"DATA_DIR": str(tmp_path / "data")})
    assert stat.S_IMODE(os.stat(tmp_path / "data").st_mode) == 0o700
    assert os.umask(0o077) == 0o077
