"""What judge and answer say to each other: everything arrives as it was, and what is no message costs one exercise."""

import contextlib
import json
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest
import safetensors.torch
import torch
from torch import nn

from dino.course.chapters import chapters, find_exercise, solved
from dino.course.grade.grading import grade_answer, job_for
from dino.course.grade.results import Mark, Settings
from dino.course.grade.sandbox import limits, protocol
from dino.course.grade.sandbox.mirror import Mirror
from dino.course.grade.sandbox.protocol import Ask, Call, Connection, Failure, Hello, ProtocolError, Reply
from dino.course.grade.submissions import Submission
from dino.course.judge.timeout import StillBusyError, at_most
from dino.course.judge.verdict import FAILED, PASSED


@pytest.fixture
def pair():
    """Both ends of a connection."""
    with contextlib.ExitStack() as stack:
        yield tuple(Connection(stack.enter_context(one)) for one in socket.socketpair())


def said(words, numbers=b""):
    """The bytes of a message."""
    words = words if isinstance(words, bytes) else json.dumps(words).encode()
    return protocol.LENGTHS.pack(len(words), len(numbers)) + words + numbers


# What arrives.

NUMBERS = torch.arange(-6, 6).view(3, 4)


@pytest.mark.parametrize("dtype", protocol.DTYPES, ids=str)
@pytest.mark.parametrize(
    "tensor",
    [
        NUMBERS,
        NUMBERS.t(),
        NUMBERS[:, ::2],
        NUMBERS[:1].expand(5, 4),
        NUMBERS[0, 0],
        NUMBERS[0, 0].expand(1, 1),
        NUMBERS[:0],
        NUMBERS[None, :, :0],
    ],
    ids=[
        "whole",
        "transposed",
        "sliced",
        "expanded",
        "one number",
        "one number expanded",
        "empty",
        "three sides and empty",
    ],
)
def test_tensors_of_all_kinds_and_shapes_arrive_as_they_were(tensor, dtype, pair):
    ours, theirs = pair
    tensor = (tensor > 0 if dtype is torch.bool else tensor).to(dtype)
    follows = tensor.clone().requires_grad_(dtype.is_floating_point)
    theirs.send(Reply(1, [tensor, follows, tensor], {}))
    for sent, got in zip([tensor, follows, tensor], ours.receive().result, strict=True):
        assert (got.dtype, got.shape, got.requires_grad) == (sent.dtype, sent.shape, sent.requires_grad)
        assert torch.equal(got, sent)
        got.detach().fill_(1)  # it is its own


def test_what_is_sent_is_safetensors_as_the_library_writes_it():
    tensors = [torch.rand(2, 3), torch.tensor(True), torch.zeros(0, 2, dtype=torch.bfloat16)]
    by_number = {str(i): tensor for i, tensor in enumerate(tensors)}
    for read in (safetensors.torch.load(protocol.saved(tensors)), protocol.loaded(safetensors.torch.save(by_number))):
        assert read.keys() == by_number.keys()
        assert all(torch.equal(read[key], tensor) for key, tensor in by_number.items())


def test_plain_values_and_pictures_arrive_as_they_were(pair):
    ours, theirs = pair
    value = [None, True, -3, 2.5, "ü\udcff", (1, [2, (3,)]), {1: "one", (2, 3): {"x": []}}, [], ()]
    theirs.send(Reply(1, value, {}))
    got = ours.receive().result
    assert got == value
    assert [type(one) for one in got] == [type(one) for one in value]
    theirs.send(Reply(1, [np.float32(0.5), np.array(3), np.bool_(True), float("inf")], {}))
    assert ours.receive().result == [0.5, 3, True, float("inf")]
    picture = PIL.Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    theirs.send(Reply(1, picture, {}))
    got = ours.receive().result
    assert (got.mode, got.tobytes()) == (picture.mode, picture.tobytes())


def test_of_what_cannot_travel_the_name_of_its_type_is_left(pair):
    ours, theirs = pair
    theirs.send(Reply(1, [object(), torch.zeros(2) + 0j, torch.eye(2).to_sparse(), type("x" * 200, (), {})()], {}))
    names = [type(one).__name__ for one in ours.receive().result]
    assert names == ["object", "tensor of torch.complex64", "sparse tensor", "x" * 80]


