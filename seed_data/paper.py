"""A paper such as an organisation attaches to its ballot: one page of plain text as PDF, made here and invented."""

import textwrap

_HEAD = "Invented for this demonstration. Nobody wrote this."
_WIDTH = 84


def a_paper(title: str, text: str) -> bytes:
    """One page of A4 in Helvetica; says above and below that it is invented. See ISO 32000-1, 7.5, for the form."""
    lines = [_HEAD, "", title, "", *_wrapped(text), "", _HEAD]
    shown = b"\n".join(b"(" + _plain(line) + b") Tj T*" for line in lines)
    page = b"BT /F1 11 Tf 16 TL 60 780 Td\n" + shown + b"\nET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) /ViewerPreferences << /DisplayDocTitle true >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (" + _plain(f"{title} (invented)") + b") >>",
    ]
    return _put_together(objects)


def _wrapped(text: str) -> list[str]:
    return [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, _WIDTH) or [""]]


def _plain(words: str) -> bytes:
    return words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")


def _put_together(objects: list[bytes]) -> bytes:
    paper, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(paper))
        paper += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return paper + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer % (size, len(objects), len(paper))
