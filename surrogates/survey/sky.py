"""The field on the sky: a square about its centre, in a frame whose x axis points there, and its place among pixels.

In the field's own frame longitude runs east and latitude north from the centre. A rotation takes that to right
ascension and declination, so that fields at a pole or across right ascension 0 are like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Field:
    """A square of the sky.

    Attributes
    ----------
    area : float
        deg^2.
    centre : (float, float)
        Right ascension and declination, degrees.
    """

    area: float
    centre: tuple[float, float]

    @cached_property
    def half_side(self) -> float:
        """Half the extent in the field's longitude and latitude, radians: 4 h sin h = area."""
        steradian = self.area * (np.pi / 180) ** 2
        half = np.sqrt(steradian) / 2
        for _ in range(20):
            half -= (4 * half * np.sin(half) - steradian) / (4 * np.sin(half) + 4 * half * np.cos(half))
        return float(half)

    @cached_property
    def rotation(self) -> np.ndarray:
        """Matrix (3, 3) that takes vectors of the field's frame to equatorial ones."""
        alpha, delta = np.radians(self.centre)
        about_z = np.array([[np.cos(alpha), -np.sin(alpha), 0], [np.sin(alpha), np.cos(alpha), 0], [0, 0, 1]])
        about_y = np.array([[np.cos(delta), 0, -np.sin(delta)], [0, 1, 0], [np.sin(delta), 0, np.cos(delta)]])
        return about_z @ about_y

    def holds(self, vectors: np.ndarray) -> np.ndarray:
        """Which of the vectors (n, 3) of the field's frame point into the field."""
        longitude = np.arctan2(vectors[:, 1], vectors[:, 0])
        latitude = np.arctan2(vectors[:, 2], np.hypot(vectors[:, 0], vectors[:, 1]))
        return (np.abs(longitude) <= self.half_side) & (np.abs(latitude) <= self.half_side)

    def to_sky(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Right ascension [0, 360) and declination, degrees, of vectors (n, 3) of the field's frame."""
        x, y, z = (np.asarray(vectors, dtype=np.float64) @ self.rotation.T).T
        right_ascension = np.degrees(np.arctan2(y, x)) % 360.0
        return np.where(right_ascension >= 360.0, 0.0, right_ascension), np.degrees(np.arctan2(z, np.hypot(x, y)))

    def from_sky(self, right_ascension: np.ndarray, declination: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 3) of the field's frame."""
        alpha, delta = np.radians(right_ascension), np.radians(declination)
        vectors = np.stack((np.cos(delta) * np.cos(alpha), np.cos(delta) * np.sin(alpha), np.sin(delta)), -1)
        return vectors @ self.rotation
