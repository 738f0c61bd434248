"""The accounts file: rows by number, and what is wrong with it without a word of what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting import account_file
from alerting.account_file import AccountFile, AccountsChanged, AccountsInvalid
from alerting.accounts import UNKNOWN, Account
from alerting.routing.forms import phone_number

HEADER = "account_id,segment,country,locale,phone,email\n"
ROWS = HEADER + "DE1,private,DE,de-AT,+4915112345678,holder@mail.example\nDE2,,,,,\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.csv"
    path.write_text(ROWS)
    return path


def refusal(file: Path, content: str | bytes) -> str:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AccountsInvalid) as refused:
        AccountFile(file)
    return str(refused.value)


def test_a_row_is_found_by_its_account(file: Path) -> None:
    accounts = AccountFile(file)

    assert len(accounts) == 2
    assert accounts.account("DE1") == Account("private", "DE", "de-AT", "+4915112345678", "holder@mail.example")
    assert accounts.account("DE2") == UNKNOWN
    assert accounts.account("DE3") == accounts.account("") == accounts.account(None) == UNKNOWN
    accounts.close()


def test_every_row_of_many_is_found(file: Path) -> None:
    count = 20_000
    file.write_text(
        HEADER + "".join(f"A{i},s{i % 7},DE,de,+49{1_000_000 + i},h{i}@mail.example\n" for i in range(count))
    )
    accounts = AccountFile(file)

    assert len(accounts) == count
    for i in range(0, count, 97):
        assert accounts.account(f"A{i}") == Account(
            f"s{i % 7}", "DE", "de", f"+49{1_000_000 + i}", f"h{i}@mail.example"
        )
    accounts.close()


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("\ufeffphone,account_id\r\n+15550100,7\r\n\r\n", Account(phone="+15550100")),
        ('account_id,segment\n"7","private, ""old"""\n', Account(segment='private, "old"')),
        ("account_id\n7", UNKNOWN),
        ("segment,account_id\nKöln,7\n", Account(segment="Köln")),
    ],
)
def test_files_as_programs_write_them_are_read(file: Path, text: str, account: Account) -> None:
    file.write_text(text, newline="")
    accounts = AccountFile(file)

    assert len(accounts) == 1
    assert accounts.account("7") == account
    accounts.close()


def test_everything_that_is_wrong_is_told_at_once_by_its_line(file: Path) -> None:
    rows = [
        "DE1,private,DE,de,+4915112345678,a@mail.example",
        "DE2,private,de,de,015112345678,secret@person",
        "DE3,private",
        ",private,DE,de,,",
        "DE1,,,,,",
        '"DE1",,,,,',
        "DE5,,,deutsch!,,",
        '"DE6',
    ]
    said = refusal(file, HEADER + "\n".join(rows))

    assert said == (
        f"accounts file '{file}': "
        "line 3: country: no code of a country, which has two capital letters, "
        "phone: no phone number with + and the country's code, email: no mail address; "
        "line 4: 2 cells, where the header has 6; line 5: account_id: no account's number; "
        "line 8: locale: no language, such as de or de-AT; line 9: 1 cells, where the header has 6; "
        "line 6: an account that an earlier line has; line 7: an account that an earlier line has: "
        "mend it, and put it in the old one's place"
    )


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("DE1,,,,+99912345678,", "line 2: phone: no phone number with +"),
        ("DE1,,,,+1202555012345,", "line 2: phone: no phone number with +"),
        ('"DE1",,,,+99912345678,', "line 2: phone: no phone number with +"),
        ("DE1,,,,,a..b@mail.example", "line 2: email: no mail address"),
        ("DE1,,,,,.a@mail.example", "line 2: email: no mail address"),
        ("DE1,,,,,a@-mail-.example", "line 2: email: no mail address"),
        ("DE1,,,,," + "a" * 65 + "@mail.example", "line 2: email: no mail address"),
    ],
)
def test_addresses_that_nobody_can_have_are_refused(file: Path, row: str, problem: str) -> None:
    assert problem in refusal(file, f"{HEADER}{row}\n")


def test_addresses_are_taken_as_the_routing_file_takes_them(file: Path) -> None:
    phones = ["+4915112345678", "+390612345678", "+5491151234567", "+12025550123"]
    mails = ["a.b@mail.example", "o'neil+x@bank.local", "A@MAIL.EXAMPLE", ""]
    assert [phone_number(phone) for phone in phones] == phones
    rows = [f"P{i},{phone},{mails[i]}" for i, phone in enumerate(phones)]
    file.write_text("account_id,phone,email\n" + "\n".join([*rows, *[f"Q{row}" for row in rows]]))

    accounts = AccountFile(file)
    assert len(accounts) == 8
    accounts.close()
    assert "line 3: phone" in refusal(file, "account_id,phone\n1,+12025550123\n2,+1202555012345\n")


def test_a_file_that_is_wrong_throughout_is_told_of_in_short(file: Path) -> None:
    said = refusal(file, HEADER + "x\n" * 1_000)

    assert said.count("line ") == 20
    assert "; and 980 more" in said


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "line 1: the header is some of account_id,segment,country,locale,phone,email"),
        ("segment\nx\n", "line 1: the header is some of"),
        ("account_id,account_id\n1,2\n", "line 1: the header is some of"),
        ("acount_id\n1\n", "line 1: no column 'acount_id' is known: the nearest that exists is 'account_id'"),
        ("acount_id,x y,phone\n1,2,3\n", "line 1: no column 'x y' is known: there are account_id"),
        ("DE89370400440532013000,private\n", "line 1: no column of that name is known"),
        (b"\xff\n", "line 1: not UTF-8"),
        ("account_id\r7\r8\r", "line 1: a carriage return without a line feed"),
        ("account_id,seg\rment\n7,x\n", "line 1: a carriage return without a line feed"),
        ("account_id,segment\n7,x\ry\n", "line 2: a carriage return without a line feed"),
        ('account_id,segment\n7,"x\ry"\n', "line 2: a carriage return without a line feed"),
        (HEADER.encode() + b"DE1,\xff,,,,\n", "line 2: not UTF-8"),
        (HEADER + "DE1," + "x" * 5_000 + ",,,,\n", "line 2: longer than 4096 bytes"),
    ],
)
def test_what_is_no_accounts_file_is_refused(file: Path, content: str | bytes, problem: str) -> None:
    said = refusal(file, content)

    assert problem in said
    assert "DE8937" not in said


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccountsInvalid, match="cannot be read"):
        AccountFile(tmp_path / "nix")


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AccountsInvalid, match="cannot be read"):
        AccountFile(tmp_path / name)


def test_a_new_file_in_its_place_leaves_the_old_one_in_use(file: Path) -> None:
    accounts = AccountFile(file)
    fresh = file.with_name("fresh.csv")
    fresh.write_text(ROWS.replace("private", "business"))
    fresh.rename(file)

    assert accounts.account("DE1").segment == "private"
    accounts.close()


def test_a_file_that_is_written_to_in_use_is_noticed(file: Path) -> None:
    accounts = AccountFile(file)
    with file.open("a") as opened:
        opened.write("DE3,,,,,\n")

    with pytest.raises(AccountsChanged):
        accounts.account("DE1")
    accounts.close()


def test_accounts_of_one_digest_are_told_apart(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_file, "_digest", lambda _: 7)
    accounts = AccountFile(file)

    assert accounts.account("DE1").segment == "private"
    assert accounts.account("DE3") == UNKNOWN
    accounts.close()
    assert "line 4: an account that an earlier line has" in refusal(file, ROWS + "DE1,,,,,\n")
