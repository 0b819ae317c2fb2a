"""What the answers of an S3 service, or their absence, mean to the user of a store."""

from __future__ import annotations

import re

from fanfold.errors import StoreError

__all__ = ["error_code", "failure"]

_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)

_CREDENTIALS = (
    "check the credentials and the policy: it needs s3:GetObject, s3:PutObject, s3:DeleteObject "
    "and s3:ListBucket (without the last, S3 denies what is missing)"
)
_NO_CREDENTIALS = (
    "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, pass "
    "access_key_id= and secret_access_key=, or skip_signature=True for a public bucket"
)
_UNREACHABLE = "check that the endpoint is right, runs, and can be reached from here"
_OVERLOADED = "try again later, or give the store more time with retry_seconds="

_STEPS_BY_CODE = {
    "NoSuchBucket": "create the bucket, or check its name and the endpoint",
    "InvalidBucketName": "check the bucket's name",
    "AccessDenied": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "ExpiredToken": _CREDENTIALS,
    "PermanentRedirect": "the bucket is in another region: pass region=",
    "AuthorizationHeaderMalformed": "the bucket is in another region: pass region=",
    "SlowDown": _OVERLOADED,
    "InternalError": _OVERLOADED,
}
_STEPS_BY_TEXT = {
    "latest/api/token": _NO_CREDENTIALS,
    "error sending request": _UNREACHABLE,
    "timed out": _UNREACHABLE,
    "redirect": "the bucket is in another region: pass region=",
    "403 Forbidden": _CREDENTIALS,
    "404 Not Found": "that answer is none of S3's: check that the endpoint is an S3 service",
    "Service Unavailable": _OVERLOADED,
    "invalid path": "choose a prefix that only fanfold writes to",
}
_OTHERWISE = "the cause, above, tells what the service answered"


def error_code(error: Exception) -> str | None:
    """Return S3's own name for an error, such as ``NoSuchKey``, where the service gave one."""
    found = _CODE.search(str(error))
    return found[1] if found else None


def failure(action: str, location: str, endpoint: str | None, error: Exception) -> StoreError:
    """Return the error that tells a user what went wrong, where, and what to do about it.

    Parameters
    ----------
    action : str
        What could not be done, such as ``"write the entry 'a/b'"``.
    location : str
        The store's URL, which names the bucket.
    endpoint : str or None
        The service; None is Amazon's.
    error : Exception
        What obstore raised.
    """
    text = str(error)
    # After an empty line, obstore prints its own data structures.
    first, _, _ = text.partition("\n\n")
    code, message = error_code(error), _MESSAGE.search(text)
    reason = f"{code}: {message[1]}" if code and message else first
    by_text = (step for part, step in _STEPS_BY_TEXT.items() if part in first)
    step = _STEPS_BY_CODE.get(code or "") or next(by_text, _OTHERWISE)
    service = endpoint or "Amazon S3"
    return StoreError(f"the store {location!r} at {service} cannot {action}: {reason}; {step}")
