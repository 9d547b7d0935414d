"""Mock surveys: galaxies on a lightcone of surrogate boxes, and images of them.

>>> import surrogates
>>> galaxies = surrogates.survey.catalogue(area="0.05 deg2", depth=24.0, bands="gri", seed=1)
"""

from .catalogues import catalogue
from .request import Survey, SurveyError

__all__ = ["Survey", "SurveyError", "catalogue"]
