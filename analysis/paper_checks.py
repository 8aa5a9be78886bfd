"""Whether a paper that somebody sends may be kept: a whole PDF of pages, in which nothing runs, starts or fetches."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence

from analysis import pdf
from analysis.pdf import Held
from core.errors import RuleBroken

log = logging.getLogger(__name__)

MOST_BYTES = 10 * 1024 * 1024
_MOST_SECONDS = 15
"""By the clock on the wall, where the machine is busy; of the processor's time it gets pdf.CPU_SECONDS."""

_HOLDS = {
    Held.SCRIPT: "a script",
    Held.STARTS: "a link or button that opens another file or starts a program",
    Held.SENDS: "a form that sends or loads data",
    Held.BY_ITSELF: "something that is done by itself when it is opened",
    Held.FORM: "a form of the kind called XFA",
    Held.MEDIA: "sound, film or a moving model",
    Held.ATTACHED: "attached files",
    Held.OUTSIDE: "parts that are fetched from outside it",
}


def check_paper(content: bytes) -> None:
    """Known by what is in it and not by its name. Raises RuleBroken with what is wrong, and how to put it right."""
    if not content:
        raise RuleBroken("The file is empty. Choose another.", field="paper")
    if len(content) > MOST_BYTES:
        raise RuleBroken("The file is larger than 10 MB. Save it with smaller pictures, or in parts.", field="paper")
    if not re.match(rb"%PDF-[12]\.[0-9]", content) or b"%%EOF" not in content[-2048:]:
        raise RuleBroken("This is not a PDF, or a part of one. Save it as PDF and choose that file.", field="paper")
    found = _looked_through(content)
    if found:
        log.warning("A paper was refused for what it holds: %s.", ", ".join(sorted(found)))
    if Held.LOCKED in found:
        raise RuleBroken(
            "This PDF is protected: with a password, or against changes. Save it without any protection.", field="paper"
        )
    if holds := [words for held, words in _HOLDS.items() if held in found]:
        raise RuleBroken(f"This PDF holds {_listed(holds)}. Print it to a new PDF, which leaves that out.", "paper")
    if found:
        raise RuleBroken(
            "This PDF is damaged: programs could read it in different ways. Print it to a new PDF.", field="paper"
        )


def _looked_through(content: bytes) -> set[Held]:
    """In a process of its own, without the site's settings: whatever the file does to it, the site goes on."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program, with no words of the sender's in the command
            [sys.executable, "-I", pdf.__file__],
            input=content, capture_output=True, timeout=_MOST_SECONDS, check=True, env={},
        )  # fmt: skip
        return {Held(word) for word in json.loads(done.stdout)}
    except (subprocess.SubprocessError, ValueError):
        raise RuleBroken(
            "This PDF cannot be looked through within a few seconds: it is damaged, or holds far more than its size "
            "says. Print it to a new PDF.",
            field="paper",
        ) from None


def _listed(holds: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(holds[:-1]), holds[-1])))
