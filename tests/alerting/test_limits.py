"""How many notices are too many."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from alerting.ledger.entries import Held
from alerting.limits import DEFAULTS, PROVIDER, STORM, Limiter, Window

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_each_window_holds_and_the_longest_wait_counts() -> None:
    limiter = Limiter({"sms": (Window(1, 60), Window(2, 900))})
    limiter.take("1", "sms", "a", NOW)
    assert limiter.free_at("sms", "a", after(1)) == (after(60), Held.LIMIT)
    limiter.take("2", "sms", "a", after(60))

    assert limiter.free_at("sms", "a", after(121)) == (after(900), Held.LIMIT)
    assert limiter.free_at("sms", "a", after(900))[0] == after(900)
    assert limiter.free_at("sms", "b", after(1))[0] == after(1), "another recipient"
    assert limiter.free_at("email", "a", after(1))[0] == after(1), "another channel"


def test_a_provider_s_limit_is_of_all_its_recipients() -> None:
    limiter = Limiter({f"{PROVIDER}sms": (Window(2, 60),)})
    for name in ("a", "b"):
        limiter.take(name, "sms", name, NOW)

    assert limiter.free_at("sms", "c", NOW) == (after(60), Held.LIMIT)
    assert limiter.free_at("email", "c", NOW)[0] == NOW


def test_a_storm_is_of_the_whole_worker() -> None:
    limiter = Limiter({STORM: (Window(3, 60),)})
    for number, channel in enumerate(("sms", "email", "webhook")):
        limiter.take(str(number), channel, str(number), NOW)

    assert limiter.free_at("sns", "x", NOW) == (after(60), Held.STORM)


def test_times_may_come_in_any_order_as_a_ledger_gives_them_back() -> None:
    limiter = Limiter({"sms": (Window(2, 60),)})
    for seconds in (50, 0, 40):
        limiter.take(str(seconds), "sms", "a", after(seconds))

    assert limiter.free_at("sms", "a", after(55))[0] == after(100), "the two latest count"


@pytest.mark.parametrize("seed", range(5))
def test_no_window_ever_has_more_than_it_allows(seed: int) -> None:
    dice = random.Random(seed)
    limiter = Limiter(DEFAULTS)
    sent: list[datetime] = []
    now = NOW
    for _ in range(3_000):
        now += timedelta(seconds=dice.expovariate(1 / 30))
        if limiter.free_at("sms", "a", now)[0] <= now:
            limiter.take(str(len(sent)), "sms", "a", now)
            sent.append(now)

    assert len(sent) > 21
    for window in DEFAULTS["sms"]:
        span = timedelta(seconds=window.seconds)
        assert all(late - early >= span for early, late in zip(sent, sent[window.most :], strict=False))


def test_a_hundred_thousand_recipients_are_not_remembered_for_good() -> None:
    limiter = Limiter({"sms": (Window(1, 60),)})
    for number in range(100_000):
        limiter.take(str(number), "sms", str(number), after(number))

    assert len(limiter._taken) <= 10_100  # noqa: SLF001 (what memory is taken by)
    assert limiter.free_at("sms", "99999", after(99_999))[0] > after(99_999)


def test_while_everybody_matters_nobody_is_forgotten_and_few_searches_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    searches: list[datetime] = []
    search = Limiter._forget  # noqa: SLF001 (each looks at all recipients: one for each notice would stop the worker)

    def noting(limiter: Limiter, now: datetime) -> None:
        searches.append(now)
        search(limiter, now)

    monkeypatch.setattr(Limiter, "_forget", noting)
    limiter = Limiter({"email": (Window(1, 3600),)})
    for number in range(50_000):
        limiter.take(str(number), "email", str(number), after(number / 100))

    assert len(searches) <= 4
    assert all(limiter.free_at("email", str(number), after(500))[0] > after(500) for number in range(0, 50_000, 997))


def test_what_is_forgotten_would_not_have_held_anybody_back() -> None:
    windows = {"sms": (Window(1, 60), Window(2, 900))}
    limiter, alone = Limiter(windows), Limiter(windows)
    for seconds in (0, 500):
        limiter.take(str(seconds), "sms", "a", after(seconds))
        alone.take(str(seconds), "sms", "a", after(seconds))
    for number in range(30_000):
        limiter.take(f"n-{number}", "sms", str(number), after(500 + number / 100))

    assert limiter.free_at("sms", "a", after(800)) == alone.free_at("sms", "a", after(800)) == (after(900), Held.LIMIT)


def test_without_windows_nothing_is_held_back_or_remembered() -> None:
    limiter = Limiter({"sms": ()})
    for number in range(100):
        limiter.take(str(number), "sms", "a", NOW)

    assert limiter.free_at("sms", "a", NOW)[0] == NOW
    assert not limiter._taken  # noqa: SLF001 (what memory is taken by)


def test_a_notice_counts_once_at_its_last_time_and_not_against_itself() -> None:
    limiter = Limiter({"sms": (Window(1, 60),)})
    for seconds in (0, 30, 50):
        limiter.take("one", "sms", "a", after(seconds))

    assert limiter.free_at("sms", "a", after(55), but="one")[0] == after(55)
    assert limiter.free_at("sms", "a", after(55), but="another") == (after(110), Held.LIMIT)


def test_what_reached_nobody_does_not_count() -> None:
    limiter = Limiter({"sms": (Window(1, 60),), STORM: (Window(1, 60),)})
    limiter.take("one", "sms", "a", NOW)
    limiter.give_back("one", "sms", "a")
    limiter.give_back("never taken", "sms", "b")

    assert limiter.free_at("sms", "a", after(1))[0] == after(1)


@pytest.mark.parametrize("most", [1, 3])
def test_one_that_does_not_count_leaves_the_others_in_their_order(most: int) -> None:
    limiter = Limiter({"sms": (Window(most, 60),)})
    for number in range(10):
        limiter.take(str(number), "sms", "a", after(number))

    assert limiter.free_at("sms", "a", after(10), but="9")[0] == after(60 + 9 - most)
    assert limiter.free_at("sms", "a", after(10), but="0")[0] == after(60 + 10 - most)
