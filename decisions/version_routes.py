"""What became of a draft: each version of it with who wrote it, its differences, and the note it came back with."""

from flask import render_template, request, url_for

from accounts.rules import Role
from core.access import staff
from core.clock import in_uk
from core.paging import Page, page_number
from decisions.routes import _me, bp
from decisions.telling_versions import MOST_AT_ONCE, count_versions, versions_told
from regulations.responsible import regulation_to_work_on


@bp.route("/staff/regulations/<slug>/decision/versions")
@staff(Role.OFFICIAL)
def versions(slug: str) -> str:
    regulation = regulation_to_work_on(slug, _me())
    total = count_versions(regulation.id)
    number = min(page_number(request.args.get("page")), Page([], 1, total, MOST_AT_ONCE).pages)
    told = versions_told(regulation.id, offset=(number - 1) * MOST_AT_ONCE)
    return render_template(
        "decisions/versions.html",
        regulation=regulation,
        page=Page(told, number, total, MOST_AT_ONCE),
        page_url=lambda n: url_for("decisions.versions", slug=slug, page=n),
        in_uk=in_uk,
    )
