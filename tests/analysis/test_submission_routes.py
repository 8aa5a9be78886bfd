"""Staff enter submissions and look at papers; readers find them on the regulation, one by one and as data."""

import csv
import io
from io import BytesIO

import pytest

from accounts.rules import Role
from analysis.submission_rules import Withheld
from tests.analysis.making import a_point
from tests.analysis.test_submissions import PDF, a_submission, change
from tests.factories import a_member_of_staff, settle_the_record, the_record
from tests.queries_counted import queries_counted

LETTER = {
    "how": "letter", "received_on": "2026-03-01", "capacity": "charity", "organisation": "Example Aid",
    "text": "It helps us.", "shown": "shown",
}  # fmt: skip


@pytest.fixture
def desk(analyst, signed_in):
    return signed_in(analyst)


def new(regulation):
    return f"/staff/submissions/new?regulation={regulation.slug}"


def send(desk, regulation, paper=None, **changed):
    upload = {"paper": (BytesIO(paper), "C:\\papers\\our view.pdf")} if paper is not None else {}
    return desk.post(new(regulation), data={**LETTER, **changed, **upload}, content_type="multipart/form-data")


def test_new_submission_first_asks_what_it_is_about(desk, regulation):
    assert "Which regulation is it about?" in desk.get("/staff/submissions/new").text
    assert new(regulation) in desk.get("/staff/submissions/new?q=workplace").text
    assert "The whole theme" not in desk.get(new(regulation)).text
    assert "the whole theme" in desk.get(f"/staff/submissions/new?theme={regulation.theme.slug}").text


def test_a_letter_that_was_entered_is_read_on_the_regulations_page(desk, client, regulation, analyst):
    point = a_point(regulation, analyst)
    answer = send(desk, regulation, points=[point.public_id])
    assert (answer.status_code, answer.location) == (303, "/staff/submissions?done=S2026-0001")
    assert "S2026-0001" in desk.get(answer.location).text
    settle_the_record()
    for page in (f"/regulations/{regulation.slug}/submissions", "/submissions/S2026-0001"):
        text = client.get(page).text
        assert "It helps us." in text
        assert "Example Aid" in text
        assert point.title in text


