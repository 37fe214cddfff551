"""A process that is supervisord, and ends with all that it runs when the launcher is gone.

Started by `StackServices`. It restarts a part that ends; `supervisorctl` reaches it through its socket.
"""

import sys
import threading
from pathlib import Path

from supervisor import supervisord

from streamrec.cli.launch.process_group import stop_with_launcher


def main(configuration: Path) -> None:
    """Run what the configuration names until SIGTERM, or until standard input closes."""
    threading.Thread(target=stop_with_launcher, daemon=True).start()
    supervisord.main(["--nodaemon", "--configuration", str(configuration)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
