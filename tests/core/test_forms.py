"""What people type arrives tidied, counted as they count, and a broken rule stands beside its field."""

import pytest
from wtforms import StringField, TextAreaField

from core.errors import RuleBroken
from core.forms import AtMost, Form, tidy, tidy_line

FAMILY = "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"


class NoteForm(Form):
    title = StringField("Title", filters=[tidy_line], validators=[AtMost(10)])
    note = TextAreaField("Note", filters=[tidy], validators=[AtMost(5_000)])


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  plain  ", "plain"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("nul\x00 bell\x07 escape\x1b[31m", "nul bell escape[31m"),
        ("tab\tstays", "tab\tstays"),
        ("left\N{RIGHT-TO-LEFT OVERRIDE}right", "leftright"),
        ("\N{HANGUL FILLER}\N{SOFT HYPHEN}\N{LEFT-TO-RIGHT MARK}\N{MONGOLIAN VOWEL SEPARATOR}", ""),
        ("no\N{ZERO WIDTH SPACE}thing\N{ZERO WIDTH NO-BREAK SPACE} hidden", "nothing hidden"),
        (f"Ann {FAMILY} \N{LARGE GREEN CIRCLE}", f"Ann {FAMILY} \N{LARGE GREEN CIRCLE}"),
        ("\N{ARABIC LETTER SEEN}\N{ARABIC LETTER LAM}", "\N{ARABIC LETTER SEEN}\N{ARABIC LETTER LAM}"),
        (None, ""),
        ("\x00\N{ZERO WIDTH SPACE}", ""),
    ],
)
def test_text_is_tidied_and_nothing_that_can_be_seen_is_lost(typed, kept):
    assert tidy(typed) == kept
    assert tidy(kept) == kept


def test_a_line_has_no_line_ends_in_it():
    assert tidy_line(" one\n two\t three \r\n") == "one two three"


def a_form(app, **typed: str) -> NoteForm:
    with app.test_request_context("/", method="POST", data=typed):
        form = NoteForm()
        form.validate()
        return form


def test_length_is_counted_after_tidying_with_the_surplus_named(app):
    assert a_form(app, title="  1234567890\n", note="x" * 5_000).errors == {}
    assert a_form(app, title="x" * 13, note="y" * 6_234).errors == {
        "title": ["Shorten this to 10 characters or fewer: it is 3 too long."],
        "note": ["Shorten this to 5,000 characters or fewer: it is 1,234 too long."],
    }


def test_an_emoji_counts_as_one_character_and_a_line_end_too(app):
    assert a_form(app, title="\N{LARGE GREEN CIRCLE}" * 10, note="a\r\n" * 2_500 + "b").errors.keys() == {"note"}
    assert a_form(app, title="", note="a\r\n" * 2_499 + "ab").errors == {}


def test_a_missing_field_is_empty_not_nothing(app):
    form = a_form(app)
    assert (form.title.data, form.note.data) == ("", "")


def test_a_broken_rule_stands_beside_its_field_and_what_was_typed_stays(app):
    form = a_form(app, title="Mine", note="Everything I wrote")
    form.show_rule_broken(RuleBroken("Choose another title.", field="title"))
    assert form.errors == {"title": ["Choose another title."]}
    assert form.note.data == "Everything I wrote"


def error_summary(app, form: NoteForm) -> str:
    with app.test_request_context("/"):
        return app.jinja_env.get_template("components/fields.html").module.error_summary(form)


@pytest.mark.parametrize("field", [None, "not_a_field"])
def test_a_rule_about_no_field_stands_at_the_head(app, field):
    form = a_form(app, title="Mine")
    form.show_rule_broken(RuleBroken("This theme has closed.", field=field))
    assert form.form_errors == ["This theme has closed."]
    assert "This theme has closed." in error_summary(app, form)
