"""What a PDF holds besides pages. Run as a program of its own, so that no file that was sent can hold up or harm the
site: it is given the file and a few seconds, and answers in one line. It imports nothing of ours."""

import io
import json
import os
import re
import resource
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pikepdf import Object

CPU_SECONDS = 5
MEMORY = 1024 * 1024 * 1024
_LINKS = re.compile(rb"(https?|mailto|tel):|(?!//)[^:\\]*\Z", re.IGNORECASE)


class Held(StrEnum):
    """What a paper may not hold. See docs/decisions/papers.md for what of ISO 32000 stands behind each."""

    SCRIPT = "script"
    STARTS = "starts"
    SENDS = "sends"
    BY_ITSELF = "by itself"
    FORM = "form"
    MEDIA = "media"
    ATTACHED = "attached"
    OUTSIDE = "outside"
    LOCKED = "locked"
    DAMAGED = "damaged"


_ACTIONS = {
    "/JavaScript": Held.SCRIPT,
    "/Launch": Held.STARTS,
    "/GoToR": Held.STARTS,
    "/GoToE": Held.STARTS,
    "/GoToDp": Held.STARTS,
    "/Thread": Held.STARTS,
    "/SubmitForm": Held.SENDS,
    "/ImportData": Held.SENDS,
    "/Rendition": Held.MEDIA,
    "/RichMediaExecute": Held.MEDIA,
    "/GoTo3DView": Held.MEDIA,
    "/Movie": Held.MEDIA,
    "/Sound": Held.MEDIA,
}
_KEYS = {
    "/JS": Held.SCRIPT,
    "/JavaScript": Held.SCRIPT,
    "/XFA": Held.FORM,
    "/EmbeddedFiles": Held.ATTACHED,
    "/EF": Held.ATTACHED,
    "/RichMediaContent": Held.MEDIA,
    "/RichMediaSettings": Held.MEDIA,
    "/Renditions": Held.MEDIA,
}
_KINDS = {
    "/FileAttachment": Held.ATTACHED,
    "/RichMedia": Held.MEDIA,
    "/Movie": Held.MEDIA,
    "/Sound": Held.MEDIA,
    "/Screen": Held.MEDIA,
    "/3D": Held.MEDIA,
}


def held_in(content: bytes) -> set[Held]:
    """Every object is looked at, packed ones and those that no page leads to as well.

    A file that has to be mended before it can be read is damaged: two readers may mend it in two ways.
    """
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=False, inherit_page_attributes=False) as pdf:
            if pdf.is_encrypted:
                return {Held.LOCKED}
            found = set(_of_all([pdf.trailer, *pdf.objects]))
            return found | ({Held.DAMAGED} if pdf.get_warnings() else set())
    except pikepdf.PasswordError:
        return {Held.LOCKED}
    except pikepdf.PdfError:
        return {Held.DAMAGED}


def _of_all(objects: "list[Object]") -> Iterator[Held]:
    """Goes down by hand, as what stands within an object may be nested deeper than Python calls."""
    import pikepdf

    left = objects
    while left:
        part = left.pop()
        if isinstance(part, pikepdf.Array):
            left += [each for each in part if isinstance(each, pikepdf.Object) and not each.is_indirect]
        elif isinstance(part, (pikepdf.Dictionary, pikepdf.Stream)):
            said = dict(part.items())
            yield from _of_one(said, isinstance(part, pikepdf.Stream))
            left += [each for each in said.values() if isinstance(each, pikepdf.Object) and not each.is_indirect]


def _of_one(said: "dict[str, Object]", stream: bool) -> Iterator[Held]:
    import pikepdf

    yield from (_KEYS[key] for key in said.keys() & _KEYS.keys())
    for key, kinds in (("/S", _ACTIONS), ("/Subtype", _KINDS)):
        if isinstance(said.get(key), pikepdf.Name) and str(said[key]) in kinds:
            yield kinds[str(said[key])]
    if "/OpenAction" in said and not _only_turns_pages(said["/OpenAction"]):
        yield Held.BY_ITSELF
    if "/AA" in said and not _all_only_turn_pages(said["/AA"]):
        yield Held.BY_ITSELF
    if "/URI" in said and isinstance(said["/URI"], pikepdf.String) and not _LINKS.match(bytes(said["/URI"])):
        yield Held.STARTS
    if stream and ("/F" in said or "/Ref" in said):
        yield Held.OUTSIDE


def _only_turns_pages(act: "Object") -> bool:
    """Another action may follow a turn of the page, and would then be done by itself too."""
    import pikepdf

    if isinstance(act, pikepdf.Dictionary):
        return str(act.get("/S")) == "/GoTo" and "/Next" not in act
    return isinstance(act, pikepdf.Array)


def _all_only_turn_pages(acts: "Object") -> bool:
    import pikepdf

    return isinstance(acts, pikepdf.Dictionary) and all(_only_turns_pages(act) for act in dict(acts.items()).values())


def _keep_within_limits() -> None:
    """Of time, memory, and files. Not every system knows each of them."""
    for limit, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):
            continue


def main() -> None:
    _keep_within_limits()
    os.chdir("/")
    print(json.dumps(sorted(held_in(sys.stdin.buffer.read()))))


if __name__ == "__main__":
    main()
