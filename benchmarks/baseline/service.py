"""Calls the baseline in this process: one ASGI request at a time, without a network."""

import asyncio
import json
import time
from pathlib import Path

import jwt
from fastapi import FastAPI

from benchmarks.baseline.app import AUDIENCE, SECRET, build
from benchmarks.baseline.tables import Account, Database, Experiment, Variant


class Service:
    """The baseline on a database file, with one experiment of two variants."""

    def __init__(self, path: Path, experiment_id: str) -> None:
        self.database = Database(path)
        self._app: FastAPI = build(self.database)
        self._loop = asyncio.new_event_loop()
        seconds = int(time.time())
        claims = {"sub": "bench", "aud": AUDIENCE, "iat": seconds, "exp": seconds + 86_400}
        self.token = jwt.encode(claims, SECRET, algorithm="HS256")
        config = {"color": "blue"}
        variants = [Variant(key=f"v{i}", position=i, weight=500_000, config=config) for i in range(2)]
        for session in self.database.session():
            session.add(Account(username="bench", disabled=False))
            session.add(Experiment(id=experiment_id, status="running", salt=experiment_id, variants=variants))
            session.commit()

    def call(self, method: str, path: str, body: object = None, query: str = "") -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        return self._loop.run_until_complete(self._call(method, path, body, query))

    def close(self) -> None:
        """Let go of the database."""
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self.database.engine.dispose()

    async def _call(self, method: str, path: str, body: object, query: str) -> tuple[int, bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [
                (b"host", b"example.com"),
                (b"content-type", b"application/json"),
                (b"content-length", str(len(content)).encode()),
                (b"authorization", f"Bearer {self.token}".encode()),
            ],
            "client": ("203.0.113.7", 50_000),
            "server": ("example.com", 443),
        }
        status, parts = 0, []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # type: ignore[call-overload]
            else:
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)  # type: ignore[arg-type]
        return status, b"".join(parts)  # type: ignore[arg-type]
