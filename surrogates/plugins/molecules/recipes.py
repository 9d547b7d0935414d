"""How the generator of molecules is trained: maximum likelihood, at a constant rate and then cooling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...contract.deferred import deferred
from ...contract.recipe import Adam, Batch, Codec, Model, Muon, Phase, Recipe
from .variables import SIMILAR

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from .codec import MoleculeCodec
    from .gan import MoleculeGAN
    from .library import Library
    from .network import MoleculeModel

FILES = (".smi", ".csv", ".sdf", ".gz", ".xz")
"""Suffixes of files of molecules."""

Steps = Callable[..., Iterator[tuple[str, "Tensor"]]]

MERGES = 384
"""Most pairs of tokens that are one token more each."""


LAYOUT = f"a file of molecules ({', '.join(FILES[:3])}, also .gz or .xz) or a folder of them"


def _own(path: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    from .library import read_library
    from .truth import training_of

    return (training_of(read_library(path, kept), data_set=path.name),)


def _packaged(path: Path) -> Library:
    from .library import Library, described
    from .packaged import qm9_smiles

    smiles = qm9_smiles()
    return Library(smiles, described(smiles, path / "described"))


def _qm9(path: Path) -> tuple[xr.Dataset, ...]:
    from .packaged import qm9_labels
    from .truth import training_of

    return (training_of(_packaged(path), qm9_labels(), data_set="qm9"),)


def _selfies(path: Path, kept: Path) -> tuple[xr.Dataset, ...]:
    """A file's or folder's molecules that have SELFIES symbols."""
    from .library import read_library
    from .selfies_writing import encodable
    from .truth import training_of

    return (encodable(training_of(read_library(path, kept), data_set=path.name), str(path)),)


def _codec() -> Codec:
    from .codec import MoleculeCodec

    return MoleculeCodec(merging=MERGES, estimates=True)


def _guided(guidance: float) -> Callable[..., Model]:
    """Models whose sampler presses for what is asked by this much, unless it is told otherwise."""

    def model(codec: MoleculeCodec) -> MoleculeModel:
        from .network import ChoosingSampler, MoleculeModel

        return MoleculeModel(codec, options=ChoosingSampler(guidance=guidance))

    return model


def _selfies_codec() -> Codec:
    from .codec import MoleculeCodec
    from .selfies_writing import LONGEST, alphabet

    return MoleculeCodec(vocabulary=alphabet(), length=LONGEST, estimates=True)


def _selfies_model(codec: MoleculeCodec) -> MoleculeModel:
    from .network import MoleculeModel
    from .selfies_writing import SelfiesSampler

    return MoleculeModel(codec, options=SelfiesSampler())


def _gan_model(codec: Codec) -> MoleculeGAN:
    from .gan import MoleculeGAN

    return MoleculeGAN()


_learn = deferred("surrogates.plugins.molecules.network:learn")
_aim = deferred("surrogates.plugins.molecules.aiming:aim")


def _aim_at_the_gap(model: MoleculeModel, batch: Batch) -> Iterator[tuple[str, Tensor]]:
    """With more weight on the gap, which molecules miss most, and less on the dipole, which conformers differ in."""
    from .aiming import aim

    yield from aim(model, batch, {"gap": 4.0, "dipole": 0.25})


def _length(encoded: Mapping[str, Tensor]) -> Tensor:
    return (encoded["tokens"] != 0).sum(1)


def _aiming(updates: int, rate: float, steps: Steps = _aim) -> Phase:
    """Policy gradient at a rate that falls; high ones undo what cooling gained, the sooner for long molecules."""
    return Phase(steps, updates, {"network": Adam(rate, warmup=20, final_fraction=0.02)}, average=0.99)


def _likelihood(
    data: Callable[[Path], tuple[xr.Dataset, ...]] | None,
    learning: int,
    cooling: int,
    model: Callable[..., Model],
    *,
    aiming: tuple[Phase, ...] = (),
    learns: Callable[[Path, Path], tuple[xr.Dataset, ...]] | None = None,
    codec: Callable[[], Codec] = _codec,
    source: str = "",
    description: str = "",
    use: str = "",
) -> Recipe:
    """Maximum likelihood, at a constant rate for some updates and then cooling for others; then policy gradient."""
    constant = Muon(1e-3, matrices=3e-3, inside="writer.layers", final_fraction=1.0, warmup=30)
    falling = replace(constant, final_fraction=0.01, warmup=1)
    return Recipe(
        data=data,
        model=model,
        phases=(
            Phase(_learn, learning, {"network": constant}, average=0.998),
            Phase(_learn, cooling, {"network": falling}, average=0.998),
            *aiming,
        ),
        batch_size=256,
        sample_batch=1024,
        sample_part=256,
        codec=codec,
        alike=_length,
        derives=(SIMILAR,),
        learns=learns,
        layout=LAYOUT if learns else "",
        reads=FILES if learns else (),
        source=source,
        description=description,
        use=use,
    )


_QM9_SOURCE = "QM9 (SMILES as in the package selfies, Apache-2.0), which the package holds"


def zinc(learning: int = 5200, cooling: int = 2600, aiming: int = 420) -> Recipe:
    """Drug-like molecules: ZINC250k, or any file or folder of molecules that `--data` names.

    Parameters
    ----------
    learning, cooling, aiming : int
        Updates at the full learning rate, while it falls, and of the policy gradient.
    """
    told = "transformer over merged SMILES tokens within the valences, trained on drug-like molecules (ZINC250k)"
    aimed = replace(_aiming(aiming, 6e-5), kept=0.5)  # all of it costs more of the distribution than it gains
    use = (
        "Drug-like molecules for libraries and enrichment: log P, weight and surface area come near what is asked, "
        "QED misses by 0.054 on average where 0.04 was asked. Whatever it writes is a molecule; whether one can make "
        "it is not judged."
    )
    return _likelihood(None, learning, cooling, _guided(1.25), aiming=(aimed,), learns=_own, description=told, use=use)


def qm9(learning: int = 5500, cooling: int = 2000, aiming: int = 600, weighing: int = 500) -> Recipe:
    """Small organic molecules of up to nine heavy atoms: QM9, which the package holds.

    Parameters
    ----------
    learning, cooling, aiming, weighing : int
        Updates at the full learning rate, while it falls, of the policy gradient, and of one with more weight on the
        gap.
    """
    return _likelihood(
        _qm9,
        learning,
        cooling,
        _guided(1.3),
        aiming=(_aiming(aiming, 1e-4), _aiming(weighing, 1e-4, _aim_at_the_gap)),
        source=f"{_QM9_SOURCE}, with GFN2-xTB's gap and dipole",
        description="transformer over merged SMILES tokens within the valences, trained on small molecules (QM9)",
        use=(
            "Small organic molecules with a GFN2-xTB gap or dipole near what is asked, to be verified by xTB. The gap "
            "misses by 0.35 to 0.4 eV on average, 0.18 of it the conformers, and three in four are in QM9 already: "
            "QM9 enumerates."
        ),
    )


def selfies(learning: int = 1000, cooling: int = 600) -> Recipe:
    """Molecules in SELFIES symbols, valid by construction: QM9, or any file or folder that `--data` names."""
    return _likelihood(
        _qm9,
        learning,
        cooling,
        _selfies_model,
        learns=_selfies,
        codec=_selfies_codec,
        source=_QM9_SOURCE,
        description="transformer over SELFIES symbols, valid by construction, trained on QM9",
        use=(
            "Small molecules in SELFIES where a downstream tool wants them; SMILES (qm9) are nearer to what is asked."
        ),
    )


def gan(likelihood: int = 250, judging: int = 25, playing: int = 75) -> Recipe:
    """The literature's adversarial LSTM on QM9: maximum likelihood, then a game whose reward comes token by token.

    Parameters
    ----------
    likelihood, judging, playing : int
        Updates of the generator by likelihood, of the discriminator alone, and of both in turn.
    """
    learning = Muon(2e-3, matrices=4e-3, inside="writer.cells", warmup=30, final_fraction=0.01)
    judge = Adam(5e-4, betas=(0.5, 0.999), weight_decay=1e-3, final_fraction=1.0)
    return Recipe(
        data=_qm9,
        model=_gan_model,
        phases=(
            Phase(
                deferred("surrogates.plugins.molecules.gan:learn"), likelihood, {"generator": learning}, average=0.998
            ),
            Phase(deferred("surrogates.plugins.molecules.gan:judge"), judging, {"discriminator": judge}, average=0.9),
            Phase(
                deferred("surrogates.plugins.molecules.gan:play"),
                playing,
                {"generator": Adam(5e-5), "discriminator": judge},
                average=0.99,
            ),
        ),
        batch_size=256,
        sample_batch=1024,
        sample_part=256,
        source=_QM9_SOURCE,
        description="adversarial LSTM with policy gradient (SeqGAN), trained on QM9; the literature's, for comparison",
        use=("For comparison: FCD and errors of what is asked are several times those of the transformer."),
        baseline=True,
    )
