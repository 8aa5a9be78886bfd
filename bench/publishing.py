"""What it costs to publish 1,000 lines onto a long record, beside the same onto a short one: a ratio within one run.

python -m bench.publishing [lines of the long record] [rounds]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

BATCH = 1_000
SHORT, LONG = 10_000, 1_000_000
ROUNDS = 15


class Record:
    """A site of its own whose record is signed, and grows by one batch at a time."""

    def __init__(self, folder: str, size: int) -> None:
        from app import create_app

        self.app = create_app({"DATA_DIR": folder, "SECRET_KEY": "bench", "SITE_URL": "http://127.0.0.1:8000"})
        with self.opened():
            import commands
            from audit.publishing import publisher_of_this_site

            commands.migrate_and_open()
            self._write(size, waits=False)
            self.publisher = publisher_of_this_site()
            assert self.publisher.check()
            self.publisher.publish(self._now())

    @contextmanager
    def opened(self) -> Iterator[None]:
        from core.db import db

        with self.app.app_context():
            yield
            db.session.remove()

    def grow(self) -> tuple[float, float]:
        """Seconds to give one batch its places, and to publish it."""
        from audit import services as audit
        from core.db import transaction

        with self.opened():
            self._write(BATCH, waits=True)
            begun = time.perf_counter()
            with transaction():
                assert audit.sequence_waiting() == BATCH
            placed = time.perf_counter()
            checkpoint = self.publisher.publish(self._now())
            published = time.perf_counter()
            assert checkpoint is not None
            return placed - begun, published - placed

    def _write(self, how_many: int, *, waits: bool) -> None:
        from sqlalchemy import insert

        from audit import guard, queries
        from audit.entries import VoteEntry, canonical
        from audit.merkle import leaf_hash
        from audit.models import Entry
        from core.db import db, transaction

        first, t = queries.log_size(), queries.latest_time()
        db.session.rollback()
        if not waits:
            with transaction(), guard.placing_entries():
                db.session.connection().exec_driver_sql("UPDATE entry SET idx = seq - 1 WHERE idx IS NULL")
            first = queries.log_size()
            db.session.rollback()
        for begin in range(first, first + how_many, 10_000):
            rows = []
            for n in range(begin, min(begin + 10_000, first + how_many)):
                vote = VoteEntry(item="uksi-1992-2792", voter=f"{n:064x}", capacity="public", level=1, choice="keep")
                written = canonical(vote, id=f"{n:032x}", t=t)
                row = {"id": f"{n:032x}", "t": t, "type": "vote", "item": vote.item, "body": written}
                rows.append(row | {"leaf": leaf_hash(written), "idx": None if waits else n})
            with transaction(), guard.writing_rows_with_entries():
                db.session.execute(insert(Entry), rows)

    def _now(self):  # type: ignore[no-untyped-def]
        from core import clock

        return clock.now()


def main(long: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        records = {SHORT: Record(one, SHORT), long: Record(other, long)}
        took: dict[int, list[tuple[float, float]]] = {size: [] for size in records}
        for n in range(rounds):
            for size in (SHORT, long) if n % 2 else (long, SHORT):
                took[size].append(records[size].grow())
        medians = {}
        for size, each in took.items():
            places, publishing = (statistics.median(times) * 1000 for times in zip(*each, strict=True))
            medians[size] = (places, publishing)
            print(
                f"{BATCH:,} lines onto {size:>9,}: places {places:6.1f} ms, publishing {publishing:6.1f} ms, "
                f"together {places + publishing:6.1f} ms (medians of {rounds})"
            )
        ratios = [medians[long][n] / medians[SHORT][n] for n in (0, 1)]
        both = sum(medians[long]) / sum(medians[SHORT])
        print(f"ratio: places {ratios[0]:.2f}, publishing {ratios[1]:.2f}, together {both:.2f} (at most 2)")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]), *(LONG, ROUNDS)[len(sys.argv) - 1 :])
