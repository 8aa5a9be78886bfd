"""How long search takes with a country's worth of regulations: python -m bench.search [--documents N] [--comments N].

The machine matters more than the code, so read the ratios of one run rather than the milliseconds.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from search import queries, services
from search.rules import CommentText, Document
from tests.postgres import private_postgres

COMMON = "regulations order food safety hygiene water transport work health standards business licence".split()  # noqa: SIM905
RARE = [f"{start}{middle}{end}" for start in "bdfgklmnprst" for middle in ("ando", "erra", "ilu", "ovi") for end in
        ("n", "r", "tic", "ment", "shire", "ford", "well", "ling", "mate", "phone")]  # fmt: skip


def a_house(folder: Path, database: str = "sqlite://") -> Flask:
    app = Flask("search")
    app.config.update(DATA_DIR=folder, SQLALCHEMY_DATABASE_URI=database)
    SQLAlchemy(app)
    services.init_app(app)
    return app


def some_words(chance: random.Random, how_many: int) -> str:
    return " ".join(chance.choice(COMMON if chance.random() < 0.2 else RARE) for _ in range(how_many))


def documents(how_many: int) -> Iterator[Document]:
    chance = random.Random(1)
    for number in range(how_many):
        citation = f"{1980 + number % 40}/{number // 40 + 1}"
        title = f"{some_words(chance, 4)} Regulations {1980 + number % 40}".title()
        kind = "decision" if number % 5 == 0 else "regulation"
        yield Document(f"uksi/{citation}".replace("/", "-"), kind, title, f"uksi {citation}", some_words(chance, 70))


def comments(how_many: int) -> Iterator[CommentText]:
    chance = random.Random(2)
    for number in range(how_many):
        yield CommentText(number, number % 500, some_words(chance, 40))


def timed(label: str, step: Callable[[], Any], times: int = 1) -> Any:
    """Prints the median in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        answer = step()
        taken.append((time.perf_counter() - started) * 1000)
    size = f"  {len(answer):>5} found" if isinstance(answer, list) else ""
    print(f"  {label:<48} {statistics.median(taken):>10.2f} ms{size}", flush=True)
    return answer


def measure_documents(how_many: int) -> None:
    print(f"{how_many} regulations and decisions, Whoosh")
    every = list(documents(how_many))
    with tempfile.TemporaryDirectory() as folder, a_house(Path(folder)).app_context():
        timed("rebuild", lambda: services.rebuild(every))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(f"  {'on disk':<48} {size / 1e6:>10.1f} MB")

        def cold() -> Any:
            with a_house(Path(folder)).app_context():
                return queries.matching(every[7].citation, "regulation")

        timed("a citation, searcher opened for it", cold, 5)
        timed("a citation, searcher kept open", lambda: queries.matching(every[7].citation, "regulation"), 50)
        for words in (
            "bandoling landomate",
            "food hygiene",
            "food hyg",
            "regulations",
            "zebra regulations",
            "the and",
        ):
            timed(f'"{words}"', lambda words=words: queries.matching(words, "regulation"), 5)
        timed("put one", lambda: services.put(every[7:8]), 5)
        timed('"food hygiene", first after a put', lambda: queries.matching("food hygiene", "regulation"))
        timed('"food hygiene", second', lambda: queries.matching("food hygiene", "regulation"))
        timed("put 500", lambda: services.put(every[:500]))
        timed("health check", queries.documents_are_healthy, 5)


def measure_comments(how_many: int, name: str, database: str) -> None:
    print(f"{how_many} comments, {name}")
    with tempfile.TemporaryDirectory() as folder, a_house(Path(folder), database).app_context():
        timed("rebuild", lambda: services.rebuild_comments(comments(how_many)))
        for words in ("bandoling", "food hygiene", "regulations", "zebra regulations"):
            timed(f'"{words}"', lambda words=words: queries.matching_comments(words), 5)
        timed('"regulations", one regulation\'s', lambda: queries.matching_comments("regulations", 7), 5)
        timed("put one", lambda: services.put_comments([CommentText(how_many + 1, 1, "turnip")]))
        timed("put the same again", lambda: services.put_comments([CommentText(how_many + 1, 1, "turnip")]), 5)
        timed("put a changed one", lambda: services.put_comments([CommentText(how_many + 1, 1, "beet")]))
        timed("remove one, beyond recovery", lambda: services.remove_comments([how_many + 1]))
        timed("health check", queries.comments_are_healthy, 3)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--documents", type=int, default=21_000)
    options.add_argument("--comments", type=int, default=30_000)
    given = options.parse_args()
    measure_documents(given.documents)
    measure_comments(given.comments, "SQLite FTS5", "sqlite://")
    with private_postgres() as server:
        measure_comments(given.comments, "PostgreSQL tsvector", server.empty_database())


if __name__ == "__main__":
    main()
