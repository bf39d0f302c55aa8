"""Requests about experiments: their fields, each with its limits."""

import json
from dataclasses import replace
from typing import Annotated, Any, cast

from pydantic import Field

from experimentation.domain.changes import ENDING, Edit
from experimentation.domain.consistency import check
from experimentation.domain.document import document
from experimentation.domain.errors import FieldError, InvalidError
from experimentation.domain.experiment import (
    MILLION,
    Adjustment,
    Analysis,
    Conclusion,
    CountFrom,
    Experiment,
    Status,
)
from experimentation.domain.schedule import require_ahead
from experimentation.domain.search import Sort, Wanted
from experimentation.domain.slug import slug
from experimentation.web.schemas.audience import Audience
from experimentation.web.schemas.experiment_parts import (
    CupedDays,
    Days,
    GuardRequest,
    LayerRequest,
    Metrics,
    Overrides,
    Owner,
    PrerequisiteRequest,
    ScheduleRequest,
    Segments,
    Tag,
    Tags,
    Users,
    Variants,
    domain_fields,
)
from experimentation.web.schemas.model import RequestModel
from experimentation.web.schemas.numbers import Effect, Percent
from experimentation.web.schemas.types import Cursor, ExperimentId, Limit, Name, Salt, Text, VariantKey

NOT_COPIED = frozenset({"id", "salt", "layer", "schedule", "owner", "archived", "overrides"})


def _undefined(schema: dict[str, Any]) -> None:
    """Hide a default that only stands for "not sent"."""
    schema.pop("default", None)


def _absent() -> Any:
    return Field(default=None, json_schema_extra=_undefined)


class ExperimentCreate(RequestModel):
    """A new experiment, as a draft; without `copy` its name and variants are needed."""

    id: ExperimentId | None = Field(default=None, description="made from the name when absent")
    name: Name = _absent()
    description: Text = ""
    hypothesis: Text = ""
    variants: Variants = _absent()
    control: VariantKey | None = Field(default=None, description="the first variant when absent")
    traffic_allocation: Percent = Field(default=MILLION, json_schema_extra={"default": 100})
    salt: Salt | None = Field(default=None, description="the id when absent")
    layer: LayerRequest | None = None
    prerequisite: PrerequisiteRequest | None = None
    audience: Audience = None
    metrics: Metrics = ()
    segments: Segments = ()
    analysis: Analysis = Analysis.SEQUENTIAL
    planned_users: Annotated[Users, Field(ge=1)] | None = None
    min_users: Users = 150
    min_days: Days = 7
    minimum_effect: Effect | None = None
    adjustment: Adjustment = Adjustment.CUPED
    cuped_days: CupedDays = 28
    count_from: CountFrom = CountFrom.ASSIGNMENT
    overrides: Overrides = Field(default_factory=dict)
    schedule: ScheduleRequest | None = None
    guard: GuardRequest = GuardRequest()
    tags: Tags = ()
    owner: Owner | None = Field(default=None, description="whoever creates it when absent")

    def filled_from(self, source: Experiment, *, with_overrides: bool) -> "ExperimentCreate":
        """Return the request with the fields that it leaves out taken from another experiment.

        The copy has a draw, an owner and times of its own: its users' variants are independent of the source.
        """
        names = ExperimentCreate.model_fields.keys() - NOT_COPIED
        if with_overrides:
            names |= {"overrides"}
        if self.layer is not None:
            names -= {"traffic_allocation"}
        fields = {name: value for name, value in document(source).items() if name in names}
        fields["name"] = f"Copy of {source.name}"[:200]
        copied = ExperimentCreate.model_validate_json(json.dumps(fields))
        return copied.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def experiment(self, author: str, now: int, suffix: str) -> Experiment:
        """Return the draft; `suffix` ends a generated id; InvalidError when it contradicts itself."""
        self._require_name_and_variants()
        experiment_id = self.id or slug(self.name, suffix)
        derived = {
            "id": experiment_id,
            "control": self.control or self.variants[0].key,
            "salt": self.salt or experiment_id,
            "traffic_allocation": self._traffic_allocation(),
            "metrics": tuple(replace(metric.domain(), declared_at=now) for metric in self.metrics),
            "owner": self.owner or author,
        }
        fields = domain_fields(self, type(self).model_fields) | derived
        draft = Experiment(**fields, created_at=now, created_by=author, updated_at=now)
        require_ahead(None, draft, now)
        return check(draft)

    def _require_name_and_variants(self) -> None:
        # Not required by the model: a copy takes them from its source.
        missing = [name for name in ("name", "variants") if name not in self.model_fields_set]
        if missing:
            raise InvalidError(
                "The request is not valid.", [FieldError(f"/{name}", "is needed") for name in missing]
            )

    def _traffic_allocation(self) -> int:
        """Return the allocation that was sent, or else the width of the layer's range."""
        if self.layer is None or "traffic_allocation" in self.model_fields_set:
            return self.traffic_allocation
        return self.layer.end - self.layer.start


