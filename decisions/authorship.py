"""Whose words stand in a text that several wrote, one version after the other. Pure."""

import json
from collections.abc import Iterable
from typing import Any

from decisions.changes import common

KEPT_TOGETHER = 3
"""So many words in a row have to be left as they were for them to stay their writer's; fewer are found in any text."""


def writers(versions: Iterable[tuple[int, Any]]) -> set[int]:
    """Those whose words stand in the last of ``versions``: what each said, with who wrote it, the earliest first."""
    words: list[str] = []
    by: list[int] = []
    for writer, said in versions:
        now = _words(said)
        if now != words:
            by = _carried_over(words, by, now, writer)
            words = now
    return set(by)


def _words(said: Any) -> list[str]:
    """Text word by word, a list piece by piece, anything else whole; nothing where nothing is said."""
    if said in (None, "", [], {}):
        return []
    if isinstance(said, str):
        return said.split()
    return [json.dumps(each, sort_keys=True) for each in (said if isinstance(said, list) else [said])]


def _carried_over(before: list[str], by: list[int], now: list[str], writer: int) -> list[int]:
    written = [writer] * len(now)
    least = min(KEPT_TOGETHER, len(before), len(now))
    for run in _runs(common(before, now)):
        if len(run) >= least:
            for was, stands in run:
                written[stands] = by[was]
    return written


def _runs(places: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Words in a row in both texts, together."""
    runs: list[list[tuple[int, int]]] = []
    for was, stands in places:
        if runs and runs[-1][-1] == (was - 1, stands - 1):
            runs[-1].append((was, stands))
        else:
            runs.append([(was, stands)])
    return runs
