"""Simulated heads: parts that share nothing, tissues that shine as their relaxation says, and scans that vary."""

import numpy as np
import pytest

from surrogates.physics.medical import head, mri, slices

pytest.importorskip("scipy")
pytest.importorskip("skimage")


def test_parts_share_neither_anatomies_nor_slabs():
    levels = {part: {head.level_of(int(a)) // head.SLAB for a in slices.anatomies(part, 300)} for part in head.PARTS}
    numbers = {part: set(slices.anatomies(part, 300).tolist()) for part in head.PARTS}
    for one in head.PARTS:
        assert all(head.part_of(number) == one for number in numbers[one])
        for other in head.PARTS:
            if one != other:
                assert not levels[one] & levels[other] and not numbers[one] & numbers[other]


def test_a_head_is_its_number():
    first, again, other = head.simulate(7), head.simulate(7), head.simulate(17)
    assert np.array_equal(first.hounsfield, again.hounsfield) and np.array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    with pytest.raises(ValueError, match="anatomy"):
        head.simulate(head.MOST)


def test_hounsfield_units_are_those_of_the_materials():
    found = head.simulate(3)
    assert found.hounsfield[0, 0] == pytest.approx(-1000.0, abs=10.0)
    assert found.hounsfield[found.labels == 3].mean() == pytest.approx(30.0, abs=12.0)
    assert found.hounsfield.max() > 800.0


def test_tissues_shine_in_the_order_of_their_weighting():
    def of(tissue, sequence):
        return float(mri.signal(*map(np.array, mri.RELAXATION[tissue]), mri.SEQUENCES[sequence]))

    white, grey, fluid = ((name, "t1") for name in ("white_matter", "grey_matter", "cerebrospinal_fluid"))
    assert of(*white) > of(*grey) > of(*fluid)
    assert of("cerebrospinal_fluid", "t2") > of("grey_matter", "t2") > of("white_matter", "t2")
    assert of("cerebrospinal_fluid", "flair") < 0.2 * of("oedema", "flair")


def test_noise_without_signal_is_rayleighs():
    noise = mri.with_noise(np.zeros((200, 200)), 0.1, np.random.default_rng(1))
    assert noise.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.02)


def test_unusual_scans_lie_beyond_every_usual_one():
    for name in ("bias", "noise", "contrast", "gamma"):
        assert getattr(mri.UNUSUAL, name)[0] > getattr(mri.USUAL, name)[1]


def test_scanners_draw_apart_and_by_their_seed():
    one, again, other = (next(slices.scanned([9], [seed], ("mri", "tissue"))) for seed in (1, 1, 2))
    assert np.array_equal(one["mri"], again["mri"]) and not np.array_equal(one["mri"], other["mri"])
    assert np.array_equal(one["tissue"], other["tissue"])


def test_half_of_the_heads_have_a_lesion():
    kinds = [head.simulate(int(number)).lesion for number in slices.anatomies("training", 24)]
    assert 4 <= sum(kind != "none" for kind in kinds) <= 20


def test_held_out_anatomies_stay_within_bounds():
    numbers = slices.held_out(np.linspace(0.001, 0.999, 200), (250_003, 250_100))
    assert numbers.min() >= 250_003 and numbers.max() <= 250_100 and set(numbers % 10) == {9}
    assert len(np.unique(numbers)) == 10


def test_tests_lie_between_training_slabs():
    levels = {part: [head.level_of(int(a)) for a in slices.anatomies(part, 300)] for part in head.PARTS}
    assert min(levels["training"]) < min(levels["test"]) and max(levels["test"]) < max(levels["training"])
