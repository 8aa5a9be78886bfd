"""Forms in which an office writes answers: one for each point or comment on the page, under one token."""

import hashlib
from typing import Any

from flask_wtf.file import FileField
from wtforms import HiddenField, SelectChoice, SelectField, TextAreaField

from core.forms import AtMost, Form, one_of, tidy, tidy_line, version_shown
from decisions import rules
from decisions.rules import Verdict
from decisions.worksheet import ToAnswer

NOBODY = ""


class AnswersForm(Form):
    """The page's own token."""


class AnswerForm(Form):
    """One answer. Its page carries the token for all."""

    class Meta:
        csrf = False

    version = HiddenField(default="0")
    shown = HiddenField(default="")
    was = HiddenField(default="")
    verdict = one_of("Answer", Verdict)
    reasons = TextAreaField("Reasons", filters=[tidy], validators=[AtMost(rules.ANSWER_LENGTH)])
    assigned = SelectField("Who writes it", validate_choice=False)

    @classmethod
    def filled(cls, row: ToAnswer, colleagues: list[tuple[int, str]]) -> "AnswerForm":
        said = {"version": str(row.version), "verdict": row.verdict or None, "reasons": row.reasons}
        to = str(row.assigned_to_id) if row.assigned_to_id else NOBODY
        form = cls(formdata=None, prefix=row.key, data={**said, "assigned": to, "was": to})
        form.shown.data = form.digest
        return form.offering(colleagues)

    def offering(self, colleagues: list[tuple[int, str]]) -> "AnswerForm":
        self.assigned.choices = [SelectChoice(NOBODY, "Nobody in particular")]
        self.assigned.choices += [SelectChoice(str(id), office) for id, office in colleagues]
        return self

    @property
    def digest(self) -> str:
        """Of what was written, so that what nobody touched is left alone."""
        said = f"{self.verdict.data or ''}\n{self.reasons.data or ''}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def is_written(self) -> bool:
        return self.digest != self.shown.data

    @property
    def is_given_to_another(self) -> bool:
        return (self.assigned.data or "") != (self.was.data or "")

    @property
    def is_unsaved(self) -> bool:
        return self.is_written or self.is_given_to_another

    @property
    def chosen(self) -> Verdict | None:
        return Verdict(self.verdict.data) if self.verdict.data else None

    @property
    def began_from(self) -> int:
        return version_shown(self.version.data)

    def number_in(self, name: str) -> int | None:
        given = self._fields[name].data or ""
        return int(given) if given.isdecimal() and len(given) < 18 else None

    def keep_going(self, row: ToAnswer) -> None:
        """What was typed stands beside what a colleague saved; saving again puts it in that place."""
        fresh = AnswerForm.filled(row, [])
        self.version.data, self.shown.data = fresh.version.data, fresh.shown.data


class SheetForm(Form):
    """A spreadsheet of answers that comes back, and waits for its sender once it was looked at."""

    sheet = FileField(
        "The spreadsheet",
        description="As it was taken from here, .xlsx or .csv, with your answers: 5 MB and 5,000 rows at most.",
    )
    kept = HiddenField(filters=[tidy_line])


def typed(row: ToAnswer, colleagues: list[tuple[int, str]]) -> AnswerForm:
    """What the request brought for one row."""
    form: Any = AnswerForm(prefix=row.key)
    return form.offering(colleagues)
