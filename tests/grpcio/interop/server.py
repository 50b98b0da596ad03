"""The server of gRPC's interoperability cases: an ordinary grpcio server behind mutual TLS.

Prints the port it serves on, and serves until its standard input ends. Its features are those that
the public descriptions of the cases name; it sees which requests came compressed.
"""

import argparse
import pathlib
import sys
import time
from concurrent import futures

import grpc
from wire import COMPRESSED_AS_IT_CAME, INITIAL, TEST_SERVICE, TRAILING, protos, reader, zeros

STATUS_OF = {code.value[0]: code for code in grpc.StatusCode}
MICROSECONDS = 1_000_000
# More than the cases hold open at once.
WORKERS = 16


def echo_metadata(context):
    sent = dict(context.invocation_metadata())
    if INITIAL in sent:
        context.send_initial_metadata([(INITIAL, sent[INITIAL])])
    if TRAILING in sent:
        context.set_trailing_metadata([(TRAILING, sent[TRAILING])])


def echo_status(request, context):
    if request.HasField("response_status"):
        status = request.response_status
        context.abort(STATUS_OF[status.code], status.message)


def check_compressed(request, compressed, context):
    if request.HasField("expect_compressed") and request.expect_compressed.value != compressed:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the flag is not what was announced")


class TestService:
    def empty_call(self, request, context):
        echo_metadata(context)
        return protos.Empty()

    def unary_call(self, read, context):
        request, compressed = read
        check_compressed(request, compressed, context)
        echo_metadata(context)
        echo_status(request, context)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        return protos.SimpleResponse(payload=zeros(request.response_size))

    def streaming_input_call(self, reads, context):
        size = 0
        for request, compressed in reads:
            check_compressed(request, compressed, context)
            size += len(request.payload.body)
        return protos.StreamingInputCallResponse(aggregated_payload_size=size)

    def streaming_output_call(self, read, context):
        request, _ = read
        if any(wanted.compressed.value for wanted in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        yield from self.responses(request, context)

    def full_duplex_call(self, reads, context):
        echo_metadata(context)
        for request, _ in reads:
            yield from self.responses(request, context)

    def responses(self, request, context):
        echo_status(request, context)
        for wanted in request.response_parameters:
            time.sleep(wanted.interval_us / MICROSECONDS)
            if wanted.HasField("compressed") and not wanted.compressed.value:
                context.disable_next_message_compression()
            yield protos.StreamingOutputCallResponse(payload=zeros(wanted.size))

    def handlers(self):
        """UnimplementedCall is left out, as the case wants it."""

        def handler(kind, work, request):
            return kind(
                work,
                request_deserializer=reader(request),
                response_serializer=lambda message: message.SerializeToString(),
            )

        unary, output = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        streaming, both = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        stream_request = protos.StreamingOutputCallRequest
        return {
            "EmptyCall": handler(unary, self.empty_call, protos.Empty),
            "UnaryCall": handler(unary, self.unary_call, protos.SimpleRequest),
            "StreamingInputCall": handler(
                streaming, self.streaming_input_call, protos.StreamingInputCallRequest
            ),
            "StreamingOutputCall": handler(output, self.streaming_output_call, stream_request),
            "FullDuplexCall": handler(both, self.full_duplex_call, stream_request),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--credentials", type=pathlib.Path, required=True)
    folder = parser.parse_args().credentials
    read = lambda name: (folder / name).read_bytes()

    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=WORKERS), options=[COMPRESSED_AS_IT_CAME]
    )
    handler = grpc.method_handlers_generic_handler(TEST_SERVICE, TestService().handlers())
    server.add_generic_rpc_handlers((handler,))
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
