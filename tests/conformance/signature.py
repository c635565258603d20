"""Checks a request's signature with botocore's implementation of Signature Version 4. moto never does.

The program signs with the SDK for Rust, so this compares two implementations over the bytes that really came: a
body or a header that changes between signing and sending shows here, long before AWS refuses it.
"""

from __future__ import annotations

import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def holds(environ, body: bytes, secret: str) -> bool:
    """Whether the request was signed with the secret, and came as it was signed."""
    found = FORM.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if not found or "host" not in found["names"].split(";"):
        return False
    request = AWSRequest(
        method=environ["REQUEST_METHOD"],
        url=f"http://{environ['HTTP_HOST']}{environ['RAW_URI']}",
        data=body,
        headers={name: header(environ, name) for name in found["names"].split(";")},
    )
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    signer = SigV4Auth(Credentials(found["key"], secret), found["service"], found["region"])
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request) == found["signature"]


def header(environ, name: str) -> str:
    """A header as it came."""
    key = name.upper().replace("-", "_")
    return environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "")
