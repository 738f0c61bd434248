"""The printed grants are what it takes, and nothing less will do: on a real broker with Kafka's own authorizer."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from stream import kafka as clients
from stream.acls import (
    Grant,
    PrincipalUnclear,
    alert_grants,
    desk_grants,
    operator_grants,
    scorer_grants,
    shell_line,
)
from stream.contracts import VERDICT_HEADER, Ruling
from stream.records import first_header, record_of
from stream.settings import KafkaSettings, ScorerSettings, TopicSettings
from tests.alerting.verdicts import verdict
from tests.alerting.webhooks import SECRET
from tests.harness.commands import refusal_of, run
from tests.harness.fraud import FraudProcess, attempt, fraud
from tests.harness.secured import SecuredKafka, secured_kafka
from tests.harness.topics import CommittedReader, Stream, committed_offsets, end_offsets, new_stream
from tests.harness.waiting import wait_until

TOPICS = TopicSettings(transactions="in", verdicts="out", dead_letters="bad", shadow_verdicts="beside")
SUBJECT = r"User:CN=scorer,OU=Fraud\, cards,O=Bank"
EVERY = 20  # each twentieth record is malformed


def test_a_scorer_reads_one_topic_in_one_group_and_writes_two_in_its_transactions() -> None:
    grants = scorer_grants("User:s", TOPICS, ScorerSettings(group_id="g", slot=12), shadow=False)

    assert grants == [
        Grant("User:s", "Read", "topic", "in"),
        Grant("User:s", "Write", "topic", "out"),
        Grant("User:s", "Write", "topic", "bad"),
        Grant("User:s", "Read", "group", "g"),
        Grant("User:s", "Write", "transactional-id", "g-", "prefixed"),
    ]


def test_only_a_scorer_with_a_challenger_writes_shadow_verdicts() -> None:
    with_it, without = (scorer_grants("User:s", TOPICS, ScorerSettings(), shadow=shadow) for shadow in (True, False))

    assert [grant for grant in with_it if grant not in without] == [Grant("User:s", "Write", "topic", "beside")]


@pytest.mark.parametrize("slot", [0, 7, 100])
def test_the_transactional_ids_of_all_slots_are_granted(slot: int) -> None:
    *_, ids = scorer_grants("User:s", TOPICS, ScorerSettings(slot=0), shadow=False)

    assert ScorerSettings(slot=slot).transactional_id.startswith(ids.name)


@pytest.mark.parametrize("principal", ["scorer", ":scorer", "User:", "User: ", "User:*", "", "a b:c"])
def test_a_principal_is_a_type_and_one_name(principal: str) -> None:
    with pytest.raises(PrincipalUnclear):
        operator_grants(principal, ["in"])
    with pytest.raises(PrincipalUnclear):
        alert_grants(principal, TOPICS, "g")
    with pytest.raises(PrincipalUnclear):
        scorer_grants(principal, TOPICS, ScorerSettings(), shadow=False)


def test_a_line_for_the_shell_is_one_call_of_kafkas_tool() -> None:
    *_, topic, ids = (
        Grant(SUBJECT, "Write", "topic", "out"),
        Grant(SUBJECT, "Write", "transactional-id", "g-", "prefixed"),
    )

    begin = [
        "kafka-acls.sh",
        "--bootstrap-server",
        "b:1",
        "--add",
        "--allow-principal",
        SUBJECT,
        "--operation",
        "Write",
    ]
    assert shlex.split(shell_line(topic, "b:1")) == [*begin, "--topic", "out"]
    assert shlex.split(shell_line(ids, "b:1")) == [
        *begin,
        *("--transactional-id", "g-", "--resource-pattern-type", "prefixed"),
    ]


def test_the_command_prints_the_same_in_three_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUD_TOPICS__VERDICTS", "rulings")
    asked = ("topics", "acls", "--principal", "User:s", "--alert-principal", SUBJECT, "--operator", "User:ops")

    grants = [Grant(**grant) for grant in json.loads(run(*asked, "--json"))["grants"]]
    table = run(*asked)

    topics = TopicSettings(verdicts="rulings")
    made = [topics.transactions, "rulings", topics.dead_letters, topics.alert_dead_letters]
    made += [topics.alert_ledger, topics.alert_silences, topics.labels, topics.shadow_verdicts]
    assert grants == [
        *scorer_grants("User:s", topics, ScorerSettings(), shadow=False),
        *alert_grants(SUBJECT, topics, "fraud-alerts"),
        *operator_grants("User:ops", [*made, topics.replayed_dead_letters]),
    ]
    assert run(*asked, "--shell").splitlines() == [shell_line(grant, "localhost:9092") for grant in grants]
    assert all(grant.name in table for grant in grants)
    assert "fraud-scorer-*" in table
    assert "verdicts.shadow" not in run("topics", "acls", "--principal", "User:s")
    assert "verdicts.shadow" in run("topics", "acls", "--principal", "User:s", "--shadow")


def test_the_desk_may_send_again_and_score_again_but_rule_on_nothing() -> None:
    topics = TopicSettings()
    grants = {(one.operation, one.name) for one in desk_grants("User:d", topics, ScorerSettings())}

    assert ("Write", topics.verdicts) not in grants
    assert ("Write", topics.dead_letters) not in grants
    assert {("Write", topics.transactions), ("Read", topics.dead_letters), ("Write", topics.shadow_verdicts)} <= grants


def test_two_forms_at_once_are_refused() -> None:
    assert "--shell and --json" in refusal_of("topics", "acls", "--principal", "User:s", "--shell", "--json")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture
def stream(secured: SecuredKafka) -> Stream:
    return new_stream(secured.bootstrap, 2)


def printed(stream: Stream, *options: str) -> list[Grant]:
    """What `fraud topics acls` says of this stream's topics and groups."""
    said = json.loads(fraud("topics", "acls", *options, "--json", env=stream.env))
    return [Grant(**grant) for grant in said["grants"]]


