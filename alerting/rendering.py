"""What is said of an alert or a digest, from templates: to analysts and account holders, in their language.

The same input gives the same bytes. Nothing that comes through the stream breaks a text's form: one line stays one
line, a text message's alphabet and length hold. A template that fails is replaced by a plain text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from alerting.alert import Alert
from alerting.catalog import SHIPPED, Catalog, Kind, Part, is_folder
from alerting.digest import Digest
from alerting.facts import LONGEST_SHOWN, AlertFacts, DigestFacts, Links, alert_facts, digest_facts, reasons_in_words
from alerting.locales import fallbacks
from alerting.messages import Content
from alerting.payloads import alert_payload, digest_payload
from alerting.shapes import LONGEST_SHORT, as_short, as_subject, as_text, shaped
from alerting.template_checks import check_templates
from alerting.text import ONE_SEGMENT, REFERENCE_SEPTETS, gsm7, septets
from alerting.wording import Wording
from alerting.words import load_words

# Of a language, and ids of so many characters at most.
_FactsOf = Callable[[str, int], AlertFacts | DigestFacts]

NO_LINKS: Final = Links()
# A customer is told nothing of the bank's templates.
_HOLDER: Final = "holder"
# Septets of a link in a text message.
_LONGEST_LINK: Final = 100
# Characters of an id in a text message: fewer where that makes it one segment.
_SHOWN_IN_SHORT: Final = (LONGEST_SHOWN, 24, 12)


@dataclass(frozen=True, slots=True)
class TemplateFailure:
    """A template that could not be used at run time, for a metric and a log line.

    Attributes:
        template: Where it stands in its folder; of one that no language has, what was looked for.
        error: The error's class; its words might quote values.
    """

    template: str
    error: str


class Renderer:
    """Writes what channels send. May be used by several threads at once.

    Args:
        folder: A bank's own templates and words, in front of the shipped ones file by file; None has none.
        on_failure: Told of every template that could not be used.
    """

    def __init__(
        self, folder: Path | None = None, *, on_failure: Callable[[TemplateFailure], None] = lambda _: None
    ) -> None:
        words, self._wrong_words = load_words(SHIPPED, folder if folder is not None and is_folder(folder) else None)
        self._wordings = {locale: Wording(of_locale) for locale, of_locale in words.items()}
        self._catalog = Catalog(folder)
        self._on_failure = on_failure

    @property
    def templates(self) -> frozenset[str]:
        """Names that a receiver may have as its template."""
        return self._catalog.templates

    @property
    def locales(self) -> frozenset[str]:
        """Languages that words or templates are written in, in canonical spelling."""
        return self._catalog.locales | self._wordings.keys()

    def problems(self) -> list[str]:
        """All that is wrong: file, line where there is one, what. Every template is rendered for it."""
        return [*self._wrong_words, *self._catalog.problems, *check_templates(self._catalog, self._wording)]

    def render_alert(self, alert: Alert, *, template: str, locale: str, links: Links = NO_LINKS) -> Content:
        """What is said of an alert.

        Args:
            alert: The fraud.
            template: Whom it speaks to.
            locale: The reader's language: `de-AT` is told in `de` where there is nothing nearer, then in `en`.
            links: What the reader can do.
        """

        def facts(language: str, longest: int) -> AlertFacts:
            return alert_facts(alert, self._wording(language), longest=longest)

        reasons = reasons_in_words(alert.verdict, self._wording(locale))
        notice = _Notice(self._catalog, Kind.ALERT, cache(facts), template, locale, links)
        return self._content(notice, alert_payload(alert, reasons, acknowledge_url=notice.acknowledge_url))

    def render_digest(self, digest: Digest, *, template: str, locale: str, links: Links = NO_LINKS) -> Content:
        """What is said of a digest; arguments as for `render_alert`."""

        def facts(language: str, longest: int) -> DigestFacts:
            return digest_facts(digest, self._wording(language), longest=longest)

        notice = _Notice(self._catalog, Kind.DIGEST, cache(facts), template, locale, links)
        return self._content(notice, digest_payload(digest, acknowledge_url=notice.acknowledge_url))

    def _wording(self, locale: str) -> Wording:
        return next(self._wordings[each] for each in fallbacks(locale) if each in self._wordings)

    def _content(self, notice: _Notice, payload: bytes) -> Content:
        subject, text, html = (notice.written(part) for part in (Part.SUBJECT, Part.TEXT, Part.HTML))
        short = _shortest(notice)
        wording = self._wording(notice.locale)
        for failure in notice.failures:
            self._on_failure(failure)
        notes = [] if notice.template == _HOLDER else [_note(failure, wording) for failure in notice.failures]
        plain = _plain(notice.facts(notice.locale, LONGEST_SHOWN), wording)
        # Whatever became of the templates, the alert can be answered.
        answered_at = [notice.acknowledge_url] if text is None and notice.acknowledge_url else []
        return Content(
            subject=subject or as_subject(plain),
            short=notice.with_answer(short or "; ".join([plain, *notes[-1:]])),
            text=as_text("\n\n".join([text or plain, *answered_at, *notes])),
            html=html,
            payload=payload,
        )


@dataclass(slots=True)
class _Notice:
    """The texts of one notice, and the templates that failed at them."""

    catalog: Catalog
    kind: Kind
    facts: _FactsOf
    template: str
    locale: str
    links: Links
    failures: list[TemplateFailure] = field(default_factory=list)

    @property
    def acknowledge_url(self) -> str | None:
        """Where the notice is answered; None where it is not."""
        return self.links.acknowledge or None

    @property
    def answer(self) -> str:
        """What a text message ends with: the short link, or, where a bank's address is long, the code alone."""
        return f" {self.links.short if septets(gsm7(self.links.short)) <= _LONGEST_LINK else self.links.code}".rstrip()

    def with_answer(self, short: str) -> str:
        """A text message, with the link at its end whole, unless the template has put one where it wants it."""
        if any(one and one in short for one in (self.links.acknowledge, self.links.short, self.links.code)):
            return as_short(short)
        return as_short(short, room=LONGEST_SHORT - septets(self.answer)) + self.answer

    def written(self, part: Part, longest: int = LONGEST_SHOWN) -> str | None:
        """What the template wrote, in the part's form; None where it could not, or need not."""
        file = self.catalog.find(self.template, self.kind, part, self.locale)
        if file is None:
            if part is not Part.HTML:
                name = f"{self.template}/{self.kind}/{part}.j2"
                self.failures.append(TemplateFailure(name, "TemplateNotFound"))
            return None
        try:
            values = {self.kind.value: self.facts(file.locale, longest), "links": self.links, "locale": file.locale}
            return shaped(part, self.catalog.run(file, values))
        except Exception as failure:  # noqa: BLE001 (whatever a template may raise, people are told)
            self.failures.append(TemplateFailure(file.name, failure.__class__.__name__))
            return None


def _shortest(notice: _Notice) -> str | None:
    """One segment where shorter ids make it one; else two, with ids as long as they may be."""
    longest: str | None = None
    for shown in _SHOWN_IN_SHORT:
        short = notice.written(Part.SMS, shown)
        if short is None or septets(short) + septets(notice.answer) <= ONE_SEGMENT - REFERENCE_SEPTETS:
            return short
        longest = longest or short
    return longest


def _plain(facts: AlertFacts | DigestFacts, wording: Wording) -> str:
    if isinstance(facts, AlertFacts):
        return wording.plain.alert.format(
            amount=facts.amount, account=facts.account or "?", time=facts.time, transaction=facts.transaction
        )
    return wording.plain.digest.format(count=facts.count_text, sums=facts.total, span=facts.span)


def _note(failure: TemplateFailure, wording: Wording) -> str:
    return wording.plain.failed.format(template=failure.template, error=failure.error)
