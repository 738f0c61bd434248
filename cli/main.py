"""The command `fraud`: its commands, and what an error becomes: one line and an exit status.

Exit status: 0 done; 1 failed, start again; 2 for the user to mend; 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Final

import typer
from confluent_kafka import KafkaException

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
    try:
        app()
    except Mendable as mendable:
        say_error(str(mendable))
        sys.exit(2)
    except ModuleNotFoundError as missing:
        say_error(str(_without_extra(missing)))
        sys.exit(2)
    except WorkerFailed as failure:
        say_error(str(failure))
        sys.exit(1)
    except KafkaException as failure:
        say_error(f"the Kafka client failed: {failure.args[0]}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _without_extra(missing: ModuleNotFoundError) -> Mendable:
    """A package of an extra that this image does without; anything else is a defect of ours."""
    extra = EXTRAS.get((missing.name or "").partition(".")[0])
    if extra is None:
        raise missing
    return Mendable(f"package {missing.name!r} is not installed", remedy=f"pip install 'fraudstream[{extra}]'")


if __name__ == "__main__":
    run()
