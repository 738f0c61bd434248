"""Exits with 0 where a page answers 200, else with 1 and the reason: `python probe.py [URL]`, for health checks.

Without a URL it asks the /healthz of this container's own process.
"""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit

TIMEOUT_S = 4.0


def refusal(url: str) -> str | None:
    """Why the page is not well; None where it is.

    The connection is made here, not by `urllib.request`, which would ask the proxy of the environment.
    """
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", address.path or "/")
        answer = connection.getresponse()
        text = answer.read(200).decode(errors="replace").strip()
        return None if answer.status == http.HTTPStatus.OK else f"{answer.status} {text}"
    except (OSError, http.client.HTTPException) as broken:
        return str(broken)
    finally:
        connection.close()


if __name__ == "__main__":
    own = f"http://127.0.0.1:{os.environ.get('FRAUD_HTTP__PORT', '9464')}/healthz"
    sys.exit(refusal(sys.argv[1] if len(sys.argv) > 1 else own))
