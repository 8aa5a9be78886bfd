"""What every form shares: tidied text, and a place for the sentence of a broken rule."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import wtforms
from flask_wtf import FlaskForm
from wtforms import Field
from wtforms.validators import ValidationError

from core.errors import RuleBroken, Unavailable

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)


def tidy(text: str | None) -> str:
    """A WTForms filter: NFC, one kind of line end, nothing that hides or reorders text; a missing field is empty."""
    unified = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNSEEN.sub("", unified)).strip()


def tidy_line(text: str | None) -> str:
    """The same for a field of one line."""
    return " ".join(tidy(text).split())


class AtMost:
    """Length counted as a person counts, after tidying, with the surplus named."""

    def __init__(self, characters: int):
        self.characters = characters

    def __call__(self, form: FlaskForm, field: Field) -> None:
        surplus = len(field.data or "") - self.characters
        if surplus > 0:
            raise ValidationError(
                f"Shorten this to {self.characters:,} characters or fewer: it is {surplus:,} too long."
            )


class DateField(wtforms.DateField):
    """A day, and in plain words what is wrong with one that is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a real day, such as 2027-03-31.") from None


def one_of(label: str, words: Iterable[Any], **given: Any) -> wtforms.RadioField:
    """A choice of words, each with its ``label``. None yet is fine; anything else was not among them."""
    choices = [wtforms.SelectChoice(word.value, word.label) for word in words]
    return wtforms.RadioField(label, choices=choices, validate_choice=False, validators=[_among_those_listed], **given)


def _among_those_listed(form: FlaskForm, field: Any) -> None:
    if field.data and field.data not in {choice.value for choice in field.choices}:
        raise ValidationError("Choose one of the answers listed.")


def version_shown(version: str | None) -> int:
    """The version somebody had before their eyes; what is no number fits none."""
    return int(version) if version and re.fullmatch(r"[0-9]{1,9}", version) else -1


class Form(FlaskForm):
    """A form that can also carry what a rule said, beside the field it is about or at its head."""

    comes_later = False
    """True when nothing is wrong with what was sent: the site cannot take it just now."""

    def show_rule_broken(self, error: RuleBroken) -> None:
        self.comes_later = isinstance(error, Unavailable)
        field: Any = self._fields.get(error.field or "")
        if field is None:
            self.form_errors.append(error.message)
        else:
            field.errors = [*field.errors, error.message]
