"""AWS's limits, each below the page of AWS's documentation that states it; a KB is 1,024 bytes."""

KB = 1024
MB = 1024 * KB

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
TRANSACTION_ACTIONS = 100
TRANSACTION_BYTES = 4 * MB
CLIENT_REQUEST_TOKEN_CHARACTERS = 36

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (Expression parameters)
EXPRESSION_BYTES = 4 * KB
EXPRESSION_OPERATORS = 300
EXPRESSION_IN_OPERANDS = 100
EXPRESSION_VALUES_BYTES = 2 * MB
PLACEHOLDER_BYTES = 255

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (Items, Partition keys and
# sort keys, Data types)
ITEM_BYTES = 400 * KB
PARTITION_KEY_BYTES = 2_048
SORT_KEY_BYTES = 1_024
NUMBER_DIGITS = 38
NUMBER_EXPONENTS = (-130, 125)

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
BATCH_WRITE_ITEMS = 25
BATCH_WRITE_BYTES = 16 * MB

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
BATCH_GET_ITEMS = 100

# https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html and API_Publish.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
# SQS alone takes 1 MiB since August 2025; what comes from a topic, and what this platform sends, is 256 KB.
MESSAGE_BYTES = 256 * KB
MESSAGE_BATCH_ENTRIES = 10

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
RECEIVED_MESSAGES = 10
WAIT_SECONDS = 20
VISIBILITY_SECONDS = 43_200

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (Invocation payload, synchronous)
FUNCTION_REQUEST_BYTES = 6 * MB
FUNCTION_ANSWER_BYTES = 6 * MB

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html: an integration has
# 30 s, so a function that is to answer by itself has 29.
FUNCTION_SECONDS = 29
