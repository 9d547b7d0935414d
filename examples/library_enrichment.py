"""Find N molecules in a property window: by screening a library, or by asking the surrogate for them.

Both sides' candidates are judged alike: RDKit computes their properties, and where a gap is asked, GFN2-xTB simulates
those that passed. The cost is CPU time, judging included, until N distinct molecules match.

    python examples/library_enrichment.py --window log_p 2.0 2.4 --window qed 0.85 1.0 --find 50
    python examples/library_enrichment.py --model qm9 --window gap 5.0 5.2 --find 20
    python examples/library_enrichment.py --model qm9 --window gap 5.0 5.2 --find 20 --ranked
    python examples/library_enrichment.py --library zinc250k.smi --window molecular_weight 300 310 --write found.smi
"""

from __future__ import annotations

import argparse
from pathlib import Path

import surrogates
from surrogates.plugins.molecules.enrichment import Search, asked, ranked, report, screened


def main() -> None:
    """Read what is asked, and say in one line what is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--window", nargs=3, action="append", metavar=("PROPERTY", "LOW", "HIGH"), required=True)
    parser.add_argument("--model", default=None, help="recipe; the plugin's first by default")
    parser.add_argument("--library", type=Path, help="a file of molecules to screen; QM9 by default")
    parser.add_argument("--find", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU time after which a side gives up")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="the surrogate's matches, one SMILES a line")
    parser.add_argument("--ranked", action="store_true", help="verify only what molecule-properties expects to match")
    arguments = parser.parse_args()
    try:
        compare(arguments)
    except (ValueError, surrogates.SurrogatesError) as error:
        parser.error(str(error))


def compare(arguments: argparse.Namespace) -> None:
    """Search on both sides and report."""
    window = {name: (float(low), float(high)) for name, low, high in arguments.window}
    surrogate = surrogates.load("molecules", model=arguments.model)
    candidates = asked(surrogate, window, arguments.seed, arguments.batch)
    if arguments.ranked:
        candidates = ranked(candidates, window, surrogates.load("molecule-properties"))
    generated = Search(window).run(candidates, arguments.find, arguments.seconds)
    print(report("surrogate", generated))
    library = Search(window).run(screened(arguments.library, arguments.seed), arguments.find, arguments.seconds)
    print(report("screening", library))
    if generated.found and library.found:
        print(f"a match costs {library.each / generated.each:.1f} times as much by screening")
    if arguments.write:
        arguments.write.write_text("".join(f"{smiles}\n" for smiles in generated.found))


if __name__ == "__main__":
    main()