def user(secured: SecuredKafka, stream: Stream) -> tuple[str, dict[str, str]]:
    """A user for this stream alone: the principal, and the settings of a process that logs in so."""
    name = f"user-of-{stream.group}"
    return f"User:{name}", {**stream.env, **secured.add_user(name)}


def transactions(first: int, count: int) -> list[dict[str, object]]:
    return [
        {
            "key": f"account-{number % 7}".encode(),
            "value": b"{"
            if number % EVERY == 3
            else json.dumps({"transaction_id": f"t-{number}", "event_time": 1_700_000_000_000, "amount": 5}).encode(),
        }
        for number in range(first, first + count)
    ]


def require_each_answered_once(secured: SecuredKafka, stream: Stream) -> None:
    """Each transaction has one verdict or one dead letter, and the group's offsets say so."""
    ends = end_offsets(secured.bootstrap, stream.transactions)
    reader = CommittedReader(secured.bootstrap, [stream.verdicts, stream.dead_letters])
    reader.read_until(sum(ends.values()))
    wait_until(
        lambda: committed_offsets(secured.bootstrap, stream.group, stream.transactions) == ends,
        within_s=30,
        what="the group has not committed all it answered",
    )
    answers = [record_of(message) for message in reader.read_to_end()]
    reader.close()
    places: Counter[tuple[int, int]] = Counter()
    for answer in answers:
        if answer.topic == stream.verdicts:
            source = json.loads(answer.value or b"")["source"]
            places[source["partition"], source["offset"]] += 1
        else:
            partition, offset = (
                int(first_header(answer.headers, f"dead-letter-source-{part}") or b"")
                for part in ("partition", "offset")
            )
            places[partition, offset] += 1
    assert places == {(partition, offset): 1 for partition, end in ends.items() for offset in range(end)}
    assert {answer.topic for answer in answers} == {stream.verdicts, stream.dead_letters}


