"""Runs the invocation that stdin holds as a container of `sam local` would: `python -I -S container.py`.

Nothing but the standard library, the function's own files and its layers is on the path.
"""

import importlib
import json
import socket
import sys

message = json.load(sys.stdin)
sys.path[:0] = [message["code"], *(f"{layer}/python" for layer in message["layers"])]
lookup = socket.getaddrinfo


def getaddrinfo(host, *arguments, **named):
    """The container's hosts file: this machine, by the name that samconfig.toml adds."""
    return lookup("127.0.0.1" if host in message["hosts"] else host, *arguments, **named)


socket.getaddrinfo = getaddrinfo
module, name = message["handler"].rsplit(".", 1)
answer = getattr(importlib.import_module(module), name)(message["event"], None)
print("\n" + json.dumps(answer))
