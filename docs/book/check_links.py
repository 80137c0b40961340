#!/usr/bin/env python3
"""Checks the book: links, pictures, included files, anchors, and the table of contents.

    python3 docs/book/check_links.py

Every relative link, picture and `{{#include}}` in src/*.md must lead to a file, every `#anchor` to a heading, every chapter must stand in SUMMARY.md, and
every entry there must be a chapter. A link or picture may not lead out of src: the built book holds only what lies there, and mdBook makes .html of a link's
.md. Broken ones are printed as file:line, and the exit status is 1. No network is used: absolute addresses are not followed.
"""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

SOURCE = Path(__file__).resolve().parent / "src"

# [text](target "title"), ![text](target), [text](<target>); the text may hold brackets one level deep.
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*(?:<([^<>]*)>|([^\s()]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+[\"'(].*?[\"')])?\s*\)", re.DOTALL)
DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?", re.MULTILINE)
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
INCLUDE = re.compile(r"\{\{#(?:include|playground|rustdoc_include)\s+([^\s}:]+)[^}]*\}\}")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
UNDERLINE = re.compile(r"^ {0,3}(=+|-+)[ \t]*$")
IDENTIFIER = re.compile(r"\{[^{}]*#([^\s{}.]+)[^{}]*\}\s*$")


def blank(text):
    """The same text with everything but line breaks made into spaces, so that places stay where they were."""
    return re.sub(r"[^\n]", " ", text)


def without_fences(text):
    """Blanks fenced code: links in it are none, and neither are headings."""
    fence, lines = None, []
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence = mark.group(1)
        elif fence is not None:
            if mark and mark.group(1).startswith(fence) and not line.strip(" " + fence[0]):
                fence = None
        else:
            lines.append(line)
            continue
        lines.append(blank(line))
    return "\n".join(lines)


def without_code(text):
    """Blanks fenced code, code spans and comments."""
    text = without_fences(text)
    text = re.sub(r"<!--.*?-->", lambda found: blank(found.group()), text, flags=re.DOTALL)
    return re.sub(r"(?<!`)(`+)(?!`)(?:(?!\n\n).)*?(?<!`)\1(?!`)", lambda found: blank(found.group()), text, flags=re.DOTALL)


def plain(heading):
    """What a heading says, without the marks that Markdown puts into it. Code keeps what stands in it."""
    parts = re.split(r"(`+[^`]*`+)", heading)
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = part.strip("`")
            continue
        part = re.sub(r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1", part)
        part = re.sub(r"<[^>]*>", "", part)
        part = re.sub(r"\*+", "", part)
        part = re.sub(r"(?<!\w)_+|_+(?!\w)", "", part)
        parts[index] = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", part)
    return "".join(parts)


def slug(heading):
    """mdBook's rule: lower case; letters, digits, `_` and `-` stay, white space becomes `-`, all else is left out."""
    kept = (ch if ch.isalnum() or ch in "_-" else "-" if ch.isspace() else "" for ch in heading.strip().lower())
    return "".join(kept) or "section"


def anchors(text):
    """The anchors of a page. Of headings that say the same the second gets `-1`, the third `-2`."""
    found, lines = set(), without_fences(text).split("\n")
    for number, line in enumerate(lines):
        heading = HEADING.match(line)
        if heading:
            words = heading.group(2)
        elif number and UNDERLINE.match(line) and lines[number - 1].strip() and not re.match(r"^ {0,3}([>|*+#-]|\d+[.)]|<)", lines[number - 1]):
            words = lines[number - 1]
        else:
            continue
        given = IDENTIFIER.search(words)
        identifier = given.group(1) if given else slug(plain(words))
        unique, count = identifier, 0
        while unique in found and not given:
            count += 1
            unique = f"{identifier}-{count}"
        found.add(unique)
    found.update(re.findall(r"<[a-zA-Z][^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", without_code(text)))
    return found


def targets(text):
    """Everything that a page leads to, with the line it stands in and whether it is an included file."""
    text = without_code(text)
    found = []
    for match in LINK.finditer(text):
        found.append((match.start(), match.group(1) if match.group(1) is not None else match.group(2), False))
    found += [(match.start(), match.group(1), False) for pattern in (DEFINITION, HTML) for match in pattern.finditer(text)]
    found += [(match.start(), match.group(1), True) for match in INCLUDE.finditer(text)]
    return [(text.count("\n", 0, place) + 1, target, included) for place, target, included in sorted(found)]


def main():
    broken = []
    pages = {page.resolve(): page.read_text(encoding="utf-8") for page in sorted(SOURCE.glob("*.md"))}
    known = {}

    def anchors_of(path):
        if path not in known:
            known[path] = anchors(pages[path] if path in pages else path.read_text(encoding="utf-8"))
        return known[path]

    count = 0
    for page, text in pages.items():
        for line, target, included in targets(text):
            if not included and (SCHEME.match(target) or target.startswith("//")):
                continue
            count += 1
            name, _, anchor = (target, "", "") if included else map(unquote, target.partition("#"))
            place = f"{page.relative_to(SOURCE.parent)}:{line}"
            path = (page.parent / name).resolve() if name else page
            if not target:
                broken.append(f"{place}: a link that leads nowhere")
            elif name.startswith("/"):
                broken.append(f"{place}: {target}: not a relative link")
            elif not included and not path.is_relative_to(SOURCE):
                broken.append(f"{place}: {target}: leads out of src, and so nowhere in the built book: say the file's name as code instead")
            elif not path.exists():
                broken.append(f"{place}: {target}: there is no such file")
            elif path.is_dir() and not included and page.name == "SUMMARY.md":
                broken.append(f"{place}: {target}: a folder is no chapter")
            elif anchor and path.suffix == ".md" and anchor not in anchors_of(path):
                broken.append(f"{place}: {target}: there is no heading with the anchor #{anchor}")

    summary = (SOURCE / "SUMMARY.md").resolve()
    if summary not in pages:
        broken.append("src/SUMMARY.md:1: missing")
    else:
        listed = {}
        for line, target, _ in targets(pages[summary]):
            path = (SOURCE / unquote(target.partition("#")[0])).resolve()
            if path in listed:
                broken.append(f"src/SUMMARY.md:{line}: {target}: stands in line {listed[path]} already")
            elif path.exists() and path not in pages:
                broken.append(f"src/SUMMARY.md:{line}: {target}: is no chapter in src")
            listed.setdefault(path, line)
        for page in pages:
            if page != summary and page not in listed:
                broken.append(f"src/{page.name}:1: does not stand in SUMMARY.md")

    for line in broken:
        print(line)
    print(f"{len(pages)} pages, {count} links, {len(broken)} broken", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
