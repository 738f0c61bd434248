"""What Twilio says later of a message that it took: its status callback, whose signature is checked (pure).

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

from alerting.channels import CallbackRefused, Heard
from alerting.delivery import Failure, FailureReason, Refused
from alerting.destinations import Recipient
from alerting.ledger.entries import Confirmation, Said
from alerting.provider_codes import Codes

# Others are on the way; of two that come out of order, whoever reads the ledger sees the last word of these.
_WORDS: Final = {"delivered": Said.DELIVERED, "undelivered": Said.FAILED, "failed": Said.FAILED}
_LONGEST_CODE: Final = 10


def confirmation_of(
    url: str, form_body: bytes, signature: str, *, auth_token: str, codes: Codes, now: datetime
) -> Heard | None:
    """What is said of which notice; None for a message that is on its way.

    Args:
        url: As Twilio was told, the query included: it is signed.
        form_body: The request's.
        signature: The header X-Twilio-Signature.
        auth_token: The account's.
        codes: What Twilio's codes mean.
        now: With a zone.

    Raises:
        CallbackRefused: The signature is another's, or something is missing.
    """
    form = _flat(form_body.decode("utf-8", "replace"))
    if not RequestValidator(auth_token).validate(url, form, signature):
        raise CallbackRefused("the signature is not Twilio's")
    query = _flat(urlsplit(url).query)
    notice, partition = query.get("notice", ""), query.get("partition", "")
    if not notice or not (partition.isascii() and partition.isdigit()):
        raise CallbackRefused("the address names no notice")
    said = _WORDS.get(form.get("MessageStatus", ""))
    if said is None:
        return None
    code = form.get("ErrorCode", "")[:_LONGEST_CODE]
    confirmation = Confirmation(id=notice, said=said, code=code or None, at=now)
    failure: Failure | None = None
    if said is Said.FAILED:
        message = f"Twilio could not deliver it, code {code}" if code.isdigit() else "Twilio could not deliver it"
        meaning = codes.get(code)
        failure = Refused(FailureReason.UNDELIVERED, message) if meaning is None else meaning.failure(message)
    return Heard(confirmation, int(partition[:9]), failure, Recipient(form.get("To", "")).fingerprint("sms"))


def _flat(encoded: str) -> Mapping[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
