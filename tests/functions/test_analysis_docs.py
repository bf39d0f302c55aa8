"""docs/analysis.md explains every column that an export can have."""

import re

from experimentation.domain.results.rows import event_columns, user_columns
from local.paths import ROOT
from tests.experiments import experiment


def test_every_column_of_an_export_is_explained() -> None:
    tested = experiment()
    explained = set(
        re.findall(r"^\| `([a-z_]+)(?:<key>)?` \|", (ROOT / "docs/analysis.md").read_text(), re.MULTILINE)
    )

    found = {
        re.sub(r"^(segment|metric|before)_.*", r"\1_", column.name)
        for column in (*event_columns(tested), *user_columns(tested))
    }

    assert {"segment_", "metric_", "before_"} <= found
    assert explained == found
