"""Named arrays as the bytes of a .npz file, and back from bytes that anybody may have written."""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from collections.abc import Collection, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

Arrays = Mapping[str, NDArray[Any]]

_SUFFIX: Final = ".npy"
# Version 1.0 of the format, as numpy writes it: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"(?P<text>\{'descr': '(?P<kind>[<|][a-z][0-9]{1,2})', 'fortran_order': (?P<by_columns>False|True), "
    rb"'shape': \((?P<shape>(?:[0-9]{1,15},? ?){0,4})\), \} *\n)",
    re.DOTALL,
)


class NotTheArrays(ValueError):
    """Bytes that hold other arrays than the expected ones, or none."""


def pack(arrays: Arrays) -> bytes:
    """An uncompressed .npz file that `numpy.load` reads; the same arrays in the same order give the same bytes."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack(
    content: bytes, kinds: Mapping[str, DTypeLike], *, optional: Collection[str] = ()
) -> dict[str, NDArray[Any]]:
    """The arrays in what `pack` gave; nothing in it is executed, and they are never larger than it.

    Args:
        content: Of a .npz file, from anywhere.
        kinds: The arrays that must be in it, and no others, with their dtypes.
        optional: Those of them that may be absent.

    Returns:
        Arrays that cannot be written to, by name, in the order of `kinds`.

    Raises:
        NotTheArrays: It is no such file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            kinds = {name: kind for name, kind in kinds.items() if name not in optional or name + _SUFFIX in names}
            if sorted(names) != sorted(name + _SUFFIX for name in kinds):
                raise NotTheArrays(f"expected the arrays {', '.join(kinds)}")
            # What is not compressed is no larger than it looks, unless two members are one.
            stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
            if not stored or sum(member.file_size for member in members) > len(content):
                raise NotTheArrays("its arrays are compressed, or overlap")
            return {name: _array(archive.read(name + _SUFFIX), name, kind) for name, kind in kinds.items()}
    except NotTheArrays:
        raise
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error) as refusal:
        raise NotTheArrays("it is no .npz file") from refusal


def _array(content: bytes, name: str, kind: DTypeLike) -> NDArray[Any]:
    """What a .npy file says, as a view of its bytes: its header is matched, not evaluated."""
    expected, header = np.dtype(kind), _HEADER.match(content)
    if header is None or int.from_bytes(header["length"], "little") != len(header["text"]):
        raise NotTheArrays(f"array {name!r} has no header that numpy writes")
    if header["kind"].decode() != expected.str or header["by_columns"] != b"False":
        raise NotTheArrays(f"array {name!r} is none of {expected} in the order of its rows")
    shape = tuple(int(length) for length in header["shape"].split(b",") if length.strip())
    needed, found = math.prod(shape) * expected.itemsize, len(content) - header.end()
    if needed != found:
        raise NotTheArrays(f"array {name!r} has {found} bytes, its shape {shape} needs {needed}")
    return np.frombuffer(content, expected, offset=header.end()).reshape(shape)
