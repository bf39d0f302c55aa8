"""Run by SAM's own Python: print, as JSON, the containers that `sam local start-api` would start here.

Everything is real but the engine: SAM's command line, samconfig.toml, the built template, the variables.
"""

import json
import sys
from typing import Any
from unittest.mock import MagicMock, patch

from samcli.cli.main import cli
from samcli.commands.local.cli_common.invoke_context import InvokeContext
from samcli.commands.local.lib.local_api_service import LocalApiService
from samcli.lib.utils import file_observer

contexts: list[Any] = []
enter = InvokeContext.__enter__


def entered(self: Any) -> Any:
    """Keep the context that the command makes of its options."""
    contexts.append(enter(self))
    return contexts[-1]


def told(self: Any) -> None:
    """Tell the containers instead of serving them."""
    (context,) = contexts
    runner = context.local_lambda_runner
    containers = {}
    for function in context._function_provider.get_all():
        configured = runner.get_invoke_config(function)
        containers[function.name] = {
            "handler": configured.handler,
            "code": configured.code_abs_path,
            "layers": [layer.codeuri for layer in configured.layers],
            "environment": configured.env_vars.resolve(),
        }
    routes = [f"{method} {route.path}" for route in self.api_provider.api.routes for method in route.methods]
    print(json.dumps({"hosts": context._extra_hosts, "routes": routes, "containers": containers}))


with (
    patch.object(InvokeContext, "__enter__", entered),
    patch.object(InvokeContext, "_get_container_manager", MagicMock()),
    patch.object(file_observer, "get_validated_container_client", MagicMock()),
    patch.object(LocalApiService, "start", told),
):
    cli(["local", "start-api", *sys.argv[1:]], standalone_mode=False)
