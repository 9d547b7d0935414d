"""``python -m surrogates.cli``, the same as the console script."""

from .entry import main

if __name__ == "__main__":
    main()
