"""Every setting the site knows, read once from the environment, with defaults that work on a laptop."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
MODE_FILE = "mode"
SECRET_FILE = "secret-key"  # noqa: S105 - the name of a file, not a secret
RELEASE = "0.1.0"
SHORTEST_SECRET = 32
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Mode(StrEnum):
    DEMONSTRATION = "demonstration"
    PRODUCTION = "production"


class SettingMissing(SystemExit):
    """The site cannot start: the process ends with the sentence that names the setting, and no traceback."""


@dataclass(frozen=True)
class Settings:
    mode: Mode
    data_dir: Path
    database_url: str
    secret_key: str
    mail_url: str
    mail_from: str
    site_url: str
    site_name: str
    contact: str
    trusted_proxies: int = 0
    log_key: str = ""
    promise_key: str = ""
    release: str = RELEASE

    @property
    def is_demonstration(self) -> bool:
        return self.mode is Mode.DEMONSTRATION

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Raises SettingMissing, with the setting's name, when production lacks one or the data folder forbids it."""
        env = os.environ if environ is None else environ
        data_dir = Path(env.get("DATA_DIR") or ROOT / "data").absolute()
        mode = _mode(env, data_dir)
        production = mode is Mode.PRODUCTION
        url = env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'regulation-review.sqlite'}"
        return cls(
            mode=mode,
            data_dir=data_dir,
            database_url=_with_driver(url),
            secret_key=_strong_secret(env) if production else _laptop_secret(env, data_dir),
            mail_url=_required(env, "MAIL_URL") if production else env.get("MAIL_URL", "mailbox:"),
            mail_from=env.get("MAIL_FROM") or "no-reply@localhost",
            site_url=_public_address(env) if production else env.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/"),
            site_name=env.get("SITE_NAME") or "Regulation Review",
            contact=_required(env, "SITE_CONTACT")
            if production
            else env.get("SITE_CONTACT") or "the office that runs this site",
            trusted_proxies=_few(env, "TRUSTED_PROXIES"),
            log_key=env.get("LOG_KEY", ""),
            promise_key=env.get("PROMISE_KEY", ""),
        )


def _mode(env: Mapping[str, str], data_dir: Path) -> Mode:
    try:
        asked = Mode(env.get("SITE_MODE") or Mode.DEMONSTRATION)
    except ValueError:
        raise SettingMissing(f"SITE_MODE must be one of {', '.join(Mode)}.") from None
    made_as = mode_of_folder(data_dir)
    if made_as is Mode.DEMONSTRATION and asked is Mode.PRODUCTION:
        raise SettingMissing(
            f"DATA_DIR {data_dir} was made for demonstration and holds invented people and votes. "
            "Production needs a new, empty DATA_DIR."
        )
    if made_as is Mode.PRODUCTION and asked is Mode.DEMONSTRATION:
        raise SettingMissing(f"DATA_DIR {data_dir} belongs to a production site: set SITE_MODE=production.")
    return asked


def mode_of_folder(data_dir: Path) -> Mode | None:
    """How a data folder was first made, or None for a folder not yet in use."""
    marker = data_dir / MODE_FILE
    return Mode(marker.read_text("utf-8").strip()) if marker.exists() else None


def mark_folder(data_dir: Path, mode: Mode) -> None:
    """Say for good what a data folder is for. Its contents are private to the site's own user."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    marker = data_dir / MODE_FILE
    if not marker.exists():
        marker.write_text(f"{mode}\n", "utf-8")


def _required(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise SettingMissing(f"{name} is not set. Production does not start without it.")
    return env[name]


def _few(env: Mapping[str, str], name: str) -> int:
    given = env.get(name) or "0"
    if not (given.isascii() and given.isdecimal() and len(given) == 1):
        raise SettingMissing(f"{name} must be a number from 0 to 9.")
    return int(given)


def _strong_secret(env: Mapping[str, str]) -> str:
    secret = _required(env, "SECRET_KEY")
    if len(secret) < SHORTEST_SECRET:
        raise SettingMissing(f"SECRET_KEY is too short: give it {SHORTEST_SECRET} random characters or more.")
    return secret


def _public_address(env: Mapping[str, str]) -> str:
    url = _required(env, "SITE_URL").rstrip("/")
    host = urlsplit(url).hostname
    if not url.startswith("https://") and host not in LOOPBACK:
        raise SettingMissing(
            "SITE_URL must begin with https:// so that what people send stays between them and the site."
        )
    return url


def _laptop_secret(env: Mapping[str, str], data_dir: Path) -> str:
    """A demonstration keeps a secret of its own, so that a restart doesn't sign everybody out."""
    if env.get("SECRET_KEY"):
        return env["SECRET_KEY"]
    path = data_dir / SECRET_FILE
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text("utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        secret = secrets.token_urlsafe(32)
        file.write(secret)
    return secret


def _with_driver(url: str) -> str:
    """Hosts hand out postgres:// addresses; SQLAlchemy wants the driver's name in them."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
