"""Noise: named random draws keyed by (seed, sample, draw), the same whatever the batch, worker or shard.

Counter-based Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC11), vectorised in
torch integers so that it runs on any device.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_WORD = 0xFFFFFFFF
_FEW = 1 << 13  # blocks up to which numpy's integers are quicker than torch's


def philox(counter: tuple[Tensor | int, ...], key: tuple[int, int]) -> tuple[Tensor, ...]:
    """Philox4x32-10 of broadcastable int64 tensors that hold 32-bit words.

    Parameters
    ----------
    counter : four tensors or ints
    key : two ints

    Returns
    -------
    tuple of four int64 tensors
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
    return c0, c1, c2, c3  # type: ignore[return-value]


def _philox_of_few(counter: tuple[np.ndarray, ...], key: tuple[int, int]) -> np.ndarray:
    """What `philox` gives, of small arrays (n, m) of words and several times quicker: (n, m, 4) int64."""
    even, odd = np.stack(counter[0::2]).astype(np.uint64), np.stack(counter[1::2]).astype(np.uint64)
    multipliers = np.array(_MULTIPLIERS, dtype=np.uint64)[:, None, None]
    for turn in range(10):
        even *= multipliers
        high = (even >> np.uint64(32))[::-1] ^ odd
        high ^= np.array(
            [(word + turn * weyl) & _WORD for word, weyl in zip(key, _WEYL, strict=True)], dtype=np.uint64
        )[:, None, None]
        even &= np.uint64(_WORD)
        even, odd = high, even[::-1]
    return np.stack((even[0], odd[0], even[1], odd[1]), axis=-1).astype(np.int64)


class Noise:
    """Random draws of a batch of samples.

    Parameters
    ----------
    seed : int
        Any integer; 64 bits of its hash key the generator.
    samples : Tensor
        Identities, (n,) int64 on the device of the draws.

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

    def _words(self, count: int, draw: tuple[object, ...]) -> Tensor:
        """(n, blocks, 4) 32-bit words, `count` <= 4 * blocks of them a sample."""
        import torch

        if draw in self._used:
            raise RuntimeError(f"noise draw {draw!r} was used twice; give each draw its own name")
        self._used.add(draw)
        digest = hashlib.blake2b(repr((self.seed, draw)).encode(), digest_size=8).digest()
        key = (int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little"))
        blocks = -(-count // 4)
        device = self.samples.device
        index = torch.arange(blocks, dtype=torch.int64, device=device)[None, :]
        low = (self.samples & _WORD)[:, None]
        high = ((self.samples >> 32) & _WORD)[:, None]
        zero = torch.zeros_like(index)
        shape = (len(self), blocks)
        counter = tuple(part.expand(shape) for part in (index, low, high, zero))
        if device.type == "cpu" and math.prod(shape) <= _FEW:
            return torch.from_numpy(_philox_of_few(tuple(part.numpy() for part in counter), key))
        return torch.stack(philox(counter, key), dim=-1)

    def uniform(self, shape: tuple[int, ...], *draw: object) -> Tensor:
        """Uniform in (0, 1), ``(n, *shape)`` float64."""
        count = math.prod(shape)
        words = self._words(2 * count, draw).flatten(1)[:, : 2 * count]
        high, low = words[:, 0::2] >> 5, words[:, 1::2] >> 6
        return ((high * 67108864 + low).double().add_(0.5)).mul_(2.0**-53).reshape(len(self), *shape)

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


def fold(seed: int, *parts: object) -> int:
    """A 63-bit seed derived from `seed` and `parts` (training steps, workers)."""
    return int.from_bytes(hashlib.blake2b(repr((int(seed), parts)).encode(), digest_size=8).digest(), "little") >> 1