class ExperimentPatch(RequestModel):
    """The fields to change; one that is not sent stays as it is, null takes away a plan."""

    name: Name = _absent()
    description: Text = _absent()
    hypothesis: Text = _absent()
    variants: Variants = _absent()
    control: VariantKey = _absent()
    salt: Salt = _absent()
    traffic_allocation: Percent = _absent()
    layer: LayerRequest | None = _absent()
    prerequisite: PrerequisiteRequest | None = _absent()
    audience: Audience = _absent()
    metrics: Metrics = _absent()
    segments: Segments = _absent()
    analysis: Analysis = _absent()
    planned_users: Annotated[Users, Field(ge=1)] | None = _absent()
    min_users: Users = _absent()
    min_days: Days = _absent()
    minimum_effect: Effect | None = _absent()
    adjustment: Adjustment = _absent()
    cuped_days: CupedDays = _absent()
    count_from: CountFrom = _absent()
    overrides: Overrides = _absent()
    ship: VariantKey | None = _absent()
    conclusion: Conclusion | None = _absent()
    note: Text = _absent()
    tags: Tags = _absent()
    owner: Owner = _absent()
    archived: Annotated[bool, Field(strict=True)] = _absent()
    schedule: ScheduleRequest | None = _absent()
    guard: GuardRequest = _absent()

    def edit(self) -> Edit:
        """Return what was sent, as the domain has it."""
        return cast("Edit", domain_fields(self, self.model_fields_set))


class StatusChange(RequestModel):
    """The new status; with `completed` also how the experiment ended."""

    status: Status
    ship: VariantKey | None = _absent()
    conclusion: Conclusion | None = _absent()
    note: Text = _absent()

    def ending(self) -> Edit:
        """Return the fields about the end that were sent."""
        return cast("Edit", {name: getattr(self, name) for name in self.model_fields_set & ENDING})


class ExperimentList(RequestModel):
    """Which experiments to list, in which order, and from which page."""

    status: Status | None = None
    q: Annotated[Name, Field(max_length=100)] | None = None
    tag: Tag | None = None
    owner: Owner | None = None
    archived: bool = False
    sort: Sort = Sort.NEWEST
    limit: Limit = 50
    cursor: Cursor | None = None

    def wanted(self) -> Wanted:
        """Return the filters."""
        return Wanted(self.status, self.q or "", self.tag, self.owner, self.archived)


class CopySource(RequestModel):
    """The experiment that a new one copies, and whether its overrides come along."""

    copied: ExperimentId | None = Field(default=None, alias="copy")
    overrides: bool = False


class HistoryList(RequestModel):
    """Which page of the history."""

    limit: Limit = 50
    cursor: Cursor | None = None


class LayerList(RequestModel):
    """Which page of the layers."""

    limit: Limit = 50
    cursor: Cursor | None = None
