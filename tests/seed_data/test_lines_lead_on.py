"""From a line of the record a reader comes to what it is about, whatever kind of line it is."""

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from tests.conftest import Browser, application

BY_KIND = "SELECT type, min(id), max(id) FROM entry WHERE idx IS NOT NULL GROUP BY type ORDER BY type"


class Links(HTMLParser):
    """Where the main part of a page leads to."""

    def __init__(self, page: str):
        super().__init__()
        self.found: dict[str, str] = {}
        self.inside, self.href = False, ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = self.inside or tag == "main"
        if tag == "a" and self.inside:
            self.href = dict(attrs).get("href") or ""
            self.found[self.href] = ""

    def handle_data(self, words):
        if self.href:
            self.found[self.href] += words

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "main"
        self.href = "" if tag == "a" else self.href


@pytest.fixture
def browser(demonstration) -> Browser:
    app = application(demonstration)
    with app.app_context():
        yield app.test_client()


def test_every_link_on_a_line_of_every_kind_leads_somewhere(browser, ask):
    answers, words = {}, {}
    for kind, *ids in ask(BY_KIND):
        for id in dict.fromkeys(ids):
            page = browser.get(f"/record/{id}")
            assert page.status_code == 200, kind
            for href, said in Links(page.get_data(as_text=True)).found.items():
                address = urlsplit(urljoin(f"/record/{id}", href))._replace(fragment="").geturl()
                words.setdefault(kind, []).append(said)
                if address not in answers and address.startswith("/"):
                    answers[address] = browser.get(address).status_code
    assert {address: status for address, status in answers.items() if status != 200} == {}
    assert any(said.startswith("Read decision 2") for said in words["decision"])
    assert any(said.startswith("Read submission S2") for said in words["submission"])
    assert not any(said.startswith("Read decision") for said in words["submission"])
