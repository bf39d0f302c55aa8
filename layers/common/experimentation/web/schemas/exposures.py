"""The shapes of exposures: who met which variant, reported by a client that decided by itself."""

import json
from typing import Annotated

from pydantic import Field

from experimentation.domain.counting.exposure import ExposureSubmission
from experimentation.web.schemas.assignments import ContextIn
from experimentation.web.schemas.model import RequestModel, ResponseModel
from experimentation.web.schemas.types import ExperimentId, Timestamp, UserId, VariantKey

MAX_EXPOSURES = 500


class ExposureIn(RequestModel):
    """One user who met one variant."""

    experiment_id: ExperimentId
    user_id: UserId
    variant: VariantKey = Field(description="What the user met: the key of a variant of the experiment.")
    timestamp: Timestamp | None = Field(
        None, description="When the user met it, by the device's clock; now by default, never later than now."
    )
    context: ContextIn = Field(
        default_factory=dict,
        description="What results can be split by, stored with the first exposure that enrols the user.",
    )


class ExposureBatch(RequestModel):
    """Up to 500 exposures, all or nothing."""

    exposures: Annotated[list[ExposureIn], Field(min_length=1, max_length=MAX_EXPOSURES)]
    sent_at: Timestamp | None = Field(
        None, description="When the device sent them, by the device's clock: corrects a clock that is wrong."
    )

    def submissions(self) -> list[ExposureSubmission]:
        """Return the domain's submissions."""
        return [
            ExposureSubmission(
                each.experiment_id,
                each.user_id,
                each.variant,
                each.timestamp,
                self.sent_at,
                json.dumps(each.context, ensure_ascii=False, separators=(",", ":")),
            )
            for each in self.exposures
        ]


class ExposuresAccepted(ResponseModel):
    """The queue has them; the users are enrolled within seconds."""

    accepted: int = Field(description="How many exposures were accepted: all of them.")
