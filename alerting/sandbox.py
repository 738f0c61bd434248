"""Where templates run: they see what they are given, call nothing, and end.

A bank writes its templates, and a slip in one must neither stop the worker nor take its memory: attributes that begin
with an underscore, calls of Python, multiplied texts, long loops and long outputs are refused.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, Template, Undefined, nodes, select_autoescape
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.budget import (
    LONGEST_OUTPUT,
    MOST_TURNS,
    LoopTooLong,
    OutputTooLong,
    one_rendering,
    require_short,
    spend_call,
    spend_characters,
)
from alerting.template_filters import TURNS, filters, require_text

_LARGEST: Final = 2**63


def open_sandbox(folders: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """The environment that compiles templates.

    Args:
        folders: Where they are; the first that has a file has it.
    """
    environment = _Sandbox(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals.clear()
    environment.filters = filters()
    return environment


def rendered(template: Template, values: dict[str, Any]) -> str:
    """What a template makes of values.

    Raises:
        OutputTooLong: It is longer than `LONGEST_OUTPUT`, or was before it was cut.
        LoopTooLong: Its loops have more than ten thousand turns in all.
        CallsTooMany: Its macros are called more than a thousand times in all.
        Exception: Whatever else a template may raise.
    """
    pieces: list[str] = []
    length = 0
    with one_rendering():
        for piece in template.generate({**values, "range": _Range()}):
            length += len(piece)
            if length > LONGEST_OUTPUT:
                raise OutputTooLong(f"more than {LONGEST_OUTPUT} characters")
            pieces.append(piece)
    return "".join(pieces)


class _Range:
    """`range`, as far as a loop may count."""

    def __call__(self, *bounds: int) -> range:
        turns = range(*bounds)
        if len(turns) > MOST_TURNS:
            raise LoopTooLong(f"range counts further than {MOST_TURNS}")
        return turns


def _written(value: Any) -> Any:
    """Passes on what stands between braces; what is undefined says so itself."""
    if isinstance(value, str):
        spend_characters(len(value))
    elif not isinstance(value, Undefined):
        require_text(value)
        spend_characters(len(str(value)))
    return value


class _Generator(CodeGenerator):
    """Compiles `~` to something that can be bounded."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 (the name is Jinja's)
        """As Jinja's own, but through the environment."""
        self.write("environment.concatenated(")
        self.write("markup_join" if frame.eval_ctx.autoescape else "str_join")
        self.write(", (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Sandbox(ImmutableSandboxedEnvironment):
    code_generator_class = _Generator
    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def is_safe_callable(self, obj: Any) -> bool:
        # No method of a text or a date: it can be asked for any number of characters. What is undefined says so itself.
        return isinstance(obj, Macro | BlockReference | _Range | Undefined)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 (as Jinja's)
        spend_call()
        made = super().call(__context, __obj, *args, **kwargs)
        if isinstance(made, str):
            spend_characters(len(made))
        return made

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if all(isinstance(value, int | float) for value in (left, right)):
            if operator == "**" or max(abs(left), abs(right)) > _LARGEST:
                raise SecurityError("numbers are no larger than 2^63, and there is no '**'")
        elif operator != "+":
            raise SecurityError(f"'{operator}' takes numbers only, and '**' none")
        elif isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            require_short(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def concatenated(self, how: Callable[[Sequence[Any]], str], parts: Sequence[Any]) -> str:
        """What `~` makes of its parts."""
        for part in parts:
            require_text(part)
        require_short(sum(len(part) for part in parts if isinstance(part, str)))
        made = how(parts)
        spend_characters(len(made))
        return made

    def _load_template(self, name: str, globals: MutableMapping[str, Any] | None) -> Template:  # noqa: A002
        spend_call()
        return super()._load_template(name, globals)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            literal = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
            loop.iter = nodes.Filter(loop.iter, TURNS, [nodes.Const(literal)], [], None, None, lineno=loop.lineno)
        tree.set_environment(self)
        return tree
