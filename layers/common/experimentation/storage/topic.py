"""The topic that accepted events are published to."""

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import translated


def publish(message: str) -> None:
    """Publish one message; UnavailableError when it was not accepted, or nobody knows."""
    with translated():
        client.sns().publish(TopicArn=settings.events_topic_arn(), Message=message)
