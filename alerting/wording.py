"""Reasons, severities and figures in the words of one language (pure)."""

from __future__ import annotations

import re
from typing import Final

from alerting.figures import Figures
from alerting.text import one_line
from alerting.words import Phrase, Words
from stream.contracts import Reason

_LONGEST_NAME_SHOWN: Final = 60
_DAYS: Final = "{days}"


class Wording:
    """One language.

    Args:
        words: Its table, a bank's additions included.

    Attributes:
        figures: Amounts, shares and times.
        plain: What is said where a template cannot be used.
    """

    def __init__(self, words: Words) -> None:
        self.figures: Final = Figures(words.figures)
        self.plain: Final = words.plain
        self._severities = words.severities
        self._sentences = words.reasons
        self._phrases = {name.lower(): phrase for name, phrase in words.features.items()}
        self._of_days = {_pattern(name): phrase for name, phrase in self._phrases.items() if _DAYS in name}

    def severity(self, name: str) -> str:
        """A band of the routing file's, as it is called in this language."""
        return self._severities.get(name, one_line(name, _LONGEST_NAME_SHOWN))

    def reason(self, reason: Reason) -> str:
        """What raised the probability, and by how much: no feature's name where the table has words for it."""
        points = self.figures.points(reason.contribution)
        phrase, days = self._phrase(reason.feature.lower())
        text = None if phrase is None else _chosen(phrase, reason.value)
        if phrase is not None and text is not None:
            what = text.format(value=self._shown(reason.value, phrase), days=days)
            return self._sentences.known.format(what=what, points=points)
        feature = one_line(reason.feature, _LONGEST_NAME_SHOWN)
        if reason.value is None:
            return self._sentences.missing.format(feature=feature, points=points)
        return self._sentences.unknown.format(feature=feature, value=self.figures.number(reason.value), points=points)

    def _phrase(self, feature: str) -> tuple[Phrase | None, str]:
        if (phrase := self._phrases.get(feature)) is not None:
            return phrase, ""
        matches = ((pattern.fullmatch(feature), phrase) for pattern, phrase in self._of_days.items())
        return next(((phrase, match[1]) for match, phrase in matches if match), (None, ""))

    def _shown(self, value: float | None, phrase: Phrase) -> str:
        if value is None:
            return ""
        match phrase.shown:
            case "count":
                return self.figures.count(value)
            case "money":
                return self.figures.figure(value)
            case "percent":
                return self.figures.percent(value)
            case "number":
                return self.figures.number(value)


def _chosen(phrase: Phrase, value: float | None) -> str | None:
    if value is None:
        return phrase.missing
    return phrase.zero if value == 0 and phrase.zero is not None else phrase.text


def _pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(_DAYS)
    return re.compile(f"{re.escape(before)}([0-9]{{1,4}}){re.escape(after)}")
