"""A paper may hold pages, links and pictures; nothing in it may run, start, fetch or send, nor hold up the site."""

import time
import zlib
from io import BytesIO

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Encryption, Name, ObjectStreamMode, String

from analysis.paper_checks import MOST_BYTES, check_paper
from core.errors import RuleBroken
from seed_data.paper import a_paper

PLAIN = a_paper("Example Bakery on ovens", "What we found.")


def made(change, **saved):
    with pikepdf.open(BytesIO(PLAIN)) as pdf:
        change(pdf)
        written = BytesIO()
        pdf.save(written, **saved)
    return written.getvalue()


def packed(change):
    return made(change, object_stream_mode=ObjectStreamMode.generate)


def script(pdf):
    act = pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=String("app.alert(1)")))
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), act])))


def nothing(pdf):
    pass


def on_opening(act):
    def change(pdf):
        pdf.Root.OpenAction = act(pdf.pages[0].obj)

    return change


def on_the_page(**keys):
    def change(pdf):
        for key, value in keys.items():
            pdf.pages[0].obj[f"/{key}"] = value

    return change


def a_link(**act):
    return on_the_page(Annots=Array([Dictionary(Type=Name.Annot, Subtype=Name.Link, A=Dictionary(**act))]))


def attached(pdf):
    pdf.attachments["a.txt"] = b"hello"


def nowhere_linked(pdf):
    pdf.make_indirect(Dictionary(S=Name.JavaScript, JS=String("app.alert(1)")))


def from_outside(pdf):
    pdf.Root.Outside = pdf.make_stream(b"", F=String("\\\\elsewhere\\share\\part"))


def in_a_form(pdf):
    pdf.Root.AcroForm = Dictionary(XFA=pdf.make_stream(b"<template/>"))


def disguised(content, plain, other):
    """The same length, so that every object still stands where the file's table says."""
    assert content.count(plain) == 1
    assert len(plain) == len(other)
    return content.replace(plain, other)


def by_hand(*more, says=b"/Type /ObjStm", content=None):
    """One page and ``more`` as packed objects, with what the pack says of itself as ``says``."""
    objects = [b"<</Type/Catalog/Pages 3 0 R>>", b"<</Type/Pages/Kids[4 0 R]/Count 1>>", b"<</Type/Page/Parent 3 0 R>>"]
    objects += more
    places = [sum(len(each) + 1 for each in objects[:n]) for n in range(len(objects))]
    named = b" ".join(b"%d %d" % (n, place) for n, place in enumerate(places, 2)) + b"\n"
    data = zlib.compress(named + b"\n".join(objects) if content is None else content)
    sizes = (says, len(objects), len(named), len(data))
    pack = b"%%PDF-1.5\n1 0 obj\n<< %s /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n" % sizes
    pack += data + b"\nendstream\nendobj\n"
    last = len(objects) + 2
    rows = [b"\x01" + (9).to_bytes(4, "big") + b"\x00"]
    rows += [b"\x02" + (1).to_bytes(4, "big") + bytes([n]) for n in range(len(objects))]
    rows += [b"\x01" + len(pack).to_bytes(4, "big") + b"\x00"]
    table = b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Index [1 %d] /Size %d /Root 2 0 R /Length %d >>\nstream\n"
    table %= last, last, last + 1, 6 * last
    return pack + table + b"".join(rows) + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(pack)


SCRIPT = b"<</S/JavaScript/JS(app.alert(1))>>"


HELD = [
    (made(script), "a script"),
    (packed(script), "a script"),
    (by_hand(SCRIPT), "a script"),
    (by_hand(SCRIPT, says=b"/Type /Obj#53tm"), "a script"),
    (by_hand(SCRIPT, says=b"/Type /ObjStm %" + b"x" * 500 + b"\n"), "a script"),
    (disguised(made(script), b"/S /JavaScript >>", b"/S/J#61vaScript>>"), "a script"),
    (made(on_the_page(AA=Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("x"))))), "a script"),
    (made(on_opening(lambda page: Dictionary(S=Name.GoToR, F=String("\\\\a\\b")))), "opens another file"),
    (made(on_opening(lambda page: Dictionary(S=Name.URI, URI=String("https://a.example")))), "done by itself"),
    (made(on_opening(lambda page: String("chapter"))), "done by itself"),
    (made(on_the_page(AA=Dictionary(O=Dictionary(S=Name.Named, N=Name.Print)))), "done by itself"),
    (made(on_the_page(AA=Name.None_)), "done by itself"),
    (made(a_link(S=Name.Launch, F=String("calc.exe"))), "starts a program"),
    (made(a_link(S=Name.GoToE, D=String("x"))), "opens another file"),
    (made(a_link(S=Name.URI, URI=String("file:///etc/hosts"))), "opens another file"),
    (made(a_link(S=Name.URI, URI=String("\\\\a\\b"))), "opens another file"),
    (made(a_link(S=Name.URI, URI=String("//a.example/b"))), "opens another file"),
    (made(a_link(S=Name.SubmitForm, F=String("https://a.example"))), "sends or loads data"),
    (made(a_link(S=Name.ImportData, F=String("a.fdf"))), "sends or loads data"),
    (made(a_link(S=Name.Rendition)), "sound, film"),
    (made(on_the_page(Annots=Array([Dictionary(Type=Name.Annot, Subtype=Name.RichMedia)]))), "sound, film"),
    (made(on_the_page(Annots=Array([Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment)]))), "attached files"),
    (made(attached), "attached files"),
    (made(in_a_form), "XFA"),
    (made(from_outside), "fetched from outside"),
    (made(nothing, encryption=Encryption(owner="a", user="b")), "protected"),
    (made(nothing, encryption=Encryption(owner="a", user="")), "protected"),
]


