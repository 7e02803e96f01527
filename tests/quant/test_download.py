"""Downloads: verified, continued where they were cut off, and clear about what failed."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from quant.datasets.download import fetch
from quant.errors import UserError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT at /file, in parts where asked for; closes early while ``cuts`` is above 0."""

    cuts = 0
    ranges: bool = True
    asked: list[str | None] = []  # noqa: RUF012  shared with the tests on purpose

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        if self.path != "/file":
            self.send_error(404)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if wanted and self.ranges else 200)
        body = CONTENT[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.cuts:
            type(self).cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.cuts, Handler.ranges, Handler.asked = 0, True, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}"
        service.shutdown()
        thread.join()


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_off_goes_on(server: str, tmp_path: Path, ranges: bool) -> None:
    Handler.cuts, Handler.ranges = 2, ranges
    path = tmp_path / "deep" / "file"
    fetch(f"{server}/file", path, SHA256, "instead")
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == ["file"]
    half = len(CONTENT) // 2
    assert Handler.asked[:2] == [None, f"bytes={half}-"] and len(Handler.asked) == 3
    fetch(f"{server}/file", path, SHA256, "instead")
    assert len(Handler.asked) == 3


def test_what_arrived_is_kept_for_the_next_time(server: str, tmp_path: Path) -> None:
    Handler.cuts = 4
    with pytest.raises(UserError, match=r"could not be downloaded: the connection ended \d+ bytes early") as error:
        fetch(f"{server}/file", tmp_path / "file", SHA256, "take a train")
    assert "take a train" in str(error.value) and not (tmp_path / "file").exists()
    kept = (tmp_path / "file.part").stat().st_size
    assert kept == len(CONTENT) * 15 // 16
    fetch(f"{server}/file", tmp_path / "file", SHA256, "instead")
    assert Handler.asked[-1] == f"bytes={kept}-" and (tmp_path / "file").read_bytes() == CONTENT


def test_other_content_is_thrown_away(server: str, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"x" * len(CONTENT))
    with pytest.raises(UserError, match="SHA-256 is not the published one"):
        fetch(f"{server}/file", tmp_path / "file", SHA256, "instead")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_asked_for_once(server: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="404"):
        fetch(f"{server}/other", tmp_path / "file", SHA256, "instead")
    assert len(Handler.asked) == 1


def test_without_network_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="set EDGEKIT_DATA"):
        fetch("http://127.0.0.1:9/file", tmp_path / "file", SHA256, "set EDGEKIT_DATA")
