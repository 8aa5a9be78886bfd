"""Comments, on the real FTS5 and on a real PostgreSQL."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from search import queries, services
from search.queries import matching_comments
from search.rules import CommentText
from tests.search.conftest import a_house

ROOT = Path(__file__).resolve().parents[2]

CLEAN = CommentText(1, 10, "Our café keeps its kitchens clean without inspectors' visits.")
COSTLY = CommentText(2, 10, "Inspections cost a bakery £400 a year, and nobody reads the forms.")
SAFE = CommentText(3, 20, "Keep it: clean water and safe kitchens matter more than cost.")
EVERYTHING = [CLEAN, COSTLY, SAFE]


@pytest.fixture
def library(either_house):
    services.rebuild_comments(EVERYTHING)
    return either_house


@pytest.mark.parametrize("query", ["cafe", "café", "CAFÉS", "cafe\u0301", "clean cafe"])
def test_accents_and_plurals_are_forgiven(library, query):
    assert matching_comments(query) == [1]


@pytest.mark.parametrize("query", ["kitchen", "kitchens", "Kitchen's"])
def test_plurals_and_possessives_are_forgiven(library, query):
    assert sorted(matching_comments(query)) == [1, 3]


def test_one_regulation_only(library):
    assert matching_comments("kitchen", regulation_id=20) == [3]
    assert sorted(matching_comments("kitchen", regulation_id=10)) == [1]
    assert matching_comments("kitchen", regulation_id=1) == []


def test_the_number_of_a_regulation_is_no_word(library):
    assert matching_comments("r10") == []
    assert matching_comments("10") == []


def test_all_words_are_wanted_unless_no_comment_has_them(library):
    assert matching_comments("clean water") == [3]
    assert sorted(matching_comments("bakery zebra water")) == [2, 3]


@pytest.mark.parametrize(
    "query",
    [
        "AND kitchen",
        '"kitchen',
        "kitchen*",
        "NEAR(kitchen",
        "words:kitchen OR",
        "kitchen & | !",
        "'kitchen'",
        "\\kitchen",
        "kitchen:*",
        "\x00kitchen\x1b",
        "\ud800kitchen",
        "regulation : kitchen",
    ],
)
def test_what_is_no_query_is_searched_as_words(library, query):
    assert sorted(matching_comments(query)) == [1, 3]


@pytest.mark.parametrize("query", ["AND (", "and", '"and" NOT'])
def test_a_little_word_is_searched_for_when_there_is_no_other(library, query):
    assert sorted(matching_comments(query)) == [2, 3]


@pytest.mark.parametrize("query", ["", " ", "🐟", "()", "\x00", "zebra", "x" * 10_000, "'; DROP TABLE comment; --"])
def test_what_holds_no_known_word_finds_nothing(library, query):
    assert matching_comments(query) == []


def test_a_very_long_query_is_cut_and_answered(library):
    assert matching_comments("bakery " * 1_500) == [2]


def test_limit(library):
    assert len(matching_comments("kitchen", limit=1)) == 1


def test_a_comment_that_says_it_more_comes_first(library):
    services.put_comments([CommentText(4, 20, "Bakery, bakery, bakery.")])
    assert matching_comments("bakery") == [4, 2]


def test_of_equals_the_newest_comes_first(library):
    services.put_comments([CommentText(number, 20, "Turnip.") for number in (8, 9, 7)])
    assert matching_comments("turnip") == [9, 8, 7]


def test_texts_with_control_characters_and_emoji_are_taken(library):
    assert services.put_comments([CommentText(5, 10, "A\x00 turnip \x1b\ud800 🐟" + "x" * 5_000)]) is True
    assert matching_comments("turnip") == [5]


def test_a_changed_comment_is_found_by_its_new_words_alone(library):
    assert services.put_comments([CommentText(1, 20, "Scones.")]) is True
    assert matching_comments("scone") == [1]
    assert matching_comments("scone", regulation_id=10) == []
    assert matching_comments("café") == []


def test_saying_the_same_twice_changes_nothing(library):
    services.put_comments(EVERYTHING)
    services.put_comments([CLEAN, CLEAN])
    assert sorted(matching_comments("kitchen")) == [1, 3]


def test_a_removed_comment_is_gone_and_may_be_removed_again(library):
    assert services.remove_comments([1, 999]) is True
    assert services.remove_comments([1]) is True
    assert matching_comments("café") == []
    assert services.remove_comments([]) is True


def test_a_rebuild_leaves_nothing_old_behind(library):
    services.rebuild_comments(CommentText(number, 1, f"turnip {number}") for number in range(2_500))
    assert matching_comments("café") == []
    assert len(matching_comments("turnip", limit=5_000)) == 2_500


def test_a_rebuild_that_fails_leaves_the_old_index_in_use(library):
    def interrupted():
        yield CommentText(9, 9, "turnip")
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        services.rebuild_comments(interrupted())
    assert matching_comments("café") == [1]
    assert matching_comments("turnip") == []
    assert queries.comments_are_healthy()


def test_a_rebuild_reads_its_rows_only_when_no_other_writer_can_come_between(library):
    started, go_on, put_done = threading.Event(), threading.Event(), threading.Event()

    def everything():
        started.set()
        go_on.wait(10)
        yield from EVERYTHING

    def rebuild() -> None:
        with library.app_context():
            services.rebuild_comments(everything())

    def put() -> None:
        with library.app_context():
            services.put_comments([CommentText(4, 20, "Turnip.")])
        put_done.set()

    threads = [threading.Thread(target=rebuild), threading.Thread(target=put)]
    threads[0].start()
    assert started.wait(10)
    threads[1].start()
    assert not put_done.wait(0.5)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert matching_comments("turnip") == [4]


def test_without_an_index_everyone_is_told_that_search_is_being_rebuilt(either_house, tmp_path):
    assert matching_comments("food") is None
    assert services.put_comments([CLEAN]) is False
    assert services.remove_comments([1]) is False
    assert not queries.comments_are_healthy()
    assert list(tmp_path.iterdir()) == []
    services.rebuild_comments([])
    assert services.put_comments([CLEAN]) is True
    assert matching_comments("café") == [1]


def test_documents_and_comments_are_healthy_or_not_each_for_itself(library):
    assert queries.comments_are_healthy()
    assert not queries.is_healthy()
    services.rebuild([])
    assert queries.is_healthy()


def junk(path: Path) -> None:
    path.write_bytes(b"junk" * 4_000)


DAMAGE = {
    "junk": junk,
    "an empty file": lambda path: os.truncate(path, 0),
    "a file cut short": lambda path: os.truncate(path, 5_000),
    "a lost file": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_to_the_file_is_survived_noticed_and_repaired_by_a_rebuild(house, damage):
    path = house.config["DATA_DIR"] / "comments.fts.sqlite"
    services.rebuild_comments(EVERYTHING)
    damage(path)
    assert matching_comments("café") is None
    assert not queries.comments_are_healthy()
    assert services.put_comments([CLEAN]) is False
    services.rebuild_comments(EVERYTHING)
    assert queries.comments_are_healthy()
    assert matching_comments("café") == [1]


@pytest.mark.parametrize(
    "damage",
    ["DROP TABLE search.comment_text", "DROP SCHEMA search CASCADE", "ALTER TABLE search.comment_text DROP words"],
)
def test_damage_to_the_table_is_survived_noticed_and_repaired_by_a_rebuild(tmp_path, postgres, damage):
    app = a_house(tmp_path, postgres.empty_database())
    with app.app_context():
        services.rebuild_comments(EVERYTHING)
        with app.extensions["sqlalchemy"].engine.begin() as connection:
            connection.execute(text(damage))
        assert matching_comments("café") is None
        assert not queries.comments_are_healthy()
        assert services.put_comments([CLEAN]) is False
        services.rebuild_comments(EVERYTHING)
        assert queries.comments_are_healthy()
        assert matching_comments("café") == [1]


def test_a_removed_text_is_not_left_readable_in_the_files(house):
    secret = "xylophonist"
    services.rebuild_comments([*EVERYTHING, CommentText(4, 10, f"I am the only {secret} in town.")])
    assert secret.encode() in b"".join(path.read_bytes() for path in house.config["DATA_DIR"].glob("comments*"))
    services.remove_comments([4])
    assert secret.encode() not in b"".join(path.read_bytes() for path in house.config["DATA_DIR"].glob("comments*"))


WRITER = """
import sys
from tests.search.conftest import a_house
from search import services
from search.rules import CommentText
folder, database, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with a_house(folder, database).app_context():
    for number in range(first, last):
        assert services.put_comments([CommentText(number, 30, "turnip")])
        print(number, flush=True)
"""


def a_writer(app, first: int, last: int) -> subprocess.Popen[bytes]:
    arguments = (app.config["DATA_DIR"], app.config["SQLALCHEMY_DATABASE_URI"], str(first), str(last))
    return subprocess.Popen([sys.executable, "-c", WRITER, *arguments], cwd=ROOT, stdout=subprocess.PIPE)


def test_two_processes_that_write_at_once_lose_nothing(library):
    writers = [a_writer(library, first, first + 40) for first in (100, 200)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert len(matching_comments("turnips")) == 80


def test_a_process_killed_while_writing_neither_blocks_nor_breaks_the_next(library):
    writer = a_writer(library, 100, 1_000_000)
    for _ in range(20):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    writer.stdout.close()
    assert services.put_comments([CommentText(50, 10, "radish")]) is True
    assert matching_comments("radish") == [50]
    assert len(matching_comments("turnip")) >= last - 99
    assert queries.comments_are_healthy()
