import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest
from rich.progress import Progress

from groundup.corpus.download import Address, _WebRedirects, download, download_folder
from groundup.errors import UserError

BODY = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


class Site(ThreadingHTTPServer):
    """A web server on this machine whose manners a test can set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = BODY
        self.etag: str | None = '"v1"'
        self.moved_to = "/data.bin"
        self.length: str | None = None  # said instead of the true one
        self.ranges = True
        self.statuses: list[int] = []  # answered first, one a request
        self.drops: list[int] = []  # bytes of body after which a connection breaks, one a request
        self.ranges_asked: list[str | None] = []

    def url(self, path: str = "/data.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.server
        asked = self.headers["Range"]
        site.ranges_asked.append(asked)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", site.moved_to)
            self.end_headers()
            return
        if self.path == "/missing" or site.statuses:
            self.send_error(404 if self.path == "/missing" else site.statuses.pop(0))
            return
        start = 0
        if asked and site.ranges and self.headers["If-Range"] == site.etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(site.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(site.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            end = len(site.body)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        else:
            self.send_response(200)
        body = site.body[start:]
        self.send_header("Content-Length", site.length or str(len(body)))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        self.wfile.write(body[: site.drops.pop(0)] if site.drops else body)


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


Fetch = Callable[..., Path]


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    def fetch(source: str, attempts: int = 3) -> Path:
        with Progress(disable=True) as progress:
            return download(
                source, tmp_path / "cache", progress, attempts=attempts, timeout=5, backoff=0.001
            )

    return fetch


def leftovers(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if p != path and p.suffix != ".lock")


def test_file_is_downloaded_once(site: Site, fetch: Fetch) -> None:
    path = fetch(site.url())
    assert path.read_bytes() == BODY
    assert path.name.endswith("-data.bin")
    assert leftovers(path) == []
    assert fetch(site.url()) == path
    assert len(site.ranges_asked) == 1


def test_redirect_is_followed(site: Site, fetch: Fetch) -> None:
    assert fetch(site.url("/moved")).read_bytes() == BODY


def test_broken_connection_is_resumed_where_it_broke(site: Site, fetch: Fetch) -> None:
    site.drops = [100_000, 50_000]
    assert fetch(site.url()).read_bytes() == BODY
    assert site.ranges_asked == [None, "bytes=100000-", "bytes=150000-"]


def test_later_call_resumes_what_an_earlier_one_left(site: Site, fetch: Fetch) -> None:
    site.drops = [100_000]
    with pytest.raises(UserError, match=r"broke at 100,000 of 300,000 bytes.*are kept"):
        fetch(site.url(), attempts=1)
    assert fetch(site.url()).read_bytes() == BODY
    assert site.ranges_asked == [None, "bytes=100000-"]


def test_file_that_changed_meanwhile_is_started_again(site: Site, fetch: Fetch) -> None:
    site.drops = [100_000]
    with pytest.raises(UserError):
        fetch(site.url(), attempts=1)
    site.body, site.etag = BODY[::-1], '"v2"'
    assert fetch(site.url()).read_bytes() == BODY[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_server_that_does_not_vouch_for_the_file_is_asked_for_all_of_it(
    site: Site, fetch: Fetch, etag: str | None
) -> None:
    site.etag, site.drops = etag, [100_000]
    assert fetch(site.url()).read_bytes() == BODY
    assert site.ranges_asked == [None, None]


def test_server_without_ranges_is_asked_again(site: Site, fetch: Fetch) -> None:
    site.ranges, site.drops = False, [200_000, 100_000]
    assert fetch(site.url()).read_bytes() == BODY


def test_server_without_ranges_that_always_breaks_ends_in_an_error(
    site: Site, fetch: Fetch
) -> None:
    site.ranges, site.drops = False, [100_000] * 50
    with pytest.raises(UserError, match="after 3 tries"):
        fetch(site.url())
    assert len(site.ranges_asked) == 3


def test_tries_that_bring_something_new_are_not_counted(site: Site, fetch: Fetch) -> None:
    site.drops = [20_000] * 14
    assert fetch(site.url(), attempts=2).read_bytes() == BODY


def test_whole_part_left_by_a_kill_gets_its_name(site: Site, fetch: Fetch) -> None:
    path = fetch(site.url())
    part = path.rename(path.with_name(f"{path.name}.part"))
    part.with_name(f"{part.name}.validator").write_text('"v1"')
    assert fetch(site.url()).read_bytes() == BODY
    assert site.ranges_asked == [None, "bytes=300000-"]


def test_part_longer_than_the_file_is_started_again(site: Site, fetch: Fetch) -> None:
    path = fetch(site.url())
    part = path.rename(path.with_name(f"{path.name}.part"))
    part.write_bytes(BODY + b"more")
    part.with_name(f"{part.name}.validator").write_text('"v1"')
    assert fetch(site.url()).read_bytes() == BODY


def test_passing_trouble_of_the_server_is_waited_out(site: Site, fetch: Fetch) -> None:
    site.statuses = [503, 429]
    assert fetch(site.url()).read_bytes() == BODY


def test_lasting_trouble_of_the_server_is_a_user_error(site: Site, fetch: Fetch) -> None:
    site.statuses = [503] * 9
    with pytest.raises(UserError, match=r"HTTP 503 .*, after 3 tries"):
        fetch(site.url())


def test_missing_file_is_a_user_error_at_once(site: Site, fetch: Fetch) -> None:
    with pytest.raises(UserError, match="HTTP 404 Not Found; check the address"):
        fetch(site.url("/missing"))
    assert len(site.ranges_asked) == 1


def test_no_server_is_a_user_error(site: Site, fetch: Fetch) -> None:
    url = site.url()
    site.shutdown()
    site.server_close()
    with pytest.raises(UserError, match=r"no connection \(.*check the address and the network"):
        fetch(url)


def test_right_checksum_passes_and_wrong_one_deletes_the_file(site: Site, fetch: Fetch) -> None:
    with pytest.raises(UserError, match=f"SHA-256 is {SHA256}, not .*was deleted"):
        fetch(f"{site.url()}#sha256={'0' * 64}")
    path = fetch(f"{site.url()}#sha256={SHA256.upper()}")
    assert path.read_bytes() == BODY
    assert leftovers(path) == []


def test_cached_file_that_was_damaged_is_downloaded_again(site: Site, fetch: Fetch) -> None:
    source = f"{site.url()}#sha256={SHA256}"
    path = fetch(source)
    path.write_bytes(BODY[:-1])
    assert fetch(source).read_bytes() == BODY


def test_cached_file_stays_until_the_new_one_has_arrived(site: Site, fetch: Fetch) -> None:
    path = fetch(site.url())
    site.statuses = [404]
    with pytest.raises(UserError, match="404"):
        fetch(f"{site.url()}#sha256={'0' * 64}")
    assert path.read_bytes() == BODY


def test_several_at_once_share_one_download(site: Site, fetch: Fetch) -> None:
    threads = [threading.Thread(target=fetch, args=(site.url(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetch(site.url()).read_bytes() == BODY
    assert len(site.ranges_asked) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://x/a/b.jsonl.gz?download=true", "b.jsonl.gz"),
        ("http://x/a%20b.txt", "a_b.txt"),
        ("http://x/..%2f..%2fetc", "_.._etc"),
        ("http://x", "download"),
        ("http://x/.hidden", "hidden"),
    ],
)
def test_file_name_is_safe_and_keeps_its_suffix(url: str, name: str) -> None:
    assert Address.parse(url).file_name == name


def test_cache_folder_follows_the_documented_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("GROUNDUP_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert download_folder() == Path("/home/ada/.cache/groundup/downloads")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert download_folder() == Path("/cache/groundup/downloads")
    monkeypatch.setenv("GROUNDUP_CACHE", "/big")
    assert download_folder() == Path("/big/downloads")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1/x"])
def test_redirect_out_of_the_web_is_refused_in_one_line(
    site: Site, fetch: Fetch, target: str
) -> None:
    site.moved_to = target
    with pytest.raises(UserError, match=r"check .*in sources") as caught:
        fetch(site.url("/moved"))
    assert "\n" not in str(caught.value)


def test_redirect_never_leaves_encryption() -> None:
    asked = Request("https://example.org/a")
    with pytest.raises(HTTPError, match="not safe"):
        _WebRedirects().redirect_request(asked, None, 302, "", Message(), "http://example.org/a")


def test_endless_redirects_are_told_in_one_line(site: Site, fetch: Fetch) -> None:
    site.moved_to = "/moved"
    with pytest.raises(UserError, match="infinite loop") as caught:
        fetch(site.url("/moved"))
    assert "\n" not in str(caught.value)


def test_length_that_is_no_number_is_ignored(site: Site, fetch: Fetch) -> None:
    site.length = "many"
    assert fetch(site.url()).read_bytes() == BODY
