"""`python -m streamrec`, and the command `streamrec`."""

import signal


def main() -> None:
    """Run a command; Ctrl-C while its modules are still imported ends it without a stack trace."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    import streamrec.settings.one_thread  # noqa: F401  # before numpy
    from streamrec.cli import app

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app.main()


if __name__ == "__main__":
    main()
