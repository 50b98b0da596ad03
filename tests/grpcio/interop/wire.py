"""What the interoperability client and server share: the contracts, and a look at the wire.

grpcio decompresses messages without telling. With decompression switched off it hands over what
came, and then the compressed ones can be told from the others: neither gzip's nor zlib's first
bytes begin any message of the contracts.
"""

import pathlib
import sys
import zlib

import grpc

# grpcio-tools compiles the contracts on import, from a folder on the path.
sys.path.insert(0, str(pathlib.Path(__file__).parent))
protos, services = grpc.protos_and_services("interop.proto")

TEST_SERVICE = "grpc.testing.TestService"
INITIAL = "x-grpc-test-echo-initial"
TRAILING = "x-grpc-test-echo-trailing-bin"
COMPRESSED_AS_IT_CAME = ("grpc.per_message_decompression", 0)

GZIP = b"\x1f\x8b"
# Tells zlib to find out by the head whether it is gzip's or its own.
EITHER_HEAD = 32 + zlib.MAX_WBITS


def reader(message_class):
    """A deserializer that answers the message and whether it was compressed on the wire."""

    def read(data):
        compressed = data[:2] == GZIP or data[:1] == b"\x78"
        plain = zlib.decompress(data, EITHER_HEAD) if compressed else data
        return message_class.FromString(plain), compressed

    return read


def zeros(size):
    return protos.Payload(body=bytes(size))
