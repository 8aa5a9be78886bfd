"""Asking the indexes. None always means: search is being rebuilt, say so and show what can be shown without it."""

import logging
from collections.abc import Callable

from search.rules import Kind
from search.services import indexes

log = logging.getLogger(__name__)


def matching(query: str, kind: Kind | None = None, limit: int = 5000) -> list[str] | None:
    """Keys of regulations and decisions, best first: a citation's own first, then every word, then any word."""
    try:
        return indexes().documents.matching(query, kind, limit)
    except Exception:
        log.exception("Regulations and decisions cannot be searched.")
        return None


def matching_comments(query: str, regulation_id: int | None = None, limit: int = 500) -> list[int] | None:
    """Ids of comments, best first."""
    try:
        return indexes().comments.matching(query, regulation_id, limit)
    except Exception:
        log.exception("Comments cannot be searched.")
        return None


def is_healthy() -> bool:
    """Whether everything can be searched. Reads the indexes from disk: for the worker, not for every request."""
    return documents_are_healthy() and comments_are_healthy()


def documents_are_healthy() -> bool:
    return _says_so(lambda: indexes().documents.is_healthy())


def comments_are_healthy() -> bool:
    return _says_so(lambda: indexes().comments.is_healthy())


def _says_so(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:
        log.exception("An index cannot be checked.")
        return False
