"""How fast votes are taken and folded, and whether more of them slows either: ratios within one run.

python -m bench.voting [votes]
"""

import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context

from sqlalchemy import select

WRITERS = 4


def app_on(folder: str):  # type: ignore[no-untyped-def]
    from app import create_app

    return create_app({"DATA_DIR": folder, "SECRET_KEY": "bench", "SITE_URL": "http://127.0.0.1:8000"})


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def cast(folder: str, writer: int, votes: int, round_: int) -> None:
    from accounts import services as accounts
    from core import clock
    from core.db import db, transaction
    from regulations.models import Regulation
    from voting.rules import Ballot, Choice, ReasonKind
    from voting.services import cast_vote

    with app_on(folder).app_context():
        for n in range(votes):
            ballot = Ballot(list(Choice)[n % 3 if n % 3 != 1 else 0], None, ReasonKind.WRITTEN, text=f"Reason {n}")
            with transaction():
                voter = accounts.account_for(email=f"{round_}-{writer}-{n}@example.org", now=clock.now())
                regulation = db.session.scalars(select(Regulation).where(Regulation.settled.is_(None)).limit(1)).one()
                cast_vote(voter=voter, regulation=regulation, ballot=ballot, now=clock.now())


def cast_by_many(folder: str, votes: int, round_: int) -> float:
    context = get_context("spawn")
    each = votes // WRITERS
    writers = [context.Process(target=cast, args=(folder, n, each, round_)) for n in range(WRITERS)]

    def run() -> None:
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

    return timed(run)


def main(votes: int) -> None:
    with tempfile.TemporaryDirectory() as folder, app_on(folder).app_context():
        import commands
        from core import clock
        from core.db import db
        from seed_data import loader
        from voting.models import Vote

        commands.migrate_and_open()
        loader.load_catalogue_if_missing(now=clock.now())
        commands.settle_record()
        for round_ in range(3):
            took = cast_by_many(folder, votes, round_)
            db.session.rollback()
            folded = timed(commands.settle_record)
            so_far = len(db.session.scalars(select(Vote.id)).all())
            db.session.rollback()
            print(
                f"{so_far:>7,} votes on one regulation: {votes / took:6.0f} votes/s by {WRITERS} writers,"
                f" {votes / folded:6.0f} entries' votes folded, indexed and noticed per second"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 800)
