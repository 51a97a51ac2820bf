"""Print the rendered book as one PDF with bookmarks; players show their most telling frame.

    python tools/make_pdf.py _build/html _build/book.pdf

Needs pypdf.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from browser import opened, settle
from playwright.sync_api import PdfMargins
from pypdf import PdfWriter

from astsvm_lib.book.chapters import pages

MARGINS = PdfMargins(top="15mm", bottom="15mm", left="12mm", right="12mm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    writer = PdfWriter()
    with tempfile.TemporaryDirectory() as folder, opened(arguments.folder) as (browser, base):
        page = browser.new_page(reduced_motion="reduce")
        for name in pages():
            settle(page, f"{base}/{name}.html")
            title = page.locator("h1").first.inner_text().removesuffix("#").strip()
            path = Path(folder) / f"{name}.pdf"
            page.pdf(path=path, format="A4", print_background=True, margin=MARGINS)
            writer.append(str(path), outline_item=title)
    fresh = arguments.out.with_suffix(".part")
    writer.write(str(fresh))
    fresh.replace(arguments.out)
    print(f"{len(writer.pages)} pages in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
