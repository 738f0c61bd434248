"""The accounts file: CSV with a header, a row for each account, looked up by number.

It may have millions of rows: what is kept of each is 16 bytes, a digest of the account's number and where its row
begins; the row itself is read when it is asked for. A row is one line; nothing of it is quoted in an error.
"""

from __future__ import annotations

import csv
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from alerting.account_addresses import ADDRESSES
from alerting.accounts import UNKNOWN, Account
from alerting.files import shown_path, why_unreadable
from alerting.routing.nearest import hint, quoted
from stream.errors import Mendable, WorkerFailed

COLUMNS: Final = ("account_id", "segment", "country", "locale", "phone", "email")

_LONGEST_ROW: Final = 4_096
_MOST_LISTED: Final = 20
_LONE_RETURN: Final = "a carriage return without a line feed"
# What a column may hold, and what it should; what is optional may be empty.
_FORMS: Final = {
    "account_id": (r'[^\s",](?:[^",\r\n]*[^\s",])?', "no account's number"),
    "segment": (r'(?:[^",\r\n]{1,100})?', "a segment of more than 100 characters"),
    "country": (r"(?:[A-Z]{2})?", "no code of a country, which has two capital letters"),
    "locale": (r"(?:[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3})?", "no language, such as de or de-AT"),
    "phone": (r"(?:\+[1-9][0-9]{6,14})?", "no phone number with + and the country's code"),
    "email": (r"(?:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+)?", "no mail address"),
}


class AccountsInvalid(Mendable):
    """The accounts file cannot be read, or has rows that are wrong; names their lines, and nothing in them."""


class AccountsChanged(WorkerFailed):
    """The accounts file was written to while it was in use; a new one is to replace it by a rename."""


def columns_of(file: Path) -> frozenset[str] | None:
    """Columns of an accounts file, whatever is wrong with its rows; None where its header cannot be read."""
    try:
        with file.open("rb") as opened:
            return frozenset(_header(file, opened.readline(_LONGEST_ROW)))
    except (OSError, ValueError, AccountsInvalid):
        return None


class AccountFile:
    """Accounts by number. Used by one thread. It stays with the file that it opened, though another take its name.

    Args:
        file: CSV in UTF-8, its header the columns that it has of `COLUMNS`, in any order.

    Raises:
        AccountsInvalid: Lists what is wrong, each with its line, 20 at most.
    """

    def __init__(self, file: Path) -> None:
        try:
            self._file: BinaryIO = file.open("rb")
        except (OSError, ValueError) as refusal:
            raise _invalid(file, f"cannot be read ({why_unreadable(refusal)})") from None
        try:
            self._stamp = _stamp(self._file)
            self._columns = _header(file, self._file.readline(_LONGEST_ROW))
            self._digests, self._offsets = self._indexed(file)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        return len(self._offsets)

    def account(self, number: str | None) -> Account:
        """What is known of an account; `UNKNOWN` where nothing is.

        Raises:
            AccountsChanged: The file is another one by now.
        """
        if number is None:
            return UNKNOWN
        if _stamp(self._file) != self._stamp:
            raise AccountsChanged("the accounts file was written to while in use: replace it by renaming a new one")
        digest = np.uint64(_digest(number))
        first, end = (int(np.searchsorted(self._digests, digest, side=side)) for side in ("left", "right"))
        for offset in self._offsets[first:end]:
            row = self._row(int(offset))
            if row["account_id"] == number:
                return Account(**{name: row.get(name) or None for name in COLUMNS[1:]})
        return UNKNOWN

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _indexed(self, file: Path) -> tuple[np.ndarray, np.ndarray]:
        """Digests in order, and where their rows begin."""
        digests, offsets = array("Q"), array("Q")
        found: list[str] = []
        wrong = 0
        for line, offset, number, refusal in _rows(self._file, self._columns):
            if refusal is None:
                digests.append(_digest(number))
                offsets.append(offset)
                continue
            wrong += 1
            if len(found) < _MOST_LISTED:
                found.append(f"line {line}: {refusal}")
        unsorted = np.frombuffer(digests, np.uint64)
        order = np.argsort(unsorted, kind="stable")
        sorted_digests, sorted_offsets = unsorted[order], np.frombuffer(offsets, np.uint64)[order]
        twice = self._twice(sorted_digests, sorted_offsets)
        wrong += len(twice)
        found += [f"line {line}: an account that an earlier line has" for line in twice[: _MOST_LISTED - len(found)]]
        if wrong:
            more = [f"and {wrong - len(found)} more"] if wrong > len(found) else []
            raise _invalid(file, *found, *more)
        return sorted_digests, sorted_offsets

    def _twice(self, digests: np.ndarray, offsets: np.ndarray) -> list[int]:
        """Lines of accounts that stand in an earlier line too."""
        repeated: set[int] = set()
        numbers: set[str] = set()
        last: int | None = None
        for place in np.flatnonzero(digests[1:] == digests[:-1]):
            if last is None or digests[place] != digests[last]:
                numbers = {self._row(int(offsets[place]))["account_id"]}
            last = int(place)
            number = self._row(int(offsets[place + 1]))["account_id"]
            if number in numbers:
                repeated.add(int(offsets[place + 1]))
            numbers.add(number)
        if not repeated:
            return []
        self._file.seek(0)
        begin, lines = 0, []
        for line, text in enumerate(self._file, 1):
            if begin in repeated:
                lines.append(line)
            begin += len(text)
        return lines

    def _row(self, offset: int) -> dict[str, str]:
        text = os.pread(self._file.fileno(), _LONGEST_ROW, offset).split(b"\n", 1)[0].decode()
        return dict(zip(self._columns, _split(text), strict=True))


