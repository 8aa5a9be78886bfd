"""Forms about themes and their windows."""

import re
from datetime import date

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired

from core.forms import AtMost, DateField, Form, tidy, tidy_line, version_shown
from regulations.rules import CLOSING_REASON_LENGTH, DUE_REASON_LENGTH, FEWEST_DAYS, MOST_DAYS


class CloseThemeForm(Form):
    reason = TextAreaField(
        "Why does it close early?",
        description="One or two plain sentences. They are published with the theme and in the record.",
        filters=[tidy],
        validators=[AtMost(CLOSING_REASON_LENGTH)],
    )


class ExtendDueForm(Form):
    shown = HiddenField()
    until = DateField(
        "By which day will the decisions be published?",
        description="The last day on which they still count as on time.",
        validators=[InputRequired("Choose a day.")],
    )
    reason = TextAreaField(
        "Why is more time needed?",
        description="One or two plain sentences. They are published with the theme and in the record.",
        filters=[tidy],
        validators=[AtMost(DUE_REASON_LENGTH)],
    )

    @property
    def day_shown(self) -> date:
        """The day its author had before their eyes; what is no day fits none."""
        shown = self.shown.data or ""
        try:
            return date.fromisoformat(shown) if re.fullmatch(r"\d{4}-\d\d-\d\d", shown) else date.min
        except ValueError:
            return date.min


class DaysToDecideForm(Form):
    shown = HiddenField()
    days = StringField(
        "How many days after the close will the decisions be published?",
        description=f"From {FEWEST_DAYS} to {MOST_DAYS}. After the close the day can only be moved to a later one.",
        filters=[tidy_line],
    )
    reason = TextAreaField(
        "Why so many?",
        description="One or two plain sentences. They are published with the theme and in the record.",
        filters=[tidy],
        validators=[AtMost(DUE_REASON_LENGTH)],
    )

    @property
    def chosen(self) -> int:
        """What is no number is none that may be chosen."""
        return version_shown(self.days.data)

    @property
    def days_shown(self) -> int:
        return version_shown(self.shown.data)
