"""Copy what the site uses of its npm packages into one folder, without GOV.UK's typeface, crest and crown.

Usage: python tools/build_assets.py NODE_MODULES OUT
"""

import json
import re
import shutil
import sys
from pathlib import Path

FACE = "@fontsource-variable/atkinson-hyperlegible-next"
FONT_FILES = ("latin-wght-normal", "latin-ext-wght-normal", "latin-wght-italic")
CHARSET = '@charset "UTF-8";'
OUR_FONTS = "var(--site-font,system-ui,sans-serif)"
BRANDING = re.compile(r"\.govuk-(header|logo|footer__(crown|copyright-logo|licence-logo))")
LEFT_OVER = ("GDS Transport", "@font-face", "crest", "crown", "govuk-header", "url(/assets", "Margaret Calvert")


class NotBuilt(Exception):
    """A package is missing, or no longer looks as this recipe expects."""


def without_branding(css: str) -> str:
    """The stylesheet in our own fonts, with every rule that draws GOV.UK's marks left out."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\{[^}]*\}", "", css)
    css = re.sub(r"(?<=font-family:)(GDS Transport,arial,)?sans-serif", OUR_FONTS, css)
    css = re.sub(r"([^{}@;]+)(\{[^{}]*\})", _unbranded_rule, css)
    while (tidied := re.sub(r"@(?:media|supports)[^{};]*\{\s*\}", "", css)) != css:
        css = tidied
    return css.strip() + "\n"


def _unbranded_rule(rule: re.Match[str]) -> str:
    selectors, body = rule.groups()
    kept = [selector for selector in selectors.split(",") if not BRANDING.search(selector)]
    return ",".join(kept) + body if kept else ""


def check_css(css: str) -> None:
    """Refuse a stylesheet that still names a mark, or that lost the parts we build on."""
    for mark in LEFT_OVER:
        if mark in css:
            raise NotBuilt(f"GOV.UK branding is left in the stylesheet: {mark}")
    for part in (".govuk-button{", ".govuk-radios__input", ".govuk-error-summary", OUR_FONTS, "--govuk-link-colour"):
        if part not in css:
            raise NotBuilt(f"The stylesheet has no {part}: has govuk-frontend changed?")
    if css.count("{") != css.count("}"):
        raise NotBuilt("The stylesheet's braces no longer pair: has govuk-frontend changed?")


def build(node_modules: Path, out: Path) -> list[Path]:
    """Write the stylesheet, the script, the fonts and their licences under `out`; answer with what was written."""
    govuk, face = node_modules / "govuk-frontend", node_modules / FACE
    for package in (govuk, face):
        if not (package / "package.json").is_file():
            raise NotBuilt(f"{package} is missing: run `npm ci` first.")
    css = without_branding((govuk / "dist/govuk/govuk-frontend.min.css").read_text("utf-8"))
    check_css(css)
    script = (govuk / "dist/govuk/govuk-frontend.min.js").read_text("utf-8")
    script = re.sub(r"\n?//# sourceMappingURL=.*", "", script)
    if "initAll" not in script:
        raise NotBuilt("The script has no initAll: has govuk-frontend changed?")
    version = json.loads((govuk / "package.json").read_text("utf-8"))["version"]
    notice = f"/*! govuk-frontend {version}, (c) Crown Copyright, MIT licence; GOV.UK's typeface and marks removed */\n"

    (out / "fonts").mkdir(parents=True, exist_ok=True)
    written = [out / "govuk-frontend.css", out / "govuk-frontend.js"]
    written[0].write_text(CHARSET + notice + css.removeprefix(CHARSET), "utf-8")
    written[1].write_text(notice + script, "utf-8")
    for name in FONT_FILES:
        written.append(out / "fonts" / f"{name}.woff2")
        shutil.copyfile(face / "files" / f"atkinson-hyperlegible-next-{name}.woff2", written[-1])
    written.append(out / "fonts" / "LICENCE.txt")
    shutil.copyfile(face / "LICENSE", written[-1])
    return written


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        written = build(Path(sys.argv[1]), Path(sys.argv[2]))
    except (NotBuilt, OSError) as error:
        print(f"The assets could not be built. {error}", file=sys.stderr)
        return 1
    print(f"Built {len(written)} files in {sys.argv[2]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
