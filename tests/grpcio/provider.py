"""A provider in Python: an ordinary grpcio server that demands a client certificate.

Prints the port it serves on, and serves until its standard input ends. Messages are plain
bytes, so that nothing has to be generated.
"""

import argparse
import pathlib
import sys
import threading
from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

SERVICE = "ndxp.test.v1.GrpcioService"


class Service(grpc.GenericRpcHandler):
    """All methods of the service, by the kinds of gRPC call."""

    def __init__(self):
        self.cancelled = threading.Event()

    def service(self, handler_call_details):
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "ServerStream": grpc.unary_stream_rpc_method_handler(self.server_stream),
            "ClientStream": grpc.stream_unary_rpc_method_handler(self.client_stream),
            "Bidirectional": grpc.stream_stream_rpc_method_handler(self.bidirectional),
            "Metadata": grpc.unary_unary_rpc_method_handler(self.metadata),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "TimeLeft": grpc.unary_unary_rpc_method_handler(self.time_left),
            "Hang": grpc.unary_unary_rpc_method_handler(self.hang),
            "WasCancelled": grpc.unary_unary_rpc_method_handler(self.was_cancelled),
        }
        prefix = f"/{SERVICE}/"
        path = handler_call_details.method
        return handlers.get(path.removeprefix(prefix)) if path.startswith(prefix) else None

    def unary(self, request, context):
        return request[::-1]

    def server_stream(self, request, context):
        for number in range(int(request)):
            yield str(number).encode()

    def client_stream(self, requests, context):
        return b",".join(requests)

    def bidirectional(self, requests, context):
        for request in requests:
            yield request.upper()

    def metadata(self, request, context):
        """Sends back what came, once in headers and once in trailers."""
        sent = [(key, value) for key, value in context.invocation_metadata() if key.startswith("x-")]
        context.send_initial_metadata(sent)
        context.set_trailing_metadata(sent)
        return dict(context.invocation_metadata())["ndxp-consumer"].encode()

    def fail(self, request, context):
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.ErrorInfo(reason="NOT_ON_RECORD", domain="g01.example"))
        status = status_pb2.Status(code=5, message="không có trong sổ", details=[detail])
        context.abort_with_status(rpc_status.to_status(status))

    def time_left(self, request, context):
        return str(context.time_remaining()).encode()

    def hang(self, request, context):
        over = threading.Event()
        context.add_callback(over.set)
        over.wait()
        if request == b"until cancelled":
            self.cancelled.set()
        return b"nobody hears this"

    def was_cancelled(self, request, context):
        return b"yes" if self.cancelled.wait(timeout=20) else b"no"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--credentials", type=pathlib.Path, required=True)
    folder = parser.parse_args().credentials
    read = lambda name: (folder / name).read_bytes()

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((Service(),))
    credentials = grpc.ssl_server_credentials(
        [(read("key.pem"), read("cert.pem"))],
        root_certificates=read("ca.pem"),
        require_client_auth=True,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(grace=None).wait()


if __name__ == "__main__":
    main()
