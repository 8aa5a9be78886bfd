import sqlite3

import pytest

from tests.demonstration import demonstration, made_demonstration

__all__ = ["demonstration", "made_demonstration"]


@pytest.fixture(scope="session")
def ask(made_demonstration):
    """Ask the played demonstration's database in SQL."""
    connection = sqlite3.connect(f"file:{made_demonstration / 'regulation-review.sqlite'}?mode=ro", uri=True)
    yield lambda query: connection.execute(query).fetchall()
    connection.close()
