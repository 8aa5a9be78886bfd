"""Forms in which officials write a decision, and approve or return one."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import wtforms
from wtforms import (
    HiddenField,
    SelectChoice,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Optional

from accounts.rules import Capacity
from core.clock import from_uk, in_uk
from core.forms import AtMost, DateField, Form, one_of, tidy, tidy_line, version_shown
from decisions import rules
from decisions.documents import documents_in
from decisions.rules import Outcome, Proposal
from voting.queries import reasons_named
from voting.rules import Direction

MOST_CITED = 200


def tidy_names(ticked: list[str] | None) -> list[str]:
    """Each name once. One too many is enough to say so, however many a made-up form sends."""
    return list(dict.fromkeys(tidy_line(name)[:64] for name in ticked or ()))[: MOST_CITED + 1]


class YesOrNo(StrEnum):
    YES = "yes"
    NO = "no"

    @property
    def label(self) -> str:
        return self.capitalize()


class DateTimeLocalField(wtforms.DateTimeLocalField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a day and a time, such as 2027-03-31T09:30.") from None


def tidy_capacities(ticked: list[str] | None) -> list[str]:
    return [str(capacity) for capacity in Capacity if capacity in (ticked or ())]


def departs_field(who: str) -> str:
    return f"departs_{who}"


class DecisionForm(Form):
    """A decision in the making. Little is demanded of a draft; what a decision has to say is checked on submission."""

    version = HiddenField(default="0")
    outcome = one_of("What is the outcome?", Outcome)
    direction = one_of("Which way will it be improved?", Direction)
    statement = TextAreaField(
        "What was decided, in one plain sentence",
        description="It becomes the headline, on the page, in feeds and in the mail to everyone who voted.",
        filters=[tidy],
        validators=[AtMost(rules.STATEMENT_LENGTH)],
    )
    reasons = TextAreaField(
        "Reasons",
        description="In full, for people who took part. Answer the strongest points on every side.",
        filters=[tidy],
        validators=[AtMost(rules.REASONS_LENGTH)],
    )
    departure_reason = TextAreaField(
        "Why it departs from the vote", filters=[tidy], validators=[AtMost(rules.DEPARTURE_LENGTH)]
    )
    covers = SelectMultipleField(
        "Whom else does this reason answer?",
        description="Tick those whose largest group asked for something else and to whom the reason above says why.",
        choices=[SelectChoice(capacity.value, capacity.plural) for capacity in Capacity],
        validate_choice=False,
        filters=[tidy_capacities],
    )
    cited = SelectMultipleField("Reasons you cite", filters=[tidy_names], validate_choice=False)
    also_cited = TextAreaField(
        "Cite reasons that are not listed above",
        description="Paste the address of each reason’s line in the record, or of the reason itself, one to a line.",
        filters=[tidy],
        validators=[Optional(), AtMost(10_000)],
    )
    other_evidence = TextAreaField(
        "Other evidence",
        description="Such as inspections, impact assessments, statistics or court judgments: what it is, whose, when.",
        filters=[tidy],
        validators=[AtMost(rules.EVIDENCE_LENGTH)],
    )

    cited_points = SelectMultipleField("Points you cite", filters=[tidy_names], validate_choice=False)
    cited_submissions = SelectMultipleField("Submissions you cite", filters=[tidy_names], validate_choice=False)
    documents = TextAreaField(
        "Documents",
        description="One to a line: what it is, its address and its SHA-256, the 64 digits that the command "
        "“sha256sum FILE” prints. A draft may lack them; nothing is submitted without.",
        filters=[tidy],
        validators=[AtMost(rules.DOCUMENTS_LENGTH)],
    )
    legal_route = StringField(
        "By which legal route",
        description="Such as regulations made under section 15 of an Act, or a bill.",
        filters=[tidy_line],
        validators=[AtMost(rules.ROUTE_LENGTH)],
    )
    consultation = one_of("Does a formal consultation follow?", YesOrNo)
    responsible = StringField(
        "Who is responsible for doing it",
        description="An office, not a person.",
        filters=[tidy_line],
        validators=[AtMost(rules.OFFICE_LENGTH)],
    )
    due_on = DateField("To be done by", validators=[Optional()])
    review_on = DateField("To be reviewed on", validators=[Optional()])
    publish_at = DateTimeLocalField(
        "Publish at a set time",
        description="UK time. Leave it empty to publish as soon as a second official approves.",
        validators=[Optional()],
    )

    def validate_documents(self, field: TextAreaField) -> None:
        unclear = documents_in(field.data or "")[1]
        if unclear:
            raise ValidationError(f"Say what the document is and give its address: “{unclear[0][:60]}”.")

    @property
    def began_from(self) -> int:
        return version_shown(self.version.data)

    def cite(self, regulation_id: int) -> bool:
        """Turn ticks and pasted addresses into reasons of this regulation; False, saying so, where one is unknown."""
        pasted, unclear = rules.names_in(self.also_cited.data or "")
        ticked = self.cited.data or []
        if len({*ticked, *pasted}) > MOST_CITED:
            self.cited.errors = [*self.cited.errors, f"Cite {MOST_CITED} reasons or fewer."]
            return False
        found = reasons_named(regulation_id, [*ticked, *pasted])
        known = {name for reason in found for name in (reason.public_id, reason.entry_id)}
        if not set(ticked) <= known:
            self.cited.errors = [*self.cited.errors, "Tick only reasons that people gave on this regulation."]
        unclear += [name for name in pasted if name not in known]
        if unclear:
            shown = "”, “".join(line[:60] for line in unclear[:3])
            sentence = f"Nothing that people can read on this regulation is found under “{shown}”."
            self.also_cited.errors = [*self.also_cited.errors, sentence]
        if self.cited.errors or self.also_cited.errors:
            return False
        self.cited.data = [reason.public_id for reason in found]
        self.also_cited.data = ""
        return True

    def proposal(self) -> Proposal:
        return Proposal(
            outcome=Outcome(self.outcome.data) if self.outcome.data else None,
            direction=Direction(self.direction.data) if self.direction.data else None,
            statement=self.statement.data or "",
            reasons=self.reasons.data or "",
            departure_reason=self.departure_reason.data or "",
            cited_comments=tuple(self.cited.data or ()),
            other_evidence=self.other_evidence.data or "",
            covers=tuple(self.covers.data or ()),
            cited_points=tuple(self.cited_points.data or ()),
            cited_submissions=tuple(self.cited_submissions.data or ()),
            documents=self.documents.data or "",
            legal_route=self.legal_route.data or "",
            consultation={"yes": True, "no": False}.get(self.consultation.data or ""),
            responsible=self.responsible.data or "",
            due_on=self.due_on.data,
            review_on=self.review_on.data,
            publish_at=from_uk(self.publish_at.data) if self.publish_at.data else None,
            departures={str(who): said for who in Capacity if (said := self[departs_field(who)].data)},
        )

    @staticmethod
    def filled(draft: Any) -> dict[str, Any]:
        """What the form begins with: a saved draft, or nothing."""
        if draft is None:
            return {}
        names: Iterable[str] = (
            "outcome", "direction", "statement", "reasons", "departure_reason", "other_evidence", "documents",
            "legal_route", "responsible", "due_on", "review_on", "cited_points", "cited_submissions",
        )  # fmt: skip
        return (
            {name: getattr(draft, name) for name in names}
            | {
                "version": str(draft.version),
                "cited": list(draft.cited_comments),
                "covers": list(draft.covers),
                "consultation": {True: "yes", False: "no"}.get(draft.consultation),
                "publish_at": in_uk(draft.publish_at).replace(tzinfo=None) if draft.publish_at else None,
            }
            | {departs_field(who): said for who, said in draft.departures.items()}
        )


for _who in Capacity:
    _label = f"For {_who.plural[0].lower()}{_who.plural[1:]}: why it departs from what they asked"
    _own = TextAreaField(_label, filters=[tidy], validators=[AtMost(rules.DEPARTURE_LENGTH)])
    setattr(DecisionForm, departs_field(_who), _own)


class ApprovalForm(Form):
    version = HiddenField(default="0")
    shown = HiddenField()
    """What the approver read: see as_shown."""
    note = TextAreaField(
        "What has to change?",
        description="Only your colleague reads this.",
        filters=[tidy],
        validators=[AtMost(rules.NOTE_LENGTH)],
    )

    @property
    def shown_version(self) -> int:
        return version_shown(self.version.data)
