"""The state of an export: one file with all rows of an experiment, uploaded in parts."""

from dataclasses import dataclass, replace
from typing import Literal

from experimentation.domain.clock import DAY_MS
from experimentation.domain.experiment import Experiment
from experimentation.domain.results.rows import Position, Rows

KEPT_MS = DAY_MS

type Form = Literal["csv", "ndjson"]


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An experiment's export of one kind of rows in one form, one at a time; times in milliseconds.

    `after` is the position of the last row in its `parts`; None before the first part and after the last.
    """

    experiment_id: str
    rows: Rows
    form: Form
    started_at: int
    step: int
    """Incremented by each write of this state."""
    metrics: tuple[str, ...]
    """Those that its columns are of, in their order: one that is added meanwhile is in no row."""
    upload_id: str = ""
    parts: int = 0
    after: Position | None = None
    rows_written: int = 0
    bytes_written: int = 0
    busy_until: int = 0
    """Until then a run may be writing it, and no other run touches it."""
    ready_at: int | None = None
    complete_from: int | None = None
    """From then on no event is missing, earlier ones may have expired; None for users' rows."""

    @property
    def name(self) -> str:
        """The file name of a download."""
        return f"{self.experiment_id}-{self.rows}.{self.form}"

    @property
    def key(self) -> str:
        """The object's key in the bucket; each attempt has its own."""
        return f"exports/{self.experiment_id}/{self.started_at}/{self.name}"

    @property
    def expires_at(self) -> int:
        """When the download is no longer offered."""
        return self.started_at + KEPT_MS

    def shown(self, experiment: Experiment) -> Experiment:
        """Return the experiment with the file's metrics alone, so that every row has the same columns."""
        known = {metric.key: metric for metric in experiment.metrics}
        return replace(experiment, metrics=tuple(known[key] for key in self.metrics))

    @property
    def is_whole(self) -> bool:
        """Whether every part was uploaded."""
        return self.parts > 0 and self.after is None
