"""Mail through an SMTP server, encrypted unless the settings say otherwise."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from alerting.channels import WhenUnsure
from alerting.channels.deadline import Deadline, attempt, current, dialled, ending
from alerting.channels.email_replies import ends_connection, failure_of
from alerting.channels.email_settings import EmailSettings
from alerting.channels.lookups import SYSTEM, Lookups
from alerting.delivery import ChannelStopped, FailureReason
from alerting.destinations import Recipient
from alerting.errors import ChannelRefused
from alerting.messages import Message
from alerting.provider_codes import codes_of
from alerting.tls import trust

# Every server takes seven bits.
_POLICY: Final = SMTP.clone(cte_type="7bit")
# Servers close a connection that has sent so much; a new one is cheap.
_MOST_PER_CONNECTION: Final = 100
_NAMED_WITHIN_S: Final = 5.0
# For all the good-byes when the channel is closed.
_LEAVING_S: Final = 2.0


class EmailChannel:
    """One mail for each address, over a connection for each thread that is kept.

    A mail of its own for each tells nobody who else was told, and makes each address's acceptance its own: of a
    mail to several, a server may take some addresses and put off others.

    Args:
        settings: Server and sender.

    Raises:
        ChannelRefused: `ca_file` gives no certificates, `token_file` no token, or the file of provider codes is wrong.
    """

    name: Final = "email"
    at_once: Final = 2
    when_unsure: Final = WhenUnsure.SEND_AGAIN
    one_provider: Final = True

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._codes = codes_of("email", settings.provider_codes)
        self._tls = ending(trust(settings.ca_file, setting="alerts.email.ca_file"))
        if settings.token_file is not None:
            _token(settings)
        self._name = _own_name()
        self._own = threading.local()
        self._lock = threading.Lock()
        self._open: set[_Connection] = set()

    def deliver(self, message: Message, recipient: Recipient) -> str:
        """Accepted once the server has taken it; the receipt is the mail's Message-ID."""
        mail = compose(message, sender=self._settings.sender, recipient=recipient.address)
        connection: _Connection | None = None
        with attempt(self._settings.timeout_s):
            try:
                connection = self._connected()
                connection.busy = True
                connection.send_message(mail, self._settings.sender, [recipient.address])
            except (smtplib.SMTPException, OSError) as refusal:
                left = connection is not None and connection.in_data
                if ends_connection(refusal):
                    self._drop()
                raise failure_of(refusal, left=left, codes=self._codes) from None
            finally:
                if connection is not None:
                    connection.busy = False
        return str(mail["Message-ID"])

    def find(self, message: Message, recipient: Recipient) -> str | None:  # noqa: ARG002
        """Nothing can be asked for: mail programs know a repetition by its Message-ID."""
        return None

    def close(self) -> None:
        """Takes leave of the server, but for attempts under way, which end by themselves."""
        with self._lock:
            connections, self._open = [one for one in self._open if not one.busy], set()
        with attempt(_LEAVING_S):
            for connection in connections:
                _leave(connection)

    def _connected(self) -> _Connection:
        """This thread's connection, where it still answers, or a new one."""
        connection: _Connection | None = getattr(self._own, "connection", None)
        if connection is not None and connection.sent < _MOST_PER_CONNECTION:
            try:
                if connection.noop()[0] == 250:
                    connection.in_data = False
                    return connection
            except (smtplib.SMTPException, OSError):
                pass
        self._drop()
        connection = self._own.connection = self._connect()
        with self._lock:
            self._open.add(connection)
        return connection

    def _drop(self) -> None:
        connection: _Connection | None = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            with self._lock:
                self._open.discard(connection)
            _leave(connection)

    def _connect(self) -> _Connection:
        settings = self._settings
        tls = self._tls if settings.security == "tls" else None
        connection = _Connection(settings.host, settings.port, name=self._name, timeout_s=settings.timeout_s, tls=tls)
        try:
            if settings.security == "starttls":
                connection.starttls(context=self._tls)
            self._log_in(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _log_in(self, connection: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.username is None:
            return
        if settings.password is not None:
            connection.login(settings.username, settings.password.get_secret_value())
            return
        # Read at every login: whoever renews tokens puts a new one there.
        try:
            token = _token(settings)
        except ChannelRefused:
            raise ChannelStopped(FailureReason.AUTH_ERROR, "alerts.email.token_file gives no token") from None
        said = f"user={settings.username}\x01auth=Bearer {token}\x01\x01"
        connection.ehlo_or_helo_if_needed()
        # A server that refuses says why in a challenge, which wants an empty answer.
        connection.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")


class _Connection(smtplib.SMTP):
    """Its waits end with the attempt; knows whether a mail was on its way when it broke.

    Args:
        host: The server.
        port: Its port.
        name: This machine's, which a client greets with.
        timeout_s: For its waits outside an attempt.
        tls: For TLS from the first byte.
    """

    def __init__(self, host: str, port: int, *, name: str, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        self.busy = False
        self.in_data = False
        self.sent = 0
        self._tls = tls
        super().__init__(host, port, local_hostname=name, timeout=timeout_s)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """DATA, and what follows it."""
        self.in_data = True
        try:
            code, said = super().data(msg)
        except smtplib.SMTPDataError:  # the server wants none: nothing of it has left
            self.in_data = False
            raise
        self.sent += 1
        # RFC 5321, 4.2.1: the first digit says what became of it.
        self.in_data = not (200 <= code < 300 or 400 <= code < 600)
        return 250 if 200 <= code < 300 else code, said

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Where smtplib connects: it would give each of a host's addresses the whole time, and resolve for ever."""
        deadline = current(timeout)
        plain = dialled(SYSTEM.addresses(host, port, deadline), port, deadline)
        return plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=host)


def compose(message: Message, *, sender: str, recipient: str) -> EmailMessage:
    """The mail; the same notice is the same mail, so that a repetition can be recognised.

    Args:
        message: What is said.
        sender: Its address.
        recipient: Another.
    """
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = message.content.subject
    mail["Date"] = format_datetime(message.created_at)
    mail["Message-ID"] = f"<{message.id}@{domain}>"
    if message.thread is not None:
        mail["References"] = f"<{message.thread}@{domain}>"  # RFC 5322, 3.6.4: mails of a group stand together
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    mail.set_content(message.content.text)
    if message.content.html is not None:
        mail.add_alternative(message.content.html, subtype="html")
        mail.set_boundary(f"=_{message.id}")  # else made up, and another at every attempt
    return mail


def _token(settings: EmailSettings) -> str:
    assert settings.token_file is not None
    try:
        token = settings.token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as refusal:
        problem = f"alerts.email.token_file {str(settings.token_file)!r} gives no token ({type(refusal).__name__})"
        raise ChannelRefused(problem, remedy="put an OAuth 2 access token there") from None
    if not token or len(token.split()) > 1:
        problem = f"alerts.email.token_file {str(settings.token_file)!r} holds no token"
        raise ChannelRefused(problem, remedy="put an OAuth 2 access token there, and nothing else")
    return token


def _own_name() -> str:
    """Looked up once, and for no longer than that: smtplib would for each connection, for as long as it takes."""
    try:
        name = Lookups(lambda *_: [socket.getfqdn()]).addresses("", 0, Deadline(_NAMED_WITHIN_S))[0]
    except OSError:
        name = socket.gethostname()
    # RFC 5321, 4.1.3: what has no name of the DNS says its address.
    return name if "." in name and name.isascii() else "[127.0.0.1]"


def _leave(connection: smtplib.SMTP) -> None:
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()
