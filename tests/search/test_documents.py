"""Regulations and decisions, on the real Whoosh."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search import queries, services
from search.queries import matching
from search.rules import Document
from tests.search.conftest import a_house

ROOT = Path(__file__).resolve().parents[2]


def a_regulation(year: int = 1992, number: int = 2792, title: str = "", text: str = "") -> Document:
    title = title or f"Sample Rules {year}"
    return Document(f"uksi-{year}-{number}", "regulation", title, f"uksi {year}/{number}", text)


SCREENS = a_regulation(
    1992, 2792, "Health and Safety (Display Screen Equipment) Regulations 1992", "Desks and eye tests."
)
CAFES = a_regulation(2006, 14, "Food Hygiene (England) Regulations 2006", "A café keeps its kitchens clean.")
TIME = a_regulation(1998, 1833, "Working Time Regulations 1998", "Limits hours. Read with S.I. 1992/2792.")
TIME_AMENDED = a_regulation(
    2003, 1684, "Working Time (Amendment) Regulations 2003", "Working time for doctors; working time."
)
KEPT = Document(
    "decision-2026-0007",
    "decision",
    "Keep: Food Hygiene (England) Regulations 2006",
    "D-2026-0007",
    "Clean kitchens.",
)
EVERYTHING = [SCREENS, CAFES, TIME, TIME_AMENDED, KEPT]


@pytest.fixture
def library(house):
    services.rebuild(EVERYTHING)
    return house


@pytest.mark.parametrize(
    "query",
    [
        "1992/2792",
        "SI 1992/2792",
        "S.I. 1992 No. 2792",
        "uksi-1992-2792",
        "uksi 1992/2792",
        "Health and Safety (Display Screen Equipment) Regulations 1992 (S.I. 1992/2792)",
        "https://www.legislation.gov.uk/uksi/1992/2792",
    ],
)
def test_a_citation_leads_to_its_own_first_and_then_to_who_mentions_it(library, query):
    assert matching(query, "regulation") == [SCREENS.key, TIME.key]


def test_a_citation_of_another_series_or_of_nothing_finds_nothing(library):
    assert matching("SSI 1992/2792") == []
    assert matching("1992/9999") == []


def test_a_decision_is_found_by_its_reference(library):
    assert matching("d-2026-0007") == [KEPT.key]
    assert matching("decision-2026-0007") == [KEPT.key]


@pytest.mark.parametrize("query", ["cafe", "café", "CAFÉS", "cafe\u0301", "cafés"])
def test_accents_and_plurals_are_forgiven(library, query):
    assert matching(query) == [CAFES.key]


@pytest.mark.parametrize("query", ["kitchen", "Kitchens", "kitchen's"])
def test_plurals_and_possessives_are_forgiven(library, query):
    assert set(matching(query)) == {CAFES.key, KEPT.key}


def test_kind_narrows_the_answer(library):
    assert matching("food hygiene", "regulation") == [CAFES.key]
    assert matching("food hygiene", "decision") == [KEPT.key]
    assert set(matching("food hygiene")) == {CAFES.key, KEPT.key}


@pytest.mark.parametrize("query", ["working time regulations 1998", "The Working Time Regulations", "Working Time"])
def test_a_whole_title_comes_first(library, query):
    assert matching(query)[0] == TIME.key


def test_a_word_in_the_title_weighs_more_than_in_the_text(house):
    in_title = a_regulation(2001, 1, "Flour, Bread and Cake Rules", "Says what is sold.")
    in_text = a_regulation(2001, 2, "Flour, Cheese and Cake Rules", "Bread is sold. Bread.")
    services.rebuild([in_title, in_text])
    assert matching("bread") == [in_title.key, in_text.key]


@pytest.mark.parametrize("query", ["display scr", "health equipm", "display regulatio", "safety equipmen"])
def test_the_last_word_may_be_half_typed(library, query):
    assert matching(query) == [SCREENS.key]


def test_all_words_are_wanted_unless_no_document_has_them(library):
    assert matching("display screen") == [SCREENS.key]
    assert set(matching("display zebra hygiene")) == {SCREENS.key, CAFES.key, KEPT.key}


@pytest.mark.parametrize("query", ["", "   ", "🐟", "()", "\x00", "zebra"])
def test_what_holds_no_known_word_finds_nothing(library, query):
    assert matching(query) == []


@pytest.mark.parametrize(
    "query",
    [
        "AND (",
        'health"',
        "NOT health",
        "title:health",
        "health*",
        "health~2",
        "[health TO",
        "heal\x00th health",
        "\ud800health",
    ],
)
def test_what_is_no_query_is_searched_as_words(library, query):
    assert SCREENS.key in matching(query)


def test_a_very_long_query_is_cut_and_answered(library):
    assert matching("display " * 1_250) == [SCREENS.key]
    assert matching("x" * 10_000) == []


def test_limit(library):
    assert len(matching("regulations", limit=2)) == 2


def test_a_changed_document_is_found_by_its_new_words_alone(library):
    assert services.put([a_regulation(2006, 14, "Tea Rooms Rules 2006", "Scones.")]) is True
    assert matching("scone") == [CAFES.key]
    assert matching("café") == []


def test_saying_the_same_twice_changes_nothing(library):
    before = matching("regulations")
    services.put(EVERYTHING)
    services.put([CAFES, CAFES])
    assert sorted(matching("regulations")) == sorted(before)


def test_a_removed_document_is_gone_and_may_be_removed_again(library):
    assert services.remove([CAFES.key, "uksi-1900-1"]) is True
    assert services.remove([CAFES.key]) is True
    assert matching("food hygiene") == [KEPT.key]


def test_a_rebuild_leaves_nothing_old_behind(library):
    services.rebuild([CAFES])
    assert matching("display") == []
    assert matching("cafe") == [CAFES.key]
    assert len(list((Path(library.config["DATA_DIR"]) / "search").glob("generation-*"))) == 1


def test_a_rebuild_that_fails_leaves_the_old_index_in_use(library):
    def interrupted():
        yield CAFES
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        services.rebuild(interrupted())
    assert matching("display") == [SCREENS.key]
    assert queries.documents_are_healthy()


def test_the_folder_is_private(library):
    folder = Path(library.config["DATA_DIR"]) / "search"
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_without_an_index_everyone_is_told_that_search_is_being_rebuilt(house, tmp_path):
    assert matching("food") is None
    assert services.put([CAFES]) is False
    assert services.remove([CAFES.key]) is False
    assert not queries.is_healthy()
    assert list(tmp_path.iterdir()) == []
    services.rebuild([])
    assert services.put([CAFES]) is True
    assert matching("food") == [CAFES.key]


def cut_segments_short(folder: Path, to: float) -> None:
    for path in folder.rglob("*.seg"):
        os.truncate(path, int(path.stat().st_size * to))


def junk_table_of_contents(folder: Path) -> None:
    for path in folder.rglob("*.toc"):
        path.write_bytes(b"\xff" * 200)


DAMAGE = {
    "a segment cut in half": lambda folder: cut_segments_short(folder, 0.5),
    "a segment cut by a little": lambda folder: cut_segments_short(folder, 0.97),
    "an empty segment": lambda folder: cut_segments_short(folder, 0),
    "a lost segment": lambda folder: [path.unlink() for path in folder.rglob("*.seg")],
    "a junk table of contents": junk_table_of_contents,
    "a lost table of contents": lambda folder: [path.unlink() for path in folder.rglob("*.toc")],
    "an empty name of the index in use": lambda folder: (folder / "in-use").write_text(""),
    "a name that leads elsewhere": lambda folder: (folder / "in-use").write_text("../.."),
    "a name of nothing": lambda folder: (folder / "in-use").write_text("generation-0"),
    "a lost name": lambda folder: (folder / "in-use").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_survived_noticed_and_repaired_by_a_rebuild(library, damage):
    assert matching("display") == [SCREENS.key]
    damage(Path(library.config["DATA_DIR"]) / "search")
    assert matching("display") in (None, [SCREENS.key])
    with a_house(library.config["DATA_DIR"]).app_context():
        assert not queries.documents_are_healthy()
        assert matching("display") is None
        assert services.put([CAFES]) in (True, False)
    services.rebuild(EVERYTHING)
    assert queries.documents_are_healthy()
    assert matching("display") == [SCREENS.key]
    with a_house(library.config["DATA_DIR"]).app_context():
        assert matching("display") == [SCREENS.key]


def test_another_process_is_noticed(library):
    with a_house(library.config["DATA_DIR"]).app_context():
        assert matching("scone") == []
        with library.app_context():
            services.put([a_regulation(2020, 1, "Scone Rules", "")])
        assert matching("scone") == ["uksi-2020-1"]
        with library.app_context():
            services.rebuild([SCREENS])
        assert matching("scone") == []


WRITER = """
import sys
from tests.search.conftest import a_house
from tests.search.test_documents import a_regulation
from search import services
folder, year = sys.argv[1], int(sys.argv[2])
with a_house(folder).app_context():
    for number in range(1, 1 + int(sys.argv[3])):
        assert services.put([a_regulation(year, number, f"Rules of {year}", "turnip")])
        print(number, flush=True)
