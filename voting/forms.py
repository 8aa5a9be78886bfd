import re
from dataclasses import fields

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms import SelectChoice as Option
from wtforms.validators import InputRequired, Optional, Regexp

from accounts.forms import MailAddress
from accounts.models import Account
from accounts.rules import Capacity
from core.errors import RuleBroken
from core.forms import AtMost, Form, tidy, tidy_line
from regulations.rules import ALL_SECTORS, SECTORS
from voting.models import Comment, PendingBallot, Support, Vote, VoteDetail
from voting.rules import (
    NATIONS,
    ORGANISATION_LENGTH,
    REASON_LENGTH,
    SIZE_BANDS,
    Choice,
    CommentStatus,
    Details,
    Direction,
    ModerationRule,
    ReasonKind,
    Subject,
    choices_in_order,
)

MOST = 999_999_999
SHARED_DOMAINS = re.compile(
    r"(gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|rocketmail|aol|icloud|me|mac|proton|protonmail|gmx|zoho"
    r"|zohomail|fastmail|yandex|tutanota|tuta|btinternet|sky|talktalk|virginmedia|blueyonder|ntlworld)\.[a-z.]+"
    r"|(mail|duck|hey|qq|163|126)\.com|mail\.ru|pm\.me|web\.de"
)


class BallotForm(Form):
    """The first screen. Each side has reasons of its own to stand behind: one hidden with its side can't be sent."""

    choice = RadioField(
        "What should happen to this regulation? The order of the three answers was drawn by lot.",
        filters=[tidy_line],
        validate_choice=False,
    )
    direction = RadioField(
        "Improve it in which direction?",
        choices=[Option(direction.value, direction.label) for direction in Direction],
        filters=[tidy_line],
        validate_choice=False,
    )
    text = TextAreaField(
        "Your reason, in your own words",
        description="A sentence or two is enough. It becomes public: leave out what you would not tell a stranger.",
        filters=[tidy],
        validators=[AtMost(REASON_LENGTH)],
    )
    supports_scrap = RadioField(choices=[], filters=[tidy_line], validate_choice=False)
    supports_improve = RadioField(choices=[], filters=[tidy_line], validate_choice=False)
    supports_keep = RadioField(choices=[], filters=[tidy_line], validate_choice=False)
    not_said = BooleanField("I’d rather not say why", description="That is counted and shown too.")

    def put_in_order(self, order: str) -> None:
        self.choice.choices = [Option(choice.value, choice.label) for choice in choices_in_order(order)]

    def fill_from_pending(self, pending: PendingBallot) -> None:
        self._fill(pending.choice, pending.direction, pending.text, pending.supports, pending.reason_kind)

    def fill_from_vote(self, vote: Vote, comment: Comment | None, support: Support | None) -> None:
        text = comment.text if comment is not None and comment.status != CommentStatus.WITHDRAWN else ""
        behind = ""
        if support is not None and support.stands and not support.is_of_words_since_changed:
            behind = support.comment.offer
        self._fill(vote.choice, vote.direction, text, behind, vote.reason_kind)

    def _fill(self, choice: str | None, direction: str | None, text: str, supports: str, kind: str | None) -> None:
        self.choice.data, self.direction.data, self.text.data = choice, direction, text
        self.not_said.data = kind == ReasonKind.NOT_SAID
        if choice and supports:
            self[f"supports_{choice}"].data = supports

    @property
    def chosen(self) -> Choice | None:
        return Choice(self.choice.data) if self.choice.data in set(Choice) else None

    @property
    def towards(self) -> Direction | None:
        return Direction(self.direction.data) if self.direction.data in set(Direction) else None

    @property
    def supports(self) -> str:
        return (self[f"supports_{self.chosen}"].data or "") if self.chosen else ""

    def show_rule_broken(self, error: RuleBroken) -> None:
        beside = f"supports_{self.chosen}" if error.field == "supports" else error.field
        super().show_rule_broken(type(error)(error.message, beside))


class WhoForm(Form):
    """The second screen."""

    capacity = RadioField(
        "Who do you speak for?",
        choices=[Option(capacity.value, capacity.question) for capacity in Capacity],
        filters=[tidy_line],
        invalid_choice_message="Say who you speak for.",
    )
    organisation = StringField(
        "Name of the organisation",
        description="Not shown unless its email domain was matched or staff have checked it.",
        filters=[tidy_line],
        validators=[AtMost(ORGANISATION_LENGTH)],
    )
    display_name = StringField(
        "Name to show with your reason",
        description="Leave this empty to appear as “Member of the public”, “A business” and so on. "
        "A name you add is marked as not checked.",
        filters=[tidy_line],
    )
    email = EmailField(
        "Your email address",
        description="We send a link and a code to it, so that each vote is somebody’s. It is never shown.",
        filters=[tidy_line],
        validators=[MailAddress()],
    )

    @classmethod
    def for_ballot(cls, pending: PendingBallot, voter: Account | None) -> "WhoForm":
        """Asks nobody for a name without a reason, nor for an address that is confirmed; filled in as last time."""
        known = {
            "capacity": pending.capacity or (voter.capacity if voter else None),
            "organisation": pending.organisation or (voter.organisation_name if voter else ""),
            "display_name": pending.display_name or (voter.display_name if voter else ""),
            "email": pending.email or "",
        }
        form = cls(data=known)
        if voter is not None:
            del form.email
        if pending.reason_kind != ReasonKind.WRITTEN:
            del form.display_name
        return form

    def may_be_kept(self) -> bool:
        """Whether what was typed so far can be put by: from this site, and not too long. The rest may be missing."""
        self.validate_on_submit()
        return not self.errors.keys() & {"csrf_token", "organisation", "display_name"}

    @property
    def spoken_for(self) -> Capacity | None:
        return Capacity(self.capacity.data) if self.capacity.data in set(Capacity) else None

    @property
    def shown_name(self) -> str:
        return self.display_name.data if "display_name" in self else ""


