"""What a mail server's reply, or its silence, means for the next attempt (pure)."""

from __future__ import annotations

import re
import smtplib
import ssl
from typing import Final

from alerting.delivery import ChannelStopped, Failure, FailureReason, Refused, Retry, Unsure
from alerting.provider_codes import Codes

_TOO_LARGE: Final = 552
# RFC 3463, 2: it stands at the beginning of the reply's text.
_ENHANCED: Final = re.compile(rb"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9])")


def ends_connection(refusal: smtplib.SMTPException | OSError) -> bool:
    """Whether nothing more can be said over it: an address or a mail that is refused leaves it as it was."""
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in refusal.recipients.values()]
    elif isinstance(refusal, smtplib.SMTPDataError):
        codes = [refusal.smtp_code]
    else:
        return True
    # RFC 5321, 3.8: after 421 the server closes it; what is no reply says nothing of the next.
    return any(code == 421 or not _is_refusal(code) for code in codes)


def failure_of(refusal: smtplib.SMTPException | OSError, *, left: bool, codes: Codes) -> Failure:
    """The failure that an attempt ends with.

    Args:
        refusal: smtplib's.
        left: Whether the mail was on its way, and no reply says what became of it.
        codes: What enhanced status codes mean.
    """
    code, said = _reply(refusal)
    if code is None:
        return _without_reply(refusal, Unsure if left else Retry)
    enhanced = _ENHANCED.match(said)
    detail = enhanced[1].decode() if enhanced else ""
    to_what, kind, for_good = _meant(refusal, code)
    # The server's words quote addresses: its codes tell the same.
    message = f"the mail server answered {to_what} with {code} {detail}".rstrip()
    if left:
        return Unsure(FailureReason.SERVER_ERROR, message)
    meaning = codes.get(detail)
    if meaning is not None:
        return meaning.failure(message)
    # RFC 5321, 4.2.1: replies of the 400s are for now, those of the 500s for good; but for what is known better.
    if code < 500:
        # A mailbox that takes nothing for now says nothing of others at the same server; 421 is its good-bye.
        of_one = kind is Refused and _is_refusal(code) and code != 421
        return Retry(FailureReason.PUT_OFF if of_one else FailureReason.SERVER_ERROR, message)
    return kind(for_good, message)


def _reply(refusal: smtplib.SMTPException | OSError) -> tuple[int | None, bytes]:
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        return next(iter(refusal.recipients.values()))
    if isinstance(refusal, smtplib.SMTPResponseException):
        said = refusal.smtp_error
        return refusal.smtp_code, said if isinstance(said, bytes) else said.encode("utf-8", "replace")
    return None, b""


def _meant(refusal: smtplib.SMTPException | OSError, code: int) -> tuple[str, type[Refused], FailureReason]:
    """What a reply was to, and what it means for good."""
    if isinstance(refusal, smtplib.SMTPRecipientsRefused):
        return "the address", Refused, FailureReason.INVALID_RECIPIENT
    if isinstance(refusal, smtplib.SMTPAuthenticationError):
        return "the login", ChannelStopped, FailureReason.AUTH_ERROR
    # RFC 1870, 6: a server may find a mail too large before it has seen it.
    if isinstance(refusal, smtplib.SMTPDataError) or code == _TOO_LARGE:
        return "the mail", Refused, FailureReason.CLIENT_ERROR
    # Before a recipient is named, everybody is meant: the client, its sender, TLS.
    return "the connection or the sender", ChannelStopped, FailureReason.CLIENT_ERROR


def _is_refusal(code: int) -> bool:
    return 400 <= code < 600


def _without_reply(refusal: smtplib.SMTPException | OSError, kind: type[Unsure | Retry]) -> Failure:
    # smtplib reports a time-out as a lost connection.
    if isinstance(refusal, TimeoutError) or isinstance(refusal.__context__, TimeoutError):
        return kind(FailureReason.TIMEOUT, "the mail server did not answer in time")
    if isinstance(refusal, ssl.SSLError):
        return Retry(FailureReason.TLS_ERROR, "no trusted TLS connection to the mail server")
    # An SMTPException is an OSError too.
    if isinstance(refusal, smtplib.SMTPServerDisconnected) or not isinstance(refusal, smtplib.SMTPException):
        return kind(FailureReason.UNREACHABLE, f"the mail server cannot be reached ({refusal.__class__.__name__})")
    return ChannelStopped(
        FailureReason.CLIENT_ERROR, "the mail server does not offer what is configured (STARTTLS, login)"
    )
