from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from model.profile import ProfileInvalid, ProfileUnknown, load_profile, shipped_profiles
from model.window_features import LABEL_DELAY

GOOD = """
name = "own"
label = "fraud"
inputs = ["a", "b"]
[time]
column = "at"
"""


def mistakes_of(text: str, directory: Path) -> str:
    file = directory / "own.toml"
    file.write_text(text)
    with pytest.raises(ProfileInvalid) as refusal:
        load_profile(str(file))
    return str(refusal.value)


def test_the_shipped_profiles_can_be_loaded_by_their_names() -> None:
    assert shipped_profiles() == ["handbook", "simulated", "ulb"]
    assert [load_profile(name).name for name in shipped_profiles()] == shipped_profiles()


def test_the_published_data_sets_have_their_published_columns() -> None:
    ulb, handbook = load_profile("ulb"), load_profile("handbook")

    assert ulb.inputs == ("Time", *(f"V{n}" for n in range(1, 29)), "Amount")
    assert (ulb.label, ulb.id, ulb.currency) == ("Class", None, "EUR")
    assert (ulb.time.unit, ulb.time.origin) == ("s", datetime(2013, 9, 1, tzinfo=UTC))
    assert len(handbook.inputs) == 15
    assert "TX_FRAUD_SCENARIO" not in handbook.inputs


def test_a_profile_of_the_users_own_is_loaded_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD)

    profile = load_profile(str(tmp_path / "own.toml"))

    assert (profile.name, profile.inputs, profile.time.column) == ("own", ("a", "b"), "at")
    assert (profile.id, profile.amount, profile.account, profile.currency) == (None, None, None, None)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ProfileUnknown, match=r"'ulbb'.*handbook, simulated, ulb"):
        load_profile("ulbb")


@pytest.mark.parametrize(
    ("was", "written", "said"),
    [
        ('label = "fraud"', 'labels = "fraud"', ["unknown key labels", "no key label"]),
        ('column = "at"', 'colunm = "at"', ["unknown key time.colunm", "no key time.column"]),
        ('["a", "b"]', '["a", "a"]', ["'a' is there 2 times"]),
        ('["a", "b"]', "[]", ["inputs are empty"]),
        ('["a", "b"]', '["a", ""]', ["an input has an empty name"]),
        ("""["a", "b"]""", """['a"b', 'a\\b']""", ["""'a"b' has a quote""", r"'a\\b' has a quote, a backslash"]),
        ('["a", "b"]', r'["a\tb", "\u0000"]', [r"'a\tb' has a quote", r"'\x00' has a quote"]),
        ('["a", "b"]', '["a", "fraud"]', ["label 'fraud' is among the inputs"]),
        ('["a", "b"]', '["transaction_id", "event_time"]', ["'transaction_id'", "'event_time'"]),
        ('["a", "b"]', '["account_id", "currency"]', ["'account_id'", "'currency'"]),
        ('["a", "b"]', '["amount"]\namount = "a"', ["transaction's amount, which is column 'a'"]),
        ('label = "fraud"', 'label = "at"', ["label 'at' is also the time.column"]),
        ('label = "fraud"', 'label = ""', ["label is empty"]),
        ('label = "fraud"', "label = 1", ["label"]),
        ('name = "own"', 'name = "own"\ncurrency = "euro"', ["'euro' is no ISO 4217 code"]),
        ('column = "at"', 'column = "at"\nunit = "s"', ["time.unit without time.origin"]),
        ('column = "at"', 'column = "at"\norigin = 2026-01-01T00:00:00Z', ["time.origin without time.unit"]),
        ('column = "at"', 'column = "at"\nunit = "h"', ["h"]),
        ('name = "own"', 'name = "own"\nsegment = "fraud"', ["label 'fraud' is also the segment"]),
        ('name = "own"', 'name = "own"\nsegment = ""', ["segment is empty"]),
        ('name = "own"', 'name = "own"\nlabel_delay_days = -1', ["label_delay_days -1 is no number of days"]),
        ('name = "own"', 'name = "own"\nlabel_delay_days = nan', ["label_delay_days nan"]),
        ('name = "own"', 'name = "own"\ncalendar = ["hour", "moon"]', ["'moon' is none of hour, night, weekend"]),
        ('name = "own"', 'name = "own"\ncalendar = ["hour", "hour"]', ["calendar 'hour' is there 2 times"]),
        ('[time]\ncolumn = "at"', 'time = "at"', ["time"]),
        ("[time]", "[time", ["no TOML"]),
    ],
)
def test_what_makes_no_sense_is_named(was: str, written: str, said: list[str], tmp_path: Path) -> None:
    assert was in GOOD
    message = mistakes_of(GOOD.replace(was, written), tmp_path)
    assert all(one in message for one in said), message


@pytest.mark.parametrize(
    ("calendar", "absolute", "features"),
    [
        ("", "", ("hour", "night", "weekend")),
        ("", "absolute = false", ()),
        ("calendar = []", "", ()),
        ("calendar = []", "absolute = false", ()),
        ('calendar = ["weekend"]', "absolute = true", ("weekend",)),
    ],
)
def test_the_model_gets_of_the_time_what_is_asked_for_or_all_that_means_something(
    calendar: str, absolute: str, features: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "own.toml").write_text(f"{calendar}\n{GOOD}{absolute}\n")

    assert load_profile(str(tmp_path / "own.toml")).calendar_features == features


def test_no_calendar_is_to_be_had_of_a_time_that_is_not_absolute(tmp_path: Path) -> None:
    text = f'calendar = ["night"]\n{GOOD}unit = "s"\norigin = 2013-09-01T00:00:00Z\nabsolute = false\n'

    assert "a time that is not absolute" in mistakes_of(text, tmp_path)


def test_the_shipped_profiles_say_what_is_known_of_their_time() -> None:
    ulb, handbook, simulated = (load_profile(name) for name in ("ulb", "handbook", "simulated"))

    assert not ulb.time.absolute
    assert [profile.calendar_features for profile in (ulb, handbook, simulated)] == [(), (), ()]
    assert [profile.label_delay_days for profile in (ulb, handbook)] == [0, 7]
    assert simulated.label_delay_days == LABEL_DELAY.days


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('["a", "b"]', '["a", "a", "fraud"]') + 'unit = "ms"\nabsolute = false\n'
    message = mistakes_of('calendar = ["noon"]\nlabel_delay_days = -0.5\n' + text, tmp_path)

    said = (
        "'a' is there 2 times",
        "'fraud' is among the inputs",
        "time.unit without",
        "'noon'",
        "-0.5",
        "not absolute",
    )
    assert all(part in message for part in said), message


def test_an_origin_may_be_text_and_without_a_zone(tmp_path: Path) -> None:
    for origin in ('"2013-09-01T00:00:00Z"', "2013-09-01T00:00:00"):
        (tmp_path / "own.toml").write_text(GOOD + f'unit = "ms"\norigin = {origin}\n')
        moment = load_profile(str(tmp_path / "own.toml")).time.origin
        assert moment is not None
        assert moment.replace(tzinfo=UTC) == datetime(2013, 9, 1, tzinfo=UTC)
