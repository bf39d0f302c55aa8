"""POST /exposures - accept up to 500 exposures, all or nothing; a worker enrols the users within seconds."""

from experimentation import telemetry
from experimentation.usecases.ingesting import ingest_exposures
from experimentation.usecases.runtime import Runtime
from experimentation.web.endpoint import endpoint
from experimentation.web.request import Request
from experimentation.web.schemas.exposures import ExposureBatch, ExposuresAccepted

runtime = Runtime()


@endpoint(scope="events:write", status=202, meter="EventCalls")
def handler(body: ExposureBatch, request: Request, now: int) -> ExposuresAccepted:
    """Answer once the queue has every exposure.

    A user is enrolled at the time of the first exposure to the variant that is stored or would be drawn; an
    exposure to another variant counts the user as a crossover. Exposures at a time when the experiment did
    not run, and of users with an override, are not counted.
    """
    exposures = ingest_exposures(body.submissions(), now, request.request_id, runtime)
    telemetry.count("ExposuresAccepted", len(exposures))
    return ExposuresAccepted(accepted=len(exposures))
