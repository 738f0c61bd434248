"""The HTTP beneath Twilio's SDK, with one end for all of an attempt."""

from __future__ import annotations

from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, ProxyManager

from alerting.channels.urllib3_deadline import POOLS


class _Adapter(HTTPAdapter):
    """requests' own, over connections that end, to a proxy of the environment as well."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*args, **kwargs)
        if isinstance(manager, ProxyManager):  # one for SOCKS connects in ways of its own
            manager.pool_classes_by_scheme = POOLS
        return manager


def hold_to_deadline(session: Session) -> None:
    """Has the session's connections end with the attempt."""
    for scheme in POOLS:
        session.mount(f"{scheme}://", _Adapter())