def settings_of(env: dict[str, str], secured: SecuredKafka) -> KafkaSettings:
    """The same for clients of the test's own."""
    prefix = "FRAUD_KAFKA__"
    given = {name.removeprefix(prefix).lower(): value for name, value in env.items() if name.startswith(prefix)}
    if file := given.pop("sasl_password_file", None):
        given["sasl_password"] = Path(file).read_text().strip()
    return KafkaSettings.model_validate(given)


@pytest.mark.kafka
@pytest.mark.parametrize("door", ["SCRAM over TLS", "mutual TLS"])
def test_with_the_printed_grants_every_transaction_is_answered_once_and_nothing_else_is_allowed(
    door: str, secured: SecuredKafka, stream: Stream, trained_model: Path, tmp_path: Path
) -> None:
    if door == "mutual TLS":
        principal, entry = secured.certificate("scorer")
        env = {**stream.env, **entry}
    else:
        principal, env = user(secured, stream)
    secured.grant(printed(stream, "--principal", principal))
    env["FRAUD_SCORER__BATCH_SIZE"] = "20"
    stream.produce(transactions(0, 3_000))

    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "killed.log") as scorer:
        reader = CommittedReader(secured.bootstrap, [stream.verdicts, stream.dead_letters])
        reader.read_until(1)
        scorer.kill()
        assert reader.read() < 3_000, "it was killed after its work, not in it"
        reader.close()
    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "log") as scorer:
        require_each_answered_once(secured, stream)
        assert scorer.terminate() == 0

    kafka = settings_of(env, secured)
    assert written_to(kafka, stream.transactions) == "TOPIC_AUTHORIZATION_FAILED"
    assert read_from(kafka, stream.verdicts, stream.group) == "TOPIC_AUTHORIZATION_FAILED"
    assert joined(kafka, stream.transactions, f"{stream.group}x") == "GROUP_AUTHORIZATION_FAILED"
    assert created(kafka, f"new-{stream.verdicts}") == "TOPIC_AUTHORIZATION_FAILED"
    assert begun(kafka, stream.group) == "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"
    assert begun(kafka, f"{stream.group}-1") is None
    seen = clients.admin(kafka).list_topics(timeout=10).topics
    assert set(seen) == {stream.transactions, stream.verdicts, stream.dead_letters}


