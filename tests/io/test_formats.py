"""A format is chosen by suffix, and what cannot be chosen says what could."""

from __future__ import annotations

import pytest

from surrogates.io import HDF5, NETCDF, FormatError, Formats
from surrogates.io.formats import Format

NATIVE = Format("native", (".jetnet.h5", ".native"), "a plugin's own", lambda *_: None, None)
FORMATS = Formats((NETCDF, HDF5, NATIVE))


def test_a_suffix_picks_its_format_whatever_the_case():
    assert FORMATS.for_path("out/run.one/events.NC") is NETCDF
    assert FORMATS.for_path("events.hdf5") is HDF5


def test_the_longest_suffix_wins():
    assert FORMATS.for_path("jets.jetnet.h5") is NATIVE


@pytest.mark.parametrize(("name", "nearest"), [("events.ncd", ".nc"), ("events.hf5", ".hdf5"), ("a.nativ", ".native")])
def test_an_unknown_suffix_names_itself_the_known_ones_and_the_nearest(name: str, nearest: str):
    with pytest.raises(FormatError) as error:
        FORMATS.for_path(name)
    message = str(error.value)
    assert name in message and ".hdf5" in message and f"did you mean {nearest}?" in message
    assert "\n" not in message


def test_a_name_without_suffix_is_an_error():
    with pytest.raises(FormatError, match="no suffix"):
        FORMATS.for_path("events")


def test_a_format_is_found_by_name():
    assert FORMATS.named("netcdf") is NETCDF
    with pytest.raises(FormatError, match="did you mean netcdf"):
        FORMATS.named("netcfd")


def test_a_suffix_cannot_be_claimed_twice():
    with pytest.raises(FormatError, match="claimed by two formats"):
        Formats((NETCDF, Format("other", (".nc",), "", lambda *_: None, None)))


def test_the_same_format_may_come_twice():
    assert len(Formats((NETCDF, NETCDF, HDF5))) == 2


def test_the_registry_cannot_be_changed():
    with pytest.raises(AttributeError):
        FORMATS.extra = ()  # type: ignore[attr-defined]
