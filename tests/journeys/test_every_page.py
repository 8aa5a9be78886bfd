"""Every page there is, as whoever it is for sees it: on a desk by day and a phone by night, with nothing for axe.

A new route fails here until it is named below, with an example from the demonstration or the reason why it has none.
"""

from dataclasses import dataclass

import pytest

from seed_data.people import VOTER
from tests.journeys.conftest import Visit
from tests.journeys.doing import sign_in

COOKIES, BADGES, VAPES, CONTRACTS = "uksi-2003-2426", "uksi-2000-682", "uksi-2024-1216", "uksi-2013-3134"
NURSERIES, CARE = "uksi-2012-938", "uksi-2010-959"


@dataclass(frozen=True)
class Link:
    """The first such link on a page, where an address cannot be known beforehand."""

    on: str
    to: str


Example = str | Link | tuple[str | Link, ...]

ANYBODY: dict[str, Example] = {
    "pages.home": "/",
    "pages.themes": "/themes",
    "pages.theme": ("/themes/retail", "/themes/pensions", "/themes/rail", "/themes/road-transport"),
    "pages.regulations": ("/regulations", "/regulations?q=AND+(", "/regulations?q=safety&stage=open"),
    "pages.data": "/data",
    "pages.help_index": "/help",
    "pages.help_page": tuple(
        f"/help/{name}"
        for name in ("how-it-works", "moderation-policy", "accessibility", "privacy", "cookies", "no-email")
    ),
    "pages.sources": "/help/sources",
    "reading.verify": "/help/verify",
    "reading.regulation": (f"/regulations/{CONTRACTS}", f"/regulations/{VAPES}", f"/regulations/{COOKIES}"),
    "reading.comments": f"/regulations/{COOKIES}/comments",
    "reading.evidence": (
        f"/regulations/{COOKIES}/evidence",
        "/regulations/uksi-2023-468/evidence?rows=sector&by=nation",
    ),
    "reading.history": f"/regulations/{BADGES}/history",
    "reading.record": ("/record", "/record?type=decision"),
    "reading.entry": Link("/record?type=decision", "main a[href^='/record/']:not([href*='?'])"),
    "sent.submissions": f"/regulations/{VAPES}/submissions",
    "sent.submission": "/submissions/S2026-0003",
    "on_paper.paper_ballot": f"/regulations/{CONTRACTS}/paper-ballot",
    "on_paper.poster": f"/regulations/{CONTRACTS}/poster",
    "points.point": Link(f"/regulations/{COOKIES}/evidence", "main a[href^='/points/']"),
    "decision_log.decisions": ("/decisions", "/decisions?departs=business", "/decisions?q=nothing+like+it"),
    "decision_log.decision": ("/decisions/2026-0005", "/decisions/2026-0032", "/decisions/2026-0053"),
    "decision_log.compare": "/decisions/2026-0053/compare/2026-0041",
    "progress.progress": "/progress",
    "progress.steps": ("/progress/steps", "/progress/steps?state=missed"),
    "figures.figures": "/figures",
    "figures.rows_behind": ("/figures/all/comments_received", "/figures/pensions/undecided"),
    "figures.ballot_order": "/figures/ballot-order",
    "we_asked.we_asked": ("/themes/road-transport/we-asked", "/themes/privacy-and-communications/we-asked"),
    "we_asked.editions": "/themes/road-transport/we-asked/editions",
    "voting.vote": f"/regulations/{CONTRACTS}/vote",
    "voting.stopped": "/account/stopped",
    "accounts.sign_in": "/account/sign-in",
    "accounts.signed_out": "/account/signed-out",
    "erasure.erased": "/account/erased",
    "personal.mailbox": "/dev/mailbox",
    "personal.mailbox_letter": Link("/dev/mailbox", "main a[href^='/dev/mailbox/']"),
    "no page at all": "/nowhere",
}
THE_VOTER: dict[str, Example] = {
    "accounts.account": "/account",
    "accounts.password": "/account/password",
    "erasure.erase": "/account/erase",
    "notices.notices": "/account/notices",
    "notices.follow": "/account/follow?kind=theme&key=energy",
    "personal.contributions": "/my/contributions",
    "personal.waiting": "/my/contributions/waiting",
    "own_way.contribution": (f"/my/contributions/{BADGES}?choice=yes&words=yes", f"/my/contributions/{VAPES}"),
    "voting.receipt": Link("/my/contributions", "main a[href^='/receipts/']"),
    "voting.vote": f"/regulations/{CONTRACTS}/vote",
    "voting.details": f"/regulations/{CONTRACTS}/vote/details",
    "voting.withdraw": f"/regulations/{CONTRACTS}/vote/withdraw",
    "what is refused": "/staff",
}
AN_OFFICIAL: dict[str, Example] = {
    "decisions.desk": "/staff",
    "decisions.write": (f"/staff/regulations/{VAPES}/decision", f"/staff/regulations/{COOKIES}/decision"),
    "decisions.approve": (f"/staff/regulations/{CARE}/approve", "/staff/regulations/uksi-2009-890/approve"),
    "decisions.versions": f"/staff/regulations/{NURSERIES}/decision/versions",
    "decisions.close_theme": "/staff/themes/retail/close",
    "decisions.extend": "/staff/themes/environment/due",
    "decisions.set_days": "/staff/themes/retail/days",
    "answers.answers": (f"/staff/regulations/{VAPES}/answers", f"/staff/regulations/{NURSERIES}/answers"),
    "answers.elsewhere": Link(f"/staff/regulations/{VAPES}/answers", "main a[href*='/answers/elsewhere']"),
    "answers.upload": f"/staff/regulations/{VAPES}/answers/upload",
    "milestones.steps": "/staff/decisions/2026-0053/steps",
    "milestones.step": Link("/staff/decisions/2026-0053/steps", "main a[href*='/steps/']"),
    "erasing.erase_submission_for_good": "/staff/submissions/S2026-0010/erase",
    "notices.progress": "/staff/notices",
    "assisted.assist": "/staff/assist",
}
AN_ANALYST: dict[str, Example] = {
    "decisions.desk": "/staff",
    "analysis.to_read": "/staff/points",
    "analysis.points": ("/staff/regulations/uksi-2013-3134/points", f"/staff/regulations/{VAPES}/points"),
    "analysis.point": Link(f"/staff/regulations/{VAPES}/points", "main a[href^='/staff/points/']"),
    "analysis.disputes": "/staff/disputes",
    "analysis.dispute": Link("/staff/disputes", "main a[href^='/staff/disputes/']"),
    "submissions.list_submissions": "/staff/submissions",
    "submissions.submission": ("/staff/submissions/S2026-0003", "/staff/submissions/S2026-0011"),
    "submissions.new_submission": ("/staff/submissions/new", f"/staff/submissions/new?regulation={VAPES}"),
    "importing.import_submissions": "/staff/submissions/import",
}
A_MODERATOR: dict[str, Example] = {
    "decisions.desk": "/staff",
    "moderation.comments": "/staff/comments",
    "moderation.hide": Link("/staff/comments", "main a[href$='/hide']"),
    "moderation.mask": Link("/staff/comments", "main a[href$='/mask']"),
    "moderation.restore": Link("/staff/comments?status=hidden", "main a[href$='/restore']"),
    "moderation.organisations": "/staff/organisations",
    "moderation.organisation": Link("/staff/organisations", "main a[href^='/staff/organisations/']"),
    "assisted.assist": "/staff/assist",
    "assisted.answer": f"/staff/assist/{CONTRACTS}",
}
AN_ADMINISTRATOR: dict[str, Example] = {
    "decisions.desk": "/staff",
    "notices.progress": "/staff/notices",
    "moderation.comments": "/staff/comments?status=hidden",
}
PEOPLE = {
    "": ANYBODY, VOTER: THE_VOTER, "official": AN_OFFICIAL, "analyst": AN_ANALYST, "moderator": A_MODERATOR,
    "administrator": AN_ADMINISTRATOR,
}  # fmt: skip

