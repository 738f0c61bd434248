"""What a reply code stands for, out of the ledger."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from alerting.acknowledging import Token, token_of
from alerting.ledger.reading import delivery_in
from alerting.reply_codes import ReplyCode, is_of, is_ours
from stream.errors import WorkerFailed
from stream.settings import KafkaSettings

# The page is opened, and then answered: the second time it is remembered.
_REMEMBERED: Final = 1_000
_WAITS_S: Final = 20.0


class CodesBusy(WorkerFailed):
    """Other codes are being looked up: one at a time is, since each has a partition of the ledger read."""


class CodeBook:
    """Looks codes up. May be used by several threads at once.

    Args:
        kafka: Where.
        topic: The ledger.
        keys: Any of them may have made a code.
        valid: How long a code works.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, keys: Sequence[bytes], valid: timedelta) -> None:
        self._kafka = kafka
        self._topic = topic
        self._keys = keys
        self._valid = valid
        self._lock = threading.Lock()
        self._known: OrderedDict[ReplyCode, Token] = OrderedDict()

    def token(self, code: ReplyCode) -> Token | None:
        """What a code stands for, expired or not; None where it is of no notice that could be answered.

        Raises:
            WorkerFailed: The ledger cannot be read now.
            NotAllowed: The broker does not let this client read it.
        """
        if not is_ours(code, self._keys):
            return None
        if not self._lock.acquire(timeout=_WAITS_S):
            raise CodesBusy("other codes are being looked up")
        try:
            if code not in self._known:
                delivery = delivery_in(
                    self._kafka, self._topic, code.partition, lambda one: is_of(code, one.id, self._keys)
                )
                token = None if delivery is None else token_of(delivery, expires=delivery.created_at + self._valid)
                if token is None:
                    return None
                self._known[code] = token
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[code]
        finally:
            self._lock.release()
