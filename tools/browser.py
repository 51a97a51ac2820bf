"""The rendered book in headless Chromium, served on 127.0.0.1; shared by the tools that read and print it.

Chromium is Debian's: ``apt-get install chromium``, or set CHROMIUM to another one's path.
"""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--disable-component-update",
    "--no-first-run",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Browser, str]]:
    """Serve a rendered book and start Chromium; gives the browser and the address of the book.

    Parameters
    ----------
    folder
        Folder of the pages.

    Raises
    ------
    SystemExit
        With status 2, if the folder holds no rendered book or no Chromium is found.
    """
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    problem = ""
    if not (folder / "index.html").is_file():
        problem = f"{folder}: expected a rendered book, found no index.html; run make book first"
    elif not executable:
        problem = "no Chromium found; install it (apt-get install chromium) or set CHROMIUM to its path"
    if problem:
        print(problem)
        raise SystemExit(2)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, sync_playwright() as driver:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = driver.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser, f"http://127.0.0.1:{server.server_address[1]}"
        browser.close()
        server.shutdown()


def settle(page: Page, address: str) -> None:
    """Open a page and wait until its mathematics is set."""
    page.goto(address, wait_until="networkidle")
    page.evaluate("() => window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => true) : true")
