"""Mock surveys: galaxies on a lightcone of surrogate boxes, and images of them.

>>> import surrogates
>>> galaxies = surrogates.survey.catalogue(area="0.05 deg2", depth=24.0, bands="gri", seed=1)
"""

from .catalogues import catalogue
from .hats_reading import HatsReader, hats_arguments, hats_reader, hats_reader_of
from .request import Survey, SurveyError

__all__ = ["HatsReader", "Survey", "SurveyError", "catalogue", "hats_arguments", "hats_reader", "hats_reader_of"]
