from typing import Any

from wtforms import HiddenField, RadioField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms import SelectChoice as Option

from analysis.queries import PointRow
from analysis.rules import Outcome
from core.forms import Form, tidy, tidy_line, version_shown

FEW = "few"


class WordingForm(Form):
    """What a point says."""

    version = HiddenField(filters=[tidy_line])
    title = StringField(
        "The point, in one plain sentence",
        description="As those who made it would say it, neither stronger nor weaker. At most 160 characters.",
        filters=[tidy_line],
    )
    summary = TextAreaField(
        "What they say about it",
        description="What it rests on and whom it touches, in a few sentences. It is published.",
        filters=[tidy],
    )

    @property
    def began_from(self) -> int:
        return version_shown(self.version.data)


class SortingForm(Form):
    """Which comments make which points."""

    comments = SelectMultipleField("Comments", choices=[], validate_choice=False)
    under = SelectMultipleField("Put what you ticked under", choices=[], validate_choice=False)
    title = StringField(
        "Or under a new point, in one plain sentence",
        description="As those who made it would say it, neither stronger nor weaker. At most 160 characters.",
        filters=[tidy_line],
    )
    summary = TextAreaField(
        "What they say about it",
        description="You can leave this for later. It is published.",
        filters=[tidy],
    )

    def offer(self, points: list[PointRow]) -> None:
        few = [] if any(point.few for point in points) else [Option(FEW, "Raised by few people")]
        self.under.choices = [Option(point.public_id, point.title) for point in points] + few


class UnderForm(Form):
    """Which of the comments under a point to take out, or to put under another point as well."""

    comments = SelectMultipleField("Comments", choices=[], validate_choice=False)
    also = SelectField("Another point", choices=[], validate_choice=False)

    def offer(self, points: list[PointRow]) -> None:
        self.also.choices = [Option("", "Choose a point")]
        self.also.choices += [Option(point.public_id, point.title) for point in points]


class WithdrawForm(Form):
    pass


class SecondLookForm(Form):
    """What comes of an author's objection."""

    outcome = RadioField(
        "Having read it again",
        choices=[
            Option(Outcome.KEPT.value, "It stays under this point"),
            Option(Outcome.MOVED.value, "It is taken out of this point"),
        ],
        validate_choice=False,
    )
    to = SelectMultipleField(
        "Put it under",
        description="None, if it makes none of these points: it then waits among the comments to be read.",
        choices=[],
        validate_choice=False,
    )

    def offer(self, points: list[PointRow]) -> None:
        self.to.choices = [Option(point.public_id, point.title) for point in points]

    @property
    def chosen(self) -> Outcome | None:
        given: Any = self.outcome.data
        return Outcome(given) if given in (Outcome.KEPT, Outcome.MOVED) else None
