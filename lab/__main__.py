"""`python -m lab`."""

import sys

if __name__ == "__main__":
    try:
        from lab.cli import main
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"lab", "streamrec"}:
            raise
        sys.exit(
            f"error: python -m lab needs {missing}: pip install -r requirements.txt -r requirements-lab.txt"
            " -c constraints.txt, or outside of the repository 'streamrec[lab]'"
        )
    main()
