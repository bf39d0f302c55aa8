"""A Lambda function behind an HTTP API; the environment has EXPERIMENTS_URL and EXPERIMENTS_KEY.

The client is made once for each execution environment: its cache lives as long. Events are sent before the
function returns, because Lambda freezes the environment then.
"""

import json
import os
from typing import Any

from experiments import Experiments

experiments = Experiments(os.environ["EXPERIMENTS_URL"], os.environ["EXPERIMENTS_KEY"])


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """GET: the button of the user in the query. POST: an order of the user in the body."""
    if event["requestContext"]["http"]["method"] == "POST":
        order = json.loads(event["body"])
        experiments.track(order["user_id"], "purchase", order["value"], event_id=f"order-{order['id']}")
        experiments.flush()
        return {"statusCode": 201}
    user_id = event["queryStringParameters"]["user_id"]
    found = experiments.assignment("checkout-button", user_id, default={"color": "blue"})
    return {"statusCode": 200, "body": json.dumps({"color": found.config["color"]})}
