"""Papers come in beside the table whose rows name them, from its folder or one zip, and from nowhere else."""

import io
import json
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from analysis.beside import Papers, in_folder, path_beside, unpacked
from analysis.importing import prepare
from analysis.models import Submission
from analysis.papers import keep_paper
from analysis.tables import read_table
from core.db import db
from core.errors import RuleBroken
from tests.analysis.test_submissions import PDF
from tests.factories import NOON, a_regulation, how_many


def a_table(regulation, **given):
    usual = {"how": "letter", "capacity": "charity", "received_on": "2026-03-01", "regulation": regulation.slug}
    return json.dumps([usual | given]).encode()


def a_zip(**files):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "/"), content)
    return written.getvalue()


def kept_papers(app):
    folder = Path(app.config["DATA_DIR"]) / "papers"
    return [(file.name, file.stat().st_mtime_ns) for file in sorted(folder.glob("*"))]


def run(app, file, *more):
    db.session.rollback()
    return app.test_cli_runner().invoke(args=["import", "submissions", str(file), *more])


def test_a_row_without_a_text_brings_its_paper_from_the_tables_folder(app, tmp_path):
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter 17.pdf").write_bytes(PDF)
    (tmp_path / "sent.json").write_bytes(a_table(a_regulation(), file="papers/letter 17.pdf"))
    done = run(app, tmp_path / "sent.json")
    assert done.exit_code == 0, done.output
    made = db.session.query(Submission).one()
    assert (made.file_name, made.text) == ("letter 17.pdf", "")
    assert made.file_sha256 == keep_paper(PDF)
    again = run(app, tmp_path / "sent.json")
    assert "0 are entered, 1 were known" in again.output


def test_a_dry_run_looks_papers_through_and_keeps_none(app, tmp_path):
    (tmp_path / "one.pdf").write_bytes(PDF)
    (tmp_path / "sent.json").write_bytes(a_table(a_regulation(), file="one.pdf"))
    before = kept_papers(app)
    done = run(app, tmp_path / "sent.json", "--dry-run")
    assert "1 would be entered" in done.output
    assert how_many(Submission) == 0
    assert kept_papers(app) == before


def test_a_table_and_its_papers_come_packed_in_one_zip(app, tmp_path):
    regulation = a_regulation()
    packed = a_zip(**{"sent.json": a_table(regulation, file="in/one.pdf", text="See the paper."), "in__one.pdf": PDF})
    (tmp_path / "sent.zip").write_bytes(packed)
    done = run(app, tmp_path / "sent.zip")
    assert done.exit_code == 0, done.output
    assert db.session.query(Submission).one().file_name == "one.pdf"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("../secret.pdf", "no path from the table"),
        ("/etc/secret.pdf", "no path from the table"),
        ("..\\secret.pdf", "no path from the table"),
        ("papers/../../secret.pdf", "no path from the table"),
        ("link.pdf", "is not there"),
        ("missing.pdf", "is not there"),
        ("folder.pdf", "is not there"),
        ("notes.txt", "no PDF by its name"),
        ("false.pdf", "This is not a PDF"),
        ("large.pdf", "larger than 10 MB"),
    ],
)
def test_what_is_no_paper_of_that_folder_is_an_error_of_its_row_and_nothing_comes_in(app, tmp_path, written, said):
    (tmp_path / "secret.pdf").write_bytes(PDF)
    folder = tmp_path / "sent"
    (folder / "folder.pdf").mkdir(parents=True)
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    (folder / "false.pdf").write_bytes(b"Not a PDF at all")
    (folder / "large.pdf").write_bytes(PDF + b"\0" * (10 * 1024 * 1024 + 1))
    (folder / "sent.json").write_bytes(a_table(a_regulation(), file=written))
    done = run(app, folder / "sent.json")
    assert done.exit_code == 1
    assert "Row 1, file: " in done.output
    assert said in done.output
    assert how_many(Submission) == 0


@pytest.mark.parametrize(
    "content",
    [b"no zip", a_zip(**{"a.csv": b"x", "b.csv": b"y"}), a_zip(**{"folder__a.csv": b"x"}), a_zip()],
)
def test_a_zip_without_exactly_one_table_at_its_top_is_refused(content):
    with pytest.raises(RuleBroken):
        unpacked(content)


def test_a_paper_that_unpacks_to_more_than_it_may_is_read_no_further():
    _, _, read = unpacked(a_zip(**{"a.csv": b"x", "bomb.pdf": b"\0" * (64 * 1024 * 1024)}))
    assert len(read(PurePosixPath("bomb.pdf"))) == 10 * 1024 * 1024 + 1


def test_one_paper_named_by_two_rows_is_looked_through_once(app, tmp_path):
    read = []

    def counted(path):
        read.append(path)
        return PDF

    papers = Papers(counted, dry_run=True)
    assert papers.named("one.pdf") == papers.named(" one.pdf ")
    assert read == [path_beside("one.pdf")]


def test_a_table_uploaded_by_itself_names_no_papers(app):
    table = read_table("sent.json", a_table(a_regulation(), file="one.pdf", text="It helps."))
    (wrong,) = prepare(table, now=NOON).wrong
    assert (wrong.column, "attach it by hand" in wrong.message) == ("file", True)


def test_a_folder_reads_what_lies_deeper_too(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.pdf").write_bytes(PDF)
    assert in_folder(tmp_path)(PurePosixPath("a/b/c.pdf")) == PDF
