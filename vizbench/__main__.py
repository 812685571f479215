"""`python -m vizbench` is the same as `vizbench`."""

from vizbench.cli import main

if __name__ == "__main__":
    main()
