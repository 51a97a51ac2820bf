"""Print the rendered book as one PDF with bookmarks; players show their most telling frame.

    python tools/make_pdf.py _build/html _build/book.pdf

Needs pypdf, and Chromium as tools/check_book.py does.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import PdfMargins, sync_playwright

from astsvm_lib.book.chapters import pages


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *arguments: object) -> None:
        pass


def main() -> int:
    from pypdf import PdfWriter

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not executable or not (arguments.folder / "index.html").is_file():
        print(f"expected Chromium, found {executable}, and a rendered book in {arguments.folder}; run make book first")
        return 2
    writer = PdfWriter()
    handler = functools.partial(Quiet, directory=str(arguments.folder))
    with (
        tempfile.TemporaryDirectory() as folder,
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as driver,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(reduced_motion="reduce")
        for name in pages():
            page.goto(f"http://127.0.0.1:{server.server_address[1]}/{name}.html", wait_until="networkidle")
            page.evaluate("() => window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => true) : true")
            title = page.locator("h1").first.inner_text().removesuffix("#").strip()
            path = Path(folder) / f"{name}.pdf"
            margin = PdfMargins(top="15mm", bottom="15mm", left="12mm", right="12mm")
            page.pdf(path=path, format="A4", print_background=True, margin=margin)
            writer.append(str(path), outline_item=title)
        browser.close()
        server.shutdown()
    fresh = arguments.out.with_suffix(".part")
    writer.write(str(fresh))
    fresh.replace(arguments.out)
    print(f"{len(writer.pages)} pages in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
