"""Run the command."""

from tests.mutants.cli import main

if __name__ == "__main__":
    main(prog_name="python -m tests.mutants")
