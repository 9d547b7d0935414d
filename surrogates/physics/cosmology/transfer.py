"""Fitted transfer functions: what a cheap code's density is to be multiplied by, by scale and cosmology."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def _terms(parameters: np.ndarray) -> np.ndarray:
    return np.concatenate((np.ones((len(parameters), 1)), parameters), axis=1)


@dataclass(frozen=True)
class Transfer:
    """T(k; cosmology) of one code: ln T^2 is linear in the parameters in every shell.

    Attributes
    ----------
    coefficients : (1 + parameter, shell) array
    """

    coefficients: np.ndarray

    @classmethod
    def fitted(cls, cheap: np.ndarray, true: np.ndarray, parameters: np.ndarray) -> Transfer:
        """Least squares of ln(true / cheap).

        Parameters
        ----------
        cheap, true : (box, shell) arrays
            Power spectra of the same boxes.
        parameters : (box, parameter) array
            Of the boxes' cosmologies.
        """
        found, *_ = np.linalg.lstsq(_terms(parameters), np.log(true / cheap), rcond=None)
        return cls(found)

    def squared(self, parameters: np.ndarray) -> np.ndarray:
        """T^2 (box, shell), by which a power spectrum of the code is multiplied; r(k) is not changed by it."""
        return np.exp(_terms(parameters) @ self.coefficients)
