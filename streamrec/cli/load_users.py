"""`load-users`: attributes of users into the recommender."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.files.options import DatasetName, takes_reading
from streamrec.cli.files.standard_input import named
from streamrec.cli.loading import REFUSED, patiently_called, say_loaded
from streamrec.cli.screen import Show, progress_bar
from streamrec.cli.service_call import Service, quoted
from streamrec.datasets.files.raw_rows import Place
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k, people_of
from streamrec.datasets.user_files import UserRow, iter_user_rows
from streamrec.errors import InvalidInput, RefusedBody
from streamrec.settings.reading import read_settings


@takes_reading
def load_users(
    reading: Reading,
    dataset: DatasetName = None,
    file: Annotated[
        Path | None, typer.Option(help="Users as CSV, JSON Lines or Parquet, a folder of parts, or -.")
    ] = None,
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
) -> None:
    """Send what is known of users (each column but user_id) to the recommender, for their first lists."""
    if (file is None) == (dataset is None) or dataset not in (None, ML_100K):
        raise InvalidInput(f"give one of --dataset {ML_100K} and --file FILE")
    service = Service(url or read_settings(PortSettings).recommender_url, api_key)
    report = ReadReport()
    if file is None:
        rows = people_rows(people_of(fetch_ml_100k(DEFAULT_DATA_DIR)), f"users of {dataset}", report)
    else:
        rows = iter_user_rows(named(file), reading, report)
    with progress_bar("Loading users") as show:
        n_users = put_users(service, rows, report, show)
    loaded = f"attributes of {n_users:,} users"
    say_loaded(service, report, n_users, loaded, of=file or dataset, kind="a user")


def people_rows(people: Mapping[str, dict[str, Any]], where: str, report: ReadReport) -> Iterator[UserRow]:
    """Yield users of a data set with their numbers among them."""
    for number, (user_id, attributes) in enumerate(people.items(), start=1):
        report.n_read += 1
        yield UserRow(user_id, attributes, Place(number, 1, where))


def put_users(service: Service, rows: Iterable[UserRow], report: ReadReport, show: Show) -> int:
    """Put users' attributes one by one, waiting where the service says so; return how many it took.

    Those that it refuses are left out, and counted in the report.

    Raises
    ------
    InvalidInput, UnknownId
        When it refuses requests of the kind.
    Unavailable
        When it does not answer after some tries.
    """
    patience = patiently_called()
    n_users = 0
    for row in rows:
        body = {"attributes": row.attributes}
        try:
            patience(service.call, "PUT", f"/v1/users/{quoted(row.user_id)}", body)
        except RefusedBody as error:
            report.reject(row.place.rejected(REFUSED, f"user {row.user_id!r}: {error.detail}"))
            continue
        n_users += 1
        show(n_users)
    return n_users
