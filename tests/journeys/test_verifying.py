"""A journalist follows the ten steps to the letter, and checks one line by hand."""

import json
import shlex
import subprocess
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, PHONE, Visit


def commands_on(visit: Visit) -> list[str]:
    return visit.page.locator("pre[aria-label*='ommand to paste'] code").all_text_contents()


def pasted(command: str, folder: Path) -> str:
    """What a terminal prints; a command that fails fails the journey."""
    done = subprocess.run(["bash", "-ec", command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_step_of_how_to_verify_does_what_it_says(visitor, tmp_path):
    journalist = visitor(PHONE)
    journalist.open("/record")
    journalist.follow("How to verify it")
    download, check, keep, come_back = commands_on(journalist)
    pasted(download, tmp_path)
    checked = pasted(check, tmp_path)
    assert checked.rstrip().endswith("VERIFIED")
    for words in ("signatures", "votes counted", "tallies recounted", "decisions checked"):
        assert words in checked
    pasted(keep, tmp_path)
    kept = (tmp_path / "kept-checkpoint").read_text("utf-8")
    shown = journalist.page.get_by_role("group", name="A checkpoint").text_content() or ""
    assert shown.split("\n")[0] == kept.split("\n")[0]
    assert f"{int(kept.split()[1]):,}  entries unchanged since the saved checkpoint" in pasted(come_back, tmp_path)


def test_whoever_rewrites_what_was_kept_is_found_out(visitor, tmp_path):
    journalist = visitor(DESK)
    journalist.open("/help/verify")
    download, check, keep, _ = commands_on(journalist)
    pasted(download, tmp_path)
    pasted(keep, tmp_path)
    bundle = tmp_path / "today" / "tile" / "entries" / "000"
    bundle.write_bytes(bundle.read_bytes().replace(b'"v":1}', b'"v":2}', 1))
    command = shlex.split(check.replace("record.zip", "today"))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    name = done.stdout.partition("FAILED ")[2].partition(":")[0]
    journalist.page.get_by_text("Every failure the check can name").click()
    assert name in journalist.page.locator(".failures dt").all_text_contents()


VERDICTS = {
    "untouched": "✓ This line stands in the signed record.",
    "checkpoint": "✗ Something is wrong. Keep this page and tell others.",
    "tile/0/": "✗ Something is wrong. Keep this page and tell others.",
    "tile/entries/": "✗ Something is wrong. Keep this page and tell others.",
}


@pytest.mark.parametrize("altered", VERDICTS)
def test_the_check_in_the_browser_believes_the_published_files_alone(visitor, site, altered):
    reader = visitor(PHONE)
    with urllib.request.urlopen(f"{site}/record.json?type=vote&day=") as answer:
        id = json.load(answer)[-1]["id"]

    def one_bit_off(route):
        whole = bytearray(route.fetch().body())
        for at in range(1, len(whole), 25):
            whole[at] ^= 1
        route.fulfill(body=bytes(whole))

    reader.page.route(f"**/log/{altered}**", one_bit_off)
    reader.open(f"/record/{id}")
    reader.page.get_by_role("button", name="Check this line now").click()
    expect(reader.page.locator("[data-verdict]")).to_have_text(VERDICTS[altered])
    reader.look()


def test_a_lines_page_is_whole_without_scripts(visitor, site):
    with urllib.request.urlopen(f"{site}/record.json?type=decision") as answer:
        id = json.load(answer)[0]["id"]
    reader = visitor(PHONE, scripts=False)
    reader.open(f"/record/{id}")
    assert reader.page.get_by_role("button", name="Check this line now").count() == 0
    assert reader.page.locator("pre[aria-label*='ommand to paste']").count() == 3


def test_one_line_is_checked_by_hand_as_its_page_says(visitor, tmp_path):
    journalist = visitor(DESK)
    journalist.open("/decisions")
    journalist.page.locator("main h3 a, main h2 a, .card__title a").first.click()
    journalist.page.wait_for_load_state()
    journalist.look()
    journalist.page.get_by_text("Publishing this decision wrote a line").locator("a.permalink").first.click()
    journalist.page.wait_for_load_state()
    journalist.look()
    page = journalist.page
    assert page.get_by_text("Checked just now: the first").count() == 1
    digest, place, folding = (pasted(command, tmp_path).split()[0] for command in commands_on(journalist))
    assert digest == place == page.get_by_role("group", name="The digest of the line").text_content()
    checkpoint = page.get_by_role("group", name="The checkpoint with its signatures").text_content() or ""
    assert folding == checkpoint.split("\n")[2]
