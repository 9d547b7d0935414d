"""What the tests of molecules share: small truths that are reduced once."""

import pytest


@pytest.fixture(scope="session")
def plugin():
    pytest.importorskip("rdkit", reason="the extra 'molecules' is not installed")
    pytest.importorskip("fcd_torch", reason="the extra 'molecules' is not installed")
    from surrogates.plugins.molecules.plugin import PLUGIN

    return PLUGIN


@pytest.fixture(scope="session")
def truths(plugin):
    """Three hundred molecules of QM9, and two other hundreds, reduced."""
    whole = plugin.truth(600, 5)
    return whole.isel(sample=slice(0, 300)), plugin.measure.reduce(whole.isel(sample=slice(300, 600)))