"""


def a_writer(folder: Path, year: int, how_many: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, folder, str(year), str(how_many)], cwd=ROOT, stdout=subprocess.PIPE
    )


def test_two_processes_that_write_at_once_lose_nothing(library):
    writers = [a_writer(library.config["DATA_DIR"], year, 15) for year in (2010, 2011)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    assert len(matching("turnips")) == 30
    assert queries.documents_are_healthy()


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_process_killed_while_writing_neither_blocks_nor_breaks_the_next(library, after):
    writer = a_writer(library.config["DATA_DIR"], 2010, 100_000)
    for _ in range(after):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    writer.stdout.close()
    assert services.put([a_regulation(2012, 1, "Afterwards", "radish")]) is True
    assert matching("radish") == ["uksi-2012-1"]
    assert len(matching("turnip")) >= last
    assert queries.documents_are_healthy()


def test_many_threads_may_search_while_one_writes(library):
    wrong = []
    done = threading.Event()

    def search() -> None:
        with library.app_context():
            while not done.is_set():
                if matching("display") != [SCREENS.key]:
                    wrong.append(matching("display"))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 11):
        services.put([a_regulation(2010, number, "Turnips")])
    services.rebuild(EVERYTHING)
    done.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []


def test_a_rebuild_reads_its_documents_only_when_no_other_writer_can_come_between(library):
    started, go_on = threading.Event(), threading.Event()

    def everything():
        started.set()
        go_on.wait(10)
        yield from EVERYTHING

    def rebuild() -> None:
        with library.app_context():
            services.rebuild(everything())

    def put() -> None:
        with library.app_context():
            services.put([a_regulation(2020, 1, "Scone Rules", "")])

    threads = [threading.Thread(target=rebuild), threading.Thread(target=put)]
    threads[0].start()
    assert started.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert matching("scone") == ["uksi-2020-1"]


def test_whoosh_is_imported_without_a_warning():
    command = [
        sys.executable,
        "-W",
        "error",
        "-B",
        "-X",
        "pycache_prefix=/nonexistent",
        "-c",
        "import search.document_index",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
