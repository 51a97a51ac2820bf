"""Read the rendered book as a browser does, and fail on what a reader would trip over.

    python tools/check_book.py [_build/html] [--shots FOLDER]

Serves the folder on 127.0.0.1, opens every page in headless Chromium, and fails on a console error, a
request that leaves the machine or is not answered, a page that scrolls sideways at 390 px, a page that is
taller than 8,000 px at 1400 px or heavier than 3 MB, a figure without alt text, or mathematics left as
source. ``--shots`` writes screenshots: desktop, phone, dark.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from browser import opened, settle
from playwright.sync_api import Browser, ViewportSize

DESKTOP, PHONE = ViewportSize(width=1400, height=900), ViewportSize(width=390, height=844)
TALLEST = 8000  # px of a page at desktop width, without goals, exercises and quiz
HEAVIEST = 3e6  # bytes of a page with its pictures
#: Pages that are looked up, not read from top to bottom.
REFERENCE = ("glossary", "notation", "api", "genindex", "bibliography", "runs", "py-modindex", "search")
HEIGHT = """
() => [...document.querySelectorAll('section#exercises, section#quiz, .admonition.goals')].reduce(
  (height, part) => height - part.offsetHeight, document.documentElement.scrollHeight)
"""
PICTURES = "() => [...document.querySelectorAll('main img')].map(i => i.getAttribute('src'))"
#: Run in the page: mathematics that MathJax left as source, outside code.
UNRENDERED = r"""
() => {
  const found = [];
  const walk = document.createTreeWalker(document.querySelector('main') || document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest('code, pre, spec, style, mjx-container, textarea')) continue;
    if (/\\\(|\\\[|\$\$|\\(frac|begin|mathbb|operatorname|lVert|sum|hat|alpha|delta)\b/.test(node.textContent))
      found.push(node.textContent.trim().slice(0, 60));
  }
  document.querySelectorAll('mjx-merror, [data-mml-node="merror"]')
    .forEach(e => found.push('error in: ' + e.textContent));
  return found;
}
"""
WITHOUT_ALT = """
() => [...document.querySelectorAll('main img')].filter(i => !(i.getAttribute('alt') || '').trim()
  || /_build|\\.(png|svg|jpg)$/.test(i.alt)).map(i => i.getAttribute('src').slice(-60))
"""
BROKEN = "() => [...document.querySelectorAll('img')].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
OVERFLOW = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
  return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > width + 1)
    .slice(0, 3).map(e => `${e.tagName}.${e.className} to ${Math.round(e.getBoundingClientRect().right)} px`)
    .concat([`page ${document.documentElement.scrollWidth} px wide`]);
}
"""


def read(browser: Browser, base: str, folder: Path, path: str, shots: Path | None) -> list[str]:
    """Everything that is wrong with one page."""
    problems: list[str] = []
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.on("console", lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: problems.append(f"error: {e}"))
    page.on("response", lambda r: problems.append(f"{r.status}: {r.url}") if r.status >= 400 else None)

    def on_request(request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((base, "data:", "blob:")):
            problems.append(f"leaves the machine: {url}")

    page.on("request", on_request)
    settle(page, f"{base}/{path}")
    problems += [f"mathematics left as source: {t}" for t in page.evaluate(UNRENDERED)]
    problems += [f"figure without alt text: {s}" for s in page.evaluate(WITHOUT_ALT)]
    problems += [f"broken picture: {s}" for s in page.evaluate(BROKEN)]
    name = Path(path).stem
    height = page.evaluate(HEIGHT)
    if height > TALLEST and not name.startswith(REFERENCE):
        problems.append(f"{height} px tall; expected at most {TALLEST}")
    pictures = {source for source in page.evaluate(PICTURES) if source and not source.startswith("data:")}
    weight = (folder / path).stat().st_size + sum((folder / source).stat().st_size for source in pictures)
    if weight > HEAVIEST:
        problems.append(f"{weight / 1e6:.1f} MB; expected at most {HEAVIEST / 1e6:g}")
    if shots:
        page.screenshot(path=shots / f"{name}-desktop.png", full_page=True)
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(150)
    problems += [f"scrolls sideways at 390 px: {e}" for e in page.evaluate(OVERFLOW)]
    if shots:
        page.screenshot(path=shots / f"{name}-phone.png", full_page=True)
        page.set_viewport_size(DESKTOP)
        page.evaluate("() => localStorage.setItem('mode', 'dark')")
        settle(page, f"{base}/{path}")
        page.screenshot(path=shots / f"{name}-dark.png", full_page=True)
    context.close()
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("_build/html"))
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    arguments = parser.parse_args()
    failed = 0
    with opened(arguments.folder) as (browser, base):
        if arguments.shots:
            arguments.shots.mkdir(parents=True, exist_ok=True)
        pages = sorted(p.relative_to(arguments.folder).as_posix() for p in arguments.folder.glob("*.html"))
        for path in pages:
            problems = list(dict.fromkeys(read(browser, base, arguments.folder, path, arguments.shots)))
            failed += bool(problems)
            print(f"{path}: {'ok' if not problems else ''}")
            for problem in problems:
                print(f"  {problem}")
    print(f"{len(pages) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
