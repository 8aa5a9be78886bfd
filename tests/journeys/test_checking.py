"""Somebody opens their receipt and checks their line in their own browser, and finds what is wrong with it."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from audit.keys import LOG, Keys
from audit.merkle import HASH_BYTES, leaf_hash
from audit.notes import Checkpoint, Signer, note_text
from audit.tiles import ENTRIES, WIDTH, Level, LogFolder, tile_path
from tests.journeys.conftest import DESK, PHONE, Visit, eventually
from tests.journeys.test_taking_part import an_open_regulation, open_letter, vote

RIGHT = [
    "Your receipt file",
    "What your line says",
    "Our promise",
    "The record’s signature",
    "Your line, as published",
    "Its place under the signature",
    "What was signed before",
]
WHOSE = "Whose line it is"
_number = count(1)
MARKS = {"✓": "right", "✗": "wrong", "–": "open"}


def a_receipt(visitor, site: str, place: int, size=DESK, theme: str = "aviation") -> tuple[Visit, str]:
    """The page of a vote just counted, once its line is signed; and the address it was given under."""
    visit, email = visitor(size), f"checks{next(_number)}@example.org"
    vote(visit, an_open_regulation(site, theme, place), "Keep", f"I want to see it kept, says {email}.", email)
    reader = visitor(DESK)
    open_letter(reader, email, "Confirm your email")
    code = re.search(r"\b\d{6}\b", reader.page.inner_text("main"))
    assert code
    visit.page.get_by_role("textbox").fill(code[0])
    visit.press("Count my vote")
    eventually(lambda: "its place is proved" in visit.open(visit.page.url).inner_text("main"))
    return visit, email


def check(visit: Visit, **given: str) -> dict[str, str]:
    """Press the button, with what was typed or chosen; returns what is said of each step: right, wrong or open."""
    page = visit.page
    page.evaluate("document.querySelector('[data-check] details').open = true")
    for name, value in given.items():
        field = page.locator(f"#check-{name}")
        field.set_input_files(value) if name == "file" else field.fill(value)
    page.evaluate("document.querySelector('[data-verdict]').textContent = ''")
    page.get_by_role("button", name="Check my line now").click()
    page.locator("[data-verdict]").filter(has_text=re.compile("^[✓✗–]")).wait_for()
    visit.look()
    steps = page.locator(".check__step").all()
    return {
        step.locator(".check__name").inner_text(): MARKS[step.locator(".check__mark").inner_text()] for step in steps
    }


def verdict(visit: Visit) -> str:
    return visit.page.locator("[data-verdict]").inner_text()


def said(visit: Visit, name: str) -> str:
    return visit.page.locator(".check__step").filter(has_text=name).inner_text()


@contextmanager
def changed(path: Path, change: Callable[[bytes], bytes]) -> Iterator[None]:
    kept = path.read_bytes()
    path.write_bytes(change(kept))
    try:
        yield
    finally:
        path.write_bytes(kept)


def tile_of(folder: Path, level: Level, index: int, size: int) -> Path:
    """The file that holds a line at this level: what there is of a tile, or the whole of it once it is full."""
    n = index // WIDTH
    named = [tile_path(level, n, width) for width in (size - n * WIDTH, WIDTH)]
    return next(path for name in named if (path := folder / "log" / name).exists())


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def the_file(visit: Visit) -> dict:
    with visit.page.expect_download() as waiting:
        visit.page.get_by_role("link", name="Keep your receipt file").click()
    kept = Path(waiting.value.path())
    assert re.fullmatch(r"receipt-[0-9a-f]{8}\.json", waiting.value.suggested_filename)
    return json.loads(kept.read_text("utf-8"))


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_check_finds_everything_right(visitor, site, size):
    visit, email = a_receipt(visitor, site, 0 if size is PHONE else 1, size)
    assert check(visit) == {**dict.fromkeys(RIGHT, "right"), WHOSE: "open"}
    assert verdict(visit).startswith("✓ Your line stands in the public record.")
    found = check(visit, identity=f" {email.upper()}")
    assert found == dict.fromkeys([*RIGHT, WHOSE], "right")
    assert "8 of 8 checks" in verdict(visit)


def test_a_choice_that_is_sealed_until_the_close_is_opened_here_alone(visitor, site):
    visit, _ = a_receipt(visitor, site, 0, theme="employment")
    assert check(visit)["What your line says"] == "right"
    assert "You would keep it" in said(visit, "What your line says")
    assert "sealed until the close" in said(visit, "What your line says")


def test_with_a_key_a_file_and_a_checkpoint_from_elsewhere_the_site_is_not_believed_in_anything(
    visitor, site, demonstration, tmp_path
):
    visit, email = a_receipt(visitor, site, 2)
    kept, folder = the_file(visit), LogFolder(demonstration / "log")
    path = tmp_path / "kept.json"
    path.write_text(json.dumps(kept), "utf-8")
    saved = kept["checkpoint"]
    a_receipt(visitor, site, 3)
    found = check(visit, file=str(path), key=(folder.path / "vkey").read_text(), saved=saved, identity=email)
    assert found == dict.fromkeys([*RIGHT, WHOSE], "right")
    assert "the key you gave" in said(visit, "The record’s signature")
    assert said(visit, "What was signed before").count("how the record begins") == 2

    assert check(visit, identity="somebody.else@example.org")[WHOSE] == "wrong"
    assert verdict(visit).startswith(f"✗ Something is wrong: {WHOSE}.")

    other = Keys(tmp_path, {})
    other.make(LOG)
    assert check(visit, key=other.log_signer(kept["origin"]).key.text)["The record’s signature"] == "wrong"

    path.write_text(json.dumps(kept | {"entry": kept["entry"].replace('"keep"', '"scrap"')}), "utf-8")
    found = check(visit, file=str(path), key="", identity="")
    assert [name for name, state in found.items() if state == "wrong"] == [
        "Our promise", "Your line, as published", "Its place under the signature", "What was signed before",
    ]  # fmt: skip
    path.write_text("no receipt", "utf-8")
    assert check(visit, file=str(path))["Your receipt file"] == "wrong"


def test_a_record_that_was_signed_twice_in_two_ways_is_found_out(visitor, site, demonstration):
    visit, _ = a_receipt(visitor, site, 4)
    kept = the_file(visit)
    signer: Signer = Keys(demonstration / "keys", {}).log_signer(kept["origin"])
    fork = Checkpoint(kept["origin"], kept["size"] - 1, leaf_hash(b"another record"))
    assert check(visit, saved=signer.note(fork.text))["What was signed before"] == "wrong"
    assert "It was rewritten." in said(visit, "What was signed before")
    forged = signer.note(fork.text).replace(str(fork.size), str(fork.size - 1), 1)
    check(visit, saved=forged)
    assert "is false" in said(visit, "What was signed before")


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint", "The record’s signature"),
        ("entries", "Your line, as published"),
        ("its hash", "Its place under the signature"),
        ("a hash beside it", "Its place under the signature"),
    ],
)
def test_a_changed_file_of_the_record_is_found_and_named(visitor, site, demonstration, name, step):
    visit, _ = a_receipt(visitor, site, 5)
    kept = the_file(visit)
    index, size, line = kept["index"], kept["size"], kept["entry"].encode()
    if name == "checkpoint":
        path, at = demonstration / "log" / "checkpoint", len(kept["origin"]) + 1
    elif name == "entries":
        path = tile_of(demonstration, ENTRIES, index, size)
        at = path.read_bytes().index(line) + line.index(b"keep")
    else:
        path = tile_of(demonstration, 0, index, size)
        at = HASH_BYTES * (index % WIDTH if name == "its hash" else index % WIDTH - 1)
    with changed(path, flip(at)):
        assert check(visit)[step] == "wrong"
        assert step in verdict(visit)
    assert check(visit)[step] == "right"


def test_where_the_browser_knows_no_such_signatures_it_says_so_and_checks_the_hashes(visitor, site):
    visit, _ = a_receipt(visitor, site, 6)
    visit.page.add_init_script(
        "crypto.subtle.importKey = async () => { throw new DOMException('', 'NotSupportedError') }"
    )
    visit.open(visit.page.url)
    found = check(visit)
    assert (found["The record’s signature"], found["Our promise"]) == ("open", "open")
    assert (found["Your line, as published"], found["Its place under the signature"]) == ("right", "right")
    assert "cannot check Ed25519 signatures" in said(visit, "The record’s signature")
    assert verdict(visit).startswith("– Nothing is wrong, but not everything could be checked.")


def test_without_scripts_the_page_is_whole_and_offers_the_file_and_verify_py(visitor, site):
    with_scripts, _ = a_receipt(visitor, site, 7, PHONE)
    visit = visitor(PHONE, scripts=False)
    page = visit.open(with_scripts.page.url)
    assert "its place is proved under the signature" in page.inner_text("main")
    assert not page.get_by_role("button", name="Check my line now").is_visible()
    assert page.get_by_role("link", name="Keep your receipt file").is_visible()
    assert "python3 verify.py record.zip --receipt receipt-" in page.inner_text("main")
    assert Checkpoint.read(note_text(the_file(visit)["checkpoint"])).size > 0
