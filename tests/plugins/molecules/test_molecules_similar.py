"""A molecule to vary: its latent point reaches the network, and the arc between two is walked from end to end."""

import numpy as np
import pytest
import torch

from surrogates.contract.errors import SchemaError, SurrogatesError
from surrogates.physics.molecules.descriptors import parse
from surrogates.physics.molecules.distances import similarity
from surrogates.physics.molecules.structure import fingerprints
from surrogates.plugins.molecules.interpolation import arc, interpolate
from surrogates.plugins.molecules.measure import texts


def test_molecules_asked_to_be_similar_are_more_so(surrogate):
    asked = ("CCCCCCN", "NCCCCO", "ClCCCCCCCC", "OCCO", "CCCO", "NCCCCCCN")
    rows = [text for text in asked for _ in range(50)]
    free, near = (texts(surrogate.sample(300, seed=3, **more)) for more in ({}, {"similar_to": rows}))
    wanted, *found = (fingerprints([parse(text).molecule for text in some]) for some in (rows, free, near))
    likeness = [np.mean(np.diag(similarity(some, wanted))) for some in found]
    assert likeness[1] > likeness[0] + 0.1


def test_how_a_molecule_is_written_does_not_matter(surrogate):
    same = [texts(surrogate.sample(20, seed=3, similar_to=text)) for text in ("OCCCN", "C(CN)CO", "NCCCO.Cl")]
    assert same[0] == same[1] == same[2]


def test_a_row_may_ask_for_another_molecule_or_none(surrogate):
    mixed = texts(surrogate.sample(3, seed=3, similar_to=["OCCCN", "", "ClCCCCl"]))
    assert mixed[1] == texts(surrogate.sample(3, seed=3))[1]
    assert mixed[2] == texts(surrogate.sample(3, seed=3, similar_to="ClCCCCl"))[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [("C1CC", "similar_to = 'C1CC': infeasible; .* syntax"), ("C[Pt]C", "unsupported token"), ("CÄ", "ASCII")],
)
def test_what_cannot_be_written_cannot_be_varied(surrogate, text, message):
    with pytest.raises(SchemaError, match=message):
        surrogate.sample(2, seed=1, similar_to=text)


def test_the_arc_keeps_its_radius_and_meets_its_ends():
    torch.manual_seed(0)
    first, second = (torch.nn.functional.normalize(torch.randn(16), dim=0) * 4.0 for _ in range(2))
    points = arc(first, second, np.linspace(0, 1, 5))
    torch.testing.assert_close(points.norm(dim=1), torch.full((5,), 4.0))
    torch.testing.assert_close(points[[0, -1]], torch.stack((first, second)))
    steps = (points[1:] - points[:-1]).norm(dim=1)
    torch.testing.assert_close(steps, steps[:1].expand(4))
    torch.testing.assert_close(arc(first, first, np.array([0.5]))[0], first)


def test_interpolation_walks_from_one_molecule_to_the_other(surrogate):
    steps = interpolate(surrogate, "NCCCCN", "ClCCCCCCCCCl", steps=3, each=64, seed=2)
    assert [step.fraction for step in steps] == [0.0, 0.5, 1.0]
    chlorines = [np.mean([text.count("Cl") for text in step.smiles]) for step in steps]
    assert chlorines[0] < chlorines[2]
    for step in steps:
        assert step.similarity.shape == (len(step.smiles), 2)
        assert ((step.similarity >= 0) & (step.similarity <= 1)).all()


def test_interpolation_needs_two_places(surrogate):
    with pytest.raises(SurrogatesError, match="steps, each: 1, 32"):
        interpolate(surrogate, "C", "CC", steps=1)
