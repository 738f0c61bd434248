"""`fraud rescore` and `fraud diff` as people use them, beside a scorer that runs."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from stream.acls import Grant
from tests.harness.commands import invoked, refusal_of, run
from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.past import GOOD, Past, past, sources_of, verdicts_in
from tests.harness.poison import MALFORMED, transaction
from tests.harness.secured import secured_kafka
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until


@pytest.fixture(scope="module")
def scored(kafka: str, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """A stream with a past of which all tests here take a part."""
    return past(kafka, simulated, tmp_path_factory.mktemp("past"))


def rescored(stream: Stream, model: Path, out: str, *options: str) -> dict[str, Any]:
    """What a run that must succeed says of itself."""
    said: dict[str, Any] = json.loads(
        fraud("rescore", "--model", model, "--out", out, "--json", *options, env=stream.env)
    )
    return said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "from where on"),
        (("--to-offset", "5"), "from where on"),
        (("--from-offset", "0", "--from-time", "2026-01-31T12:00:00Z"), "--from-offset and --from-time"),
        (("--from-offset", "0", "--to-offset", "5", "--to-time", "2026-01-31T12:00:00Z"), "--to-offset and --to-time"),
        (("--from-offset", "-1"), "PARTITION:OFFSET"),
        (("--from-offset", "0:1:2"), "PARTITION:OFFSET"),
        (("--from-offset", "3", "--from-offset", "0:3"), "PARTITION:OFFSET"),
        (("--from-offset", "0:3", "--from-offset", "0:4"), "twice"),
        (("--from-offset", "0", "--to-offset", "end"), "--to-offset 'end'"),
        (("--from-time", "2026-01-31T12:00:00"), "--from-time"),
        (("--from-time", "2026-01-31T12:00:00Z", "--to-time", "2026-01-31T13:00:00+01:00"), "is not after"),
        (("--from-offset", "0", "--out", "transactions"), "'transactions'"),
        (("--from-offset", "0", "--out", "verdicts"), "'verdicts'"),
        (("--from-offset", "0", "--out", "transactions.dlq.replayed"), "'transactions.dlq.replayed'"),
    ],
)
def test_what_is_not_clear_is_refused_before_the_broker_is_asked(options: tuple[str, ...], said: str) -> None:
    assert said in refusal_of("rescore", "--model", "no-such-model", *options, "--bootstrap-servers", "127.0.0.1:1")


def test_a_topic_is_not_compared_with_itself() -> None:
    assert "named twice" in refusal_of("diff", "verdicts", "verdicts", "--bootstrap-servers", "127.0.0.1:1")


def test_a_model_has_to_be_named() -> None:
    assert invoked("rescore", "--from-offset", "0").exit_code == 2


@pytest.mark.kafka
def test_a_scorer_that_runs_does_not_notice(scored: Past, make_topic: Callable[..., str], tmp_path: Path) -> None:
    stream, out = scored.stream, make_topic("again", partitions=3)
    reader = CommittedReader(stream.bootstrap, [stream.verdicts, stream.dead_letters])
    with FraudProcess("score", "--model", scored.models[0], env=stream.env, log=tmp_path / "log") as scorer:
        scorer.wait_until_ready()
        before = (committed_offsets(stream.bootstrap, stream.group, stream.transactions), members(stream))
        ends = end_offsets(stream.bootstrap, stream.transactions)

        said = rescored(stream, scored.models[0], out, "--from-offset", "0")

        after = (committed_offsets(stream.bootstrap, stream.group, stream.transactions), members(stream))
        assert before == after
        assert len(before[1]) == 1
        assert "fraud_rebalances_total 1.0" in scorer.get("/metrics")[1].splitlines()
        stream.produce([transaction(number) for number in range(50)], partitioner="murmur2_random")
        reader.read_until(sum(ends.values()) + 50)
        assert scorer.terminate() == 0
    reader.close()

    assert said["read"] == sum(ends.values())
    assert (said["verdicts"], said["interrupted"], said["go_on_with"]) == (
        said["read"] - len(MALFORMED),
        False,
        None,
    )
    assert said["dead_letters"] == dict.fromkeys(sorted(MALFORMED), 1)
    assert said["ranges"] == [
        {"partition": number, "from": 0, "to": end, "reached": end, "cut": False} for number, end in ends.items()
    ]


@pytest.mark.kafka
def test_a_run_that_is_asked_to_end_says_how_to_go_on_and_each_has_one_verdict(
    scored: Past, make_topic: Callable[..., str], tmp_path: Path
) -> None:
    stream, out, model = scored.stream, make_topic("again"), scored.models[0]
    ends = {str(number): end for number, end in end_offsets(stream.bootstrap, stream.transactions).items()}
    options = ("rescore", "--model", model, "--out", out, "--from-offset", "0")
    reader = CommittedReader(stream.bootstrap, [out])
    with FraudProcess(*options, "--set", "scorer.batch_size=1", env=stream.env, log=tmp_path / "log") as process:
        wait_until(lambda: reader.read() >= 50, within_s=60, what=f"it does not begin:\n{process.log.read_text()}")
        process.process.send_signal(signal.SIGTERM)
        assert process.ended() == 130
    reader.close()
    done = len(verdicts_in(stream, out))
    assert 50 <= done < GOOD

    (line,) = [line for line in process.log.read_text().splitlines() if "interrupted: go on with" in line]
    rest = shlex.split(line.partition("go on with ")[2])
    assert f"--to-offset {rest[3]}" in line
    said = rescored(stream, model, out, *rest)

    assert all(one["to"] == ends[str(one["partition"])] for one in said["ranges"])
    verdicts = verdicts_in(stream, out)
    assert len(verdicts) == done + said["verdicts"]
    assert sources_of(verdicts) == sources_of(verdicts_in(stream, stream.verdicts))


@pytest.mark.kafka
def test_two_models_are_compared(scored: Past, make_topic: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    stream = scored.stream
    same, other = make_topic("same"), make_topic("other")
    for model, out in zip(scored.models, (same, other), strict=True):
        rescored(stream, model, out, "--from-offset", "0", "--to-offset", "200")
    for name, value in stream.env.items():
        monkeypatch.setenv(name, value)

    said = json.loads(run("diff", stream.verdicts, same, "--json", "--fail-on", "changes"))
    assert said["flips"] == {"fraud_to_legitimate": 0, "legitimate_to_fraud": 0}
    assert said["same_probability"] == said["compared"] == said["right"]["verdicts"] > 0
    assert said["largest_changes"] == []
    assert said["left"]["outside"] == said["left"]["verdicts"] - said["compared"] > 0
    assert [one["compared"]["to"] for one in said["coverage"]] == [one["right"]["to"] for one in said["coverage"]]

    found = json.loads(run("diff", same, other, "--json", "--limit", "4"))
    assert sum(found["flips"].values()) > 0
    assert found["compared"] == found["same_ruling"] + sum(found["flips"].values()) == said["compared"]
    assert found["left"]["models"][0]["version"] != found["right"]["models"][0]["version"]
    of_source = {one["source"]["offset"]: one for one in verdicts_in(stream, same) if one["source"]["partition"] == 0}
    for example in found["largest_changes"]:
        if example["source"]["partition"] == 0:
            verdict = of_source[example["source"]["offset"]]
            assert (example["transaction_id"], example["amount"]) == (verdict["transaction_id"], verdict["amount"])
    assert len(found["largest_changes"]) == 4

    for fail_on in ("flips", "changes"):
        failed = invoked("diff", same, other, "--fail-on", fail_on)
        assert failed.exit_code == 1
    table = failed.stdout
    assert f"{found['compared']} transactions with a verdict in both" in table
    assert found["largest_changes"][0]["transaction_id"] in table
    assert found["left"]["models"][0]["version"] in table


@pytest.mark.kafka
def test_a_version_of_the_registry_scores_again_and_the_default_is_the_topic_for_shadow_verdicts(
    scored: Past, tmp_path: Path
) -> None:
    stream = scored.stream
    registry = tmp_path / "registry"
    added = json.loads(fraud("models", "add", scored.models[1], "--registry", registry, "--json"))
    name = f"simulated@{added['version']}"

    printed = fraud(
        "rescore", "--model", name, "--registry", registry, "--from-offset", "1:0", "--to-offset", "1:90",
        env=stream.env,
    )  # fmt: skip

    assert f"90 transactions of {stream.transactions} scored again by simulated version {added['version']}" in printed
    verdicts = verdicts_in(stream, stream.shadow_verdicts)
    assert {one["model"]["version"] for one in verdicts} == {added["version"]}
    assert sources_of(verdicts) == sorted(place for place in scored.good() if place[0] == 1 and place[1] < 90)


@pytest.mark.kafka
def test_a_topic_or_an_offset_that_is_not_there_is_told_in_one_line(scored: Past) -> None:
    stream, model = scored.stream, scored.models[0]
    for options, said in (
        (("--from-offset", "0", "--out", "no-such-topic"), "fraud topics create"),
        (("--from-offset", "0:99999999"), "ends at offset"),
        (("--from-offset", "7:0"), "partition 7"),
    ):
        failed = attempt("rescore", "--model", model, *options, env=stream.env)
        assert (failed.returncode, failed.stdout) == (2, "")
        assert said in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
    failed = attempt("diff", stream.verdicts, "no-such-topic", env=stream.env)
    assert failed.returncode == 2
    assert "no-such-topic" in failed.stderr
    nothing = attempt("diff", stream.verdicts, stream.dead_letters, env=stream.env)
    assert nothing.returncode == 2
    assert f"{stream.dead_letters} has 0 verdicts, and {len(MALFORMED)} other records" in nothing.stderr


@pytest.mark.kafka
def test_it_takes_three_grants_and_no_group(scored: Past, tmp_path: Path) -> None:
    with secured_kafka(tmp_path) as broker:
        stream = new_stream(broker.bootstrap, 1)
        stream.produce(transaction(number) for number in range(20))
        env = {**stream.env, **broker.add_user("replayer")}
        grants = [
            Grant("User:replayer", "Read", "topic", stream.transactions),
            Grant("User:replayer", "Write", "topic", stream.shadow_verdicts),
            Grant("User:replayer", "Write", "transactional-id", f"{stream.group}-rescore-{stream.shadow_verdicts}"),
        ]
        # So that what may not be read or written is there at least.
        seen = [Grant("User:replayer", "Describe", "topic", one.name) for one in grants[:2]]
        command = ("rescore", "--model", scored.models[0], "--from-offset", "0")

        for missing in grants:
            given = [*seen, *(grant for grant in grants if grant != missing)]
            broker.grant(given)
            refused = attempt(*command, env=env)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert missing.name in refused.stderr
            assert "go on with --from-offset 0:0 --to-offset 0:20" in refused.stderr
            broker.take_away(given)

        broker.grant(grants)
        assert "20 verdicts" in fraud(*command, env=env)


def members(stream: Stream) -> set[str]:
    """Who is in the scoring group, by the ids that a rebalance would change."""
    admin = AdminClient({"bootstrap.servers": stream.bootstrap})
    (group,) = admin.describe_consumer_groups([stream.group]).values()
    return {member.member_id for member in group.result().members}
