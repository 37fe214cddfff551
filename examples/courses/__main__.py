"""`python -m examples.courses`: the product, a year of a school in it, and the school's app over both."""

import argparse
import time
from collections import Counter
from pathlib import Path

from examples.courses.app import N_CUSTOMERS, create_app
from examples.courses.generate import MAX_GROUPS, School, groups_in
from examples.courses.mapping import events_of, items_of
from examples.local_server import serving
from examples.running import ROOT, ending_quietly, running_product, wait_for_the_end
from streamrec.client import Client

SETTINGS = {
    # Customers are compared by all that they did, so what they did last must not outweigh the rest: users
    # learn slower than by default, and their last items are no part of their vectors.
    "STREAMREC_LEARNING_USER_RATE": "0.15",
    "STREAMREC_LEARNING_N_CONTEXT": "0",
}

_HISTORY_SHARE = 0.5
"""Of the events, the first, for the initial training; the others are streamed."""

_N_ASKED = 500
"""Customers, spread over all, who are asked for to say how well the groups are found."""

_MOST_ASKED_FOR = 1000
"""Users in one answer of the product."""

_SETTLING_S = 5.0
"""Seconds until the newest vectors of customers are in the index."""


def main() -> None:
    """Run until Ctrl-C; with `--check`, until the groups were looked for."""
    options = _options()
    data: Path = options.folder / "data"
    School(options.users, options.group_size, options.seed).write(data)
    events = events_of(data)
    first = int(len(events) * _HISTORY_SHARE)
    with ending_quietly(), running_product(options.folder, events[:first], SETTINGS) as product:
        product.api.load_items(items_of(data))
        product.stream(events, first)
        with serving(create_app(product.api), options.port) as url:
            _say_what_to_try(url, product.api)
            if options.check:
                time.sleep(_SETTLING_S)
                _look_for_groups(groups_in(data), product.api)
            else:
                wait_for_the_end()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.courses", description=__doc__)
    parser.add_argument("--users", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--group-size", type=int, default=200, help="of these (default 200)")
    parser.add_argument("--seed", type=int, default=42, help="equal seeds give equal files")
    parser.add_argument("--port", type=int, default=8081, help="of the app (default 8081; 0: a free one)")
    parser.add_argument("--folder", type=Path, default=ROOT / "var/examples/courses")
    parser.add_argument("--check", action="store_true", help="say how well the groups are found, and end")
    options = parser.parse_args()
    if min(options.users, options.group_size) < 1 or options.seed < 0:
        parser.error("wanted: a user at least, in groups of one at least, a seed from 0 on")
    if options.users > MAX_GROUPS * options.group_size:
        parser.error(f"there are fields for {MAX_GROUPS} groups: wanted larger ones, or fewer users")
    return options


def _say_what_to_try(url: str, product: Client) -> None:
    print(
        f"The product: {product.url}/docs. Try:\n"
        f"  curl {url}/\n"
        f"""  curl {url}/predict -d '{{"user_handle": 1}}'\n"""
        "Ctrl-C stops.",
        flush=True,
    )


def _look_for_groups(groups: dict[str, int], product: Client) -> None:
    """Print which share of the customers most like one are of the same group: of 10, of (group size - 1)."""
    sizes = Counter(groups.values())
    are_right: dict[str, list[bool]] = {f"{N_CUSTOMERS}": [], "(group size - 1)": []}
    for handle in sorted(groups)[:: max(1, len(groups) // _N_ASKED)]:
        n_others = min(sizes[groups[handle]] - 1, _MOST_ASKED_FOR)
        found = product.similar_users(handle, k=max(1, n_others)).users
        hits = [groups[user.user_id] == groups[handle] for user in found[:n_others]]
        # A missing entry is a miss.
        hits += [False] * (n_others - len(hits))
        for right, n_entries in zip(are_right.values(), (N_CUSTOMERS, n_others), strict=True):
            right += hits[:n_entries]
    for length, right in are_right.items():
        print(f"precision at {length}: {sum(right) / max(1, len(right)):.3f}", flush=True)


if __name__ == "__main__":
    main()
