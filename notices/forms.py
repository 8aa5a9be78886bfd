"""Forms in which people choose what to hear of, and how."""

from wtforms import RadioField, SelectChoice

from core.forms import Form
from notices.rules import FollowHow, How


class HowForm(Form):
    how = RadioField("How shall we write to you?", choices=[SelectChoice(how.value, how.label) for how in How])


class FollowForm(Form):
    how = RadioField(
        "How do you want to hear of it?",
        choices=[SelectChoice(how.value, how.label) for how in FollowHow],
        default=FollowHow.AS_SET.value,
    )
