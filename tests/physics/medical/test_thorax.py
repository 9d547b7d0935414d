"""The procedural chest: masks fix the outlines, draws differ within them, and lesions look as their names say."""

import numpy as np
import pytest

from surrogates.physics.medical import ct, thorax

pytest.importorskip("skimage")
pytest.importorskip("scipy")

SHAPES = [thorax.outlines(int(number)) for number in thorax.anatomies("validation", 12)]


def draw(shape, seed):
    return thorax.tissue(shape, thorax.generator("test", seed))


def test_parts_share_no_anatomy():
    numbers = [set(thorax.anatomies(part, 200).tolist()) for part in thorax.PARTS]
    assert not numbers[0] & numbers[1] and not numbers[0] & numbers[2] and not numbers[1] & numbers[2]
    assert {thorax.part_of(number) for number in numbers[2]} == {"test"}


def test_lesions_lie_within_lungs_and_lungs_within_the_body():
    for shape in SHAPES:
        assert np.all(shape.body[shape.lesion == 1] == thorax.LUNG)
        lungs, body = (shape.body == thorax.LUNG).sum(), (shape.body > 0).sum()
        assert 0.1 < lungs / body < 0.7
    assert sum(shape.lesion.any() for shape in SHAPES) >= 9


def test_an_anatomy_is_the_same_each_time_and_its_draws_differ_within_the_outlines():
    again = thorax.outlines(8)
    assert np.array_equal(again.body, SHAPES[0].body) and np.array_equal(again.lesion, SHAPES[0].lesion)
    first, second = draw(SHAPES[0], 1), draw(SHAPES[0], 2)
    assert np.array_equal(first, draw(SHAPES[0], 1))
    lungs, air = SHAPES[0].body == thorax.LUNG, SHAPES[0].body == thorax.AIR
    assert np.abs(first - second)[lungs].mean() > 20.0
    assert np.all(first[air] == ct.AIR)


def test_lungs_soft_tissue_and_lesions_have_their_hounsfield_units():
    found = {kind: [] for kind in thorax.LESIONS}
    medians = []
    for number in thorax.anatomies("training", 40):
        shape = thorax.outlines(int(number))
        image = draw(shape, int(number))
        lungs = (shape.body == thorax.LUNG) & (shape.lesion == 0)
        medians.append(np.median(image[lungs]))
        assert 500.0 < image.max() < 1500.0
        if shape.lesion.sum() > 30:
            found[thorax.LESIONS[shape.kind]].append(image[shape.lesion == 1].mean())
    assert -930.0 < min(medians) and np.quantile(medians, 0.8) < -650.0 and -860.0 < np.mean(medians) < -720.0
    means = {kind: np.mean(values) for kind, values in found.items()}
    assert -680.0 < means["ground_glass"] < -350.0
    assert means["consolidation"] > -200.0
    assert means["ground_glass"] < means["crazy_paving"] < means["consolidation"]


def test_scan_keeps_masks_and_adds_the_noise_of_photons():
    number = int(thorax.anatomies("validation", 1)[0])
    noisy, clean = thorax.scan(number, 3), thorax.scan(number, 3, clean=True)
    assert noisy.shape == (thorax.SIZE, thorax.SIZE) and noisy.dtype == np.float32
    soft = (SHAPES[0].body == thorax.BODY) & (np.abs(clean - 40.0) < 60.0)
    assert 3.0 < (noisy - clean)[soft].std() < 40.0


@pytest.mark.parametrize("number", [-1, thorax.MOST])
def test_an_anatomy_out_of_range_is_refused(number):
    with pytest.raises(ValueError, match="anatomy"):
        thorax.outlines(number)
