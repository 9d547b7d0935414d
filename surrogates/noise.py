"""Noise: named random draws keyed by (seed, sample, draw), the same whatever the batch, worker or shard.

Counter-based Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11), vectorised in
torch integers so that it runs on any device.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_WORD = 0xFFFFFFFF
_AT_ONCE = 1 << 13  # blocks at a time on a processor, so that they stay in its cache


def philox(counter: tuple[Any, ...], key: tuple[Any, Any]) -> tuple[Any, ...]:
    """Philox4x32-10 of broadcastable int64 tensors, or arrays, that hold 32-bit words.

    Parameters
    ----------
    counter : four tensors or ints
    key : two ints, or tensors that broadcast with the counter

    Returns
    -------
    tuple of four int64 tensors, or arrays
        Each with values in [0, 2**32).
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0 = c0 * _MULTIPLIERS[0]
        product1 = c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            ((product1 >> 32) & _WORD) ^ c1 ^ k0,
            product1 & _WORD,
            ((product0 >> 32) & _WORD) ^ c3 ^ k1,
            product0 & _WORD,
        )
        k0 = (k0 + _WEYL[0]) & _WORD
        k1 = (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3


def _key(seed: int, draw: tuple[object, ...], used: set[tuple[object, ...]]) -> tuple[int, int]:
    """Key of a named draw, which is noted in `used`."""
    if draw in used:
        raise RuntimeError(f"noise draw {draw!r} was used twice; give each draw its own name")
    used.add(draw)
    digest = hashlib.blake2b(repr((seed, draw)).encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def _philox_in_cache(counter: tuple[np.ndarray, ...], key: tuple[Any, Any]) -> np.ndarray:
    """What `philox` gives, of arrays (n, m) of words that fit a cache and several times quicker: (n, m, 4) int64."""
    keys = np.stack([np.asarray(word, dtype=np.int64).reshape(-1, 1) for word in key])
    weyl = np.array(_WEYL, dtype=np.int64)[:, None, None]
    even, odd = np.stack(counter[0::2]).astype(np.uint64), np.stack(counter[1::2]).astype(np.uint64)
    multipliers = np.array(_MULTIPLIERS, dtype=np.uint64)[:, None, None]
    for turn in range(10):
        even *= multipliers
        high = (even >> np.uint64(32))[::-1] ^ odd
        high ^= ((keys + turn * weyl) & _WORD).astype(np.uint64)
        even &= np.uint64(_WORD)
        even, odd = high, even[::-1]
    return np.stack((even[0], odd[0], even[1], odd[1]), axis=-1).astype(np.int64)


def _philox_in_parts(counter: tuple[np.ndarray, ...], key: Sequence[Any]) -> np.ndarray:
    """`_philox_in_cache`, so many rows at a time."""
    n, blocks = counter[0].shape
    rows = max(1, _AT_ONCE // max(1, blocks))
    if n <= rows:
        return _philox_in_cache(counter, (key[0], key[1]))
    found = np.empty((n, blocks, 4), dtype=np.int64)
    for first in range(0, n, rows):
        some = slice(first, first + rows)
        own = tuple(word if isinstance(word, int) else word[some] for word in key)
        found[some] = _philox_in_cache(tuple(part[some] for part in counter), (own[0], own[1]))
    return found


class Noise:
    """Random draws of a batch of samples.

    Parameters
    ----------
    seed : int
        Any integer; 64 bits of its hash key the generator.
    samples : Tensor
        Identities, (n,) int64 on the device of the draws; rows with equal ones are one sample.

    Notes
    -----
    A draw is named by `draw`; using a name twice raises. Equal (seed, sample, draw) give equal bits on every batch
    layout. Values are float64 with 53 (uniform) or 32-bit (normal) resolution.
    """

    def __init__(self, seed: int, samples: Tensor) -> None:
        self.seed = int(seed)
        self.samples = samples
        self._used: set[tuple[object, ...]] = set()

    def __len__(self) -> int:
        return int(self.samples.shape[0])

    def _key(self, draw: tuple[object, ...]) -> tuple[Any, Any]:
        """The generator's key for a draw."""
        return _key(self.seed, draw, self._used)

    def _identities(self) -> Tensor:
        """What the generator counts by, (n,) int64."""
        return self.samples

    def _words(self, count: int, draw: tuple[object, ...]) -> Tensor:
        """(n, blocks, 4) 32-bit words, `count` <= 4 * blocks of them a sample."""
        import torch

        key = self._key(draw)
        blocks = -(-count // 4)
        device = self.samples.device
        identities = self._identities()
        index = torch.arange(blocks, dtype=torch.int64, device=device)[None, :]
        low = (identities & _WORD)[:, None]
        high = ((identities >> 32) & _WORD)[:, None]
        zero = torch.zeros_like(index)
        shape = (len(self), blocks)
        counter = tuple(part.expand(shape) for part in (index, low, high, zero))
        if device.type == "cpu":
            words = [word if isinstance(word, int) else word.numpy() for word in key]
            return torch.from_numpy(_philox_in_parts(tuple(part.numpy() for part in counter), words))
        return torch.stack(philox(counter, key), dim=-1)

    def uniform(self, shape: tuple[int, ...], *draw: object) -> Tensor:
        """Uniform in (0, 1), ``(n, *shape)`` float64."""
        count = math.prod(shape)
        words = self._words(2 * count, draw).flatten(1)[:, : 2 * count]
        high, low = words[:, 0::2] >> 5, words[:, 1::2] >> 6
        return high.mul_(67108864).add_(low).double().add_(0.5).mul_(2.0**-53).reshape(len(self), *shape)

    def normal(self, shape: tuple[int, ...], *draw: object) -> Tensor:
        """Standard normal, ``(n, *shape)`` float64 (Box-Muller)."""
        import torch

        count = math.prod(shape)
        words = self._words(2 * (-(-count // 2)), draw).flatten(1)
        unit = words.double().add_(0.5).mul_(2.0**-32)
        radius = torch.sqrt(-2.0 * torch.log(unit[:, 0::2]))
        angle = unit[:, 1::2] * (2.0 * math.pi)
        pairs = torch.stack((radius * torch.cos(angle), radius * torch.sin(angle)), dim=-1)
        return pairs.flatten(1)[:, :count].reshape(len(self), *shape)

    def choice(self, logits: Tensor, *draw: object) -> Tensor:
        """Category drawn from `logits` (n, k) by inversion of the cumulative probability, (n,) int64."""
        import torch

        cumulative = torch.cumsum(torch.softmax(logits.double(), dim=-1), dim=-1)
        point = self.uniform((1,), *draw)
        return torch.clamp((point > cumulative).sum(dim=-1), max=logits.shape[-1] - 1)


class NoiseOfSeveral(Noise):
    """Random draws of a batch whose samples belong to calls of several seeds; each draws what it draws alone.

    Parameters
    ----------
    seeds : sequence of int
        Seed of each row.
    identities : Tensor
        Identity of each row in its own call, (n,) int64.

    Notes
    -----
    `samples` numbers the distinct pairs of seed and identity: rows with equal numbers are one sample.
    """

    def __init__(self, seeds: Sequence[int], identities: Tensor) -> None:
        import torch

        numbers: dict[tuple[int, int], int] = {}
        pairs = zip(seeds, identities.tolist(), strict=True)
        marks = [numbers.setdefault((int(seed), identity), len(numbers)) for seed, identity in pairs]
        super().__init__(0, torch.tensor(marks, dtype=torch.int64, device=identities.device))
        distinct = {int(seed): place for place, seed in enumerate(dict.fromkeys(seeds))}
        self._seeds = list(distinct)
        self._place = torch.tensor([distinct[int(seed)] for seed in seeds], device=identities.device)
        self._own = identities

    def _key(self, draw: tuple[object, ...]) -> tuple[Any, Any]:
        import torch

        _key(0, draw, self._used)  # notes the name
        keys = torch.tensor([_key(seed, draw, set()) for seed in self._seeds], device=self._own.device)
        rows = keys[self._place]
        return rows[:, :1], rows[:, 1:]

    def _identities(self) -> Tensor:
        return self._own


class SeedOfSeveral(AttributeError):
    """A seed was asked of noise that is mixed: a model that makes noise of its own from it cannot draw mixtures."""


class MixedNoise(Noise):
    """Random draws of samples that lie between others, or beyond them: sums of the others' draws, of the same law.

    Parameters
    ----------
    seed : int
    identities : Tensor
        The k samples that each row is made of, (n, k) int64.
    weights : Tensor
        How much of each, (n, k); brought to a sum of squares of 1.
    samples : Tensor
        Numbers of the rows, (n,) int64; rows with equal ones are one sample.

    Raises
    ------
    ValueError
        A row whose weights are all 0.

    Notes
    -----
    A sum of independent standard normal draws is standard normal where the squares of their weights sum to 1, and a
    row whose only weight is 1 draws what that sample draws, to the bit. Uniform draws go through the normal law and
    back. An identity that stands in a row twice counts once, with both weights. There is no `seed`.
    """

    def __init__(self, seed: int, identities: Tensor, weights: Tensor, samples: Tensor) -> None:
        import torch

        again = identities[:, :, None] == identities[:, None, :]
        first = ~torch.tril(again, diagonal=-1).any(dim=2)  # of equal ones, which gets all of their weight
        summed = (again * weights.double()[:, None, :]).sum(dim=2) * first
        length = summed.norm(dim=1, keepdim=True)
        if not bool((length > 0).all()):
            raise ValueError("weights: 0 throughout a row; expected one above or below 0 in each")
        self.samples = samples
        self._weights = summed / length
        self._parts = [Noise(seed, column) for column in identities.unbind(1)]

    def __getattr__(self, name: str) -> Any:
        raise SeedOfSeveral(name) if name == "seed" else AttributeError(name)

    def normal(self, shape: tuple[int, ...], *draw: object) -> Tensor:
        """Standard normal, ``(n, *shape)`` float64."""
        drawn = [part.normal(shape, *draw).reshape(len(self), -1) for part in self._parts]
        return self._mixed(drawn).reshape(len(self), *shape)

    def uniform(self, shape: tuple[int, ...], *draw: object) -> Tensor:
        """Uniform in (0, 1), ``(n, *shape)`` float64."""
        import torch

        drawn = [part.uniform(shape, *draw).reshape(len(self), -1) for part in self._parts]
        mixed = torch.special.ndtr(self._mixed([torch.special.ndtri(values) for values in drawn]))
        mixed = mixed.clamp(2.0**-54, 1.0 - 2.0**-53)
        for column, values in enumerate(drawn):
            mixed = torch.where(self._weights[:, column, None] == 1.0, values, mixed)
        return mixed.reshape(len(self), *shape)

    def _mixed(self, drawn: list[Tensor]) -> Tensor:
        import torch

        return torch.stack([self._weights[:, k, None] * values for k, values in enumerate(drawn)]).sum(dim=0)


class Draws:
    """`Noise` in NumPy, for priors and references: the same draws with the same bits, and no torch.

    Parameters
    ----------
    seed : int
    samples : ndarray
        Identities, (n,) integers.

    Notes
    -----
    Uniform draws are bit-equal to those of `Noise`; normal ones agree to rounding, as the logarithms of two libraries
    do.
    """

    def __init__(self, seed: int, samples: np.ndarray) -> None:
        import numpy as np

        self.seed = int(seed)
        self.samples = np.asarray(samples, dtype=np.int64)
        self._used: set[tuple[object, ...]] = set()

    def _words(self, count: int, draw: tuple[object, ...]) -> np.ndarray:
        import numpy as np

        key = _key(self.seed, draw, self._used)
        index = np.arange(-(-count // 4), dtype=np.int64)[None, :]
        low, high = (self.samples & _WORD)[:, None], ((self.samples >> 32) & _WORD)[:, None]
        counter = np.broadcast_arrays(index, low, high, np.zeros_like(index))
        found: Any = philox(tuple(counter), key)
        return np.stack(found, axis=-1).reshape(len(self.samples), 4 * index.shape[1])[:, :count]

    def uniform(self, shape: tuple[int, ...], *draw: object) -> np.ndarray:
        """Uniform in (0, 1), (n, *shape) float64."""
        words = self._words(2 * math.prod(shape), draw)
        high, low = words[:, 0::2] >> 5, words[:, 1::2] >> 6
        return (((high * 67108864 + low) + 0.5) * 2.0**-53).reshape(len(self.samples), *shape)

    def normal(self, shape: tuple[int, ...], *draw: object) -> np.ndarray:
        """Standard normal, (n, *shape) float64 (Box-Muller)."""
        import numpy as np

        count = math.prod(shape)
        unit = (self._words(2 * (-(-count // 2)), draw) + 0.5) * 2.0**-32
        radius, angle = np.sqrt(-2.0 * np.log(unit[:, 0::2])), unit[:, 1::2] * (2.0 * math.pi)
        pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
        return pairs.reshape(len(self.samples), 2 * radius.shape[1])[:, :count].reshape(len(self.samples), *shape)


def draws(seed: int, samples: np.ndarray) -> Draws:
    """Random draws of samples in NumPy; `draws(seed, samples).uniform((3,), "prior")` is (n, 3).

    A draw depends on (seed, sample, its name) alone; using a name twice raises.
    """
    return Draws(seed, samples)


def fold(seed: int, *parts: object) -> int:
    """A 63-bit seed derived from `seed` and `parts` (training steps, workers)."""
    return int.from_bytes(hashlib.blake2b(repr((int(seed), parts)).encode(), digest_size=8).digest(), "little") >> 1