@pytest.mark.parametrize(("content", "told"), HELD, ids=[f"{n} {told}" for n, (_, told) in enumerate(HELD)])
def test_what_a_paper_may_not_hold_is_named_wherever_it_is_hidden(content, told):
    with pytest.raises(RuleBroken, match=told):
        check_paper(content)


def test_all_that_has_to_go_is_said_at_once(caplog):
    def both(pdf):
        script(pdf)
        attached(pdf)

    with pytest.raises(RuleBroken, match="holds a script and attached files. Print it to a new PDF"):
        check_paper(made(both))
    assert "refused for what it holds: attached, script." in caplog.text


def to_the_page(page):
    return Array([page, Name.Fit])


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        packed(nothing),
        by_hand(),
        made(nothing, linearize=True),
        made(on_opening(to_the_page)),
        made(on_opening(lambda page: Dictionary(S=Name.GoTo, D=to_the_page(page)))),
        made(a_link(S=Name.URI, URI=String("https://example.org/rules?a=1:2"))),
        made(a_link(S=Name.URI, URI=String("mailto:clerk@bakery.example"))),
        made(a_link(S=Name.URI, URI=String("www.example.org"))),
    ],
)
def test_pages_links_and_where_to_begin_reading_are_taken(content):
    check_paper(content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00" + PLAIN, "not a PDF"),
        (b"<html>%PDF-1.4 %%EOF</html>", "not a PDF"),
        (PLAIN[:40], "not a PDF"),
        (PLAIN + b"PK" + b"\x00" * 5_000, "not a PDF"),
        (PLAIN[:-7] + b" " * MOST_BYTES + b"%%EOF\n", "10 MB"),
        (PLAIN.replace(b"startxref", b"startnext"), "damaged"),
        (PLAIN.replace(b"/Pages 2 0 R", b"/Pages 2 0 R /Pages 3 0 R"), "damaged"),
    ],
)
def test_what_is_no_whole_pdf_is_refused_whatever_it_is_called(content, told):
    with pytest.raises(RuleBroken, match=told):
        check_paper(content)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.5\n" + (b"/ObjStm stream\n" + zlib.compress(b"")) * 430_000 + b"\n%%EOF\n",
        b"%PDF-1.5\n" + b"/ObjStm" * 1_400_000 + b"\n%%EOF\n",
        b"%PDF-1.5\n" + b"#41" * 3_400_000 + b"\n%%EOF\n",
        b"%PDF-1.5\n" + b"1 0 obj<<" * 1_100_000 + b"\n%%EOF\n",
        PLAIN.replace(b"/Lang", b"/Deep " + b"[" * 400_000 + b" /Lang"),
        by_hand(content=b"[" * 50_000_000),
        by_hand(content=b"1 0 " * 100_000_000),
    ],
)
def test_no_file_holds_the_site_up(content):
    began = time.monotonic()
    with pytest.raises(RuleBroken):
        check_paper(content)
    assert time.monotonic() - began < 10


def test_many_small_objects_are_looked_through():
    check_paper(
        packed(
            lambda pdf: setattr(pdf.Root, "Crowd", Array([pdf.make_indirect(Dictionary(A=n)) for n in range(60_000)]))
        )
    )


def test_a_crowd_of_objects_beyond_reason_is_given_up_on_in_time():
    crowd = b"<</A[" + b"<<>>" * 12_000_000 + b"]>>"
    began = time.monotonic()
    with pytest.raises(RuleBroken, match="damaged"):
        check_paper(by_hand(crowd))
    assert time.monotonic() - began < 16
