from typing import Any

from wtforms import BooleanField, RadioField, StringField
from wtforms import SelectChoice as Option
from wtforms.validators import InputRequired, Optional

from accounts.rules import Capacity
from core.forms import AtMost, DateField, Form, tidy_line
from voting.assisted import NAME_LENGTH, How, Person
from voting.forms import BallotForm
from voting.rules import ORGANISATION_LENGTH, Ballot, Choice, check_ballot


class PersonForm(Form):
    """Whom staff speak with, and how they came."""

    name = StringField(
        "Their first and last name",
        description="Private: never shown. With the next answer it keeps anybody from being counted twice.",
        filters=[tidy_line],
        validators=[InputRequired("Enter their first and last name."), AtMost(NAME_LENGTH)],
    )
    contact = StringField(
        "Their postcode or telephone number",
        description="Private too. Tells people of the same name apart, so use the same one each time.",
        filters=[tidy_line],
        validators=[InputRequired("Enter their postcode or telephone number."), AtMost(40)],
    )
    how = RadioField(
        "How did it come?",
        choices=[Option(how.value, how.label) for how in How],
        filters=[tidy_line],
        invalid_choice_message="Say how it came.",
    )

    @property
    def person(self) -> Person:
        return Person(self.name.data, self.contact.data)


class AssistForm(PersonForm, BallotForm):
    """The ballot in the same words as on the public page, and who gave it."""

    supports_scrap = supports_improve = supports_keep = None
    capacity = RadioField(
        "Who do they speak for?",
        choices=[
            Option(capacity.value, capacity.question.replace("Myself, as a", "Themselves, as a"))
            for capacity in Capacity
        ],
        filters=[tidy_line],
        invalid_choice_message="Say who they speak for.",
    )
    organisation = StringField(
        "Name of the organisation",
        description="Only if they speak for one. An organisation has one answer on each regulation, under its name.",
        filters=[tidy_line],
        validators=[AtMost(ORGANISATION_LENGTH)],
    )
    organisation_checked = BooleanField(
        "I have checked that they speak for this organisation",
        description="From a source of your own: a public register, its website, a call to its published number.",
    )
    received_on = DateField("Day on which the letter arrived", validators=[Optional()])
    read_back = BooleanField("I have read this back to them and they agree, or it is what the letter says")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.text.label.text = "Their reason, in their own words"
        self.not_said.label.text = "They would rather not say why"

    def ballot(self, order: str) -> Ballot:
        """Raises RuleBroken when something is missing or said twice."""
        kind = check_ballot(self.chosen, self.towards, self.text.data, "", self.not_said.data)
        choice, capacity = Choice(self.choice.data), Capacity(self.capacity.data)
        return Ballot(
            choice=choice,
            direction=self.towards if choice is Choice.IMPROVE else None,
            reason_kind=kind,
            text=self.text.data,
            capacity=capacity,
            organisation=self.organisation.data if capacity.speaks_for_organisation else "",
            order=order,
        )

    @property
    def typed(self) -> list[tuple[str, str]]:
        """All of it as the page for checking carries it on."""
        kept = [field for name, field in self._fields.items() if name not in ("csrf_token", "read_back")]
        said = [(field.name, field.data if isinstance(field.data, str) else _as_sent(field)) for field in kept]
        return [(name, value) for name, value in said if value]


def _as_sent(field: BooleanField | DateField) -> str:
    if isinstance(field, BooleanField):
        return "y" if field.data else ""
    return field.data.isoformat() if field.data else ""


class WithdrawForThemForm(PersonForm):
    agreed = BooleanField(
        "They asked for it to be taken back, and with it the reason they gave",
        validators=[InputRequired("Tick this once they have said so.")],
    )
