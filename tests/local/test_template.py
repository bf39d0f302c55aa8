"""What the local stack reads from a SAM template."""

from pathlib import Path

import pytest

from local.schedule import rate_seconds
from local.template import Route, read_template

TEXT = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    {Timeout: 29, MemorySize: 512, Layers: [!Ref CommonLayer], Environment: {Variables: {LEVEL: INFO}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub "${AWS::StackName}-x"}}
  Role: {Type: AWS::IAM::Role}
  ReadFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: things.read.handler
      Timeout: 5
      Layers: [!Ref MoreLayer]
      Environment: {Variables: {TABLE: !Ref Table, ARN: !GetAtt Table.Arn}}
      Policies: [{Statement: [{Effect: Allow, Action: [dynamodb:GetItem], Resource: !GetAtt Table.Arn}]}]
      Events:
        Route: {Type: HttpApi, Properties: {Method: get, Path: "/things/{id}"}}
        Default: {Type: HttpApi}
        Schedule: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(6 hours)}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref ReadFunction, EventSourceArn: !GetAtt Queue.Arn, BatchSize: 20}
"""


def test_a_function_has_what_globals_and_itself_say(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEXT)

    template = read_template(tmp_path / "template.yaml")

    (function,) = template.functions
    assert (function.handler, function.timeout_seconds, function.memory_megabytes) == (
        "things.read.handler",
        5,
        512,
    )
    arn = {"Fn::GetAtt": ["Table", "Arn"]}
    assert function.environment == {"LEVEL": "INFO", "TABLE": {"Ref": "Table"}, "ARN": arn}
    assert function.policies == (("dynamodb:GetItem", arn, ()),)
    assert function.routes == (Route("GET", "/things/{id}"), Route("", ""))
    assert [route.key for route in function.routes] == ["GET /things/{id}", "$default"]
    assert function.operations == function.routes
    assert function.mappings[0].batch_size == 20
    assert function.layers == ("CommonLayer", "MoreLayer")
    assert function.schedules == ("rate(6 hours)",)
    assert set(template.resources) == {"Table"}


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(1 minute)", 60), ("rate(6 hours)", 21600), ("rate(2 days)", 172800)]
)
def test_a_rate_is_so_many_seconds(expression: str, seconds: int) -> None:
    assert rate_seconds(expression) == seconds


def test_another_kind_of_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="rate"):
        rate_seconds("cron(0 3 * * ? *)")
