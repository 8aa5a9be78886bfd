"""What people do on the way to what a journey is about: sign in, ask for the data, answer all that lacks an answer."""

import json
import urllib.request
from typing import Any

from seed_data.people import PASSWORD, address
from tests.journeys.conftest import Visit, Visitor

WRONG = "There is a problem"


def sign_in(visit: Visit, name: str) -> None:
    visit.open("/account/sign-in")
    visit.page.get_by_role("textbox", name="Email").fill(address(name))
    visit.page.get_by_text("I have set a password").click()
    visit.page.get_by_role("textbox", name="Password").fill(PASSWORD)
    visit.press("Sign in with my password")


def arrives(visitor: Visitor, name: str, *given: dict[str, int]) -> Visit:
    """Somebody of the demonstration, signed in."""
    visit = visitor(*given)
    sign_in(visit, name)
    return visit


def ask(site: str, path: str) -> Any:
    with urllib.request.urlopen(site + path) as answer:
        return json.load(answer)


def rows(answer: Any) -> list[dict[str, Any]]:
    return answer if isinstance(answer, list) else next(value for value in answer.values() if isinstance(value, list))


def answer_everything(official: Visit, slug: str) -> None:
    """Page by page, until nothing that people said is left without a reply."""
    missing = f"/staff/regulations/{slug}/answers?show=missing"
    official.open(missing)
    while (boxes := official.page.locator("div.answering")).count():
        for box in boxes.all():
            box.get_by_role("radio", name="Accept in part").check()
            box.locator("textarea").fill("We have read this, and say in the decision what comes of it.")
        official.press("Save all answers on this page")
        assert WRONG not in official.text
        official.open(missing)
    assert "Nothing is missing" in official.text
