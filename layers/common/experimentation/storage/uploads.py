"""Objects that are uploaded to the bucket in parts, and the addresses where whoever has one may read them."""

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import error_code, translated

CHECKSUM = "ChecksumCRC32"  # of each part; completing the upload must repeat it


def begin(key: str, name: str, content_type: str) -> str:
    """Begin an upload and return its id; `name` is what a browser saves the object as."""
    with translated():
        answer = client.s3().create_multipart_upload(
            Bucket=settings.archive_bucket(),
            Key=key,
            ContentType=content_type,
            ContentDisposition=f'attachment; filename="{name}"',
            ChecksumAlgorithm="CRC32",
        )
    return answer["UploadId"]


def put_part(key: str, upload_id: str, number: int, content: bytes) -> None:
    """Upload a part; it replaces an earlier one of that number."""
    with translated():
        client.s3().upload_part(
            Bucket=settings.archive_bucket(),
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            Body=content,
            ChecksumAlgorithm="CRC32",
        )


def finish(key: str, upload_id: str, parts: int) -> None:
    """Complete the upload with the first parts; do nothing when it is complete already."""
    try:
        with translated():
            client.s3().complete_multipart_upload(
                Bucket=settings.archive_bucket(),
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": _parts(key, upload_id)[:parts]},  # type: ignore[typeddict-item]
            )
    except ClientError as error:
        if error_code(error) != "NoSuchUpload":
            raise


def address(key: str, seconds: int) -> str:
    """Return a URL that reads the object without credentials for that long."""
    parameters = {"Bucket": settings.archive_bucket(), "Key": key}
    return client.s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def _parts(key: str, upload_id: str) -> list[dict[str, object]]:
    pages = (
        client.s3()
        .get_paginator("list_parts")
        .paginate(Bucket=settings.archive_bucket(), Key=key, UploadId=upload_id)
    )
    names = "PartNumber", "ETag", CHECKSUM
    return [
        {name: value for name, value in part.items() if name in names}
        for page in pages
        for part in page.get("Parts", [])
    ]
