"""Does a classifier of galaxies gain from generated rare classes? Train it with and without them, and print the gain.

A survey sees few mergers and edge-on discs. The training set here has 3 % of each; the test set, of simulated galaxies
that nobody trained on, has equal shares. Four ways to treat the rare classes compete at equal training steps: nothing,
copies turned and mirrored, galaxies from the surrogate, and as many more galaxies from the simulator, which is what the
surrogate can reach at best.

    python examples/augment_rare_classes.py
    python examples/augment_rare_classes.py --generator reference --galaxies 400 --repeats 2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
import xarray as xr

import surrogates

CLASSES = ("spiral", "elliptical", "merger", "edge_on")
RARE = ("merger", "edge_on")
SHARES = {"spiral": 0.60, "elliptical": 0.34, "merger": 0.03, "edge_on": 0.03}
SEEN = {"psf": "kolmogorov", "psf_fwhm_g": 0.8, "psf_fwhm_r": 0.75, "psf_fwhm_i": 0.7, "pixel_scale": 0.1}
NOISE = 3.0  # nJy a pixel: a faint galaxy's structure is half lost in it
MAGNITUDES = (21.0, 24.0)


def galaxies(simulator, counts: dict[str, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (n, 3, 64, 64) on an asinh scale, and class codes."""
    labels = [name for name, count in counts.items() for _ in range(count)]
    magnitudes = np.random.default_rng(seed).uniform(*MAGNITUDES, len(labels))
    noise = {f"noise_{band}": NOISE for band in "gri"}
    drawn: xr.Dataset = simulator.sample(
        len(labels), seed=seed, morphology=labels, magnitude_r=magnitudes, **SEEN, **noise
    )
    images = np.arcsinh(drawn["image"].values / (2 * NOISE)).astype(np.float32)
    return images, drawn["morphology"].values.astype(np.int64)


def turned(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each galaxy turned by quarter circles and mirrored at random."""
    made = [np.rot90(image, int(generator.integers(0, 4)), axes=(1, 2)) for image in images]
    return np.stack([image[:, :, ::-1] if generator.random() < 0.5 else image for image in made])


def train(images: np.ndarray, codes: np.ndarray, steps: int, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """A small convolutional classifier; returns images -> class codes."""
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 64)):
        layers += [torch.nn.Conv2d(inputs, outputs, 3, 2, 1), torch.nn.GroupNorm(4, outputs), torch.nn.SiLU()]
    layers += [torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(256, len(CLASSES))]
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        rows = generator.integers(0, len(images), 48)
        batch = turned(images[rows], generator)
        loss = torch.nn.functional.cross_entropy(
            network(torch.from_numpy(np.ascontiguousarray(batch))), torch.from_numpy(codes[rows])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()

    def classify(test: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return network(torch.from_numpy(test)).argmax(1).numpy()

    return classify


def recalls(found: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Share of each class that is found, in the order of `CLASSES`."""
    return np.array([(found[codes == code] == code).mean() for code in range(len(CLASSES))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", choices=("surrogate", "reference"), default="surrogate")
    parser.add_argument("--model", help="recipe of the surrogate")
    parser.add_argument("--galaxies", type=int, default=1200, help="size of the imbalanced training set")
    parser.add_argument("--test", type=int, default=150, help="test galaxies of each class")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5, help="trainings of each kind")
    given = parser.parse_args()
    torch.set_num_threads(1)
    name = "galaxy-images"
    reference = surrogates.reference(name)
    generator = reference if given.generator == "reference" else surrogates.load(name, model=given.model)

    counts = {kind: round(share * given.galaxies) for kind, share in SHARES.items()}
    extra = {kind: max(counts["elliptical"] - counts[kind], 1) for kind in RARE}
    images, codes = galaxies(reference, counts, seed=1)
    test, truth = galaxies(reference, dict.fromkeys(CLASSES, given.test), seed=2)
    start = time.process_time()
    generated, generated_codes = galaxies(generator, extra, seed=3)
    spent = time.process_time() - start
    start = time.process_time()
    simulated, simulated_codes = galaxies(reference, extra, seed=4)
    simulating = time.process_time() - start
    dice = np.random.default_rng(5)
    copies = []
    for kind, count in extra.items():
        known = images[codes == CLASSES.index(kind)]
        copies.append(turned(known[dice.integers(0, len(known), count)], dice))
    copied_codes = np.repeat([CLASSES.index(kind) for kind in extra], list(extra.values()))
    sets = {
        "as it is": (images, codes),
        "turned copies": (np.concatenate([images, *copies]), np.concatenate([codes, copied_codes])),
        f"{given.generator}'s galaxies": (
            np.concatenate([images, generated]),
            np.concatenate([codes, generated_codes]),
        ),
        "simulator's galaxies": (np.concatenate([images, simulated]), np.concatenate([codes, simulated_codes])),
    }
    print(f"{given.galaxies} training galaxies, {counts}; {sum(extra.values())} more of the rare classes")
    print(f"CPU-seconds for these: {spent:.1f} by the {given.generator}, {simulating:.1f} by the simulator\n")
    print(f"{'training set':26}{'balanced accuracy':>22}" + "".join(f"{kind:>14}" for kind in CLASSES))
    results = {}
    for label, (pictures, kinds) in sets.items():
        found = [
            recalls(train(pictures, kinds, given.steps, seed)(test), truth) for seed in range(10, 10 + given.repeats)
        ]
        results[label] = np.array(found)
        mean, error = results[label].mean(axis=1).mean(), results[label].mean(axis=1).std() / np.sqrt(given.repeats)
        row = "".join(f"{value:14.3f}" for value in results[label].mean(axis=0))
        print(f"{label:26}{mean:15.3f} ± {error:.3f}{row}", flush=True)
    print("\n" + verdict({label: values.mean(axis=1) for label, values in results.items()}))


def verdict(accuracies: dict[str, np.ndarray]) -> str:
    """What the generated galaxies gained over the cheapest alternative, and how sure that is."""
    labels = list(accuracies)
    copies, generated, simulated = (accuracies[label] for label in labels[1:])
    gain = generated.mean() - copies.mean()
    error = np.sqrt((generated.var() + copies.var()) / max(len(copies) - 1, 1))
    if gain > 2 * error:
        words = "gain"
    elif gain < -2 * error:
        words = "lose"
    else:
        words = "neither gain nor lose"
    return (
        f"{labels[2]} {words} against turned copies: {gain:+.3f} ± {error:.3f} of balanced accuracy; "
        f"more galaxies from the simulator itself: {simulated.mean() - copies.mean():+.3f}"
    )


if __name__ == "__main__":
    main()
