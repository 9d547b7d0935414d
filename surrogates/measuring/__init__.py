"""What every plugin's findings share: floors, errors, two-sample classifiers, memorisation and impostors."""

from .classifiers import Separation, area_under_curve, auc_error, boosting, set_network
from .conditions import by_condition
from .distances import kolmogorov_smirnov_distance, kuiper_distance, wasserstein_distance
from .image_classifier import image_network
from .impostors import independent_variables, memoriser, noise, wrong_condition
from .memorisation import memorisation
from .validation import Validation, residuals, validate

__all__ = [
    "Separation",
    "Validation",
    "area_under_curve",
    "auc_error",
    "boosting",
    "by_condition",
    "image_network",
    "independent_variables",
    "kolmogorov_smirnov_distance",
    "kuiper_distance",
    "memorisation",
    "memoriser",
    "noise",
    "residuals",
    "set_network",
    "validate",
    "wasserstein_distance",
    "wrong_condition",
]
