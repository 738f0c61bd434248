"""What people want no notices of: by conditions, by group, for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting import silencing
from alerting.alert import Alert
from alerting.ledger.entries import Held
from alerting.routing.matching import Conditions, ConditionUnclear, matches
from alerting.silencing import Hush, Kind, Silence, flaw, understood
from tests.alerting.verdicts import ACCOUNT, alert, verdict

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GROUP = "0f0f"


def silence(name: str = "s1", **changed: Any) -> Silence:
    """Of low severity for two hours, but for what is changed."""
    usual: dict[str, Any] = {
        "id": name,
        "conditions": {"severity": ["low"]},
        "author": "kim",
        "reason": "a test of the terminals",
        "created_at": NOW,
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=2),
    }
    return Silence(**{**usual, **changed})


def acknowledged(group: str = GROUP, **changed: Any) -> Silence:
    return silence(f"ack-{group}", kind=Kind.ACKNOWLEDGED, conditions={}, group=group, **changed)


def blocked(account: str = ACCOUNT, **changed: Any) -> Silence:
    return silence(f"blocked-{account}", kind=Kind.BLOCKED, conditions={"account_id": [account]}, **changed)


def hush(*silences: Silence, now: datetime = NOW) -> Hush:
    made = Hush()
    for one in silences:
        made.put(one, now)
    return made


def low(**changed: Any) -> Alert:
    return Alert(verdict(**changed), "low")


def test_nothing_is_held_back_where_there_is_no_silence() -> None:
    assert hush().hushed(low(), GROUP, NOW) is None


def test_all_conditions_must_hold() -> None:
    quiet = hush(silence(conditions={"severity": ["low"], "amount": ["<500"]}))

    assert quiet.hushed(low(amount=20.0), GROUP, NOW) is Held.SILENCE
    assert quiet.hushed(low(amount=500.0), GROUP, NOW) is None
    assert quiet.hushed(alert(amount=20.0), GROUP, NOW) is None


@pytest.mark.parametrize(
    ("alternatives", "held"),
    [
        ([ACCOUNT], True),
        (["another"], False),
        (["another", ACCOUNT], True),
        ([f"!={ACCOUNT}"], False),
        ([" != another"], True),
        ([None], False),
    ],
)
def test_accounts_are_named_in_every_way_of_the_routing_file(alternatives: list[str | None], held: bool) -> None:
    quiet = hush(silence(conditions={"account_id": alternatives}))

    assert (quiet.hushed(low(), GROUP, NOW) is Held.SILENCE) is held


def test_alerts_without_an_account_can_be_named() -> None:
    assert hush(silence(conditions={"account_id": [None]})).hushed(low(account_id=None), GROUP, NOW) is Held.SILENCE


def test_it_begins_and_ends_to_the_instant() -> None:
    begins, ends = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    quiet = hush(silence(starts_at=begins, ends_at=ends))
    instant = timedelta(microseconds=1)

    held = [quiet.hushed(low(), GROUP, at) for at in (NOW, begins - instant, begins, ends - instant, ends)]

    assert held == [None, None, Held.SILENCE, Held.SILENCE, None]


def test_an_acknowledgement_holds_its_group_back_and_no_other() -> None:
    quiet = hush(acknowledged())

    assert quiet.hushed(low(), GROUP, NOW) is Held.ACKNOWLEDGED
    assert quiet.hushed(low(), "another", NOW) is None


def test_a_blocked_account_is_held_back_in_every_group() -> None:
    quiet = hush(blocked())

    assert {quiet.hushed(low(), group, NOW) for group in ("a", "b")} == {Held.BLOCKED}
    assert quiet.hushed(low(account_id="another"), GROUP, NOW) is None


def test_what_somebody_silenced_on_purpose_is_what_is_told() -> None:
    assert hush(blocked(), acknowledged(), silence()).hushed(low(), GROUP, NOW) is Held.SILENCE


def test_the_last_state_of_each_counts() -> None:
    quiet = hush(silence(), silence(conditions={"severity": ["high"]}))
    assert quiet.hushed(low(), GROUP, NOW) is None
    assert quiet.hushed(alert(), GROUP, NOW) is Held.SILENCE

    quiet.put(silence(ends_at=NOW), NOW)
    assert quiet.hushed(alert(), GROUP, NOW) is None


def test_one_that_was_made_longer_holds_on_and_one_that_was_made_shorter_does_not() -> None:
    hour, day = NOW + timedelta(hours=1), NOW + timedelta(days=1)
    longer, shorter = hush(silence(ends_at=hour)), hush(silence(ends_at=day))
    longer.put(silence(ends_at=day), NOW)
    shorter.put(silence(ends_at=hour), NOW)

    assert longer.hushed(low(), GROUP, hour) is Held.SILENCE
    assert shorter.hushed(low(), GROUP, hour) is None


def test_who_wants_nothing_more_on_a_channel_is_known_until_it_is_ended() -> None:
    stopped = silence("stopped", kind=Kind.STOPPED, conditions={}, channel="sms", recipient="abcd")
    quiet = hush()

    quiet.put(stopped, NOW)
    assert quiet.stopped("sms", "abcd")
    assert quiet.hushed(low(), GROUP, NOW) is None

    quiet.put(silence("stopped", kind=Kind.STOPPED, channel="sms", recipient="abcd", ends_at=NOW), NOW)
    assert not quiet.stopped("sms", "abcd")


def test_what_names_nothing_or_cannot_be_understood_has_a_flaw() -> None:
    assert flaw(silence()) is None
    assert flaw(acknowledged()) is None
    assert flaw(silence(kind=Kind.STOPPED, channel="sms", recipient="abcd")) is None
    assert flaw(silence(conditions={})) == "it names neither a group nor an account nor conditions"
    assert flaw(silence(kind=Kind.STOPPED)) == "it names no recipient on a channel"
    assert flaw(silence(conditions={"mood": ["bad"]})) == "there is no field 'mood'"
    assert ACCOUNT not in (flaw(silence(conditions={"account_id": [f">{ACCOUNT}"]})) or "")


def test_a_condition_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConditionUnclear, match="holds numbers"):
        understood({"amount": ["much"]})


def test_it_keeps_nothing_of_what_has_ended() -> None:
    quiet = hush(*[one for n in range(50) for one in (acknowledged(f"g{n}"), blocked(f"a{n}"), silence(f"s{n}"))])
    stopped = silence("stopped", kind=Kind.STOPPED, conditions={}, channel="sms", recipient="abcd")
    quiet.put(stopped, NOW)

    assert quiet.hushed(low(), GROUP, NOW + timedelta(hours=2)) is None

    kept = {name: held for name, held in vars(quiet).items() if held}
    assert kept == {}


def test_of_a_thousand_blocked_accounts_an_alert_is_held_against_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = hush(*[blocked(f"a{n}") for n in range(1_000)])
    held_against: list[object] = []

    def noting(conditions: Conditions, about: Alert) -> bool:
        held_against.append(conditions)
        return matches(conditions, about)

    monkeypatch.setattr(silencing, "matches", noting)

    assert quiet.hushed(low(account_id="a500"), GROUP, NOW) is Held.BLOCKED
    assert quiet.hushed(low(account_id="another"), GROUP, NOW) is None
    assert len(held_against) == 1


def test_an_answer_holds_back_the_account_whichever_receiver_is_told() -> None:
    quiet = Hush(lambda account: f"mark of {account}")
    answered = silence("answered", kind=Kind.ACKNOWLEDGED, conditions={}, group="another", account=f"mark of {ACCOUNT}")
    quiet.put(answered, NOW)

    assert quiet.hushed(alert(), GROUP, NOW) is Held.ACKNOWLEDGED
    assert quiet.hushed(alert(account_id="other"), GROUP, NOW) is None
    assert quiet.hushed(alert(account_id=None), GROUP, NOW) is None
    assert quiet.ends(GROUP, ACCOUNT, NOW) is Held.ACKNOWLEDGED
    assert quiet.ends(GROUP, None, NOW) is None
    quiet.put(silence("answered", kind=Kind.ACKNOWLEDGED, conditions={}, account="x", ends_at=NOW), NOW)
    assert quiet.hushed(alert(), GROUP, NOW) is None


def test_a_digest_is_held_back_by_what_is_true_of_all_that_it_counts() -> None:
    of_account = {"account_id": [ACCOUNT]}
    assert hush(silence(conditions=of_account)).ends(GROUP, ACCOUNT, NOW) is Held.SILENCE
    assert hush(silence(kind=Kind.BLOCKED, conditions=of_account)).ends(GROUP, ACCOUNT, NOW) is Held.BLOCKED
    assert hush(silence(kind=Kind.BLOCKED, conditions=of_account)).ends(GROUP, None, NOW) is None
    assert hush(silence(conditions={"severity": ["low"]})).ends(GROUP, ACCOUNT, NOW) is None
    assert hush(silence(conditions={**of_account, "amount": ["<5"]})).ends(GROUP, ACCOUNT, NOW) is None
