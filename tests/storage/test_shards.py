"""Shards: doubled up to 64, by one environment at a time."""

import pytest
from botocore.exceptions import ClientError

from experimentation.storage import experiments, shards
from experimentation.storage.aws import client
from tests.experiments import CREATED_AT, running
from tests.wire import answering

pytestmark = pytest.mark.usefixtures("aws")


def now_there_are():
    return experiments.read("e", consistent=True).shards


def test_shards_double_up_to_64():
    running("e", CREATED_AT)

    for read in (4, 8, 16, 32, 64, 128):
        shards.double("e", read)

    assert now_there_are() == 64


def test_shards_that_another_environment_doubled_stay():
    running("e", CREATED_AT)

    shards.double("e", 4)
    shards.double("e", 4)

    assert now_there_are() == 8


def test_a_refusal_that_is_no_race_is_a_fault():
    body = b'{"__type":"AccessDeniedException"}'

    with answering(client.dynamodb(), "UpdateItem", body, 400), pytest.raises(ClientError):
        shards.double("e", 4)
