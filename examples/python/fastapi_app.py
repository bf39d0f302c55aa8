"""A shop with FastAPI: `EXPERIMENTS_URL=... EXPERIMENTS_KEY=exp_... uvicorn fastapi_app:app`.

The endpoints are plain functions, which FastAPI runs in threads: a call to the platform blocks no other.
"""

import os
import uuid
from typing import Annotated, Any

from experiments import Experiments
from fastapi import Cookie, FastAPI, Response

app = FastAPI()
experiments = Experiments(os.environ["EXPERIMENTS_URL"], os.environ["EXPERIMENTS_KEY"])
YEAR_SECONDS = 365 * 86_400


@app.get("/button")
def button(response: Response, visitor: Annotated[str | None, Cookie()] = None) -> dict[str, Any]:
    """Answer with the config of the visitor's variant."""
    user_id = visitor or str(uuid.uuid4())
    response.set_cookie("visitor", user_id, max_age=YEAR_SECONDS, httponly=True, samesite="lax")
    found = experiments.assignment("checkout-button", user_id, default={"color": "blue"})
    return {"color": found.config["color"]}


@app.post("/orders/{order}", status_code=201)
def order(order: str, visitor: Annotated[str, Cookie()]) -> None:
    """Take an order, and say that there was a purchase; the order's number keeps it from counting twice."""
    experiments.track(visitor, "purchase", value=12.5, event_id=f"order-{order}")
