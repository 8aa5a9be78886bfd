"""The record checked from within: as a stranger checks it, and then the database's own rows against it."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import accounts.agreement
import analysis.agreement
import audit.agreement
import decisions.agreement
import decisions.answers_agreement
import regulations.agreement
import voting.agreement
from audit.tiles import LogFolder, MissingTile
from audit.verify import Unreadable, verify
from core.db import snapshot
from opendata import edition_agreement
from opendata.bundle import write_bundle
from opendata.openings import NotYet

MOST = 100
"""Disagreements to look for on each floor: who has found so many need not be told of the rest."""


@dataclass
class Checked:
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    waits: str = ""
    """Why the record could not be checked as a stranger would just now; empty when it was."""


def check(folder: LogFolder) -> Checked:
    found = Checked(wrong=rows_against_the_record(folder))
    _as_a_stranger(folder, found)
    return found


def rows_against_the_record(folder: LogFolder) -> list[str]:
    """A sentence for each row of the database that is not what the record says."""
    wrong: list[str] = []
    floors: tuple[Callable[[], Iterator[str]], ...] = (
        partial(audit.agreement.disagreements, folder),
        accounts.agreement.disagreements,
        regulations.agreement.disagreements,
        voting.agreement.disagreements,
        analysis.agreement.disagreements,
        decisions.agreement.disagreements,
        decisions.answers_agreement.disagreements,
        edition_agreement.disagreements,
    )
    with snapshot():
        for disagreements in floors:
            _compare(disagreements, wrong)
    return wrong


def _compare(disagreements: Callable[[], Iterator[str]], wrong: list[str]) -> None:
    try:
        wrong.extend(islice(disagreements(), MOST))
    except (ValueError, KeyError, TypeError, AttributeError) as beyond_reading:
        wrong.append(f"Something in the database is beyond reading: {beyond_reading!r}")


def _as_a_stranger(folder: LogFolder, found: Checked) -> None:
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "record.zip"
        try:
            write_bundle(file, folder)
            report = verify(str(file))
        except NotYet as wait:
            found.waits = str(wait)
        except (MissingTile, Unreadable, ValueError, KeyError, TypeError) as wrong:
            found.wrong.append(f"The record cannot be put together for a stranger to check: {wrong}")
        else:
            found.counts = dict(report.counts)
            found.wrong.extend(f"{failure.name}: {failure.where}: {failure.what}" for failure in report.failures)
