"""GET /health - say that the platform answers; touches nothing else."""

from experimentation.web.endpoint import endpoint


@endpoint(scope="anyone")
def handler() -> dict[str, str]:
    """Answer that the function runs."""
    return {"status": "ok"}
