"""Own files as the page shows them, without the processes that look at them."""

from pathlib import Path

from streamrec.datasets.workspace import Found, FoundFile, FoundRole, Workspace

SCRIPT = "<img src=x onerror='window.broken=1'>"


def put_own_files(folder: Path) -> Workspace:
    """Put two files into a workspace, and what was found in them; leave nothing else there."""
    workspace = Workspace(folder)
    workspace.files.mkdir(parents=True, exist_ok=True)
    for name in workspace.names():
        (workspace.files / name).unlink()
    (workspace.files / "shop.csv").write_text("kunde,artikel,zeit\n")
    (workspace.files / "waren.csv").write_text("artikel,name\n")
    of_events = {"user_id": "kunde", "item_id": "artikel", "timestamp": "zeit", "type": SCRIPT}
    columns = list(of_events.values())
    events = FoundFile(
        "shop.csv",
        "events",
        5000,
        columns,
        [["k1", "a1", "14.11.2023 22:15", SCRIPT]] * 3,
        [
            FoundRole(field, column, 0.98, "by its name", field == "type")
            for field, column in of_events.items()
        ],
        ["delimiter ';': 4 fields in 100% of 1,000 lines"],
        {"Kauf": 1.0},
    )
    items = FoundFile(
        "waren.csv",
        "items",
        120,
        ["artikel", "name"],
        [["a1", "Tasse"]],
        [FoundRole("item_id", "artikel", 1.0, "by its name", is_guess=False)],
    )
    workspace.write_found(Found([events, items], '[[events]]\nfile = "shop.csv"\n'))
    return workspace