class ConfirmForm(Form):
    """``listed`` holds the marks of the ballots on the page, so that nothing else is counted."""

    listed = HiddenField(filters=[tidy_line])
    not_mine = SelectMultipleField(validate_choice=False, choices=[])


class WholeNumber(IntegerField):
    """As people write it: £1,200."""

    def process_formdata(self, valuelist: list[str]) -> None:
        written = re.sub(r"[£,\s]", "", tidy_line(valuelist[0])) if valuelist else ""
        if not written:
            self.data = None
        elif not re.fullmatch(r"[0-9]{1,30}", written):
            self.data = None
            raise ValueError("Enter a whole number, such as 1200.")
        else:
            self.data = int(written)


class NotAbsurd:
    def __call__(self, form: FlaskForm, field: Field) -> None:
        if (field.data or 0) > MOST:
            raise ValidationError(f"Enter a number up to {MOST:,}.")


def _or_not(choices: dict[str, str]) -> list[Option]:
    return [Option("", "Rather not say"), *(Option(value, label) for value, label in choices.items())]


class DetailsForm(Form):
    subject = RadioField(
        "What is it about, above all?",
        choices=_or_not({subject.value: subject.label for subject in Subject}),
        default="",
        invalid_choice_message="Choose one of these.",
    )
    clause = StringField(
        "Which clause or part", description="Such as regulation 5(2), or Schedule 1.", filters=[tidy_line],
        validators=[AtMost(80)],
    )  # fmt: skip
    cost_pounds = WholeNumber("What it costs you a year", validators=[Optional(), NotAbsurd()])
    cost_hours = WholeNumber("Time it takes you a year", validators=[Optional(), NotAbsurd()])
    size_band = SelectField(
        "How many people work in your organisation", choices=_or_not(SIZE_BANDS), default="",
        invalid_choice_message="Choose one from the list.",
    )  # fmt: skip
    sector = SelectField(
        "Line of work",
        choices=_or_not({value: label for value, label in SECTORS.items() if value != ALL_SECTORS}),
        default="",
        invalid_choice_message="Choose one from the list.",
    )
    nation = SelectField(
        "Where", choices=_or_not(NATIONS), default="", invalid_choice_message="Choose one from the list."
    )

    @classmethod
    def for_vote(cls, known: VoteDetail | None) -> "DetailsForm":
        if known is None:
            return cls()
        said = {field.name: getattr(known, field.name) for field in fields(Details)}
        chosen = {name: said[name] or "" for name in ("subject", "size_band", "sector", "nation")}
        return cls(data=said | chosen)

    def details(self) -> Details:
        return Details(
            subject=self.subject.data or None,
            clause=self.clause.data,
            cost_pounds=self.cost_pounds.data,
            cost_hours=self.cost_hours.data,
            size_band=self.size_band.data or None,
            sector=self.sector.data or None,
            nation=self.nation.data or None,
        )


class ModerationForm(Form):
    rule = RadioField(
        "Under which public rule?",
        choices=[Option(rule.value, rule.label) for rule in ModerationRule],
        invalid_choice_message="Choose the rule.",
    )
    reason = TextAreaField(
        "Why, in a sentence",
        description="Published with the rule and your office. Do not repeat what should not be read.",
        filters=[tidy],
        validators=[AtMost(500)],
    )
    seen = HiddenField(filters=[tidy_line])


class MaskForm(ModerationForm):
    words = TextAreaField(
        "Words to cover",
        description="Copy them exactly, one name, number or phrase a line. Each is covered wherever it stands.",
        filters=[tidy],
        validators=[AtMost(2_000)],
    )

    @property
    def to_cover(self) -> list[str]:
        return [words for line in self.words.data.splitlines() if (words := line.strip())]


class ErasureForm(Form):
    understood = BooleanField(
        "I understand that this cannot be undone",
        validators=[InputRequired("Tick the box if you want it all deleted.")],
    )


class OrganisationForm(Form):
    name = StringField(
        "Name of the organisation, as it should appear",
        filters=[tidy_line],
        validators=[InputRequired("Enter the organisation’s name."), AtMost(ORGANISATION_LENGTH)],
    )
    domain = StringField(
        "Its mail domain",
        description="Only if it is the organisation’s own, such as example.org: "
        "whoever writes from it will then be matched without a check.",
        filters=[tidy_line, str.casefold, lambda domain: domain.removeprefix("@")],
        validators=[
            Optional(),
            Regexp(r"^([a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}\Z", message="Enter a domain such as example.org."),
        ],
    )

    def validate_domain(self, field: Field) -> None:
        if SHARED_DOMAINS.fullmatch(field.data):
            raise ValidationError("Anybody can have an address there, so it tells nothing about an organisation.")