def test_waiting_for_a_message_can_be_interrupted_and_has_an_end(pair):
    ours, theirs = pair
    theirs.socket.sendall(protocol.LENGTHS.pack(100, 0) + b"[")
    start = time.monotonic()
    with pytest.raises(StillBusyError), at_most(0.3):
        ours.receive()
    with pytest.raises(TimeoutError):
        ours.receive(time.monotonic() + 0.3)
    with pytest.raises(TimeoutError):
        ours.send(Reply(1, torch.zeros(2**22), {}), time.monotonic() + 0.3)  # which nobody reads
    assert time.monotonic() - start < 10


def test_weights_share_memory_on_one_side_as_long_as_they_do_on_the_other():
    here, there = Mirror(), Mirror()
    for side in (here, there):
        torch.manual_seed(0)
        side.things = {0: nn.Linear(2, 2), 1: torch.rand, 2: nn.Linear(2, 2)}
    ours, theirs = ([side.things[0].weight, side.things[2].weight] for side in (here, there))
    theirs[1].data = theirs[0].data
    here.take(there.state())
    assert ours[0].data_ptr() == ours[1].data_ptr()
    theirs[1].data = theirs[1].data + 1
    theirs[0].grad = torch.ones(2, 2)
    here.take(there.state())
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert torch.equal(ours[1].data, ours[0].data + 1)
    assert torch.equal(ours[0].grad, theirs[0].grad)
    assert ours[1].grad is None


def test_a_process_with_a_name_that_is_no_text_is_seen():
    rename = "import ctypes, time\nctypes.CDLL(None).prctl(15, b'\\xff) \\xfe')\nprint(flush=True)\ntime.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", rename], stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        try:
            assert program.pid in {int(place.name) for place, _ in limits.processes()}
        finally:
            program.kill()


# What is no message.

NOTHING = {"dict": []}
HEADER = struct.Struct("<Q")


def saved(**tensors):
    return safetensors.torch.save({key.strip("_"): tensor for key, tensor in tensors.items()})


def numbered(header, body=b""):
    """Safetensors with a header that may be wrong."""
    words = header if isinstance(header, bytes) else json.dumps(header).encode()
    return HEADER.pack(len(words)) + words + body


def with_result(result, numbers=b""):
    return said(["Reply", 1, result, NOTHING, [], []], numbers)


