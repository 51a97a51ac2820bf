"""Draw the picture on the book's first page, which the README shows too.

python tools/draw_cover.py
"""

from pathlib import Path

import numpy as np

from astsvm_lib import datasets, report
from astsvm_lib.features import difference_sequence, lucas_kanade
from astsvm_lib.preprocessing import prepare
from astsvm_lib.recipe import Recipe

OUTPUT = Path(__file__).parents[1] / "book/_static/cover.png"
SHOWN = (0, 2, 3, 4, 5, 6, 7)


def main() -> None:
    recipe = Recipe()
    clip = datasets.load("rehearsal-mini").example("surprise", "1+2")
    plain = prepare(clip, recipe.replace(magnification={"alpha": 1.0})).frames
    magnified = prepare(clip, recipe).frames
    flow = np.stack([lucas_kanade(magnified[0], frame, recipe.flow) for frame in magnified])
    idsf = difference_sequence(magnified, recipe.difference)
    largest = float(np.percentile(np.abs(idsf), 99.7))
    chosen = list(SHOWN)
    figure = report.image_grid(
        [
            list(np.clip(plain[chosen], 0, 255)),
            list(np.clip(magnified[chosen], 0, 255)),
            list(report.flow_rgb(flow[chosen], float(np.percentile(np.abs(flow), 99.8)))),
            list(idsf[chosen]),
        ],
        ["frames", "magnified", "flow", "IDSF"],
        [f"frame {i + 1}" for i in chosen],
        [(0, 255), (0, 255), (0, 1), (-largest, largest)],
        ["gray", "gray", "gray", "RdBu_r"],
        cell=1.15,
    )
    figure.savefig(OUTPUT, dpi=120, facecolor="white")
    print(OUTPUT)


if __name__ == "__main__":
    main()
