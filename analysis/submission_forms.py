"""Forms in which staff enter what came by other ways, and look at it again; and in which a paper is attached."""

import re
from pathlib import Path
from typing import Any

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms import SelectChoice as Option
from wtforms.validators import InputRequired, Optional, ValidationError

from accounts.rules import Capacity
from analysis.submission_rules import NAME_LENGTH, RULES_TO_WITHHOLD, TEXT_LENGTH, How, Received, Withheld
from core.forms import AtMost, DateField, Form, tidy, tidy_line
from voting.rules import ErasureBasis

SHOWN = "shown"
_SHOW_OR_WITHHOLD = [
    Option(SHOWN, "Yes"),
    *(Option(rule.value, f"No: {rule.label.lower()}") for rule in RULES_TO_WITHHOLD),
]
KINDS_OF_AUTHOR = [
    Option(capacity.value, "Members of the public" if capacity is Capacity.PUBLIC else capacity.label)
    for capacity in Capacity
]


class Signatures(IntegerField):
    """Takes 12,400 as well as 12400, and says in plain words what is no number."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([value.replace(",", "").strip()[:20] for value in valuelist])
        except ValueError:
            raise ValueError("Enter the number of signatures in figures, such as 1200.") from None


def paper_name(given: str | None) -> str:
    """A file's name as it may be offered again, whatever it was called where it came from."""
    last = re.split(r"[/\\]", tidy_line(given))[-1]
    stem = re.sub(r"[^\w .()+-]", "", Path(last).stem).strip(" .")[:100]
    return f"{stem or 'paper'}.pdf"


class PaperForm(Form):
    """One paper, which stays attached when something else on the page has to be put right."""

    paper = FileField(
        "Paper",
        description="A PDF of 10 MB at most, without a password, scripts, attached files, film or sound.",
    )
    kept = HiddenField(filters=[tidy_line])
    kept_name = HiddenField(filters=[paper_name])

    @property
    def attached(self) -> str:
        return self.kept_name.data if self.kept.data else ""


class AttachForm(PaperForm):
    agreed = BooleanField(
        "My organisation wants this paper to be public, and it holds nothing about people that may not be",
        validators=[InputRequired("Tick this if you want the paper to be published.")],
    )


class SubmissionForm(PaperForm):
    """What came by email, letter, telephone, from a workshop or as a petition."""

    how = RadioField(
        "How did it come?",
        choices=[Option(how.value, how.label) for how in How],
        filters=[tidy_line],
        invalid_choice_message="Say how it came.",
    )
    received_on = DateField(
        "Day on which it came",
        description="Such as 2026-11-22.",
        validators=[InputRequired("Enter the day on which it came.")],
    )
    capacity = RadioField(
        "Who is it from?",
        choices=KINDS_OF_AUTHOR,
        filters=[tidy_line],
        invalid_choice_message="Say who it is from.",
    )
    organisation = StringField(
        "Name of the organisation",
        description="It is shown. Leave it empty for members of the public, who are not named.",
        filters=[tidy_line],
        validators=[AtMost(NAME_LENGTH)],
    )
    signatures = Signatures(
        "Number of signatures",
        description="Only of a petition. Signatures are shown as such and never added to votes.",
        validators=[Optional()],
    )
    text = TextAreaField(
        "What it says",
        description="Word for word where there is a text. Of a call or a workshop, what was said and agreed with them. "
        "Leave out what shows who a member of the public is.",
        filters=[tidy],
        validators=[AtMost(TEXT_LENGTH)],
    )
    points = SelectMultipleField("Points it makes", choices=[], validate_choice=False)
    shown = RadioField(
        "Can it be shown?",
        choices=_SHOW_OR_WITHHOLD,
        filters=[tidy_line],
        invalid_choice_message="Say whether it can be shown, or by which rule not.",
    )

    def offer_points(self, points: list[tuple[str, str]]) -> None:
        """By public id and title."""
        self.points.choices = [Option(public_id, title) for public_id, title in points]

    def validate_received_on(self, field: Any) -> None:
        if field.data is not None and field.data.year < 1000:
            raise ValidationError("Enter the year with four figures.")

    def received(self) -> Received:
        return Received(
            how=How(self.how.data),
            capacity=Capacity(self.capacity.data),
            received_on=self.received_on.data,
            text=self.text.data,
            organisation=self.organisation.data,
            signatures=self.signatures.data,
            withheld=_rule(self.shown.data),
            points=tuple(dict.fromkeys(self.points.data or ())),
        )


class ImportForm(Form):
    """A table of submissions, to be looked at before it is entered."""

    file = FileField("The file", description="CSV, XLSX or JSON, 5 MB and 2,000 rows at most.")
    theme = SelectField("Theme of rows that name neither a regulation nor a theme", choices=[], filters=[tidy_line])
    kept = HiddenField(filters=[tidy_line])

    def offer_themes(self, themes: list[tuple[str, str]]) -> None:
        """By slug and title."""
        self.theme.choices = [Option("", "None: every row says what it is about"), *(Option(*one) for one in themes)]


class ReviewForm(Form):
    """A colleague's second look: whether it is shown, under which name, and the points it makes."""

    seen = HiddenField(filters=[tidy_line])
    organisation = StringField("Name of the organisation", filters=[tidy_line], validators=[AtMost(NAME_LENGTH)])
    points = SelectMultipleField("Points it makes", choices=[], validate_choice=False)
    shown = RadioField(
        "Can it be shown?",
        choices=_SHOW_OR_WITHHOLD,
        filters=[tidy_line],
        invalid_choice_message="Say whether it can be shown, or by which rule not.",
    )

    def offer_points(self, points: list[tuple[str, str]]) -> None:
        self.points.choices = [Option(public_id, title) for public_id, title in points]

    @property
    def withheld(self) -> Withheld | None:
        return _rule(self.shown.data)


class EraseForm(Form):
    """Deleting for good what somebody sent in, once the ground is said and understood."""

    seen = HiddenField(filters=[tidy_line])
    basis = RadioField(
        "Why is it deleted?",
        choices=[
            Option(ErasureBasis.REQUEST, "Whoever sent it asked for that"),
            Option(ErasureBasis.COURT, "A court or the data protection regulator ordered it"),
            Option(ErasureBasis.LAW, "The law asks for it"),
        ],
        filters=[tidy_line],
        invalid_choice_message="Say why it is deleted. The record tells everybody.",
    )
    understood = BooleanField(
        "I understand that this cannot be undone",
        validators=[InputRequired("Tick the box if you want it deleted for good.")],
    )


def _rule(said: str) -> Withheld | None:
    return None if said == SHOWN else Withheld(said)
