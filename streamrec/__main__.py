"""`python -m streamrec`."""

from streamrec.cli.app import main

if __name__ == "__main__":
    main()