TENSOR = {"tensor": [0, False]}
FOUR = saved(_0=torch.zeros(4))
RUBBISH = {
    "no JSON": (said(b"{"), "cannot be read"),
    "no text": (said(b"\xff\xfe"), "cannot be read"),
    "no list": (said({"Reply": 1}), "cannot be read"),
    "nothing": (said([]), "cannot be read"),
    "an unknown message": (said(["Pickle", "os.system"]), "'Pickle'"),
    "a thing and no message": (said(["Network", 0, [], []]), "'Network'"),
    "a message in a message": (with_result({"Failure": ["", "", "", 0]}), "'Failure'"),
    "an unknown thing": (with_result({"os.system": ["ls"]}), "'os.system'"),
    "a thing with two names": (with_result({"tuple": [], "dict": []}), "too many values"),
    "a field is missing": (said(["Reply", 1, None, NOTHING, []]), "shorter"),
    "a field too many": (said(["Reply", 1, None, NOTHING, [], [], []]), "longer"),
    "a field of another type": (said(["Reply", "1", None, NOTHING, [], []]), "a Reply whose number is a str"),
    "fields by name": (said(["Reply", {"dict": [["number", 1]]}]), "a Reply whose number is a dict"),
    "a field of a thing": (with_result({"Network": [0, {"dict": []}, []]}), "a Network whose parts is a dict"),
    "a network of no parts": (with_result({"Network": [0, [], []]}), "index out of range"),
    "a network out of order": (with_result({"Network": [3, [], []]}), "a Network that nobody waits for"),
    "an optimizer": (with_result({"Optimizer": [0, [], 0.1]}), "Optimizer that nobody waits for"),
    "a list as a key": (with_result({"dict": [[[], 1]]}), "unhashable"),
    "a picture of words": (with_result({"picture": "x"}), "'picture'"),
    "a picture of wild numbers": (with_result({"picture": TENSOR}, saved(_0=torch.zeros(1, 1, 7))), "cannot be read"),
    "deep nesting": (said(b"[" * 2**20 + b"]" * 2**20), "recursion"),
    "endless digits": (said(b'["Reply", ' + b"1" * 10**6 + b"]"), "digits"),
    "a tensor that is not there": (with_result(TENSOR), "'0'"),
    "a tensor twice": (with_result([TENSOR, TENSOR], FOUR), "'0'"),
    "a tensor for nothing": (with_result(None, FOUR), "belong to nothing"),
    "no number of a tensor": (with_result({"tensor": ["0", False]}, FOUR), "'tensor'"),
    "no safetensors": (with_result(TENSOR, b"x" * 100), "cannot be read"),
    "three bytes": (with_result(TENSOR, b"xyz"), "cannot be read"),
    "half of the numbers": (with_result(TENSOR, FOUR[:-8]), "cannot be read"),
    "more numbers than said": (with_result(TENSOR, FOUR + b"12345678"), "cannot be read"),
    "a shape that does not fit": (
        with_result(TENSOR, numbered({"0": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, bytes(4))),
        "cannot be read",
    ),
    "sides that overflow": (
        with_result(TENSOR, numbered({"0": {"dtype": "F32", "shape": [2**62, 2**62, 0], "data_offsets": [0, 0]}})),
        "cannot be read",
    ),
    "an unknown kind of numbers": (
        with_result(TENSOR, numbered({"0": {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))),
        "cannot be read",
    ),
    "a kind that does not travel": (with_result(TENSOR, saved(_0=torch.zeros(1) + 0j)), "a tensor of torch.complex64"),
    "neither true nor false": (
        with_result(TENSOR, numbered({"0": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}, b"\x01\x02")),
        "neither true nor false",
    ),
    "a tensor of many sides": (
        with_result(TENSOR, numbered({"0": {"dtype": "BOOL", "shape": [1] * 60_000, "data_offsets": [0, 1]}}, b"\x00")),
        "too many dimensions",
    ),
    "hundreds of thousands of things": (with_result([{"deque": []}] * 400_000), "more than any check needs"),
    "a header of 2 GB": (with_result(TENSOR, HEADER.pack(2**31) + bytes(8)), "too many tensors"),
    "too many words": (protocol.LENGTHS.pack(2**25, 0), "32 MB at once"),
    "too many numbers": (protocol.LENGTHS.pack(2, 2**40), "MB at once"),
    "a greeting": (said(["Hello", "", "function", [], [], ""]), "a Hello that nobody waits for"),
    "a job": (said(["Job", "", "", "", NOTHING, [], [], 1, 1]), "a Job that nobody waits for"),
    "a call": (said(["Call", 1, None, [], NOTHING, 0, True, False, NOTHING, None]), "a Call that nobody waits for"),
    "a reply to another call": (said(["Reply", 7, None, NOTHING, [], []]), "a Reply that nobody waits for"),
    "an error of another call": (said(["Failure", "ValueError", "", "", 1]), "a Failure that nobody waits for"),
    "the end": (None, "The connection is closed."),
}

CHAPTER, _ = find_exercise("mix")
FILES = {CHAPTER.path.name: solved(chapters()[0]).encode()}


def right(call):
    clean, noise, level = call.arguments
    return Reply(call.number, (1 - level) * clean + level * noise, {})


def graded(talk):
    """The mark for `mix` of a worker that talks like this with the judge, over its end of a connection."""
    mark = Mark("noise", "mix", FAILED, 0, 1, "")
    ours, theirs = socket.socketpair()

    def work():
        with contextlib.suppress(ProtocolError, OSError), theirs:
            connection = Connection(theirs)
            connection.send(Hello("", "function", ["clean", "noise", "level"]))
            talk(connection)

    @contextlib.contextmanager
    def worker(_):
        thread = threading.Thread(target=work)
        thread.start()
        with ours:
            yield Connection(ours), lambda: (None, False)
        thread.join(10)
        assert not thread.is_alive()

    job = job_for(Submission("x", FILES), CHAPTER.path.name, CHAPTER, "mix")
    grade_answer(SimpleNamespace(worker=worker), job, mark, Settings(("noise",), partial=True))
    return mark


def honest(connection):
    while True:
        connection.send(right(connection.receive()))


def test_a_worker_that_replies_to_every_call_gets_its_point():
    mark = graded(honest)
    assert (mark.state, mark.score) == (PASSED, 1), (mark.news, mark.symptom)


@pytest.mark.parametrize(("rubbish", "why"), RUBBISH.values(), ids=RUBBISH)
def test_what_is_no_message_is_one_clear_failure(rubbish, why):
    def talk(connection):
        connection.send(right(connection.receive()))
        connection.receive()
        connection.socket.sendall(rubbish or b"")
        if rubbish:
            connection.receive()

    mark = graded(talk)
    assert (mark.state, mark.score, mark.news) == (FAILED, 0, "It did not answer: what it sent was no answer.")
    assert why in mark.symptom


@pytest.mark.parametrize("rubbish", [said(["Reply", 1, None, NOTHING, [], []]), RUBBISH["no safetensors"][0]])
def test_what_is_no_greeting_is_one_clear_failure(rubbish):
    mark = Mark("noise", "mix", FAILED, 0, 1, "")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(rubbish)
        job = job_for(Submission("x", FILES), CHAPTER.path.name, CHAPTER, "mix")
        server = SimpleNamespace(worker=lambda _: contextlib.nullcontext((Connection(ours), lambda: (None, False))))
        grade_answer(server, job, mark, Settings(("noise",)))
    assert (mark.state, mark.score, mark.news) == (FAILED, 0, "It did not answer: what it sent was no answer.")
    assert mark.symptom


@pytest.mark.parametrize(
    "more",
    [
        {"weights": {5: []}},
        {"weights": {0: 3}},
        {"changed": [(9, torch.zeros(1))]},
        {"changed": [("0", 3)]},
        {"changed": [3]},
    ],
    ids=str,
)
def test_a_reply_that_does_not_fit_is_one_clear_failure(more):
    def talk(connection):
        while True:
            reply = right(connection.receive())
            connection.send(Reply(**{**vars(reply), **more}))

    mark = graded(talk)
    assert (mark.state, mark.score, mark.news) == (FAILED, 0, "It did not answer: what it sent was no answer.")
    assert "What it sends does not fit" in mark.symptom


@pytest.mark.parametrize("second", [Reply(1, None, {}), Failure("ValueError", "", "", 1)], ids=["reply", "error"])
def test_who_replies_twice_is_found_out(second):
    def talk(connection):
        connection.send(right(connection.receive()))
        connection.send(second)
        honest(connection)

    mark = graded(talk)
    assert (mark.state, mark.score) == (FAILED, 0)
    assert "that nobody waits for" in mark.symptom


@pytest.mark.parametrize(
    "question",
    [
        Ask("__reduce__", 0, [], {}, True, {}),
        Ask("call", 7, [], {}, True, {}),
        Ask("step", 0, [], {}, True, {}),
        Ask("backward", 0, [torch.zeros(1)], {}, True, {}),
        Ask("backward", 0, [], {}, True, {}),
        Ask("call", 0, [], {}, True, {3: []}),
    ],
    ids=lambda question: f"{question.method} {question.number}",
)
def test_a_question_about_nothing_is_refused_and_the_call_goes_on(question):
    refused = []

    def talk(connection):
        while True:
            call = connection.receive()
            connection.send(question)
            refused.append(connection.receive())
            connection.send(right(call))

    assert graded(talk).state == PASSED
    assert refused
    assert all(isinstance(one, Failure) for one in refused)


def test_a_garbled_conversation_ends_with_a_mark():
    def garbled(numbers):
        def talk(connection):
            while True:
                call = connection.receive()
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    Connection(ours).send(right(call))
                    data = bytearray(theirs.recv(2**20))
                place = numbers.choice([numbers.randrange(protocol.LENGTHS.size, 200), numbers.randrange(len(data))])
                data[place] ^= 1 << numbers.randrange(8)
                connection.socket.sendall(data)

        return talk

    marks = [graded(garbled(random.Random(seed))) for seed in range(12)]
    assert all(mark.news and (mark.score == 1) == (mark.state == PASSED) for mark in marks)
    assert sum(mark.state == FAILED for mark in marks) > 6  # the last digits of a number may be another


def test_of_thousands_of_garbled_messages_each_is_a_message_or_none():
    call = Call(1, (0, 0, [torch.rand(2, 2)]), [torch.ones(3, dtype=torch.bool), "ü"], {"x": (1,)}, 0, True, True, {})
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Connection(ours).send(call)
        sent = theirs.recv(2**16)
    numbers, kinds = random.Random(0), set()
    for _ in range(3000):
        data = bytearray(sent)
        for _ in range(numbers.randint(1, 3)):
            data[numbers.randrange(protocol.LENGTHS.size, len(data))] = numbers.randrange(256)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(data)
            try:
                kinds.add(type(Connection(theirs).receive(time.monotonic() + 5)))
            except ProtocolError:
                kinds.add(ProtocolError)
    assert kinds == {Call, ProtocolError}