def _rows(file: BinaryIO, columns: Sequence[str]) -> Iterator[tuple[int, int, str, str | None]]:
    """Line, where it begins, the account's number, and what is wrong with it, of every row."""
    fitting = re.compile(",".join(f"({_FORMS[name][0]})" for name in columns), re.ASCII).fullmatch
    which = columns.index("account_id") + 1
    addresses = [(columns.index(name) + 1, fits) for name, fits in ADDRESSES.items() if name in columns]
    offset = file.tell()
    for line, row in enumerate(file, 2):
        begin = offset
        offset += len(row)
        try:
            text = row.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            yield line, begin, "", "not UTF-8"
            continue
        plain = fitting(text)
        if plain is not None and len(row) < _LONGEST_ROW and all(fits(plain[place]) for place, fits in addresses):
            yield line, begin, plain[which], None
        elif text:
            number, refusal = _read_slowly(text, len(row), columns)
            yield line, begin, number, refusal


def _read_slowly(text: str, length: int, columns: Sequence[str]) -> tuple[str, str | None]:
    """A row with quotes, or with something wrong."""
    if length >= _LONGEST_ROW:
        return "", f"longer than {_LONGEST_ROW} bytes"
    if "\r" in text:
        return "", _LONE_RETURN
    cells = _split(text)
    if len(cells) != len(columns):
        return "", f"{len(cells)} cells, where the header has {len(columns)}"
    wrong = [
        f"{name}: {_FORMS[name][1]}" for name, cell in zip(columns, cells, strict=True) if not _is_fitting(name, cell)
    ]
    return cells[columns.index("account_id")], ", ".join(wrong) or None


def _is_fitting(name: str, cell: str) -> bool:
    # In quotes a cell may have commas and quotes in it.
    form = re.fullmatch(_FORMS[name][0], cell.replace(",", ";").replace('"', "'"), re.ASCII)
    return form is not None and (name not in ADDRESSES or ADDRESSES[name](cell))


def _split(text: str) -> list[str]:
    return next(csv.reader([text.rstrip("\r")]), [])


def _header(file: Path, line: bytes) -> list[str]:
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _invalid(file, "line 1: not UTF-8") from None
    if "\r" in text:
        raise _invalid(file, f"line 1: {_LONE_RETURN}")
    columns = _split(text)
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise _invalid(file, *(f"line 1: no column {quoted(one)} is known: {hint(one, COLUMNS)}" for one in unknown))
    if "account_id" not in columns or len(set(columns)) < len(columns):
        raise _invalid(file, f"line 1: the header is some of {','.join(COLUMNS)}, each once, account_id among them")
    return columns


def _digest(number: str) -> int:
    return int.from_bytes(blake2b(number.encode(), digest_size=8).digest(), "little")


def _stamp(file: BinaryIO) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns


def _invalid(file: Path, *problems: str) -> AccountsInvalid:
    return AccountsInvalid(
        f"accounts file {shown_path(file)}: {'; '.join(problems)}",
        remedy="mend it, and put it in the old one's place",
        problems=[f"accounts file {shown_path(file)}: {problem}" for problem in problems],
    )