def written_to(kafka: KafkaSettings, topic: str) -> str | None:
    """How a write is refused."""
    refused: list[str] = []
    producer = Producer({**kafka.client_properties, "bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic, b"x", on_delivery=lambda error, _: refused.append(error.name()) if error else None)
    assert producer.flush(20) == 0
    return refused[0] if refused else None


def read_from(kafka: KafkaSettings, topic: str, group: str) -> str | None:
    """How reading is refused that makes no use of the group."""
    return refusal_to(kafka, group, lambda consumer: consumer.assign([TopicPartition(topic, 0, 0)]))


def joined(kafka: KafkaSettings, topic: str, group: str) -> str | None:
    """How membership of a group is refused."""
    return refusal_to(kafka, group, lambda consumer: consumer.subscribe([topic]))


def refusal_to(kafka: KafkaSettings, group: str, begin: Callable[[Consumer], None]) -> str | None:
    consumer = clients.consumer(kafka, group)
    came: list[Message] = []

    def some_came() -> bool:
        came.extend(consumer.consume(1, timeout=0.5))
        return bool(came)

    try:
        begin(consumer)
        wait_until(some_came, within_s=20, what="neither a record nor a refusal")
    finally:
        consumer.close()
    error = came[0].error()
    return None if error is None else error.name()


def created(kafka: KafkaSettings, topic: str) -> str | None:
    """How making a topic is refused."""
    admin = clients.admin(kafka)
    error = admin.create_topics([NewTopic(topic, 1)])[topic].exception(timeout=20)
    return name_of(error)


def begun(kafka: KafkaSettings, transactional_id: str) -> str | None:
    """How a transactional id is refused."""
    try:
        clients.transactional_producer(kafka, transactional_id).init_transactions(20)
    except KafkaException as refusal:
        return name_of(refusal)
    return None


def name_of(error: BaseException | None) -> str | None:
    if error is None:
        return None
    assert isinstance(error, KafkaException)
    cause: KafkaError = error.args[0]
    return cause.name()


# What names each of a scorer's grants in what is said without it, in the order in which they are printed.
SAID = [
    "topic 'transactions",
    "topic 'verdicts",
    ".dlq' missing on the broker, or hidden from this client",
    "Group authorization failed",
    "Transactional Id authorization failed",
]
NAMES = ["transactions", "verdicts", "dead letters", "group", "transactional ids"]


@pytest.mark.kafka
@pytest.mark.parametrize(("taken", "said"), list(enumerate(SAID)), ids=NAMES)
def test_without_one_of_the_grants_a_scorer_does_not_start_and_says_which(
    taken: int, said: str, secured: SecuredKafka, stream: Stream, trained_model: Path
) -> None:
    principal, env = user(secured, stream)
    grants = printed(stream, "--principal", principal)
    secured.grant([grant for grant in grants if grant != grants[taken]])
    stream.produce(transactions(0, 40))

    done = attempt("score", "--model", trained_model, env={**env, "FRAUD_HTTP__PORT": "0"})

    assert done.returncode == 2, done.stderr
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: ")
    assert said in error
    assert answered(secured, stream) == 0


@pytest.mark.kafka
@pytest.mark.parametrize("taken", range(len(SAID)), ids=NAMES)
def test_a_grant_that_is_taken_away_stops_the_scorer_and_given_back_it_goes_on_from_there(
    taken: int, secured: SecuredKafka, stream: Stream, trained_model: Path, tmp_path: Path
) -> None:
    principal, env = user(secured, stream)
    grants = printed(stream, "--principal", principal)
    secured.grant(grants)
    one = grants[taken]
    stream.produce(transactions(0, 40))

    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "log") as scorer:
        require_each_answered_once(secured, stream)
        secured.take_away([one])
        if one.resource == "topic":  # it can still be seen
            secured.grant([Grant(principal, "Describe", "topic", one.name)])
        stream.produce(transactions(40, 40))
        assert scorer.process.wait(timeout=60) == 2
    assert 40 <= answered(secured, stream) < 80  # batches without what is refused were kept

    secured.grant([one])
    with FraudProcess("score", "--model", trained_model, env=env, log=tmp_path / "again.log") as scorer:
        require_each_answered_once(secured, stream)
        assert scorer.terminate() == 0


def answered(secured: SecuredKafka, stream: Stream) -> int:
    reader = CommittedReader(secured.bootstrap, [stream.verdicts, stream.dead_letters])
    try:
        return len(reader.read_to_end())
    finally:
        reader.close()


def rule(stream: Stream) -> None:
    """Writes a fraud verdict."""
    producer = Producer({"bootstrap.servers": stream.bootstrap})
    value = msgspec.json.encode(verdict())
    producer.produce(stream.verdicts, value, headers={VERDICT_HEADER: Ruling.FRAUD.encode()})
    assert producer.flush(20) == 0


def telling(secured: SecuredKafka, stream: Stream) -> tuple[list[Grant], dict[str, str]]:
    """The printed grants of an alert worker, and its settings: it tells a receiver that is not there."""
    principal, env = user(secured, stream)
    options = ("--principal", "User:somebody", "--alert-principal", principal)
    grants = [grant for grant in printed(stream, *options) if grant.principal == principal]
    assert [asdict(grant) for grant in grants] == [
        asdict(grant) for grant in alert_grants(principal, topics_of(stream), stream.env["FRAUD_ALERTS__GROUP_ID"])
    ]
    webhook = {
        "FRAUD_ALERTS__WEBHOOK__URL": "http://127.0.0.1:1/",
        "FRAUD_ALERTS__WEBHOOK__SECRET": SECRET,
        "FRAUD_ALERTS__WEBHOOK__ALLOW": "127.0.0.0/8",
        "FRAUD_ALERTS__RETRY__ATTEMPTS": "1",
    }
    return grants, {**env, **webhook}


def topics_of(stream: Stream) -> TopicSettings:
    prefix = "FRAUD_TOPICS__"
    given = {name.removeprefix(prefix).lower(): value for name, value in stream.env.items() if name.startswith(prefix)}
    return TopicSettings.model_validate(given)


@pytest.mark.kafka
def test_an_alert_worker_does_with_its_grants(secured: SecuredKafka, stream: Stream, tmp_path: Path) -> None:
    grants, env = telling(secured, stream)
    secured.grant(grants)
    rule(stream)

    with FraudProcess("alert", env=env, log=tmp_path / "log") as worker:
        reader = CommittedReader(secured.bootstrap, [stream.env["FRAUD_TOPICS__ALERT_DEAD_LETTERS"]])
        reader.read_until(1)
        reader.close()
        assert worker.terminate() == 0

    group = stream.env["FRAUD_ALERTS__GROUP_ID"]
    ends = end_offsets(secured.bootstrap, stream.verdicts)
    reached = committed_offsets(secured.bootstrap, group, stream.verdicts)
    assert {partition: max(offset, 0) for partition, offset in reached.items()} == ends


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("operation", "name", "said"),
    [
        ("Read", "verdicts-", "topic 'verdicts-"),
        ("Read", ".ledger", ".ledger'"),
        ("Read", ".silences", ".silences'"),
        ("Write", ".ledger", ".ledger: grant"),
        ("Write", ".dlq", ".dlq"),
        ("Read", "fraud-alerts", "Group authorization failed"),
        ("Write", "fraud-alerts", "Transactional Id authorization failed"),
    ],
    ids=["verdicts", "ledger", "silences", "into the ledger", "dead letters", "group", "transactional id"],
)
def test_an_alert_worker_does_with_nothing_less(
    operation: str, name: str, said: str, secured: SecuredKafka, stream: Stream
) -> None:
    grants, env = telling(secured, stream)
    (taken,) = [grant for grant in grants if grant.operation == operation and name in grant.name]
    secured.grant([grant for grant in grants if grant != taken])
    rule(stream)

    done = attempt("alert", env={**env, "FRAUD_HTTP__PORT": "0"}, timeout_s=60)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.kafka
