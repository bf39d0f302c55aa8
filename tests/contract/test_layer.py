"""The built layer, alone on the path, calls AWS and reads its answers as whole botocore does."""

import ast
import pickle
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from local.paths import FUNCTIONS, LAYER
from tests.contract import aws_wire
from tests.contract.aws_calls import CLIENTS, Call, calls, exchanges
from tests.contract.aws_wire import REGIONS, Account
from tests.deployed import DEPLOYED, build

pytestmark = pytest.mark.xdist_group("layer")  # asked for once, by one process

CALLS = calls()
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Seen(NamedTuple):
    """What one process made of all exchanges: by call and error ("" where there is none)."""

    accounts: dict[tuple[Call, str], Account]
    addresses: dict[str, str]
    certificates: int


def run(program: list[str], *path: Path, given: bytes = b"") -> bytes:
    """Return what a Python prints that can import these folders and the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-P", *program],
        input=given,
        env={"PYTHONPATH": ":".join(str(each) for each in path), **ENVIRONMENT},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def seen(*path: Path) -> Seen:
    """Return what storage's clients make of every exchange with this path."""
    tried = [(call, error, exchange) for call in CALLS for error, exchange in exchanges(call)]
    given = pickle.dumps([tuple(exchange) for _, _, exchange in tried])
    accounts, addresses, certificates = pickle.loads(run([aws_wire.__file__], *path, given=given))
    by_case = {(call, error): Account(*each) for (call, error, _), each in zip(tried, accounts, strict=True)}
    return Seen(by_case, addresses, certificates)


@pytest.fixture(scope="module")
def layer() -> Path:
    """The common layer as it is deployed."""
    build()
    return DEPLOYED / "CommonLayer" / "python"


@pytest.fixture(scope="module")
def deployed(layer: Path) -> Seen:
    """What the deployed layer makes of every exchange."""
    return seen(layer)


@pytest.fixture(scope="module")
def whole() -> Seen:
    """What the sources make of it with botocore as it is published."""
    return seen(LAYER, Path(sysconfig.get_path("purelib")))


def test_calls_of_every_client_are_found() -> None:
    assert {call.client for call in CALLS} == set(CLIENTS)
    assert {"transact_write_items", "put_object", "publish", "get_secret_value"} <= {
        call.operation for call in CALLS
    }


def test_every_call_is_made_and_every_answer_read_as_whole_botocore_does(deployed: Seen, whole: Seen) -> None:
    assert deployed.accounts == whole.accounts


def test_every_call_succeeds_or_fails_with_the_error_that_was_answered(whole: Seen) -> None:
    for (call, error), account in whole.accounts.items():
        assert account.requests, call
        assert account.error == error, call


def test_reasons_of_a_cancelled_transaction_are_read(deployed: Seen) -> None:
    (cancelled,) = [
        each for (_, error), each in deployed.accounts.items() if error == "TransactionCanceledException"
    ]

    assert cancelled.understood["CancellationReasons"]


def test_every_call_goes_to_the_service_of_its_region(deployed: Seen, whole: Seen) -> None:
    assert deployed.addresses == whole.addresses
    assert len(deployed.addresses) == len({(call.client, call.operation) for call in CALLS}) * len(REGIONS)
    for name, address in deployed.addresses.items():
        assert ".amazonaws.com" in str(urlsplit(address).hostname), name


def test_certificates_are_there_to_trust_aws(deployed: Seen) -> None:
    assert deployed.certificates > 100


def late_imports(path: Path) -> set[str]:
    """Return what a file imports of others' packages, also within functions, but for types alone."""
    tree = ast.parse(path.read_text())
    of_types = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for each in ast.walk(node)
    }
    return {
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and id(node) not in of_types
    }


def test_every_module_is_imported_with_the_layers_alone(layer: Path) -> None:
    """What a function imports only when it is needed is imported too: nobody would miss it before."""
    files = [
        (root, path)
        for root in (LAYER, FUNCTIONS)
        for path in sorted(root.rglob("*.py"))
        if path.parent != LAYER and path.name != "__init__.py"
    ]
    modules = {f"import {'.'.join(path.relative_to(root).with_suffix('').parts)}" for root, path in files}
    late = set().union(*(late_imports(path) for _, path in files))

    assert {"import re2", "from zxcvbn import zxcvbn", "from arro3.io import write_parquet"} <= late
    program = "\n".join([*sorted(modules), *sorted(late)])
    run(["-c", program], layer, DEPLOYED / "ExportLayer" / "python", DEPLOYED / "functions")
