"""Mail through an SMTP server, encrypted unless the settings say otherwise."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from alerting.delivery import Failure, FailureReason, Refused, Retry
from alerting.message import Alert
from alerting.settings import EmailSettings
from alerting.tls import trust

# Every server takes seven bits.
_POLICY: Final = SMTP.clone(cte_type="7bit")


def open_channel(settings: EmailSettings) -> EmailChannel:
    """The channel, not connected yet.

    Raises:
        ChannelRefused: `ca_file` gives no certificates.
    """
    return EmailChannel(settings, trust(settings.ca_file, setting="alerts.email.ca_file"))


class EmailChannel:
    """One mail for each address, over one connection that is kept.

    A mail of its own for each tells nobody who else was told, and makes each address's acceptance its own: of a
    mail to several, a server may take some addresses and put off others.

    Args:
        settings: Server, sender and addresses.
        tls: Whom to trust.
    """

    name: Final = "email"

    def __init__(self, settings: EmailSettings, tls: ssl.SSLContext) -> None:
        self.recipients: Final = settings.to
        self._settings = settings
        self._tls = tls
        self._connection: smtplib.SMTP | None = None

    def deliver(self, alert: Alert, recipient: str) -> str:
        """Accepted once the server has taken it; the receipt is the mail's Message-ID."""
        mail = compose(alert, sender=self._settings.sender, recipient=recipient)
        try:
            connection = self._connected()
            connection.send_message(mail, self._settings.sender, [recipient])
        except (smtplib.SMTPException, OSError) as refusal:
            if not isinstance(refusal, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError):
                self.close()
            raise _failure(refusal) from None
        return str(mail["Message-ID"])

    def close(self) -> None:
        """Takes leave of the server."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.quit()
        except (smtplib.SMTPException, OSError):
            connection.close()

    def _connected(self) -> smtplib.SMTP:
        """The connection, where it still answers, or a new one."""
        if self._connection is not None:
            try:
                if self._connection.noop()[0] == 250:
                    return self._connection
            except (smtplib.SMTPException, OSError):
                pass
            self.close()
        self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_s, context=self._tls
            )
        else:
            connection = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.security == "starttls":
                connection.starttls(context=self._tls)
            if settings.username is not None and settings.password is not None:
                connection.login(settings.username, settings.password.get_secret_value())
        except BaseException:
            connection.close()
            raise
        return connection


def compose(alert: Alert, *, sender: str, recipient: str) -> EmailMessage:
    """The mail; the same alert to the same recipient is the same mail, so that a repetition can be recognised."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = alert.subject
    mail["Date"] = format_datetime(alert.judged_at)
    mail["Message-ID"] = f"<{alert.id}.{_fingerprint(recipient)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    mail.set_content(alert.long_text)
    return mail


def _fingerprint(recipient: str) -> str:
    return hashlib.sha256(recipient.encode()).hexdigest()[:12]


def _failure(refusal: smtplib.SMTPException | OSError) -> Failure:
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        code = next(iter(refusal.recipients.values()))[0]
        return _replied(code, "the address", FailureReason.INVALID_RECIPIENT)
    if isinstance(refusal, smtplib.SMTPAuthenticationError):
        return _replied(refusal.smtp_code, "the login", FailureReason.AUTH_ERROR)
    if isinstance(refusal, smtplib.SMTPResponseException):
        return _replied(refusal.smtp_code, "the mail", FailureReason.CLIENT_ERROR)
    return _without_reply(refusal)


def _replied(code: int, to_what: str, for_good: FailureReason) -> Failure:
    """RFC 5321, 4.2.1: replies of the 400s are for now, those of the 500s for good."""
    # The server's words quote addresses: the code tells the same.
    message = f"the mail server answered {to_what} with {code}"
    return Retry(FailureReason.SERVER_ERROR, message) if code < 500 else Refused(for_good, message)


def _without_reply(refusal: smtplib.SMTPException | OSError) -> Failure:
    # smtplib reports a time-out as a lost connection.
    if isinstance(refusal, TimeoutError) or isinstance(refusal.__context__, TimeoutError):
        return Retry(FailureReason.TIMEOUT, "the mail server did not answer in time")
    if isinstance(refusal, ssl.SSLError):
        return Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to the mail server")
    kind = refusal.__class__.__name__
    if isinstance(refusal, smtplib.SMTPNotSupportedError):
        return Refused(
            FailureReason.CLIENT_ERROR, "the mail server does not offer what is configured (STARTTLS, login)"
        )
    # An SMTPException is an OSError too.
    if isinstance(refusal, smtplib.SMTPServerDisconnected) or not isinstance(refusal, smtplib.SMTPException):
        return Retry(FailureReason.UNREACHABLE, f"the mail server cannot be reached ({kind})")
    return Refused(FailureReason.CLIENT_ERROR, f"the mail server refused ({kind})")
