"""What Schemathesis must be told to make requests from our document: that a piece of an upload is plain bytes."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
