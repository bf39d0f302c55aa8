"""What is stored: kept, encrypted, closed, and not paid for longer than it is read."""

import pytest

from tests.contract.template.resources import QUEUES, RESOURCES, of_type


@pytest.mark.parametrize("name", of_type("DynamoDB::Table"))
def test_table_outlives_mistakes(name: str) -> None:
    properties = RESOURCES[name]["Properties"]

    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert "SSESpecification" not in properties  # AWS's own keys, which every table has, cost nothing
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize(("name", "length"), [("SigningSecret", 64), ("AdminSecret", 32), ("EdgeSecret", 32)])
def test_generated_secrets_are_never_generated_again(name: str, length: int) -> None:
    """CloudFormation does so whenever this property changes, so these lines are not to be touched.

    The brace is excluded because what begins with one is read as JSON.
    """
    assert RESOURCES[name]["Properties"]["GenerateSecretString"] == {
        "PasswordLength": length,
        "ExcludePunctuation": True,
        "ExcludeCharacters": "{",
    }


def test_bucket_is_kept_and_closed_and_encrypted() -> None:
    bucket = RESOURCES["ArchiveBucket"]

    for each in (bucket, RESOURCES["ArchiveBucketPolicy"]):
        assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket["Properties"]
    assert of_type("S3::Bucket").keys() == {"ArchiveBucket"}


def test_versions_that_nobody_reads_are_not_paid_for_ever() -> None:
    rules = RESOURCES["ArchiveBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]

    assert [
        (each.get("Prefix", ""), each["NoncurrentVersionExpiration"])
        for each in rules
        if "NoncurrentVersionExpiration" in each
    ] == [("exports/", {"NoncurrentDays": 1}), ("", {"NoncurrentDays": 35})]


def test_queues_and_the_events_topic_are_encrypted() -> None:
    assert all(queue["SqsManagedSseEnabled"] is True for queue in QUEUES.values())
    assert RESOURCES["EventsTopic"]["Properties"]["KmsMasterKeyId"]


def test_everything_with_a_policy_is_reached_over_tls_alone() -> None:
    protected: set[str] = set()
    for kind, key in (
        ("SQS::QueuePolicy", "Queues"),
        ("SNS::TopicPolicy", "Topics"),
        ("S3::BucketPolicy", "Bucket"),
    ):
        for policy in of_type(kind).values():
            denials = [
                each
                for each in policy["PolicyDocument"]["Statement"]
                if each["Effect"] == "Deny" and each["Condition"] == {"Bool": {"aws:SecureTransport": False}}
            ]
            assert [each["Principal"] for each in denials] == ["*"]
            targets = policy[key] if isinstance(policy[key], list) else [policy[key]]
            protected |= {target["Ref"] for target in targets}

    assert protected == {*QUEUES, *of_type("SNS::Topic"), *of_type("S3::Bucket")}
