"""Which template is taken for whom: the shipped files, and a bank's own in front of them, file by file.

A file stands at `<locale>/<template>/<alert or digest>/<part>.j2`; those beside the locales, and in folders that begin
with an underscore, are for `extends` and `include`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from jinja2 import Template, TemplateError, TemplateSyntaxError

from alerting.files import shown_path
from alerting.locales import canonical, fallbacks
from alerting.sandbox import open_sandbox, rendered
from alerting.words import WORDS_FILE, flaw_of_locale

_SUFFIXES: Final = frozenset({".j2", ".txt", ".html", ".toml"})
SHIPPED: Final = Path(__file__).with_name("templates")


class Kind(StrEnum):
    """What is told of."""

    ALERT = "alert"
    DIGEST = "digest"


class Part(StrEnum):
    """What is written; HTML may be left out."""

    SUBJECT = "subject.txt"
    SMS = "sms.txt"
    TEXT = "body.txt"
    HTML = "body.html"


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One file.

    Attributes:
        locale: Its language, in canonical spelling.
        template: Whom it speaks to.
        kind: What it tells of.
        part: What it writes.
        name: Where it stands in its folder.
    """

    locale: str
    template: str
    kind: Kind
    part: Part
    name: str


class Catalog:
    """All templates, compiled. May be used by several threads at once.

    Args:
        own: A bank's folder.

    Attributes:
        problems: What is wrong with the folder, and with the files' names and syntax.
    """

    def __init__(self, own: Path | None) -> None:
        self.problems: Final[list[str]] = []
        if own is not None and not is_folder(own):
            self.problems.append(f"folder of templates {shown_path(own)} is none")
            own = None
        self._folders = [SHIPPED] if own is None else [own, SHIPPED]
        self._environment = open_sandbox(self._folders)
        self._files: dict[tuple[str, Kind, Part], dict[str, TemplateFile]] = {}
        self._compiled: dict[str, Template] = {}
        for folder in self._folders:
            for file in self._found(folder):
                self._files.setdefault((file.template, file.kind, file.part), {}).setdefault(file.locale, file)
        for file in self.files():
            self._compile(file)
        self.problems.extend(self._missing())

    @property
    def templates(self) -> frozenset[str]:
        """Their names."""
        return frozenset(template for template, _, _ in self._files)

    @property
    def locales(self) -> frozenset[str]:
        """Languages, in canonical spelling."""
        return frozenset(file.locale for file in self.files())

    def files(self) -> Iterator[TemplateFile]:
        """Those that are in use."""
        return (file for by_locale in self._files.values() for file in by_locale.values())

    def find(self, template: str, kind: Kind, part: Part, locale: str) -> TemplateFile | None:
        """The file for a reader, in another language where there is none in theirs; None where there is none at all."""
        by_locale = self._files.get((template, kind, part), {})
        wanted = (by_locale[each] for each in fallbacks(locale) if each in by_locale)
        return next(wanted, None) or next((by_locale[each] for each in sorted(by_locale)), None)

    def run(self, file: TemplateFile, values: Mapping[str, Any]) -> str:
        """What a file makes of values.

        Raises:
            Exception: Whatever a template may raise, a syntax error included.
        """
        compiled = self._compiled.get(file.name) or self._environment.get_template(file.name)
        return rendered(compiled, dict(values))

    def is_compiled(self, file: TemplateFile) -> bool:
        """Whether it could be; where not, it is among the problems."""
        return file.name in self._compiled

    def name_of(self, path: str) -> str | None:
        """Where a file stands in its folder; None for what is no template."""
        return next(
            (
                Path(path).relative_to(folder).as_posix()
                for folder in self._folders
                if Path(path).is_relative_to(folder)
            ),
            None,
        )

    def _found(self, folder: Path) -> Iterator[TemplateFile]:
        # Not with "**", which does not follow the links that Kubernetes mounts a folder by.
        for pattern in ("*/*", "*/*/*", "*/*/*/*"):
            for path in sorted(folder.glob(pattern)):
                name = path.relative_to(folder).as_posix()
                if name.startswith((".", "_")) or path.suffix not in _SUFFIXES or path.name == WORDS_FILE:
                    continue
                file = _template_file(name)
                if file is None:
                    kinds, parts = " or ".join(Kind), ", ".join(f"{part}.j2" for part in Part)
                    self.problems.append(f"{name}: no such template; there is <locale>/<template>/{kinds}/{parts}")
                elif (problem := flaw_of_locale(name)) is not None:
                    self.problems.append(problem)
                else:
                    yield file

    def _compile(self, file: TemplateFile) -> None:
        try:
            self._compiled[file.name] = self._environment.get_template(file.name)
        except TemplateSyntaxError as refusal:
            self.problems.append(f"{file.name}, line {refusal.lineno}: {refusal.message}")
        except (TemplateError, OSError, ValueError) as refusal:
            self.problems.append(f"{file.name}: it cannot be read ({refusal.__class__.__name__})")

    def _missing(self) -> Iterator[str]:
        for template in sorted(self.templates):
            for kind in Kind:
                for part in set(Part) - {Part.HTML}:
                    if (template, kind, part) not in self._files:
                        yield f"template '{template}' has no {kind}/{part}.j2 in any language"


def is_folder(path: Path) -> bool:
    """Whether it is one; what no file can be called is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _template_file(name: str) -> TemplateFile | None:
    parts = name.removesuffix(".j2").split("/")
    if not name.endswith(".j2") or len(parts) != 4 or parts[2] not in set(Kind) or parts[3] not in set(Part):
        return None
    return TemplateFile(canonical(parts[0]), parts[1], Kind(parts[2]), Part(parts[3]), name)
