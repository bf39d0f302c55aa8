"""The same by OpenFeature: experiments as flags, read by the OFREP provider.

`EXPERIMENTS_URL=... EXPERIMENTS_KEY=exp_... python openfeature_app.py USER`
"""

import os
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext


def main() -> None:
    """Print the config of the user's variant; the default when the platform does not answer."""
    headers = {"X-API-Key": os.environ["EXPERIMENTS_KEY"]}
    api.set_provider(
        OFREPProvider(os.environ["EXPERIMENTS_URL"], headers_factory=lambda: headers, timeout=0.5)
    )
    user = EvaluationContext(sys.argv[1], {"country": "DE"})
    print(api.get_client().get_object_value("checkout-button", {"color": "blue"}, user)["color"])
    api.shutdown()


if __name__ == "__main__":
    main()