def test_a_paper_is_read_as_a_file_that_can_do_nothing_here(desk, client, regulation):
    assert send(desk, regulation, paper=PDF, text="").status_code == 303
    settle_the_record()
    answer = client.get("/submissions/S2026-0001/paper")
    assert answer.data == PDF
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "our view.pdf" in answer.headers["Content-Disposition"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_of_a_withheld_one_readers_see_only_that_there_is_one(desk, signed_in, client, regulation):
    send(desk, regulation, paper=PDF, shown="commercial_confidence")
    settle_the_record()
    page = client.get(f"/regulations/{regulation.slug}/submissions").text
    assert "1 of them withheld, counted" in page
    assert "It was given in commercial confidence" in page
    for place in (f"/regulations/{regulation.slug}/submissions", "/submissions/S2026-0001"):
        assert "It helps us." not in client.get(place).text
        assert "Example Aid" not in client.get(place).text
    assert client.get("/submissions/S2026-0001/paper").status_code == 404
    official = signed_in(a_member_of_staff(Role.OFFICIAL))
    assert official.get("/staff/submissions/S2026-0001/paper").data == PDF


def test_what_is_wrong_is_said_beside_it_and_nothing_typed_is_lost(desk, regulation):
    answer = send(desk, regulation, paper=PDF, received_on="the 3rd", signatures="many", text="Kept words")
    assert answer.status_code == 422
    assert "Enter a real day" in answer.text
    assert "Enter the number of signatures in figures" in answer.text
    assert "Kept words" in answer.text
    assert "our view.pdf" in answer.text
    kept = answer.text.split('name="kept"')[1].split('value="')[1].split('"')[0]
    again = send(desk, regulation, text="", kept=kept, kept_name="our view.pdf")
    assert again.status_code == 303
    assert the_record("submission")[0]["file_sha256"] == kept.removesuffix(".pdf")


def test_a_file_that_is_no_pdf_is_refused_beside_its_field(desk, regulation):
    answer = send(desk, regulation, paper=b"MZ a program")
    assert answer.status_code == 422
    assert "This is not a PDF" in answer.text
    assert the_record("submission") == []


def test_sending_the_same_twice_is_told_and_changes_nothing(desk, regulation):
    send(desk, regulation)
    answer = send(desk, regulation)
    assert answer.status_code == 409
    assert "entered before, as S2026-0001" in answer.text
    assert len(the_record("submission")) == 1


def test_a_colleague_can_withhold_what_was_shown_and_show_it_again(desk, client, regulation, analyst):
    made = a_submission(regulation, analyst, organisation="Example Aid")
    seen = made.entry_id
    page = f"/staff/submissions/{made.reference}"
    assert seen in desk.get(page).text
    said = {"seen": seen, "organisation": "Example Aid", "shown": "personal_data"}
    assert desk.post(page, data=said).status_code == 303
    settle_the_record()
    assert "It helps us." not in client.get(f"/submissions/{made.reference}").text
    clash = desk.post(page, data=said | {"shown": "shown"})
    assert clash.status_code == 409
    assert "A colleague has changed this" in clash.text


def test_the_rows_are_the_same_as_json_and_csv(client, regulation, analyst):
    point = a_point(regulation, analyst)
    a_submission(regulation, analyst, organisation="Example Aid", points=(point.public_id,))
    a_submission(None, analyst, theme=regulation.theme, text="On all of it")
    change(a_submission(regulation, analyst, text="Secret"), analyst, withheld=Withheld.UNLAWFUL)
    base = f"/regulations/{regulation.slug}/submissions"
    rows = client.get(f"{base}.json").json
    assert [(row["slug"], row["text"], row["withheld_because"]) for row in rows] == [
        (regulation.slug, "It helps us.", None),
        (regulation.slug, None, "unlawful"),
        (None, "On all of it", None),
    ]
    assert rows[0]["points"] == [point.public_id]
    table = list(csv.DictReader(io.StringIO(client.get(f"{base}.csv").text)))
    assert [row["reference"] for row in table] == [row["reference"] for row in rows]
    assert "Secret" not in client.get(f"{base}.csv").text


def test_many_come_a_page_at_a_time_and_are_counted_together(client, regulation, analyst):
    for n in range(22):
        a_submission(regulation, analyst, text=f"Letter no. {n:02}.", withheld=Withheld.UNLAWFUL if n == 21 else None)
    base = f"/regulations/{regulation.slug}/submissions"
    first, second = client.get(base).text, client.get(f"{base}?page=2").text
    assert ("Letter no. 19." in first, "Letter no. 20." in first, "Letter no. 20." in second) == (True, False, True)
    for page in (first, second, client.get(f"{base}?page=99").text):
        assert "22 submissions</strong>, 1 of them withheld, counted" in page


def test_the_page_asks_the_same_few_questions_however_much_was_sent_in(client, regulation, analyst):
    for n in range(4):
        a_submission(regulation, analyst, text=f"Letter {n}")
    base = f"/regulations/{regulation.slug}/submissions"
    client.get(base)
    with queries_counted() as few:
        client.get(base)
    for n in range(4, 9):
        a_submission(regulation, analyst, text=f"Letter {n}")
    with queries_counted() as many:
        client.get(base)
    assert len(few) == len(many) <= 10


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMINISTRATOR])
def test_others_on_the_staff_may_not_enter_submissions(signed_in, regulation, role):
    client = signed_in(a_member_of_staff(role))
    for page in ("/staff/submissions", new(regulation)):
        assert client.get(page).status_code == 403


def test_what_is_not_there_is_not_found(desk, client, regulation):
    assert client.get("/submissions/S2026-0009").status_code == 404
    assert client.get("/submissions/S2026-0009/paper").status_code == 404
    assert desk.get("/staff/submissions/S2026-0009").status_code == 404
    assert desk.get("/staff/submissions/new?regulation=nowhere").status_code == 404
    assert "None yet" in client.get(f"/regulations/{regulation.slug}/submissions").text
