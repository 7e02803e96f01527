"""Files from the network into the cache: verified, and continued where a download was cut off."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path

from quant.errors import Problem, UserError

ATTEMPTS = 4
TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 16


def fetch(url: str, path: Path, sha256: str, instead: str) -> None:
    """Download ``url`` to ``path`` unless it is there; only a verified file ever gets that name.

    What has arrived stays beside it as ``.part``, so that another attempt, also a later one, asks for the rest only.

    Args:
        sha256: hexadecimal digest of the whole file.
        instead: what a user without network can do, for the error message.

    Raises:
        UserError: no connection, no such file, or other content than published.
    """
    if path.is_file():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(url, part)
            break
        except (OSError, http.client.HTTPException) as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
            if refused or attempt == ATTEMPTS:
                raise UserError(Problem(f"it could not be downloaded: {error}", url, fix=instead)) from error
    if digest(part) != sha256:
        part.unlink()
        raise UserError(Problem("its SHA-256 is not the published one", url, fix=f"try again; or {instead}"))
    os.replace(part, path)


def _receive(url: str, part: Path) -> None:
    """Append what ``part`` lacks of ``url``.

    Raises:
        OSError, HTTPException: the connection failed or ended early.
    """
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # everything is there; the digest decides
        raise
    with response, part.open("ab" if response.status == http.client.PARTIAL_CONTENT else "wb") as file:
        left = int(response.headers.get("Content-Length", 0))
        while block := response.read(BLOCK):
            file.write(block)
            left -= len(block)
    if left > 0:
        raise ConnectionError(f"the connection ended {left} bytes early")


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