def test_an_operator_makes_topics_and_does_nothing_with_them(secured: SecuredKafka, stream: Stream) -> None:
    principal, env = user(secured, stream)
    env = {name: f"{value}.new" if "TOPICS__" in name else value for name, value in env.items()}
    options = ("--principal", "User:somebody", "--operator", principal)
    said = json.loads(fraud("topics", "acls", *options, "--json", env=env))["grants"]
    secured.grant([Grant(**grant) for grant in said if grant["principal"] == principal])

    made = json.loads(fraud("topics", "create", "--partitions", "3", "--json", env=env))["topics"]
    again = json.loads(fraud("topics", "create", "--partitions", "5", "--json", env=env))["topics"]

    assert all(topic["made"] for topic in made)
    assert {topic["topic"]: (topic["made"], topic["partitions"]) for topic in again} == {
        topic["topic"]: (False, topic["partitions"]) for topic in made
    }
    kafka = settings_of(env, secured)
    assert written_to(kafka, env["FRAUD_TOPICS__TRANSACTIONS"]) == "TOPIC_AUTHORIZATION_FAILED"
    assert created(kafka, "another") == "TOPIC_AUTHORIZATION_FAILED"
    assert joined(kafka, env["FRAUD_TOPICS__VERDICTS"], stream.group) == "GROUP_AUTHORIZATION_FAILED"
