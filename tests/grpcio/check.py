"""A consumer in Python: calls the Python provider through the hub in every way that gRPC has.

Prints one line for each rule that holds; the first that does not ends it with a traceback.
"""

import argparse
import os
import pathlib
import threading

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

SERVICE = "ndxp.test.v1.GrpcioService"
# Far above what anything here takes.
PATIENCE_SECONDS = 20
PHOTO = bytes(range(256))


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def error_of(work):
    try:
        answer = work()
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"an answer where an error was due: {answer!r}")


def error_info(error):
    """The google.rpc.ErrorInfo in a status, as grpcio-status reads it."""
    status = rpc_status.from_call(error)
    equal(status.code, error.code().value[0])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info


class Checks:
    """Each method is a rule."""

    def __init__(self, channel):
        self.channel = channel

    def unary(self, method, request, timeout=PATIENCE_SECONDS, **more):
        return self.channel.unary_unary(f"/{SERVICE}/{method}")(request, timeout=timeout, **more)

    def a_unary_call_is_answered(self):
        equal(self.unary("Unary", b"abc"), b"cba")
        equal(self.unary("Unary", b""), b"")
        equal(self.unary("Unary", PHOTO * 4096), (PHOTO * 4096)[::-1])

    def a_compressed_call_is_answered(self):
        large = b"same " * 100_000
        equal(self.unary("Unary", large, compression=grpc.Compression.Gzip), large[::-1])

    def a_server_streams(self):
        call = self.channel.unary_stream(f"/{SERVICE}/ServerStream")
        answers = list(call(b"1000", timeout=PATIENCE_SECONDS))
        equal(answers, [str(number).encode() for number in range(1000)])

    def a_client_streams(self):
        call = self.channel.stream_unary(f"/{SERVICE}/ClientStream")
        equal(call(iter([b"a", b"b", b"c"]), timeout=PATIENCE_SECONDS), b"a,b,c")

    def both_stream(self):
        turn = threading.Semaphore(1)

        def questions():
            for question in (b"one", b"two", b"three"):
                # Each question waits for the answer to the one before.
                assert turn.acquire(timeout=PATIENCE_SECONDS)
                yield question

        call = self.channel.stream_stream(f"/{SERVICE}/Bidirectional")
        answers = []
        for answer in call(questions(), timeout=PATIENCE_SECONDS):
            answers.append(answer)
            turn.release()
        equal(answers, [b"ONE", b"TWO", b"THREE"])

    def metadata_passes_both_ways_binary_too(self):
        sent = [("x-text", "a"), ("x-text", "b"), ("x-photo-bin", PHOTO)]
        call = self.channel.unary_unary(f"/{SERVICE}/Metadata")
        answer, call = call.with_call(b"", metadata=sent, timeout=PATIENCE_SECONDS)
        equal(answer, b"H26/lgsp")
        for received in (call.initial_metadata(), call.trailing_metadata()):
            mine = [(key, value) for key, value in received if key.startswith("x-")]
            equal(sorted(mine), sorted(sent))
        assert dict(call.initial_metadata())["ndxp-transaction-id"]

    def a_providers_error_passes_with_its_details(self):
        error = error_of(lambda: self.unary("Fail", b""))
        equal((error.code(), error.details()), (grpc.StatusCode.NOT_FOUND, "không có trong sổ"))
        info = error_info(error)
        equal((info.reason, info.domain), ("NOT_ON_RECORD", "g01.example"))
        equal(dict(error.trailing_metadata())["ndxp-fault"], "provider")

    def a_method_that_the_provider_lacks_is_unimplemented(self):
        error = error_of(lambda: self.unary("Nothing", b""))
        equal(error.code(), grpc.StatusCode.UNIMPLEMENTED)

    def a_refusal_of_the_hub_says_why(self):
        call = self.channel.unary_unary("/ndxp.test.v1.Ungranted/Call")
        error = error_of(lambda: call(b"", timeout=PATIENCE_SECONDS))
        equal(error.code(), grpc.StatusCode.PERMISSION_DENIED)
        info = error_info(error)
        equal((info.reason, info.domain), ("NO_GRANT", "ndxp"))
        equal(info.metadata["consumer"], "H26/lgsp")
        assert info.metadata["remedy"]
        equal(dict(error.trailing_metadata())["ndxp-fault"], "consumer")

    def a_deadline_is_told_to_the_provider(self):
        left = float(self.unary("TimeLeft", b"", timeout=15))
        # grpcio rounds up what it sends; the default without a deadline is a minute.
        assert 5 < left < 20, left

    def a_deadline_ends_the_call(self):
        error = error_of(lambda: self.unary("Hang", b"until the deadline", timeout=0.3))
        equal(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def a_cancellation_reaches_the_provider(self):
        call = self.channel.unary_unary(f"/{SERVICE}/Hang")
        hanging = call.future(b"until cancelled", timeout=PATIENCE_SECONDS)
        # Another call on the same connection has gone all the way, so this one has begun it.
        equal(self.unary("Unary", b"x"), b"x")
        hanging.cancel()
        equal(hanging.code(), grpc.StatusCode.CANCELLED)
        equal(self.unary("WasCancelled", b""), b"yes")

    def run(self):
        rules = [name for name in vars(Checks) if name.split("_")[0] in ("a", "both", "metadata")]
        for rule in rules:
            getattr(self, rule)()
            print(rule.replace("_", " "), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hub", required=True)
    parser.add_argument("--credentials", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    read = lambda name: (arguments.credentials / name).read_bytes()
    credentials = grpc.ssl_channel_credentials(read("ca.pem"), read("key.pem"), read("cert.pem"))
    with grpc.secure_channel(arguments.hub, credentials) as channel:
        Checks(channel).run()


if __name__ == "__main__":
    main()
    # All is said, and taking the interpreter down can hang: see interop/client.py.
    os._exit(0)
