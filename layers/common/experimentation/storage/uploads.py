"""Objects that are uploaded to the bucket in parts, and the addresses where whoever has one may read them."""

from botocore.exceptions import ClientError

from experimentation import settings
from experimentation.storage.aws import client
from experimentation.storage.aws.failures import error_code, translated

CHECKSUM = "ChecksumCRC32"  # of each part, which the whole then has to name


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
    """Upload a part, in the place of an earlier one of that number."""
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
    """Make one object of the first parts; nothing where that was done already."""
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
    """Return where the object can be read without credentials for so long."""
    wanted = {"Bucket": settings.archive_bucket(), "Key": key}
    return client.s3().generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)


def _parts(key: str, upload_id: str) -> list[dict[str, object]]:
    pages = (
        client.s3()
        .get_paginator("list_parts")
        .paginate(Bucket=settings.archive_bucket(), Key=key, UploadId=upload_id)
    )
    kept = "PartNumber", "ETag", CHECKSUM
    return [
        {name: value for name, value in part.items() if name in kept}
        for page in pages
        for part in page.get("Parts", [])
    ]
