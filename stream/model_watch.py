"""Who is champion or challenger now: a version that takes a role is loaded and proved beside the loop, not in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import structlog

from model.errors import Mendable
from model.registry.moves import Role
from model.registry.reference import Reference
from model.registry.registry import Registry
from model.scoring.scorer import Scorer
from model.versions.loading import load_scorer
from stream.decoding import TransactionDecoder

if TYPE_CHECKING:
    from model.versions.signing import Verifier

log = structlog.get_logger()

_LONGEST_PAUSE_S: Final = 60.0
_JOIN_S: Final = 1.0
_FOLLOWING: Final = {"", "champion"}


@dataclass(frozen=True)
class Followed:
    """A model whose roles are followed in a registry.

    Attributes:
        registry: Holds it.
        name: The model's.
        verifier: Whose signature a version needs; None takes any.
    """

    registry: Registry
    name: str
    verifier: Verifier | None = None

    def champion(self) -> Reference:
        """The version that rules.

        Raises:
            Mendable: The registry cannot be read, or has none.
        """
        move = self.registry.current(self.name, "champion")
        # A registry that is not there for a moment reads as an empty one: this says so.
        return self.registry.resolve(self.name) if move is None else Reference(self.name, move.version, move.digest)

    def challenger(self) -> Reference | None:
        """The version that rules beside; None where there is none, or it has become the champion.

        Raises:
            Mendable: The registry cannot be read.
        """
        move, champion = self.registry.current(self.name, "challenger"), self.registry.current(self.name, "champion")
        if move is None or (champion is not None and champion.version == move.version):
            return None
        return Reference(self.name, move.version, move.digest)

    def load(self, version: Reference) -> Scorer:
        """A version, proved to be the one that took the role (see `load_scorer`).

        Raises:
            Mendable: It is not as it was written.
        """
        return load_scorer(self.registry.open(version), verifier=self.verifier)


def followed_name(reference: str) -> str | None:
    """The model's name where a reference means whoever is champion (NAME, NAME@champion); None where it is pinned."""
    name, _, which = reference.partition("@")
    return name if which in _FOLLOWING else None


class Handover:
    """A scorer's way from the thread that loads it to the one that judges. A later one takes an earlier one's place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offered: Scorer | None = None

    def offer(self, scorer: Scorer | None) -> None:
        """Lays one down; None takes back what was not taken."""
        with self._lock:
            self._offered = scorer

    def take(self) -> Scorer | None:
        """What was offered since the last time, once; never waits."""
        with self._lock:
            offered, self._offered = self._offered, None
        return offered


class ModelWatch:
    """Asks who has a role, every few seconds and on a thread of its own, and hands over whoever is new.

    A version that cannot be had, or not be trusted, is refused: the present one stays, it is said once, and tried again
    with growing pauses, for a file may be restored.

    Args:
        resolve: Who has the role; None for nobody.
        load: Makes a scorer, or raises.
        hand_over: Takes the new one, or None where there is nobody any more; called on the watch's thread.
        role: What it is called in the log.
        current: The version that has been handed over already; None for nobody.
        every_s: Seconds from one question to the next.
        refused: Told of each refusal: the error's name.
        timer: Monotonic seconds.
    """

    def __init__(
        self,
        resolve: Callable[[], Reference | None],
        load: Callable[[Reference], Scorer],
        hand_over: Callable[[Scorer | None], None],
        *,
        role: Role,
        current: str | None,
        every_s: float,
        refused: Callable[[str], None],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve
        self._load = load
        self._hand_over = hand_over
        self._role = role
        self._present = current
        self._every_s = every_s
        self._refused = refused
        self._timer = timer
        self._trouble: _Trouble | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{role}-watch", daemon=True)

    def look(self) -> None:
        """One question, and what follows from the answer. Raises nothing."""
        if self._pauses_over(None):
            return
        try:
            wanted = self._resolve()
        except Exception as error:  # noqa: BLE001 (whatever a store may raise, the present model stays)
            self._refuse(None, error)
            return
        version = None if wanted is None else wanted.version
        if self._trouble is not None and (self._trouble.version is None or self._trouble.version != version):
            self._trouble = None
        if version == self._present or self._pauses_over(version):
            return
        try:
            scorer = None if wanted is None else self._proved(wanted)
            if self._stop.is_set():
                return
            self._hand_over(scorer)
        except Exception as error:  # noqa: BLE001 (whatever a damaged model may raise, the present one stays)
            self._refuse(version, error)
            return
        log.info("the registry names another version", role=self._role, version=version, before=self._present)
        self._present, self._trouble = version, None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_JOIN_S)  # it may hang in a store that does not answer, and ends with the process

    def _run(self) -> None:
        self.look()
        while not self._stop.wait(self._every_s):
            self.look()

    def _proved(self, wanted: Reference) -> Scorer:
        scorer = self._load(wanted)
        TransactionDecoder(scorer.inputs, max_bytes=1)  # refuses inputs that no transaction can have
        return scorer

    def _pauses_over(self, version: str | None) -> bool:
        trouble = self._trouble
        return trouble is not None and trouble.version == version and self._timer() < trouble.until

    def _refuse(self, version: str | None, error: Exception) -> None:
        """Counts, and says what has not been said.

        Args:
            version: That was refused; None where the registry did not say who has the role.
            error: Why.
        """
        cause = type(error).__name__
        self._refused(cause)
        before = self._trouble if self._trouble is not None and self._trouble.version == version else None
        pause_s = min(self._every_s if before is None else before.pause_s * 2, _LONGEST_PAUSE_S)
        said = frozenset() if before is None else before.said
        self._trouble = _Trouble(version, pause_s, self._timer() + pause_s, said | {cause})
        if cause not in said:
            what = "the registry does not say who has the role" if version is None else "a new version is refused"
            log.error(
                f"{what}: the present one stays",
                role=self._role,
                version=version,
                present=self._present,
                cause=cause,
                detail=str(error) if isinstance(error, Mendable) else None,
            )


@dataclass(frozen=True)
class _Trouble:
    """A refusal that lasts.

    Attributes:
        version: Of what; None where the registry does not say.
        pause_s: Between the last try and the next.
        until: When that is.
        said: Its causes in the log.
    """

    version: str | None
    pause_s: float
    until: float
    said: frozenset[str]
