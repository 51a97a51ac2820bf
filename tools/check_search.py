"""Search the rendered book for words of the paper, and fail on one that does not find its page.

    python tools/check_search.py [_build/html]

Types each entry of ``search_words.csv`` into the search page in headless Chromium, and expects the page named
beside it among the first results.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from urllib.parse import quote_plus

from browser import opened
from playwright.sync_api import Page

#: A page counts as found if it is among this many results: those that a reader sees without scrolling.
FIRST = 5
WORDS = Path(__file__).parent / "search_words.csv"
FINISHED = "() => /found|match|did not/i.test(document.querySelector('#search-results .search-summary')?.textContent)"
RESULTS = "() => [...document.querySelectorAll('#search-results ul.search > li > a')].map(a => a.getAttribute('href'))"


def found(page: Page, base: str, words: str) -> list[str]:
    """Names of the pages that a search gives, best first, each once."""
    page.goto(f"{base}/search.html?q={quote_plus(words)}")
    page.wait_for_function(FINISHED)
    links = page.evaluate(RESULTS)
    return list(dict.fromkeys(Path(link.split("#")[0].split("?")[0]).stem for link in links))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("_build/html"))
    arguments = parser.parse_args()
    with WORDS.open(encoding="utf-8", newline="") as file:
        wanted = [(row["words"], row["page"]) for row in csv.DictReader(file)]
    missed = 0
    with opened(arguments.folder) as (browser, base):
        page = browser.new_page()
        for words, expected in wanted:
            results = found(page, base, words)
            if expected not in results[:FIRST]:
                missed += 1
                place = f"number {results.index(expected) + 1}" if expected in results else "missing"
                print(f"{words}: expected {expected} in the first {FIRST}, found {results[:FIRST]}; it is {place}")
    print(f"{len(wanted) - missed} of {len(wanted)} searches find their page")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
