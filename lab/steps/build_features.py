"""Step `build-features`: features of users and items at moments, as Parquet."""

import numpy as np
import pyarrow

from lab.dataset.lab_data import read_data
from lab.features.columns import FEATURES, Columns
from lab.features.moments import moments_of
from lab.features.past import main_categories, past_of
from lab.steps.step import Outcome, Step, StepRun
from lab.steps.tables import write_table


def _run(run: StepRun) -> Outcome:
    data = read_data(run.inputs["data"])
    categories = main_categories(data)
    moments = moments_of(data.events, run.settings.features, run.settings.split)
    names = {"users": data.events.users.names, "items": data.events.items.names}
    n_rows = dict.fromkeys(FEATURES, 0)
    with run.bar("Features at moments", len(moments)) as show:
        for number, moment in enumerate(moments):
            past = past_of(data, moment, categories)
            for kind, features in FEATURES.items():
                columns = features(past, run.settings.features)
                ids = np.array(names[kind], np.object_)[columns.pop("row").astype(np.int64)]
                path = run.output / kind / f"part-{number:05d}.parquet"
                write_table(path, _table(f"{kind[:-1]}_id", ids, moment, columns))
                n_rows[kind] += len(ids)
            show(number + 1)
    return Outcome({"n_moments": len(moments), "moments": moments, "n_rows": n_rows})


def _table(id_name: str, ids: "np.ndarray", moment: float, columns: Columns) -> pyarrow.Table:
    return pyarrow.table(
        {
            id_name: pyarrow.array(ids, pyarrow.string()),
            "at": np.full(len(ids), moment),
            **{
                name: pyarrow.array(column, pyarrow.string()) if column.dtype == np.object_ else column
                for name, column in columns.items()
            },
        }
    )


BUILD_FEATURES = Step(
    name="build-features",
    title="Make features of users and items at moments, of what had happened before.",
    output="features",
    sections=("features", "split"),
    run=_run,
    inputs=("data",),
)
