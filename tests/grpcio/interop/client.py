"""gRPC's interoperability cases as a client runs them, by their public names and figures.

Prints for each case one line of JSON: what was seen of each call, and the failure if the case does
not hold. The other end is the server itself or a hub before it; what is seen must be the same.
"""

import argparse
import json
import os
import pathlib
import queue
import random
import traceback

import grpc
from wire import COMPRESSED_AS_IT_CAME, INITIAL, TEST_SERVICE, TRAILING, protos, reader
from wire import services, zeros

# Far above what any call here takes.
PATIENCE_SECONDS = 20
LARGE_REQUEST, LARGE_RESPONSE = 271_828, 314_159
REQUEST_SIZES = (27_182, 8, 1_828, 45_904)
RESPONSE_SIZES = (31_415, 9, 2_653, 58_979)
# The last size of server_compressed_streaming.
PLAIN_RESPONSE = 92_653
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
TRAILING_VALUE = b"\xab\xab\xab"
# In the official case; it may pass before anything is sent.
SHORTEST_SECONDS = 0.001
# Long enough that the call begins first.
SHORT_SECONDS = 0.5


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


class Requests:
    """An iterator of requests that is fed as the case goes on."""

    def __init__(self):
        self.queue = queue.Queue()

    def send(self, request):
        self.queue.put(request)

    def close(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


class Cases:
    """Each public method is a case."""

    def __init__(self, plain, watching):
        self.stub = services.TestServiceStub(plain)
        self.unimplemented = services.UnimplementedServiceStub(plain)
        # Hands over messages as they came.
        self.watching = watching
        self.case = ""
        self.seen = []

    # How calls are made.

    def options(self, *metadata, timeout=PATIENCE_SECONDS):
        return {"metadata": [("ndxp-case", self.case), *metadata], "timeout": timeout}

    def end(self, call, code=grpc.StatusCode.OK, details=""):
        """The call's status, which is part of what was seen."""
        equal((call.code(), call.details()), (code, details))
        metadata = [*call.initial_metadata(), *call.trailing_metadata()]
        # Nobody but the hub says these, so they are not there without it.
        foreign = [[key, repr(value)] for key, value in metadata if not key.startswith("ndxp-")]
        self.seen.append([call.code().name, call.details(), foreign])

    def end_somehow(self, call, code):
        """The same where nothing is said of the details, which are the client's own."""
        equal(call.code(), code)
        self.seen.append([call.code().name])

    def watch(self, kind, method, response):
        return getattr(self.watching, kind)(
            f"/{TEST_SERVICE}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=reader(response),
        )

    def take(self, response, size, *more):
        equal(response.payload.body, bytes(size))
        self.seen.append([size, *more])

    def simple(self, **more):
        return protos.SimpleRequest(
            response_size=LARGE_RESPONSE, payload=zeros(LARGE_REQUEST), **more
        )

    @staticmethod
    def output(sizes):
        parameters = [protos.ResponseParameters(size=size) for size in sizes]
        return protos.StreamingOutputCallRequest(response_parameters=parameters)

    def duplex(self, response_size, request_size):
        request = self.output([response_size])
        request.payload.CopyFrom(zeros(request_size))
        return request

    # The cases.

    def empty_unary(self):
        response, call = self.stub.EmptyCall.with_call(protos.Empty(), **self.options())
        equal(response, protos.Empty())
        self.end(call)

    def large_unary(self):
        response, call = self.stub.UnaryCall.with_call(self.simple(), **self.options())
        self.take(response, LARGE_RESPONSE)
        self.end(call)

    def client_streaming(self):
        requests = [protos.StreamingInputCallRequest(payload=zeros(it)) for it in REQUEST_SIZES]
        response, call = self.stub.StreamingInputCall.with_call(iter(requests), **self.options())
        equal(response.aggregated_payload_size, 74_922)
        self.end(call)

    def server_streaming(self):
        call = self.stub.StreamingOutputCall(self.output(RESPONSE_SIZES), **self.options())
        for response, size in zip(call, RESPONSE_SIZES, strict=True):
            self.take(response, size)
        self.end(call)

    def ping_pong(self):
        requests = Requests()
        call = self.stub.FullDuplexCall(iter(requests), **self.options())
        for response_size, request_size in zip(RESPONSE_SIZES, REQUEST_SIZES):
            requests.send(self.duplex(response_size, request_size))
            self.take(next(call), response_size)
        requests.close()
        equal(list(call), [])
        self.end(call)

    def empty_stream(self):
        call = self.stub.FullDuplexCall(iter([]), **self.options())
        equal(list(call), [])
        self.end(call)

    def custom_metadata(self):
        sent = [(INITIAL, "test_initial_metadata_value"), (TRAILING, TRAILING_VALUE)]
        unary = self.stub.UnaryCall.future(self.simple(), **self.options(*sent))
        duplex = self.stub.FullDuplexCall(
            iter([self.duplex(LARGE_RESPONSE, LARGE_REQUEST)]), **self.options(*sent)
        )
        self.take(unary.result(), LARGE_RESPONSE)
        (response,) = duplex
        self.take(response, LARGE_RESPONSE)
        for call in (unary, duplex):
            equal(dict(call.initial_metadata())[INITIAL], "test_initial_metadata_value")
            equal(dict(call.trailing_metadata())[TRAILING], TRAILING_VALUE)
            self.end(call)

    def unknown(self, call, message):
        self.end(call, grpc.StatusCode.UNKNOWN, message)

    def status_code_and_message(self):
        status = protos.EchoStatus(code=2, message="test status message")
        request = protos.SimpleRequest(response_status=status)
        unary = self.stub.UnaryCall.future(request, **self.options())
        self.unknown(unary, status.message)
        request = protos.StreamingOutputCallRequest(response_status=status)
        duplex = self.stub.FullDuplexCall(iter([request]), **self.options())
        self.unknown(duplex, status.message)

    def special_status_message(self):
        status = protos.EchoStatus(code=2, message=SPECIAL_MESSAGE)
        request = protos.SimpleRequest(response_status=status)
        self.unknown(self.stub.UnaryCall.future(request, **self.options()), SPECIAL_MESSAGE)

    def unimplemented_method(self):
        call = self.stub.UnimplementedCall.future(protos.Empty(), **self.options())
        self.end(call, grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    def unimplemented_service(self):
        call = self.unimplemented.UnimplementedCall.future(protos.Empty(), **self.options())
        self.end(call, grpc.StatusCode.UNIMPLEMENTED, "Method not found!")

    def cancel_after_begin(self):
        requests = Requests()
        call = self.stub.StreamingInputCall.future(iter(requests), **self.options())
        # A later call on the same connection has gone all the way: this one has begun.
        self.empty_unary()
        call.cancel()
        assert call.cancelled()
        self.end_somehow(call, grpc.StatusCode.CANCELLED)
        requests.close()

    def cancel_after_first_response(self):
        requests = Requests()
        call = self.stub.FullDuplexCall(iter(requests), **self.options())
        requests.send(self.duplex(RESPONSE_SIZES[0], REQUEST_SIZES[0]))
        self.take(next(call), RESPONSE_SIZES[0])
        call.cancel()
        self.broken_off(call, grpc.StatusCode.CANCELLED)
        requests.close()

    def broken_off(self, call, code):
        try:
            response = next(call)
        except grpc.RpcError:
            self.end_somehow(call, code)
        else:
            raise AssertionError(f"a response where an end was due: {response!r}")

    def out_of_time(self, timeout):
        requests = Requests()
        call = self.stub.FullDuplexCall(iter(requests), **self.options(timeout=timeout))
        payload = zeros(REQUEST_SIZES[0])
        requests.send(protos.StreamingOutputCallRequest(payload=payload))
        self.broken_off(call, grpc.StatusCode.DEADLINE_EXCEEDED)
        requests.close()

    def timeout_on_sleeping_server(self):
        self.out_of_time(SHORTEST_SECONDS)

    def timeout_on_sleeping_server_that_has_begun(self):
        """The same with time enough to reach the server."""
        self.out_of_time(SHORT_SECONDS)

    # The compressed ones.

    def probe(self, call):
        """Announced as compressed and sent plain: the server must see that."""
        self.end(call, grpc.StatusCode.INVALID_ARGUMENT, "the flag is not what was announced")

    def client_compressed_unary(self):
        announced = lambda value: self.simple(expect_compressed=protos.BoolValue(value=value))
        unary = self.stub.UnaryCall
        self.probe(unary.future(announced(True), **self.options()))
        for compression in (grpc.Compression.Gzip, grpc.Compression.NoCompression):
            request = announced(compression is grpc.Compression.Gzip)
            response, call = unary.with_call(request, compression=compression, **self.options())
            self.take(response, LARGE_RESPONSE)
            self.end(call)

    def client_compressed_streaming(self):
        def announced(value, payload):
            value = protos.BoolValue(value=value)
            return protos.StreamingInputCallRequest(expect_compressed=value, payload=payload)

        first = announced(True, zeros(REQUEST_SIZES[0]))
        self.probe(self.stub.StreamingInputCall.future(iter([first]), **self.options()))
        # The second goes plain in a call that compresses. grpcio's client has no switch for that,
        # but sends a message as it is where compressing would not make it smaller.
        noise = protos.Payload(body=random.Random(1).randbytes(REQUEST_SIZES[3]))
        response, call = self.stub.StreamingInputCall.with_call(
            iter([first, announced(False, noise)]),
            compression=grpc.Compression.Gzip,
            **self.options(),
        )
        equal(response.aggregated_payload_size, 73_086)
        self.end(call)

    def server_compressed_unary(self):
        unary = self.watch("unary_unary", "UnaryCall", protos.SimpleResponse)
        for wanted in (True, False):
            request = self.simple(response_compressed=protos.BoolValue(value=wanted))
            (response, compressed), call = unary.with_call(request, **self.options())
            equal(compressed, wanted)
            self.take(response, LARGE_RESPONSE, compressed)
            self.end(call)

    def server_compressed_streaming(self):
        wanted = [(RESPONSE_SIZES[0], True), (PLAIN_RESPONSE, False)]
        parameters = [
            protos.ResponseParameters(size=size, compressed=protos.BoolValue(value=value))
            for size, value in wanted
        ]
        request = protos.StreamingOutputCallRequest(response_parameters=parameters)
        method = self.watch(
            "unary_stream", "StreamingOutputCall", protos.StreamingOutputCallResponse
        )
        call = method(request, **self.options())
        for (response, compressed), (size, expected) in zip(call, wanted, strict=True):
            equal(compressed, expected)
            self.take(response, size, compressed)
        self.end(call)

    # What a hub does otherwise.

    def unregistered_service(self):
        """A service that the registry does not know."""
        call = self.unimplemented.UnimplementedCall.future(protos.Empty(), **self.options())
        self.end_somehow(call, grpc.StatusCode.NOT_FOUND)
        equal(dict(call.trailing_metadata())["ndxp-fault"], "consumer")
        assert call.details().startswith("UNKNOWN_SERVICE"), call.details()

    def run(self, case):
        self.case, self.seen = case, []
        failure = None
        try:
            getattr(self, case)()
        except Exception:
            failure = traceback.format_exc()
        print(json.dumps({"case": case, "seen": self.seen, "failure": failure}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--name", required=True, help="what the server's certificate names")
    parser.add_argument("--credentials", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="+")
    arguments = parser.parse_args()
    read = lambda name: (arguments.credentials / name).read_bytes()
    credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("key.pem"), read("cert.pem"))
    named = ("grpc.ssl_target_name_override", arguments.name)
    connect = lambda *options: grpc.secure_channel(arguments.server, credentials, options)
    with connect(named) as plain, connect(named, COMPRESSED_AS_IT_CAME) as watching:
        cases = Cases(plain, watching)
        for case in arguments.cases:
            cases.run(case)


if __name__ == "__main__":
    main()
    # All is said. Taking the interpreter down can hang for ever: a thread of grpcio's that ends with it
    # may hold a lock that the last channel's end waits for.
    os._exit(0)
