"""The documents that a decision cites, as an official lists them. Pure, like the rules."""

import re

DIGITS = 64
_ADDRESS = re.compile(r"https?://\S+")
_DIGEST = re.compile(r"(?<![0-9a-z])[0-9a-f]{64}(?![0-9a-z])", re.IGNORECASE)
_ALMOST = re.compile(r"(?<![0-9a-z])[0-9a-f]{32,}[0-9a-z]*", re.IGNORECASE)
"""A digest with a digit too few or too many, or of another kind: nobody calls a document so."""
HOW = (
    "The command “sha256sum FILE” prints it (on a Mac “shasum -a 256 FILE”, "
    "on Windows “certutil -hashfile FILE SHA256”)."
)


def documents_in(listed: str) -> tuple[list[dict[str, str]], list[str]]:
    """The documents on the lines of a list, and the lines that lack an address or what the document is."""
    documents, unclear = [], []
    for line in filter(None, map(str.strip, listed.splitlines())):
        address = _ADDRESS.search(line)
        rest = _ADDRESS.sub(" ", line)
        digest = _DIGEST.search(rest)
        title = " ".join(_DIGEST.sub(" ", rest).split()).strip(" ,;:|–-")
        if address and title:
            found = {"title": title, "address": address[0].rstrip(",;")}
            documents.append(found | ({"sha256": digest[0].lower()} if digest else {}))
        else:
            unclear.append(line)
    return documents, unclear


def documents_lacking(listed: str) -> list[str]:
    """What to say of each that could be exchanged behind its address, as no digest shows which one was meant."""
    sentences = []
    for document in documents_in(listed)[0]:
        title, almost = document["title"], _ALMOST.search(document["title"])
        if almost:
            name = _ALMOST.sub(" ", title).strip(" ,;:|–-") or document["address"]
            here = f"has {len(almost[0])} digits here; {DIGITS} from 0 to f are right"
            sentences.append(f"The SHA-256 of “{name[:60]}” {here}. {HOW}")
        elif "sha256" not in document:
            sentences.append(
                f"Give the SHA-256 of “{title[:60]}”, so that readers can tell whether it is still the same. {HOW}"
            )
    return sentences
