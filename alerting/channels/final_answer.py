"""HTTP's answers but for those before the last: http.client knows 100, and takes 103 for the end of it."""

from __future__ import annotations

from http.client import SWITCHING_PROTOCOLS, HTTPResponse, parse_headers


class FinalAnswer(HTTPResponse):
    """For `HTTPConnection.response_class` (RFC 9110, 15.2: whatever is of the 100s, the answer is still to come)."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
