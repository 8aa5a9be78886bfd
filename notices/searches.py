"""Which of the searches that people follow find a regulation."""

from collections.abc import Collection

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from whoosh.lang.porter import stem

from accounts.models import Department
from core.db import db
from decisions.models import Decision
from notices.models import Follow
from notices.rules import Findable, Followed, finds, searched, words_in
from regulations.models import Regulation, RegulationSector, Theme
from search.queries import matching


def searches_that_find(regulation_ids: Collection[int]) -> dict[str, set[int]]:
    """By search, as it is kept, the regulations of these that it finds. Five statements at most."""
    keys = list(db.session.scalars(select(Follow.key).where(Follow.kind == Followed.SEARCH).distinct()))
    if not keys or not regulation_ids:
        return {}
    found: dict[str, set[int]] = {}
    for id, regulation in _findable(regulation_ids).items():
        stems = {word: stem(word) for word in words_in(keys, regulation)}
        for key in keys:
            if finds(key, regulation, stems):
                found.setdefault(key, set()).add(id)
    return found


def _findable(ids: Collection[int]) -> dict[int, Findable]:
    sectors: dict[int, set[str]] = {}
    marked = select(RegulationSector.regulation_id, RegulationSector.sector)
    for row in db.session.execute(marked.where(RegulationSector.regulation_id.in_(ids))):
        sectors.setdefault(row.regulation_id, set()).add(row.sector)
    any_decision = aliased(Decision)
    of_it = select(func.max(any_decision.id)).where(any_decision.regulation_id == Regulation.id)
    last = of_it.correlate(Regulation).scalar_subquery()
    wanted = (
        select(
            Regulation.id, Regulation.slug, Regulation.title, Regulation.sentence, Regulation.binds,
            Regulation.summary, Theme.slug.label("theme"), Department.slug.label("department"), Decision.outcome,
        )
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(Decision, Decision.id == last)
        .where(Regulation.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Findable(
            title=row.title,
            citation=row.slug,
            text=f"{row.sentence} {row.binds} {row.summary}",
            theme=row.theme,
            department=row.department,
            outcome=row.outcome or "",
            sectors=frozenset(sectors.get(row.id, ())),
        )
        for row in db.session.execute(wanted)
    }


def found_by(key: str) -> Select[str]:
    """The slugs of all regulations that a search finds, a theme or a department being one too: by the rule for mail."""
    asked = searched(key)
    wanted = select(Regulation.id).join(Theme, Theme.id == Regulation.theme_id)
    wanted = wanted.join(Department, Department.id == Regulation.department_id)
    for name, column in (("theme", Theme.slug), ("department", Department.slug)):
        if name in asked:
            wanted = wanted.where(column == asked[name])
    if asked.keys() <= {"theme", "department"}:
        return select(Regulation.slug).where(Regulation.id.in_(wanted))
    there = matching(asked["q"], "regulation") if "q" in asked else None
    ids = db.session.scalars(wanted if there is None else wanted.where(Regulation.slug.in_(there)))
    findable = _findable(list(ids))
    found = []
    for id, regulation in findable.items():
        stems = {word: stem(word) for word in words_in([key], regulation)}
        if finds(key, regulation, stems):
            found.append(id)
    return select(Regulation.slug).where(Regulation.id.in_(found))
