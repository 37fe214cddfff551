"""A first model that has learned nothing, for a system that begins without a history.

``python -m streamrec.cli.training.first_model`` makes one where there is none. The trainer then learns the
log from its beginning; until it has, lists are of what is popular.
"""

from streamrec.adapters.files.snapshots import current_generation
from streamrec.cli.ending import ending_with_a_line
from streamrec.cli.training.initial import train
from streamrec.cli.training.initial_history import no_history
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging


def main() -> None:
    """Make a model that has learned nothing the live one, unless there is a live one."""
    configure_logging("WARNING", "first-model")
    with ending_with_a_line():
        if current_generation(read_settings(LocationSettings).artifacts_dir) is None:
            train(no_history(), FitOptions(), None)


if __name__ == "__main__":
    main()
