"""Which of the searches that people follow find a regulation."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from whoosh.lang.porter import stem

from accounts.models import Department
from core.db import db
from decisions.models import Decision
from notices.models import Follow
from notices.rules import Asked, Findable, Followed, asked_in, searched, stems_of
from regulations.models import Regulation, RegulationSector, Theme
from regulations.rules import Citation
from search.queries import matching
from search.rules import words_of

NONE = "none"
"""The outcome of what is not decided, in the address of a list."""


@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(stem(word))


@lru_cache(maxsize=100_000)
def _asked(key: str) -> Asked:
    return asked_in(key, _stem)


def searches_that_find(regulation_ids: Collection[int], *, just_decided: bool = False) -> dict[str, set[int]]:
    """By search, as it is kept, the regulations of these that it finds. Five statements at most."""
    keys = list(db.session.scalars(select(Follow.key).where(Follow.kind == Followed.SEARCH).distinct()))
    if not keys or not regulation_ids:
        return {}
    asked = [(key, _asked(key)) for key in keys]
    found: dict[str, set[int]] = {}
    for id, regulation in _findable(regulation_ids, just_decided=just_decided).items():
        for key, search in asked:
            if search.finds(regulation):
                found.setdefault(key, set()).add(id)
    return found


def _findable(ids: Collection[int], *, just_decided: bool = False) -> dict[int, Findable]:
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
            Regulation.summary, Regulation.kind.label("regulation_kind"), Regulation.year, Regulation.number,
            Theme.slug.label("theme"), Department.slug.label("department"), Decision.outcome, Decision.supersedes_id,
        )
        .join(Theme, Theme.id == Regulation.theme_id)
        .join(Department, Department.id == Regulation.department_id)
        .outerjoin(Decision, Decision.id == last)
        .where(Regulation.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Findable(
            citation=row.slug,
            words=stems_of(words_of(_words(row)), _stem),
            theme=row.theme,
            department=row.department,
            outcomes=frozenset({row.outcome or NONE} | ({NONE} if just_decided and not row.supersedes_id else set())),
            sectors=frozenset(sectors.get(row.id, ())),
        )
        for row in db.session.execute(wanted)
    }


def _words(row: Any) -> str:
    citation = Citation(row.regulation_kind, row.year, row.number).official
    return f"{row.title} {row.sentence} {row.binds} {row.summary} {citation}"


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
    search = _asked(key)
    found = [id for id, regulation in _findable(list(ids)).items() if search.finds(regulation)]
    return select(Regulation.slug).where(Regulation.id.in_(found))