ON_THE_WAY = {
    "accounts.check_email", "voting.check_email", "voting.confirm", "voting.confirmed", "voting.who",
    "own_points.by_receipt", "voting.not_me", "own_papers.own_paper", "assisted.counted", "assisted.withdraw",
    "we_asked.edition", "notices.stop",
}  # fmt: skip
"""Pages between one step and the next, which the other journeys walk through, or of what the demonstration lacks."""
NO_PAGE = {
    "static", "log.note", "log.tile", "log.entries", "pages.healthz", "pages.readyz", "sent.paper",
    "submissions.staff_paper", "personal.mailbox_html",
}  # fmt: skip
"""Files, and letters as mail programs show them."""


def test_every_page_is_named_here(sqlite_app):
    named = {endpoint for pages in PEOPLE.values() for endpoint in pages if "." in endpoint} | ON_THE_WAY | NO_PAGE
    there = {
        rule.endpoint for rule in sqlite_app.url_map.iter_rules() if "GET" in rule.methods and "." not in rule.rule
    }
    assert there - named == set(), "new pages: name an example of each"
    assert named - there == set(), "gone, or spelt otherwise"


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who or "anybody")
def test_every_page_is_sound_on_a_desk_by_day_and_a_phone_by_night(visitor, site, who):
    visit = visitor()
    if who:
        sign_in(visit, who)
    for endpoint, example in PEOPLE[who].items():
        for each in example if isinstance(example, tuple) else (example,):
            _goes_to(visit, each, endpoint)
            visit.look_from_all_sides()


def _goes_to(visit: Visit, example: str | Link, endpoint: str) -> None:
    page = visit.page
    answer = page.goto(visit.site + (example.on if isinstance(example, Link) else example))
    if isinstance(example, Link):
        answer = page.goto(visit.site + (page.locator(example.to).first.get_attribute("href") or ""))
    assert answer
    assert answer.ok == ("." in endpoint), f"{page.url} answers {answer.status}"
