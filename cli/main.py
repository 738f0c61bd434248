"""The command `fraud`: its commands, and what an error becomes: a line for each problem, and an exit status.

Exit status: 0 done; 1 failed, start again; 2 for the user to mend; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Final

import typer
from confluent_kafka import KafkaException

from alerting.errors import each_of
from cli import alerts, config, dlq, models, topics
from cli.alert import alert
from cli.console import say_error
from cli.diff import diff
from cli.evaluate import evaluate
from cli.explain import explain
from cli.plan import plan
from cli.produce import produce
from cli.rescore import rescore
from cli.score import score
from cli.simulate import simulate
from cli.train import train
from stream.errors import Mendable, WorkerFailed

EXTRAS: Final = {
    "pandas": "train",
    "pyarrow": "train",
    "imblearn": "train",
    "sklearn": "train",
    "scipy": "train",
    "joblib": "train",
    "threadpoolctl": "train",
    "cryptography": "signing",
    "boto3": "s3",
    "twilio": "alerts",
    "yaml": "alerts",
    "phonenumbers": "alerts",
    "email_validator": "alerts",
    "jinja2": "alerts",
}

_HOUSE: Final = Path(__file__).parents[1]

app = typer.Typer(
    name="fraud",
    help="Learn from labelled transactions, score the live stream exactly once, reach people.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (train, evaluate, explain, simulate, produce, score, rescore, diff, alert, plan):
    app.command()(command)
app.add_typer(models.app, name="models")
app.add_typer(topics.app, name="topics")
app.add_typer(dlq.app, name="dlq")
app.add_typer(alerts.app, name="alerts")
app.add_typer(config.app, name="config")


def run() -> None:
    """Runs the command and exits."""
    sys.exit(_status())


def _status() -> int:  # noqa: PLR0911 (one for each kind of error)
    try:
        app()
    except Mendable as mendable:
        _say(mendable)
        return 2
    except ModuleNotFoundError as missing:
        say_error(str(_without_extra(missing)))
        return 2
    except WorkerFailed as failure:
        say_error(str(failure))
        return 1
    except KafkaException as failure:
        say_error(f"the Kafka client failed: {failure.args[0]}")
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as failure:
        _let_go_of_stdout()
        say_error(f"the system refused: {failure.strerror or type(failure).__name__}{_where(failure)}")
        return 1
    except Exception as defect:  # noqa: BLE001 (a traceback's last line may quote an account, or a secret)
        say_error(f"a defect of this program, {type(defect).__name__}{_where(defect)}: report it with the command")
        return 1
    return 0


def _say(mendable: Mendable) -> None:
    """What is wrong, a line each, and behind what belongs together what to do about it."""
    for flaw in each_of(mendable):
        if len(flaw.problems) == 1:
            say_error(str(flaw))
            continue
        for problem in flaw.problems:
            say_error(problem)
        say_error(flaw.remedy)


def _where(failure: BaseException) -> str:
    """Files and lines of ours that came to it."""
    ours = [
        f"{Path(frame.f_code.co_filename).name}:{line}"
        for frame, line in traceback.walk_tb(failure.__traceback__)
        if Path(frame.f_code.co_filename).is_relative_to(_HOUSE)
    ]
    return f" ({' > '.join(ours[-3:])})" if ours else ""


def _let_go_of_stdout() -> None:
    """What could not be written to a full disk is not tried again at the process's end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _without_extra(missing: ModuleNotFoundError) -> Mendable:
    """A package of an extra that this image does without; anything else is a defect of ours."""
    extra = EXTRAS.get((missing.name or "").partition(".")[0])
    if extra is None:
        raise missing
    return Mendable(f"package {missing.name!r} is not installed", remedy=f"pip install 'fraudstream[{extra}]'")


if __name__ == "__main__":
    run()
