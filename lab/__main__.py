"""`python -m lab`."""

import sys

if __name__ == "__main__":
    try:
        from lab.cli import main
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "scipy":
            raise
        sys.exit(
            "error: python -m lab needs scipy: pip install -r requirements-lab.txt -c constraints.txt,"
            " or outside of the repository 'streamrec[lab]'"
        )
    main()
