"""A shop with Flask: `EXPERIMENTS_URL=... EXPERIMENTS_KEY=exp_... flask --app flask_app run`."""

import os
import uuid

from experiments import Experiments
from flask import Flask, Response, request

app = Flask(__name__)
experiments = Experiments(os.environ["EXPERIMENTS_URL"], os.environ["EXPERIMENTS_KEY"])
COOKIE = "visitor"
YEAR_SECONDS = 365 * 86_400


def visitor() -> str:
    """Return the id in the visitor's cookie, or a new one."""
    return request.cookies.get(COOKIE) or str(uuid.uuid4())


@app.get("/")
def home() -> Response:
    """Show the button in the colour of the visitor's variant."""
    user_id = visitor()
    found = experiments.assignment("checkout-button", user_id, default={"color": "blue"})
    page = Response(f'<form method="post" action="/buy"><button style="color: {found.config["color"]}">Buy')
    page.set_cookie(COOKIE, user_id, max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    return page


@app.post("/buy")
def buy() -> tuple[str, int]:
    """Take an order, and say that there was a purchase; the order's number keeps it from counting twice."""
    order = request.form.get("order") or str(uuid.uuid4())
    experiments.track(visitor(), "purchase", value=12.5, event_id=f"order-{order}")
    return "Thank you.", 201
