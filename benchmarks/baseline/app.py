"""The baseline: FastAPI, SQLAlchemy and SQLite; assign, record events, read results, each behind a JWT."""

import hashlib
import math
import time
import uuid
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel, Field
from sqlalchemy import select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from benchmarks.baseline.tables import Account, Assignment, Database, Event, Experiment

SECRET = "a-secret-of-the-baseline-that-is-long-enough-for-HS256"
AUDIENCE = "experimentation-api"
RESULTS = text(
    """
    SELECT variant, COUNT(*) AS users, SUM(total IS NOT NULL) AS converters, SUM(COALESCE(n, 0)) AS count,
           SUM(COALESCE(total, 0)) AS sum, SUM(COALESCE(total, 0) * COALESCE(total, 0)) AS squares
    FROM (SELECT a.variant, COUNT(e.at) AS n, SUM(e.value) AS total
          FROM assignments a
          LEFT JOIN events e ON e.user_id = a.user_id AND e.type = :type AND e.at >= a.assigned_at
          WHERE a.experiment_id = :experiment GROUP BY a.user_id)
    GROUP BY variant ORDER BY variant
    """
)


class AssignmentIn(BaseModel):
    """Who asks."""

    user_id: str = Field(min_length=1, max_length=256)
    context: dict[str, str | int | float | bool] = {}


class EventIn(BaseModel):
    """What a user did."""

    user_id: str = Field(min_length=1, max_length=256)
    type: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")
    value: float = Field(1, ge=-1e9, le=1e9)
    event_id: str | None = Field(None, pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    properties: dict[str, Any] = {}


class EventBatch(BaseModel):
    """Several events."""

    events: list[EventIn] = Field(min_length=1, max_length=500)


class AssignmentOut(BaseModel):
    """The answer."""

    experiment_id: str
    user_id: str
    enrolled: bool
    variant: str | None = None
    config: dict[str, Any] | None = None
    assigned_at: int | None = None


def bucket(salt: str, purpose: str, user_id: str) -> int:
    """Return the user's bucket, 0 .. 999,999."""
    digest = hashlib.sha256(f"v1\x1f{salt}\x1f{purpose}\x1f{user_id}".encode()).digest()
    return int.from_bytes(digest[:8]) * 1_000_000 >> 64


def drawn(experiment: Experiment, user_id: str) -> str:
    """Return the key of the variant whose weights hold the user's bucket."""
    position, end = bucket(experiment.salt, "variant", user_id), 0
    for variant in experiment.variants:
        end += variant.weight
        if position < end:
            return variant.key
    raise ValueError("the weights do not sum to a million")


def build(database: Database) -> FastAPI:
    """Return the application on that database."""
    app = FastAPI()
    type Db = Annotated[Session, Depends(database.session)]

    def caller(authorization: Annotated[str, Header()], db: Db) -> None:
        try:
            token = authorization.removeprefix("Bearer ")
            name = jwt.decode(token, SECRET, algorithms=["HS256"], audience=AUDIENCE)["sub"]
        except jwt.PyJWTError as error:
            raise HTTPException(401) from error
        account = db.get(Account, name)
        if account is None or account.disabled:
            raise HTTPException(401)

    allowed = [Depends(caller)]

    @app.post("/experiments/{experiment_id}/assignments", dependencies=allowed)
    def assign(experiment_id: str, body: AssignmentIn, db: Db, response: Response) -> AssignmentOut:
        experiment = db.get(Experiment, experiment_id)
        if experiment is None:
            raise HTTPException(404)
        mine = select(Assignment).filter_by(experiment_id=experiment_id, user_id=body.user_id)
        found = db.scalars(mine).one_or_none()
        if found is None and experiment.status == "running":
            row: dict[str, Any] = {
                "experiment_id": experiment_id,
                "user_id": body.user_id,
                "variant": drawn(experiment, body.user_id),
            }
            row |= {"assigned_at": time.time_ns() // 1_000_000, "context": body.context}
            db.execute(insert(Assignment).values(row).on_conflict_do_nothing())
            db.commit()
            found = db.scalars(mine).one()
            response.status_code = 201
        if found is None:
            return AssignmentOut(experiment_id=experiment_id, user_id=body.user_id, enrolled=False)
        return AssignmentOut(
            experiment_id=experiment_id,
            user_id=body.user_id,
            enrolled=True,
            variant=found.variant,
            config=next(each.config for each in experiment.variants if each.key == found.variant),
            assigned_at=found.assigned_at,
        )

    @app.post("/events/batch", dependencies=allowed, status_code=202)
    def record(body: EventBatch, db: Db) -> dict[str, Any]:
        now = time.time_ns() // 1_000_000
        rows = [
            each.model_dump() | {"at": now, "event_id": each.event_id or str(uuid.uuid4())}
            for each in body.events
        ]
        db.execute(insert(Event).on_conflict_do_nothing(), rows)
        db.commit()
        return {"accepted": len(rows), "event_ids": [row["event_id"] for row in rows]}

    @app.get("/experiments/{experiment_id}/results", dependencies=allowed)
    def results(experiment_id: str, event_type: str, db: Db) -> dict[str, Any]:
        rows = db.execute(RESULTS, {"experiment": experiment_id, "type": event_type}).mappings()
        variants = {row["variant"]: dict(row) for row in rows}
        control, *others = variants.values()
        return {"variants": variants, "comparisons": [_compared(control, each) for each in others]}

    return app


def _compared(control: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the difference of the means with a 95 % interval and its p-value (normal approximation)."""
    means = [each["sum"] / each["users"] for each in (control, other)]
    errors = [
        (each["squares"] / each["users"] - mean * mean) / each["users"]
        for each, mean in zip((control, other), means, strict=True)
    ]
    difference, error = means[1] - means[0], math.sqrt(sum(errors)) or math.inf
    p_value = math.erfc(abs(difference / error) / math.sqrt(2))
    interval = [difference - 1.96 * error, difference + 1.96 * error]
    return {"variant": other["variant"], "difference": difference, "interval": interval, "p_value": p_value}
