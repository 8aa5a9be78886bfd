"""Forms about themes and their windows."""

from wtforms import TextAreaField

from core.forms import AtMost, Form, tidy
from regulations.rules import CLOSING_REASON_LENGTH


class CloseThemeForm(Form):
    reason = TextAreaField(
        "Why does it close early?",
        description="One or two plain sentences. They are published with the theme and in the record.",
        filters=[tidy],
        validators=[AtMost(CLOSING_REASON_LENGTH)],
    )
