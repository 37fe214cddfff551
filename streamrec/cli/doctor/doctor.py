"""`doctor`: whether every part is there and does what is asked of it."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import typer
from rich.text import Text

from streamrec.cli.choices import ApiKey, PortSettings, RecommenderUrl
from streamrec.cli.doctor import probes, service_probes
from streamrec.cli.installation import command_line
from streamrec.cli.screen import output
from streamrec.cli.service_call import Service
from streamrec.errors import ConfigurationError, CorruptArtifact, StreamrecError
from streamrec.redaction import shown_url
from streamrec.settings.processes import (
    BarsSettings,
    IndexSettings,
    LearningSettings,
    LocationSettings,
    ServerSettings,
    TrainerSettings,
)
from streamrec.settings.reading import read_settings

EXIT_UNWELL = 1

_SETTINGS = (LearningSettings, TrainerSettings, BarsSettings, ServerSettings, IndexSettings)

AddressT = TypeVar("AddressT", str, Path)


class Check(NamedTuple):
    """A part, where it is, which variable says so, what to do when it fails, and how to find out."""

    part: str
    address: str
    variable: str
    mend: str
    probe: Callable[[], str]


class Finding(NamedTuple):
    """Finding of a check; `advice` is empty when all is well."""

    part: str
    address: str
    note: str
    advice: str


def doctor(
    url: RecommenderUrl = None,
    api_key: ApiKey = None,
    skip: Annotated[list[str] | None, typer.Option(help="A part not to look at; may be repeated.")] = None,
) -> None:
    """Write, read and delete a probe through every part; say what is wrong and how to mend it."""
    n_unwell = 0
    for finding in find(url, api_key, set(skip or ())):
        n_unwell += bool(finding.advice)
        line = Text(f"{finding.part:<12}", "bold")
        line.append("ok   " if not finding.advice else "BAD  ", "green" if not finding.advice else "bold red")
        line.append(finding.note if finding.address in finding.note else f"{finding.address}: {finding.note}")
        line.append(f". To mend: {finding.advice}" if finding.advice else "")
        output.print(line)
    if n_unwell:
        raise typer.Exit(EXIT_UNWELL)


def find(url: str | None, api_key: str | None, skipped: set[str]) -> Iterator[Finding]:
    """Yield a finding for each part that is configured."""
    try:
        locations, ports = read_settings(LocationSettings), read_settings(PortSettings)
        for settings in _SETTINGS:
            read_settings(settings)
    except ConfigurationError as error:
        # Without settings nobody knows where the other parts are.
        yield Finding("settings", "", str(error), "correct or unset this variable")
        return
    yield Finding("settings", "", "every variable is well", "")
    service = Service(url or ports.recommender_url, api_key)
    for check in (*_own_checks(locations), *_service_checks(locations, service)):
        if check.part not in skipped:
            yield _carry_out(check)


def _own_checks(locations: LocationSettings) -> Iterator[Check]:
    yield _part("events", locations.events_url, "EVENTS_URL", probes.probe_events)
    named_by = "EVENTS_URL" if locations.changelog_url is None else "CHANGELOG_URL"
    yield _part("changelog", locations.vectors_url, named_by, probes.probe_log)
    yield _part("store", locations.store_url, "STORE_URL", probes.probe_store)
    yield _part("cache", locations.cache_url, "CACHE_URL", probes.probe_cache)
    yield _part("artifacts", locations.artifacts_dir, "ARTIFACTS_DIR", probes.probe_artifacts)
    if locations.statsd_url is not None:
        mend = "start statsd there, or unset STREAMREC_STATSD_URL (no metrics are sent then)"
        probe = partial(probes.probe_statsd, locations.statsd_url)
        yield Check("statsd", shown_url(locations.statsd_url), "STREAMREC_STATSD_URL", mend, probe)
    for part, file, variable, without in (
        ("api keys", locations.api_keys_file, "STREAMREC_API_KEYS_FILE", "the API is open"),
        ("admin keys", locations.admin_keys_file, "STREAMREC_ADMIN_KEYS_FILE", "every key may change things"),
        ("index keys", locations.index_keys_file, "STREAMREC_INDEX_KEYS_FILE", "the index is open"),
    ):
        if file is not None:
            mend = f"write one key a line, or unset {variable} ({without} then)"
            yield Check(part, str(file), variable, mend, partial(probes.probe_api_keys, file))


def _part(part: str, address: AddressT, variable: str, probe: Callable[[AddressT], str]) -> Check:
    is_server = "://" in str(address) and not str(address).startswith("sqlite:")
    see_that = (
        "see that the server runs and can be reached from here"
        if is_server
        else "see that its folder can be written and its disk has room"
    )
    mend = f"{see_that}, or set STREAMREC_{variable} to another one"
    return Check(part, shown_url(str(address)), f"STREAMREC_{variable}", mend, partial(probe, address))


def _service_checks(locations: LocationSettings, recommender: Service) -> Iterator[Check]:
    mend = f"start it (`{command_line('run')}` starts all), look into its log, or correct "
    probe = partial(service_probes.probe_index, locations)
    variable = "STREAMREC_INDEX_URL"
    if not locations.is_index_in_process:  # else the recommender tells how it is
        yield Check("index", shown_url(locations.index_url), variable, mend + variable, probe)
    probe = partial(service_probes.probe_recommender, recommender)
    variable = "RECOMMENDER_PORT or --url"
    yield Check("recommender", recommender.address, variable, mend + variable, probe)


def _carry_out(check: Check) -> Finding:
    start = time.perf_counter()
    try:
        note = check.probe()
    except CorruptArtifact as error:
        return Finding(check.part, check.address, str(error), "run initial_training.py for a new generation")
    except ConfigurationError as error:
        return Finding(check.part, check.address, str(error), f"correct {check.variable}, or what it names")
    except StreamrecError as error:
        return Finding(check.part, check.address, str(error), check.mend)
    return Finding(check.part, check.address, f"{note} ({(time.perf_counter() - start) * 1000:.0f} ms)", "")
