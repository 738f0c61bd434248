"""A mail server on loopback that takes mail over STARTTLS only, and forwards none."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import logging
import ssl
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

_LONGEST_WAIT_S: Final = 10.0


@dataclass(frozen=True)
class Mail:
    """A mail that was taken.

    Attributes:
        sender: Of the envelope.
        recipients: Of the envelope.
        message: Parsed.
        encrypted: Whether it came over TLS.
        peer: Its sender's end of the connection.
    """

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool
    peer: str


class SmtpReceiver:
    """Listens on loopback with a certificate of its own.

    Args:
        host: Where to listen; the certificate is for this name or address.
        port: 0 takes a free one.
        credentials: User name to password; None asks nobody for one.
        tokens: User name to OAuth 2 access token, for XOAUTH2.

    Attributes:
        host: As given.
        port: Where it listens.
        ca_file: The certificate to trust (PEM); gone once it is closed.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # a word about every login otherwise
        self.host: Final = host
        self._credentials = credentials
        self._tokens = tokens
        self._folder = tempfile.TemporaryDirectory(prefix="fraud-smtp-")
        self.ca_file: Final = Path(self._folder.name) / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(host).configure_cert(self._tls)

        self._lock = threading.Lock()
        self._received: list[Mail] = []
        self._replies: dict[str, deque[str]] = {}
        self._connections: WeakSet[SMTP] = WeakSet()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(self._protocol, host=host, port=port))
        self.port: Final[int] = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def answer(self, recipient: str, *replies: str) -> None:
        """Answers the next attempts to name this recipient so: `451 try later`, say."""
        with self._lock:
            self._replies.setdefault(recipient, deque()).extend(replies)

    def received(self) -> list[Mail]:
        """Everything taken so far."""
        with self._lock:
            return list(self._received)

    def hang_up(self) -> None:
        """Closes every connection, as servers do with those that are idle."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result(_LONGEST_WAIT_S)

    def go_down(self) -> None:
        """Takes no connection until `come_back`, and closes those that there are."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_LONGEST_WAIT_S)

    def come_back(self) -> None:
        """Listens at the same port again."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_LONGEST_WAIT_S)

    def close(self) -> None:
        """Takes no more, and lets go of every connection."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_LONGEST_WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's names)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """aiosmtpd asks whether it takes mail for an address."""
        with self._lock:
            replies = self._replies.get(address)
            if replies:
                return replies.popleft()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd hands over a mail."""
        content = envelope.content
        raw = content if isinstance(content, bytes) else (content or "").encode()
        mail = Mail(
            sender=envelope.mail_from or "",
            recipients=tuple(str(address) for address in envelope.rcpt_tos),
            message=email.message_from_bytes(raw, policy=email.policy.default),
            encrypted=session.ssl is not None,
            peer=str(session.peer),
        )
        with self._lock:
            self._received.append(mail)
        return "250 taken"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 (aiosmtpd's names)
        """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol: user and token in one response."""
        said = base64.b64decode(args[1]).decode() if len(args) > 1 else ""
        fields = dict(field.partition("=")[::2] for field in said.split("\x01") if field)
        token = (self._tokens or {}).get(fields.get("user", ""))
        matches = token is not None and fields.get("auth") == f"Bearer {token}"
        if matches and server.session is not None:
            server.session.login_data = fields["user"].encode()
        return AuthResult(success=matches, handled=False)

    def _protocol(self) -> SMTP:
        connection = SMTP(
            self,
            hostname="receiver.localhost",
            tls_context=self._tls,
            require_starttls=True,
            authenticator=self._authenticate,
            auth_required=self._credentials is not None or self._tokens is not None,
            loop=self._loop,
        )
        self._connections.add(connection)
        return connection

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, auth_data: Any
    ) -> AuthResult:
        known = self._credentials or {}
        if not isinstance(auth_data, LoginPassword):
            return AuthResult(success=False, handled=False)
        password = known.get(auth_data.login.decode())
        matches = password is not None and password == auth_data.password.decode()
        return AuthResult(success=matches, handled=False)

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(self._protocol, host=self.host, port=self.port)

    async def _end(self) -> None:
        self._server.close()
        await self._hang_up()
        await self._server.wait_closed()  # from Python 3.12 on, for the connections too

    async def _hang_up(self) -> None:
        for connection in list(self._connections):
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
