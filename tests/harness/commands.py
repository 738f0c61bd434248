"""Commands in this process: quick, and what they print in reach; and a small labelled file to give them."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from cli.main import app
from model.errors import Mendable

PROFILE = """
name = "small"
id = "id"
label = "fraud"
amount = "amount"
account = "account"
inputs = ["amount", "risk", "noise"]
[time]
column = "at"
"""
# For `fraud train`: small, and no search.
QUICK = ("--trees", "12", "--budget", "0", "--known-fraud", "keep", "--folds", "2")


def invoked(*arguments: str | Path) -> Result:
    """A command that may fail."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run(*arguments: str | Path) -> str:
    """What a command that must succeed prints to stdout."""
    result = invoked(*arguments)
    assert result.exception is None, result.exception
    return result.stdout


def refusal_of(*arguments: str | Path) -> str:
    """What a command says that the user must mend; it prints nothing to stdout."""
    result = invoked(*arguments)
    assert isinstance(result.exception, Mendable), result.exception
    assert result.stdout == ""
    said = str(result.exception)
    assert "\n" not in said
    return said
