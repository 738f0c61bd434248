"""A server whose TLS breaks once it has read a request: whoever asked cannot know what became of it."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme

# An encrypted record whose check fails (RFC 8446, 5.2).
_FORGED: Final = b"\x17\x03\x03\x00\x20" + bytes(32)
_PATIENCE_S: Final = 10.0


@dataclass
class BreakingTls:
    """What came of it.

    Attributes:
        url: Where it listens.
        ca_file: The certificate to trust (PEM).
        requests: As they were read, decrypted.
    """

    url: str
    ca_file: Path
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def breaking_tls(folder: Path, *, ends_with: bytes) -> Iterator[BreakingTls]:
    """Takes one connection.

    Args:
        folder: For the certificate.
        ends_with: What a whole request has in it.
    """
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_PATIENCE_S)
        breaking = BreakingTls(f"https://127.0.0.1:{server.getsockname()[1]}", ca_file)
        thread = threading.Thread(target=_serve, args=(server, tls, breaking.requests, ends_with))
        thread.start()
        yield breaking
        thread.join()


def _serve(server: socket.socket, tls: ssl.SSLContext, requests: list[bytes], ends_with: bytes) -> None:
    plain, _ = server.accept()
    plain.settimeout(_PATIENCE_S)
    with (
        socket.socket(fileno=os.dup(plain.fileno())) as beneath,
        suppress(OSError),
        tls.wrap_socket(plain, server_side=True) as encrypted,
    ):
        read = b""
        while ends_with not in read:
            more = encrypted.recv(65_536)
            if not more:
                return
            read += more
        requests.append(read)
        beneath.sendall(_FORGED)
