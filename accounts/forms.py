import re

from email_validator import EmailNotValidError, validate_email
from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Optional, Regexp, StopValidation

from accounts.rules import PASSWORD_LENGTH
from core.forms import Form, tidy_line


class MailAddress:
    """An address that mail can be sent to, as far as its form tells; the domain in the letters mail servers know."""

    def __call__(self, form: FlaskForm, field: Field) -> None:
        if not field.data:
            raise StopValidation("Enter your email address.")
        try:
            known = validate_email(field.data, check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError:
            raise StopValidation("Enter an email address in the right form, such as name@example.com.") from None
        field.data = known.ascii_email


class SignInForm(Form):
    email = EmailField("Email address", filters=[tidy_line], validators=[MailAddress()])
    password = PasswordField("Password", validators=[Optional()])
    next = HiddenField()


def _digits(text: str | None) -> str:
    """As people copy it: with spaces, or a dash in the middle."""
    return re.sub(r"[\s-]", "", tidy_line(text))


class CodeForm(Form):
    code = StringField(
        "Six-digit code",
        filters=[_digits],
        validators=[Regexp(r"^[0-9]{6}\Z", message="Enter the six digits from the email.")],
    )


class PasswordForm(Form):
    current = PasswordField("Current password", validators=[InputRequired("Enter your current password.")])
    password = PasswordField(
        "New password",
        description=f"At least {PASSWORD_LENGTH} characters. Three unrelated words do well.",
        validators=[InputRequired("Enter a new password.")],
    )

    @classmethod
    def for_holder(cls, has_password: bool) -> "PasswordForm":
        """Whoever has no password yet is not asked for it."""
        form = cls()
        if not has_password:
            del form.current
            form.password.label.text = "Password"
        return form
