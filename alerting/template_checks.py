"""Every template, tried on alerts and digests that never were, before anybody depends on it."""

from __future__ import annotations

import dataclasses
import re
import traceback
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Final

from jinja2 import TemplateNotFound

from alerting.catalog import Catalog, Kind, Part, TemplateFile
from alerting.facts import AlertFacts, DigestFacts, LineFacts, Links, alert_facts, digest_facts
from alerting.shapes import LONGEST_SHORT, shaped
from alerting.specimens import ALERTS, DIGESTS, LINKS, MARKUP
from alerting.text import gsm7, septets
from alerting.wording import Wording

_UNKNOWN: Final = re.compile(r"(?:has no attribute |Error: )'(\w+)'")
_CLASS: Final = re.compile(r"'(?:\w+\.)*(\w+)(?: object'|' object)")
_OBJECT: Final = re.compile(r"<[^>]* at 0x[0-9a-f]+>|<(?:class|function|bound method|built-in method)[^>]*>")
_NAMES: Final = {"AlertFacts": "alert", "DigestFacts": "digest", "LineFacts": "line", "Links": "links"}
_KNOWN: Final = sorted(
    {"alert", "digest", "links", "locale"}
    | {each.name for facts in (AlertFacts, DigestFacts, LineFacts, Links) for each in dataclasses.fields(facts)}
)


def check_templates(catalog: Catalog, wording: Callable[[str], Wording]) -> list[str]:
    """What is wrong with those that can be compiled: file, line where there is one, and what.

    Args:
        catalog: The templates.
        wording: Of a locale.
    """
    found = (_problem(catalog, file, wording(file.locale)) for file in catalog.files() if catalog.is_compiled(file))
    return [problem for problem in found if problem is not None]


def _problem(catalog: Catalog, file: TemplateFile, wording: Wording) -> str | None:
    """The first that is found."""
    for specimen, facts in _specimens(file.kind, wording):
        for links in LINKS:
            try:
                written = catalog.run(file, {file.kind.value: facts, "links": links, "locale": file.locale})
                flaw = _flaw(file.part, written, is_usual=specimen.startswith("a usual") and links == LINKS[0])
            except Exception as failure:  # noqa: BLE001 (whatever a template may raise is its problem)
                return f"{_place(failure, catalog) or file.name}: {_said(failure)} (rendered for {specimen})"
            if flaw is not None:
                return f"{file.name}: {flaw} (rendered for {specimen})"
    return None


def _specimens(kind: Kind, wording: Wording) -> Iterator[tuple[str, AlertFacts | DigestFacts]]:
    if kind is Kind.ALERT:
        return ((name, alert_facts(alert, wording)) for name, alert in ALERTS.items())
    return ((name, digest_facts(digest, wording)) for name, digest in DIGESTS.items())


def _flaw(part: Part, written: str, *, is_usual: bool) -> str | None:
    """What is wrong with a text that was written.

    Raises:
        OutputEmpty: There is nothing in it.
    """
    if part is Part.HTML:
        return "it shows a value without escaping it" if MARKUP in written else None
    shaped(part, written)
    if part is not Part.SMS or not is_usual:
        return None
    if lost := sorted({each for each in written if each not in "?\n" and gsm7(each) == "?"}):
        return f"text messages have no {', '.join(map(repr, lost))}"
    taken = septets(gsm7(" ".join(written.split())))
    return f"it takes {taken} septets; {LONGEST_SHORT} at most are sent" if taken > LONGEST_SHORT else None


def _place(failure: Exception, catalog: Catalog) -> str | None:
    """File and line of the template that the error came from; Jinja puts them into the traceback."""
    places = [
        f"{name}, line {line}"
        for frame, line in traceback.walk_tb(failure.__traceback__)
        if (name := catalog.name_of(frame.f_code.co_filename)) is not None
    ]
    return places[-1] if places else None


def _said(failure: Exception) -> str:
    # Where templates are looked for is nobody's business.
    what = f"'{failure.name}' not found" if isinstance(failure, TemplateNotFound) else str(failure)
    said = f"{failure.__class__.__name__}: {what}"
    unknown = _UNKNOWN.search(said)
    nearest = get_close_matches(unknown[1], _KNOWN, n=1) if unknown else []
    shown = _without_internals(said)
    return f"{shown}; the nearest that there is: {nearest[0]}" if nearest else shown


def _without_internals(said: str) -> str:
    """Python's words for what stands behind a name, in those of whoever writes templates."""
    named = _CLASS.sub(lambda found: f"'{_NAMES.get(found[1], found[1])}'", said)
    return _OBJECT.sub("what is called there", named)
