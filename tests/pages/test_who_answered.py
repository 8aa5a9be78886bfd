"""Who answered in a theme: what the regulations' evidence shows, added up, and never what it keeps back."""

from core import clock
from regulations.rules import Split
from tests.analysis.making import a_comment
from tests.conftest import both_databases
from tests.factories import DAY, NOON, a_frozen_theme, a_regulation, a_theme, settle_the_record
from tests.pages.readers import page
from tests.pages.test_evidence import came, told
from voting.rules import Choice

SCRAP, IMPROVE, KEEP = Choice
ADDRESS = "/themes/shops/we-asked"


def report(client):
    return client.get(f"{ADDRESS}.json").get_json()


def groups(client, by):
    (cut,) = [cut for cut in report(client)["told_of_themselves"] if cut["by"] == by]
    return {part["group"]: part["participants"] for part in cut["parts"]}


@both_databases
def test_what_is_kept_back_on_one_regulation_cannot_be_had_by_subtracting_it_from_the_theme(app):
    client, theme = app.test_client(), a_theme(closes=NOON + DAY, title="Shops")
    one, two, three = (a_regulation(theme, title=f"Shop Regulations {n}") for n in range(3))
    for _ in range(6):
        told(one, SCRAP, sector="retail")
        told(two, KEEP, sector="energy")
    for regulation, sector in ((one, "energy"), (two, "retail")):
        for _ in range(3):
            told(regulation, KEEP, sector=sector)
        for _ in range(2):
            told(regulation, KEEP, sector="rail")
    for _ in range(3):
        told(three, IMPROVE, sector="retail")
    told(three, IMPROVE)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    assert groups(client, "sector") == {"retail": 6, "energy": 6, "other": 10, "too_few_said": 4}
    assert "Where fewer than five said" in page(client, ADDRESS)


def test_the_parts_add_up_to_all_votes_by_choice(app, client):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    regulation = a_regulation(theme)
    for n in range(9):
        told(regulation, SCRAP if n < 4 else KEEP, nation="wales" if n < 7 else None)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    (cut,) = [cut for cut in report(client)["told_of_themselves"] if cut["by"] == "nation"]
    assert [sum(part[name] for part in cut["parts"]) for name in ("participants", "scrap", "improve", "keep")] == [
        9, 4, 0, 5,
    ]  # fmt: skip


def test_while_votes_come_in_todays_are_not_divided(app, client):
    regulation = a_regulation(a_theme(title="Shops"))
    for _ in range(5):
        told(regulation, nation="wales", now=NOON - DAY)
    for _ in range(5):
        told(regulation, nation="scotland", now=NOON)
    settle_the_record()
    with clock.pretending(NOON):
        assert groups(client, "nation") == {"wales": 5}


def test_nothing_of_it_is_told_while_the_split_is_kept(app, client):
    theme = a_theme(title="Shops", split=Split.KEPT)
    regulation = a_regulation(theme)
    for _ in range(6):
        told(regulation, nation="wales")
    came(regulation)
    settle_the_record()
    said = report(client)
    assert (said["told_of_themselves"], said["submissions"]) == ([], [])
    assert said["who"] != []


def test_submissions_are_told_by_how_they_came_and_signatures_never_added_to_votes(app, client):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    one, two = a_regulation(theme), a_regulation(theme, title="Shop Windows Regulations 1999")
    came(one)
    came(two, reference="S-2", withheld=True, withheld_because="unlawful")
    came(one, "petition", reference="S-3", signatures=4_000)
    came(one, "petition", reference="S-4", signatures=210, regulation_id=None)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    assert {
        row["how"]: (row["received"], row["withheld"], row["signatures"]) for row in report(client)["submissions"]
    } == {
        "email": (2, 1, 0),
        "petition": (2, 0, 4_210),
    }
    assert report(client)["votes"] == 0
    assert "4 submissions, counted beside the votes and never among them, and 4,210 signatures" in page(client, ADDRESS)


def test_the_same_words_sent_by_many_are_counted_with_their_regulation(app, client):
    theme = a_theme(closes=NOON + DAY, title="Shops")
    one, two = a_regulation(theme), a_regulation(theme, title="Shop Windows Regulations 1999")
    for n in range(5):
        a_comment(one, f"Scrap this{'!' * n}", SCRAP)
        if n < 4:
            a_comment(two, "Scrap this", SCRAP)
    a_frozen_theme(theme, now=NOON + 3 * DAY)
    said = report(client)
    assert said["sent_round"] == {"texts": 1, "people": 5}
    assert {row["slug"]: row["sent_round"]["people"] for row in said["regulations_told"]} == {one.slug: 5, two.slug: 0}
    assert "5 people sent the same words; they count like any other" in page(client, ADDRESS)
