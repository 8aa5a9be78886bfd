"""Forms about the steps that follow a decision."""

from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired

from core.forms import AtMost, DateField, Form, one_of, tidy, tidy_line
from decisions import steps
from decisions.steps import CHOSEN, RUNNING, State, Step


class StepForm(Form):
    step = one_of("What kind of step is it?", Step)
    words = StringField(
        "In your own words",
        description="What will be there when it is done. Leave this empty if the kind of step says it all.",
        filters=[tidy_line],
        validators=[AtMost(steps.WORDS_LENGTH)],
    )
    due_on = DateField(
        "By which day?",
        description="This day is public. If it goes by, the page says so, and so does the record.",
        validators=[InputRequired("Choose a day.")],
    )
    state = one_of("Where does it stand?", RUNNING, default=State.PLANNED.value)

    @property
    def chosen_step(self) -> Step | None:
        return Step(self.step.data) if self.step.data else None

    @property
    def chosen_state(self) -> State:
        return State(self.state.data or State.PLANNED)


class StepChangeForm(Form):
    seen = HiddenField()
    state = one_of("Where does it stand?", CHOSEN)
    due_on = DateField("By which day?", validators=[InputRequired("Choose a day.")])
    instrument = StringField(
        "What did it?",
        description="For a step that is done: a citation such as SI 2027/123, or the address of a page that shows it.",
        filters=[tidy_line],
        validators=[AtMost(steps.INSTRUMENT_LENGTH)],
    )
    reason = TextAreaField(
        "Why?",
        description="Needed when a day is moved or a step dropped. It is published.",
        filters=[tidy],
        validators=[AtMost(steps.REASON_LENGTH)],
    )

    @property
    def chosen_state(self) -> State | None:
        return State(self.state.data) if self.state.data else None
