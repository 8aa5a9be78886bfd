"""What a vote's request pays for standing in the record: the same request with its entry and without, in turns.

python -m bench.entry_cost [pairs]

Without: `record` writes no line and no opening, and the receipt promises nothing real; all else is as it is.
The request is the one that takes a signed-in person's ballot, through the whole application, to a database on disk.
"""

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

PAIRS = 150
WARM_UP = 10
ORIGIN = "demonstration.regulation-review/log"


@contextmanager
def without_entries() -> Iterator[None]:
    from audit import guard
    from audit.services import Written
    from core.db import db

    def record(body: Any, *, about: Any, now: Any, openings: Any = None) -> Written:
        db.session.flush()
        for row in about if isinstance(about, list | tuple) else [about]:
            guard.note_recorded(db.session(), row)
        return Written(secrets.token_hex(16), 0)

    with (
        patch("voting.services.record", record),
        patch("voting.reasons.record", record),
        patch("voting.receipts.origin_and_leaf", lambda entry_id: (ORIGIN, bytes(32))),
    ):
        yield


@contextmanager
def with_entries() -> Iterator[None]:
    yield


class Site:
    def __init__(self, folder: str) -> None:
        from app import create_app

        self.app = create_app({"DATA_DIR": folder, "SECRET_KEY": "bench", "SITE_URL": "http://127.0.0.1:8000"})
        self.app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
        with self.app.app_context():
            import commands
            from core import clock
            from regulations.models import Regulation
            from seed_data import loader

            commands.migrate_and_open()
            loader.load_catalogue_if_missing(now=clock.now())
            commands.settle_record()
            self.slugs = [row.slug for row in Regulation.query if _takes_votes(row)]

    def vote(self, n: int, circumstances: Callable[[], Any]) -> tuple[float, float]:
        """Seconds, and seconds of the processor, that the request takes which casts somebody's first vote."""
        import commands
        from accounts import services as accounts
        from core import clock
        from core.db import db, transaction

        with self.app.app_context():
            with transaction():
                voter = accounts.account_for(email=f"person{n}@example.org", now=clock.now())
            session = {"_user_id": voter.session_key, "_fresh": True, "browser": "b", "signed_in_at": clock.now()}
            db.session.remove()
        client, slug = self.app.test_client(), self.slugs[n % len(self.slugs)]
        with client.session_transaction("/account/sign-in") as kept:
            kept.update(session)
        text = f"It keeps people safe at work, and this is reason number {n}."
        first = client.post(f"/regulations/{slug}/vote", data={"choice": "keep", "text": text})
        assert first.status_code == 303, first.status_code
        said = {"capacity": "public", "organisation": "", "display_name": ""}
        with circumstances():
            begun, ran = time.perf_counter(), time.process_time()
            second = client.post(f"/regulations/{slug}/vote/who", data=said)
            took = time.perf_counter() - begun, time.process_time() - ran
        assert second.status_code == 303, second.status_code
        assert "/receipts/" in second.location, second.location
        if n % 50 == 0:
            with self.app.app_context():
                commands.Sequencer().publisher.publish(clock.now())
        return took


def _takes_votes(regulation: Any) -> bool:
    from core import clock

    return regulation.settled is None and regulation.theme.window.is_open(clock.now())


def main(pairs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        took: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
        ways = {"with": with_entries, "without": without_entries}
        for n in range(2 * (pairs + WARM_UP)):
            pair, second = divmod(n, 2)
            way = list(ways)[(pair + second) % 2]
            seconds = site.vote(n, ways[way])
            if pair >= WARM_UP:
                took[way].append(seconds)
        for at, what in enumerate(("by the clock", "of the processor")):
            times = {way: [1000 * each[at] for each in took[way]] for way in took}
            for way in times:
                low, middle, high = statistics.quantiles(times[way])
                print(f"{what:>16}, {way:>7} its entry: median {middle:6.2f} ms (quartiles {low:.2f} to {high:.2f})")
            ratio = statistics.median(times["with"]) / statistics.median(times["without"])
            paired = statistics.median(one / other for one, other in zip(*times.values(), strict=True))
            print(
                f"{what:>16}: ratio of medians {ratio:.3f}, median of {pairs} pairs' ratios {paired:.3f} (below 1.10)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
