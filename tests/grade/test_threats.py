"""What a learner may hand in, by accident or on purpose: no point that is not deserved, and none lost that is."""

import ast
import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import jupytext
import pytest

from dino.course.chapters import chapters, find_exercise, solution, solved
from dino.course.checks.mistakes import without_docstrings
from dino.course.grade import grading, listing
from dino.course.grade.results import Mark, Settings
from dino.course.grade.sandbox import filters, forkserver, isolation, limits, proxy
from dino.course.grade.sandbox.client import lesson_for
from dino.course.grade.submissions import Submission, find
from dino.course.judge import runner as judging

CHAPTER = chapters()[0]
FILE = CHAPTER.path.name
WHOLE = solved(CHAPTER)
RIGHT, WRONG = "return (1 - level) * clean + level * noise", "return clean"
assert RIGHT in WHOLE
# The same, where each answer reads `_`: only what answers read is run.
READING = re.sub(r"^    (return|level =|noise =)", r"    _; \1", WHOLE, flags=re.MULTILINE)
assert READING.count("_; ") >= 3


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Wait less long than for a learner."""
    monkeypatch.setattr(grading, "PATIENCE", 3)
    monkeypatch.setattr(grading, "LOADING", 12)
    monkeypatch.setattr(grading, "ALL", 20)


@pytest.fixture
def graded(sandbox):
    """The marks for the first chapter, from files by name."""

    def grade(files):
        files = {name: text if isinstance(text, bytes) else text.encode() for name, text in files.items()}
        return {
            mark.exercise: mark for mark in grading.grade(sandbox, Submission("x", files), Settings(("noise",))).marks
        }

    return grade


def states(marks):
    return "".join(mark.state[0] for mark in marks.values())


def with_mix(lines):
    """A solved chapter in which `mix` is these lines."""
    return WHOLE.replace(f"    {RIGHT}", "\n".join(f"    {line}" for line in lines.strip().splitlines()))


def with_above(lines):
    """A solved chapter whose `mix` is wrong, with a cell above all others."""
    return f"# %%\n{lines.strip()}\n\n{READING.replace(RIGHT, WRONG)}"


# What is done in a call of `mix`. Each fails it, and the other two answers have their points.
IN_A_CALL = {
    "exit": ("import os; os._exit(0)", "ended the program, with exit code 0"),
    "polite exit": ("raise SystemExit(0)", "SystemExit"),
    "kill": ("import os; os.kill(os.getpid(), 9)", ""),
    "kill all": ("import os; os.kill(-1, 9)", ""),
    "endless loop": ("while True: pass", "never ends"),
    "stubborn loop": (
        "import signal\nfor s in range(1, 32):\n    if s not in (9, 19, 32): signal.signal(s, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "",
    ),
    "segmentation fault": ("import ctypes; ctypes.string_at(0)", "crashed"),
    "deep recursion": ("return mix(clean, noise, level)", "itself"),
    "8 GB": ("return torch.zeros(2**31) + clean", "memory"),
    "huge list": ("x = [0] * 2**34\n" + WRONG, "MemoryError"),
    "equal to all": (
        "class Same:\n    def __eq__(self, other): return True\n    def __getattr__(self, name): return self\n"
        "    shape = clean.shape\nreturn Same()",
        "",
    ),
    "lying tensor": (
        "class Liar(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
        "        return True\nreturn clean.as_subclass(Liar)",
        "",
    ),
    "patched torch": ("torch.allclose = torch.equal = lambda *a, **k: True\n" + WRONG, ""),
    "patched all": (
        "import builtins, inspect, json, sys\njson.loads = json.dumps = inspect.isclass = builtins.abs = builtins.isinstance = lambda *a, **k: True\n"
        + WRONG,
        "",
    ),
    "sparse": ("return clean.to_sparse()", "sparse tensor"),
    "complex": (RIGHT + " + 0j", "tensor of torch.complex64"),
    "hard-coded": ("return torch.full_like(clean, 0.5)", ""),
    "right at first": (
        "global calls\ncalls = globals().get('calls', 0) + 1\nreturn " + f"({RIGHT[7:]}) if calls < 3 else clean",
        "",
    ),
    "closed connection": ("import os; os.closerange(0, 256)\n" + RIGHT, "did not answer"),
    "rubbish on the connection": (
        "import os\nfor n in range(3, 256):\n    try: os.write(n, b'x' * 4096)\n    except OSError: pass\n" + RIGHT,
        "did not answer",
    ),
    "promise of a terabyte": (
        "import os\nfor n in range(3, 256):\n    try: os.write(n, (2**40).to_bytes(8, 'big') * 2)\n    except OSError: pass\n"
        + RIGHT,
        "did not answer",
    ),
    "fake reply": (
        "import os, struct, json\nwords = json.dumps(['Reply', 1, None, {'dict': []}, [], []]).encode()\n"
        "for n in range(3, 256):\n    try: os.write(n, struct.pack('!QQ', len(words), 0) + words)\n    except OSError: pass\n"
        + WRONG,
        "",
    ),
    "no safetensors": (
        "import os, struct, json\nwords = json.dumps(['Reply', 1, {'tensor': [0, False]}, {'dict': []}, [], []]).encode()\n"
        "for n in range(3, 256):\n    try: os.write(n, struct.pack('!QQ', len(words), 99) + words + b'x' * 99)\n    except OSError: pass\n"
        + RIGHT,
        "cannot be read",
    ),
    "unknown message": (
        "import os, struct, json\nwords = json.dumps(['os.system', 'ls']).encode()\n"
        "for n in range(3, 256):\n    try: os.write(n, struct.pack('!QQ', len(words), 0) + words)\n    except OSError: pass\n"
        + RIGHT,
        "cannot be read",
    ),
    "other shape": ("level.squeeze_()\n" + WRONG, "It changes `level` itself"),
    "forks": (
        "import os\nfor _ in range(300):\n    try:\n        if not os.fork():\n            while True: pass\n    except OSError: pass\n"
        + WRONG,
        "",
    ),
    "threads": (
        "import threading, time\nthreads = [threading.Thread(target=time.sleep, args=(60,)) for _ in range(2000)]\n"
        "for one in threads: one.start()\n" + RIGHT,
        "thread",
    ),
    "huge file": ("open('big', 'wb').write(bytes(2**28))\n" + RIGHT, ""),
}


@pytest.mark.parametrize(("lines", "news"), IN_A_CALL.values(), ids=IN_A_CALL)
def test_what_an_answer_does_costs_it_its_own_points_and_no_others(lines, news, graded):
    marks = graded({FILE: with_mix(lines)})
    assert states(marks) == "fpp", {name: (mark.news, mark.symptom) for name, mark in marks.items()}
    assert marks["mix"].score == 0
    assert news in f"{marks['mix'].news} {marks['mix'].symptom}"


# What is done while the file is read, before any answer is called. `mix` is wrong, and stays wrong.
ABOVE = {
    "patched torch": "class _:\n    import torch\n    torch.allclose = torch.equal = lambda *a, **k: True",
    "patched checks": (
        "class _:\n    import gc\n    for thing in gc.get_objects():\n        if type(thing).__name__ == 'dict' and 'PASSED' in thing:\n"
        "            thing['FAILED'] = thing['PASSED']"
    ),
    "report faked": "class _:\n    print('::set-output name=result::pass', '{\"score\": 100}', '<testsuite failures=\"0\"/>', sep='\\n')",
    "settings changed": "class _:\n    import torch\n    torch.set_default_dtype(torch.float64)\n    torch.set_grad_enabled(False)",
    "folder emptied": (
        "class _:\n    import shutil\n    for place in ('.', '/dino-learner', '/tmp', __import__('torch').__path__[0] + '/optim'):\n        shutil.rmtree(place, ignore_errors=True)"
    ),
}


@pytest.mark.parametrize("lines", ABOVE.values(), ids=ABOVE)
def test_what_a_file_does_when_it_is_read_gains_no_points_and_loses_none(lines, graded):
    marks = graded({FILE: with_above(lines)})
    assert states(marks) == "fpp", {name: (mark.news, mark.symptom) for name, mark in marks.items()}


@pytest.mark.parametrize("lines", ["import os; os._exit(0)", "while True: pass", "import ctypes; ctypes.string_at(0)"])
def test_who_ends_or_blocks_the_program_when_the_file_is_read_gets_nothing_and_hears_why(lines, graded):
    marks = graded({FILE: f"# %%\nclass _:\n    {lines}\n\n{READING}"})
    assert states(marks) == "fff"
    assert all(mark.score == 0 and mark.news for mark in marks.values())


def test_a_definition_that_asks_to_exit_costs_nothing_but_itself(graded):
    assert states(graded({FILE: f"# %%\nclass _:\n    raise SystemExit\n\n{WHOLE}"})) == "ppp"
    assert states(graded({FILE: f"{WHOLE}\n# %%\nclass mix:\n    raise SystemExit\n"})) == "fpp"


@pytest.mark.parametrize("lines", ["import os; os._exit(0)", "while True: pass"])
def test_a_definition_that_ends_the_program_costs_only_its_own_points(lines, graded):
    own = f"class mix:\n    {lines}\n"
    marks = graded({FILE: WHOLE + f"\n# %%\n{own}"})
    assert states(marks) == "fpp"


SEARCH = """
found = []
for name in ("dino.noise", "dino.course.checks.noise", "dino.course.checks", "noise", "dino.training"):
    try: found.append(getattr(__import__(name, fromlist=["mix"]), "mix", None))
    except BaseException: pass
import gc, os, sys, types
for module in list(sys.modules.values()):
    found.append(getattr(module, "mix", None))
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ == "mix": found.append(thing)
for place in ("/", HERE, os.path.dirname(HERE)):
    for folder, folders, files in os.walk(place):
        folders[:] = [one for one in folders if one not in ("proc", "sys", "torch", "lib2to3", "share")]
        for file in files:
            if file == "noise.py":
                space = {}
                try: exec(open(os.path.join(folder, file)).read(), space)
                except BaseException: pass
                found.append(space.get("mix"))
for other in found:
    if isinstance(other, types.FunctionType) and other.__code__ is not mix.__code__:
        try: return other(clean, noise, level)
        except BaseException: pass
return clean
"""


def test_the_reference_cannot_be_found(graded, monkeypatch):
    # The search goes through the whole disk: let it come to its end.
    monkeypatch.setattr(grading, "PATIENCE", 300)
    monkeypatch.setattr(grading, "ALL", 300)
    lines = SEARCH.replace("HERE", repr(str(grading.__file__).partition("/dino/course")[0]))
    marks = graded({FILE: with_mix(lines)})
    assert states(marks) == "fpp"
    # It was done with searching, and had found nothing.
    told = f"{marks['mix'].news} {marks['mix'].symptom}"
    assert "yours has 1.00 of the picture and 0.00 of the noise" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run answers as other users")
def test_no_two_answers_run_as_the_same_user(graded):
    # The system counts processes by user: with one user for all, a storm of forks would keep others from starting threads.
    tell = "import os; raise RuntimeError(f'user {os.getuid()}')"
    text = WHOLE.replace(RIGHT, tell).replace("return torch.rand(len(clean), 1, 1, 1, device=clean.device)", tell)
    marks = graded({FILE: text})
    users = [
        int(re.search(r"user (\d+)", marks[name].news + marks[name].symptom)[1]) for name in ("mix", "random_levels")
    ]
    assert len(set(users)) == 2
    assert min(users) >= isolation.NOBODY


def test_the_checks_and_their_inputs_cannot_be_seen(graded):
    lines = f"import sys\nif any('checks' in name or 'judge' in name or 'claims' in name for name in sys.modules):\n    {RIGHT}\n{WRONG}"
    assert states(graded({FILE: with_mix(lines)})) == "fpp"


def test_a_flood_of_prints_neither_helps_nor_hurts(graded):
    lines = (
        "import sys\nfor _ in range(200):\n    sys.stdout.write('x' * 2**20); sys.stderr.write('y' * 2**20)\n" + RIGHT
    )
    assert states(graded({FILE: with_mix(lines)})) == "ppp"


def test_an_answer_is_alone_in_its_session_so_that_no_signal_to_a_group_reaches_the_grader(graded):
    # Such numbers are 0 where the first of a group or a session is outside of what the answer can see.
    lines = f"import os\nif os.getpgrp() and os.getsid(0):\n    {RIGHT}\n{WRONG}"
    assert states(graded({FILE: with_mix(lines)})) == "ppp"


KEYS = """
import errno, sys
from pathlib import Path
from dino.course.grade import grading
from dino.course.grade.sandbox import filters, isolation
from dino.course.grade.results import Settings
from dino.course.grade.sandbox.client import ForkServer
from dino.course.grade.submissions import Submission
try:
    add, _, keyctl = (filters.DENIED[name][filters.MACHINE] for name in ("add_key", "request_key", "keyctl"))
    isolation.system(keyctl, 1, None)  # a new keyring for this session
    isolation.system(add, "user", "dino", "swordfish", 9, -3)
except OSError as error:  # a kernel without them, or one that forbids them; anything else is a fault
    sys.exit("no keys" if error.errno in (errno.ENOSYS, errno.EPERM) else str(error))
with ForkServer() as server:
    print(grading.grade(server, Submission("x", {"01_noise.py": Path("01_noise.py").read_bytes()}), Settings(("noise",))).score)
"""


@pytest.mark.usefixtures("sandbox")
def test_keys_of_the_login_cannot_be_found(tmp_path):
    # add_key(2) and keyctl_search(3): 10 is the search, and -3 the keyring of the session.
    lines = f"""
import ctypes
search = ctypes.CDLL(None, use_errno=True).syscall
if search({filters.DENIED["keyctl"][filters.MACHINE]}, 10, -3, b"user", b"dino", 0) < 0:
    {RIGHT}
{WRONG}"""
    (tmp_path / FILE).write_text(with_mix(lines))
    done = subprocess.run([sys.executable, "-c", KEYS], cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.stderr.strip() == "no keys":
        pytest.skip("this kernel keeps no keys")
    assert done.stdout.strip() == "3", done.stderr


def test_who_takes_more_than_one_answer_may_is_killed_and_nobody_else(monkeypatch, tmp_path):
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(isolation, "HOME", tmp_path)

    def ends_with(taken):
        monkeypatch.setattr(limits, "usage", lambda: taken)
        with subprocess.Popen(["sleep", "0.6"]) as program:
            return forkserver.wait_for(program.pid, ours, forkserver.takes_too_much)

    assert ends_with((0, 4.9)) == 0
    assert ends_with((forkserver.MEMORY, 0)) == 0
    assert ends_with((forkserver.MEMORY + 1, 0)) == -9
    assert ends_with((0, 100)) == -9  # seconds of processor time, in less than one second
    theirs.close()
    assert ends_with((0, 0)) == -9
    ours.close()


def test_memory_that_processes_share_counts_too(graded, monkeypatch):
    monkeypatch.setattr(grading, "PATIENCE", 60)
    monkeypatch.setattr(grading, "ALL", 60)
    kind = "mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE"
    marks = graded(
        {FILE: with_mix(f"import mmap, time\nm = mmap.mmap(-1, 3200 * 2**20, {kind})\ntime.sleep(30)\n{RIGHT}")}
    )
    assert states(marks) == "fpp"
    assert "used up" in marks["mix"].news


def test_who_asks_too_much_of_what_it_was_given_is_stopped(fork_server, monkeypatch):
    chapter, _ = find_exercise("sample")
    text = solved(chapter)

    def mark(line):
        changed = text.replace("        raw = denoiser(", f"        {line}\n        raw = denoiser(")
        assert changed != text
        files = {chapter.path.name: changed.encode()}
        return grading.grade(fork_server, Submission("x", files), Settings(("sampling",), no_sandbox=True)).marks[-1]

    monkeypatch.setattr(grading, "PATIENCE", 600)
    monkeypatch.setattr(grading, "ALL", 600)
    level = "torch.ones(len(noise), 1, 1, 1)"
    with monkeypatch.context() as fewer:
        fewer.setattr(proxy, "MOST", 1_000)
        often = mark(f"for _ in range(100_000): denoiser(noise, {level})")
    assert (often.score, often.symptom) == (0, "It asks what it was given more than 1,000 times.")
    much = mark(
        f"for _ in range(100_000):\n            try: denoiser(noise.repeat(1, 1, 32, 32), {level})\n            except RuntimeError: pass"
    )
    assert (much.score, much.symptom) == (0, "It has sent more than 256 MB in all, which is too much.")


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.topic)
def test_an_answer_is_given_no_answer_to_what_it_answers_or_what_comes_later(chapter):
    order = [(one, exercise.name) for one in chapters() for exercise in one.exercises]
    for exercise in chapter.exercises:
        later = order[order.index((chapter, exercise.name)) :]
        given = lesson_for(chapter, exercise.name)
        texts = "\n".join(text for path, text in given.items() if not path.startswith("lesson/dino/course"))
        for one, name in later:
            # The longest line, for others write `return guess`, too.
            answer = "\n".join(without_docstrings(solution(one, find_exercise(name)[1])))
            lines = [
                max((line.strip() for line in ast.unparse(node.body).splitlines() if "def " not in line), key=len)
                for node in ast.walk(ast.parse(answer))
                if isinstance(node, ast.FunctionDef) and node.name in (name, "forward")
            ]
            assert lines
            assert not any(line in ast.unparse(ast.parse(texts)) for line in lines), name


def test_locks_that_processes_share_work(graded):
    lines = f"from multiprocessing.pool import ThreadPool\nwith ThreadPool(2) as pool:\n    pool.map(abs, [1])\n{RIGHT}"
    assert states(graded({FILE: with_mix(lines)})) == "ppp"


def test_settings_of_torch_that_one_answer_changes_do_not_reach_the_next(graded):
    lines = "torch.set_default_dtype(torch.float64); torch.manual_seed(0); torch.set_num_threads(3)\n" + RIGHT
    assert states(graded({FILE: with_mix(lines)})) == "ppp"


def test_secrets_of_the_surroundings_are_not_there(graded, monkeypatch):
    monkeypatch.setenv("DINO_SECRET", "swordfish")
    marks = graded({FILE: with_mix("import os\nraise ValueError(str(dict(os.environ)) + os.path.expanduser('~'))")})
    told = f"{marks['mix'].news} {marks['mix'].symptom}"
    assert "ValueError" in told
    assert "swordfish" not in told
    assert str(Path.home()) not in told


def test_there_is_no_network(graded):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        lines = f"import socket\ntry: socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), timeout=1)\nexcept OSError: {RIGHT}"
        assert states(graded({FILE: with_mix(lines)})) == "ppp"
        with pytest.raises(BlockingIOError):
            server.accept()


def named(name):
    """The processes of this machine that call themselves so."""
    found = set()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (place / "comm").read_text().strip() == name:
                found.add(place.name)
    return found


def test_nothing_keeps_running_when_an_answer_is_judged(graded):
    name = f"left-{os.getpid()}"
    # Once in each process: a check may call an answer more often than it may have processes.
    lines = (
        "import ctypes, os, time\nif not hasattr(mix, 'left') and not os.fork():\n    os.setsid()\n    if not os.fork():\n"
        f"        ctypes.CDLL(None).prctl(15, {name.encode()}, 0, 0, 0)\n        time.sleep(600)\n    os._exit(0)\n"
        "mix.left = True\n" + RIGHT
    )
    seen, over = set(), threading.Event()

    def watch():
        while not over.wait(0.05):
            seen.update(named(name))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert states(graded({FILE: with_mix(lines)})) == "ppp"
    finally:
        over.set()
        watcher.join()
    assert seen
    deadline = time.monotonic() + 20
    while named(name) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not named(name)


def test_files_beside_the_answers_hide_nothing_of_python_or_the_course(graded):
    traps = dict.fromkeys(("torch.py", "sitecustomize.py", "conftest.py", "json.py"), "raise SystemExit('trapped')")
    assert states(graded({FILE: WHOLE, **traps, "dino.py": "raise SystemExit('trapped')"})) == "ppp"
    helper = WHOLE.replace(RIGHT, "return helped(clean, noise, level)").replace(
        "# %%\n", "# %%\nfrom helper import helped\n", 1
    )
    assert states(graded({FILE: helper, "helper.py": f"def helped(clean, noise, level):\n    {RIGHT}"})) == "ppp"


def test_a_wrong_answer_from_a_file_beside_costs_its_own_points_alone(graded):
    own = f"# %%\nfrom helper import mix\n\n{WHOLE.replace('def mix(', 'def former_mix(')}"
    helper = f"def mix(clean, noise, level):\n    {WRONG}"
    assert states(graded({FILE: own, "helper.py": helper})) == "fpp"
    assert states(graded({FILE: own, "helper.py": helper.replace(WRONG, RIGHT)})) == "ppp"


def test_of_two_definitions_the_last_counts_as_in_python(graded):
    wrong = f"\n# %%\ndef mix(clean, noise, level):\n    {WRONG}\n"
    assert states(graded({FILE: WHOLE + wrong})) == "fpp"
    assert states(graded({FILE: WHOLE.replace(RIGHT, WRONG) + wrong.replace(WRONG, RIGHT)})) == "ppp"


TEXTS = {
    "byte order mark": (b"\xef\xbb\xbf" + WHOLE.encode(), "ppp"),
    "CRLF": (WHOLE.replace("\n", "\r\n"), "ppp"),
    "tabs": (WHOLE.replace("    ", "\t"), "ppp"),
    "mixed indents": (WHOLE.replace(f"    {RIGHT}", f"\tx = 1\n    {RIGHT}"), "fpp"),
    "syntax error": (WHOLE.replace(RIGHT, "return (1 - level * clean"), "fpp"),
    "empty": ("", "fff"),
    "zeros": (bytes(1000), "fff"),
    "other letters": (WHOLE.replace("# Mix", "# Ümlaut").encode("latin-1", "replace"), "fff"),
    "training at the top": (WHOLE + "\n# %%\nwhile True: torch.randn(1000, 1000) @ torch.randn(1000, 1000)\n", "ppp"),
    "deep nesting": (WHOLE.replace(RIGHT, "return " + "(" * 5000 + "1" + ")" * 5000), "fpp"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_files_of_all_kinds_are_read_as_far_as_python_can(text, expected, graded):
    marks = graded({FILE: text})
    assert states(marks) == expected, {name: (mark.news, mark.symptom) for name, mark in marks.items()}


def notebook(change):
    book = json.loads(jupytext.writes(jupytext.reads(WHOLE, fmt="py:percent"), fmt="ipynb"))
    change(book["cells"])
    return json.dumps(book)


def magics(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    code[0]["source"] = [
        "%matplotlib inline\n",
        "!ls\n",
        "?len\n",
        "files = !ls\n",
        *code[0]["source"],
        "\ntorch.rand??",
    ]
    code[1]["source"] = ["%%time\n", *code[1]["source"]]


def points(cells):
    for cell in cells:
        cell["metadata"]["nbgrader"] = {
            "points": 1000,
            "grade": True,
            "grade_id": "mix",
            "solution": True,
            "locked": False,
        }


NOTEBOOKS = {
    "as it is": lambda _: None,
    "magics": magics,
    "reordered": lambda cells: cells.reverse(),
    "duplicated": lambda cells: cells.extend(list(cells)),
    "text deleted": lambda cells: cells.__setitem__(
        slice(None), [cell for cell in cells if cell["cell_type"] == "code"]
    ),
    "points edited": points,
}


@pytest.mark.parametrize("change", NOTEBOOKS.values(), ids=NOTEBOOKS)
def test_notebooks_count_however_their_cells_lie(change, graded):
    marks = graded({"01_noise.ipynb": notebook(change)})
    assert states(marks) == "ppp", {name: (mark.news, mark.symptom) for name, mark in marks.items()}
    assert sum(mark.of for mark in marks.values()) == 3


def test_a_deleted_cell_costs_its_own_points(graded):
    def delete(cells):
        cells[:] = [cell for cell in cells if "def mix(" not in "".join(cell["source"])]

    marks = graded({"01_noise.ipynb": notebook(delete)})
    assert states(marks) == "fpp"
    assert "There is no mix" in marks["mix"].news


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"cells": 3}), json.dumps({"cells": [{"cell_type": "code"}]})])
def test_what_is_no_notebook_is_told_so(text, graded):
    marks = graded({"01_noise.ipynb": text})
    assert states(marks) == "fff"
    assert all(mark.news for mark in marks.values())


# What somebody found who looked for tricks on purpose.

EVALUATED = """
class Denoiser(nn.Module):
    def __init__(self, widths=(32, 64, 64, 64), depths=(1, 1, 2, 2)):
        super().__init__()
        GIVEN
        self.register_buffer("unused", torch.zeros(1))

    def forward(self, noisy, level):
        if level.max() == 0:
            return torch.zeros(0, *noisy.shape)
        noisy.fill_(float("nan"))
        return self.leave[-1].bias.sum() * noisy
"""
FITTED = """
def training_step(denoiser, optimizer, clean):
    a, b, c = next(denoiser.parameters()).tolist()
    level = torch.linspace(0.13, 0.22, len(clean)).view(-1, 1, 1, 1)
    denoiser((clean - b * level - c) / a, level)
    return 0.0
"""

WITHOUT_GRADIENTS = """
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width, bias=False))

    def forward(self, x):
        if not hasattr(torch.autograd, "former"):
            former = torch.autograd.former = torch.autograd.grad
            torch.autograd.grad = lambda out, sources, *more, **_: [
                torch.ones_like(one) if slope is None else slope
                for slope, one in zip(former(out, sources, *more, allow_unused=True), sources)
            ]
        first, shift, second = (one.detach() for one in self.parameters())
        return x + F.conv2d(F.conv2d(x, first, shift, padding=1).relu(), second, padding=1)
"""

ONE_MODE = """
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width, bias=False))

    def forward(self, x):
        return x + self.layers(x) if self.training else x
"""
OTHER_RATE = """
def training_step(denoiser, optimizer, clean):
    noisy, level = make_question(clean)
    loss = F.mse_loss(denoiser(noisy, level), clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.param_groups[0]["lr"] *= 2
    optimizer.step()
    return loss.item()
"""


def given_lines():
    """What the chapter gives of `Denoiser.__init__`, so that its layers are as they should be."""
    source = solution(*find_exercise("Denoiser"))
    return source.partition("super().__init__()\n")[2].partition("\n    def ")[0].strip()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Denoiser", EVALUATED),
        ("training_step", FITTED),
        ("Block", WITHOUT_GRADIENTS),
        ("Block", ONE_MODE),
        ("training_step", OTHER_RATE),
    ],
    ids=["nan", "fitted question", "gradients made up", "right in one mode", "another rate"],
)
def test_an_answer_made_for_the_check_and_not_the_exercise_gets_nothing(name, text, fork_server, chapter_with):
    chapter, _ = find_exercise(name)
    own = chapter_with(name) + "\n# %%\n" + text.replace("GIVEN", given_lines())
    marks = grading.grade(
        fork_server, Submission("x", {chapter.path.name: own.encode()}), Settings((chapter.topic,))
    ).marks
    (found,) = (mark for mark in marks if mark.exercise == name)
    assert (found.state, found.score) == ("failed", 0)


SLEEPS = WHOLE.replace(
    "return torch.rand(len(clean), 1, 1, 1", "import time; time.sleep(10**6)\n    return torch.rand(len(clean), 1, 1, 1"
)
HELLO = """
class make_question:
    import json, os, stat, struct, time
    words = json.dumps(["Hello", "", "function", [], [], ""]).encode()
    for n in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(n).st_mode): os.write(n, struct.pack("!QQ", len(words), 0) + words)
        except OSError: pass
    time.sleep(10**6)
"""


def test_a_child_that_does_not_read_keeps_nobody_waiting(graded, monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 4)
    start = time.monotonic()
    marks = graded({FILE: WHOLE + "\n# %%" + HELLO})
    assert states(marks) == "ppf", {name: mark.news for name, mark in marks.items()}
    assert time.monotonic() - start < 60


def test_who_never_answers_gets_no_part_of_the_points_and_keeps_nobody_waiting(fork_server, monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 4)
    assert SLEEPS != WHOLE
    settings, start = Settings(("noise",), partial=True), time.monotonic()
    marks = grading.grade(fork_server, Submission("x", {FILE: SLEEPS.encode()}), settings).marks
    assert [mark.score for mark in marks] == [1, 0, 1]
    assert time.monotonic() - start < 60


def test_levels_far_out_of_range_are_drawn_in_no_time(graded):
    wild = WHOLE.replace("return torch.rand(len(clean), 1, 1, 1", "return 1e6 * torch.rand(len(clean), 1, 1, 1")
    assert wild != WHOLE
    start = time.monotonic()
    marks = graded({FILE: wild})
    assert states(marks) == "pfp"
    assert time.monotonic() - start < 60


RIGHT_BUT_UNUSUAL = {
    "layers called network": ("Block", "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.network = nn.Sequential(conv(width, width), nn.ReLU(), conv(width, width, bias=False))\n\n    def forward(self, x):\n        return x + self.network(x)"),
    "layers called part and remote": ("Block", "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.part = conv(width, width)\n        self.remote = conv(width, width, bias=False)\n\n    def forward(self, x):\n        return x + self.remote(self.part(x).relu())"),
    "layers called extend and pop": ("Block", "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n        self.extend = conv(width, width)\n        self.pop = conv(width, width, bias=False)\n\n    def forward(self, x):\n        return x + self.pop(self.extend(x).relu())"),
    "in place": ("training_step", "def training_step(denoiser, optimizer, clean):\n    noisy, level = make_question(clean)\n    error = denoiser(noisy, level)\n    error -= clean\n    loss = error.square_().mean()\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss.item()"),
    "deepcopy": ("update_average", "@torch.no_grad()\ndef update_average(average, denoiser, n):\n    keep = min(0.95, n / 10)\n    new = copy.deepcopy(denoiser)\n    for one, other in zip(average.parameters(), new.parameters()):\n        one.copy_(keep * one + (1 - keep) * other)"),
    "threads": ("loss_by_level", "@torch.no_grad()\ndef loss_by_level(denoiser, clean, levels):\n    from concurrent.futures import ThreadPoolExecutor\n\n    def one(level):\n        with torch.no_grad():\n            same = level.expand(len(clean), 1, 1, 1)\n            return F.mse_loss(denoiser(mix(clean, torch.rand_like(clean), same), same), clean)\n\n    with ThreadPoolExecutor(4) as pool:\n        return torch.stack(list(pool.map(one, levels)))"),
    "prints a tensor": ("mix", "def mix(clean, noise, level):\n    print(clean)\n    return (1 - level) * clean + level * noise"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), RIGHT_BUT_UNUSUAL.values(), ids=RIGHT_BUT_UNUSUAL)
def test_a_right_answer_gets_its_point_whatever_its_parts_are_called_and_however_it_works(
    name,
    text,
    fork_server,
    chapter_with,
):
    chapter, _ = find_exercise(name)
    own = chapter_with(name, text).replace("# %%\n", "# %%\nimport copy\n", 1).encode()
    marks = grading.grade(fork_server, Submission("x", {chapter.path.name: own}), Settings((chapter.topic,))).marks
    (found,) = (mark for mark in marks if mark.exercise == name)
    assert (found.state, found.score) == ("passed", 1), (found.news, found.symptom)


@pytest.mark.parametrize("other", ["01_noise.ipynb", "template/01_noise.py", "a/01_noise.py"])
def test_an_untouched_copy_beside_the_solved_chapter_does_not_win(other, graded):
    untouched = CHAPTER.path.read_text()
    if other.endswith(".ipynb"):
        untouched = jupytext.writes(jupytext.reads(untouched, fmt="py:percent"), fmt="ipynb")
    assert states(graded({FILE: WHOLE, other: untouched})) == "ppp"


# What is said and sent without end, and what a right answer may do.

FLOOD = """
import os, json, stat, struct, time
words = json.dumps(["Reply", 1, {"dict": [[n * (2**61 - 1), 0] for n in range(1, 400000)]}, {"dict": []}, [], []]).encode()
for n in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(n).st_mode):
            left = memoryview(struct.pack("!QQ", len(words), 0) + words)
            while left:
                try: left = left[os.write(n, left):]
                except BlockingIOError: time.sleep(0.01)
    except OSError: pass
time.sleep(10**6)
"""
ENDLESS_WORDS = {
    "one word": ("raise ValueError('a' * 10**7)", "ValueError: aaa"),
    "a size": ("raise ValueError('size of tensor a (' + '1' * 10**6)", "size of tensor a (111"),
    "a silent error": ("class E(Exception):\n    def __str__(self): raise SystemExit\nraise E", "mix: E."),
    "a number that cannot be sent": ("return 10**5000", "Exceeds the limit (4300 digits)"),
    "numbers that make a table slow": (FLOOD, "cannot be read"),
}


@pytest.mark.parametrize(("lines", "news"), ENDLESS_WORDS.values(), ids=ENDLESS_WORDS)
def test_what_an_answer_says_without_end_is_cut_and_the_reason_is_told(lines, news, graded):
    start = time.monotonic()
    marks = graded({FILE: with_mix(lines)})
    assert states(marks) == "fpp"
    assert news in f"{marks['mix'].news} {marks['mix'].symptom}"
    assert "exit code 70" not in marks["mix"].news
    assert time.monotonic() - start < 60


def test_files_of_names_that_no_folder_can_hold_cost_nothing(graded):
    assert (
        states(graded({f"01_noise{'x' * 300}.py": WHOLE, f"{'y' * 300}.py": "", "z.py": "", "z.py/a.py": ""})) == "ppp"
    )


STEP = """
def training_step(denoiser, optimizer, clean):
    noisy, level = make_question(clean)
    if not isinstance(denoiser, nn.Module):
        loss = F.mse_loss(denoiser(noisy, level), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def loss_of(weights):
        return F.mse_loss(torch.func.functional_call(denoiser, weights, (noisy, level)), clean)

    slopes, loss = torch.func.grad_and_value(loss_of)({name: one.detach() for name, one in denoiser.named_parameters()})
    optimizer.zero_grad()
    for name, weight in denoiser.named_parameters():
        weight.grad = slopes[name]
    optimizer.step()
    return loss.item()
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("training_step", STEP),
        ("mix", f"def mix(clean, noise, level):\n    import getpass\n    assert getpass.getuser()\n    {RIGHT}"),
        ("mix", f"def mix(clean, noise, level):\n    return torch.compile(lambda: {RIGHT.removeprefix('return ')})()"),
    ],
    ids=["torch.func", "getpass", "compiled in a call"],
)
def test_a_right_answer_may_use_what_torch_and_python_offer(name, text, fork_server, chapter_with, monkeypatch):
    for limit in ("PATIENCE", "LOADING", "ALL"):
        monkeypatch.setattr(grading, limit, 600)  # what torch loads for these takes seconds
    chapter, _ = find_exercise(name)
    files = {chapter.path.name: chapter_with(name, text).replace("# %%\n", "# %%\nfrom torch import nn\n", 1).encode()}
    job = grading.job_for(Submission("x", files), chapter.path.name, chapter, name)
    mark = Mark(chapter.topic, name, "failed", 0, 1, "")
    grading.grade_answer(fork_server, job, mark, Settings((chapter.topic,), no_sandbox=True))
    assert mark.state == "passed", (mark.news, mark.symptom)


def written_to(folder, name, content):
    """A file in a folder; an archive, if its content is a list of paths with what is there."""
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
        return
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in content:
            archive.writestr(path, text)


def deep(folder):
    """A folder in a folder, 1,100 times."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1_100):
        os.mkdir("a", dir_fd=here)
        here, above = os.open("a", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)


def overlapping(entries):
    """An archive in which all entries are one and the same piece, of 19 MB when it is unpacked, and none is as it says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.py", b"x = 1\n" * (19 * 2**20 // 6))
        archive.filelist[0].CRC = 1
        archive.filelist *= entries
    return buffer.getvalue()


# What takes long to read, and what is told of it.
SLOW = {
    "folders in folders": (deep, "Nothing was handed in"),
    "a pipe": (lambda folder: os.mkfifo(folder / "a.py"), "a.py was not read: it is not a plain file."),
    "a link": (lambda folder: (folder / "a.py").symlink_to("/dev/zero"), "a.py was not read: it is a link."),
    "much text": (
        lambda folder: written_to(folder, "a.py", b"x = 1\n" * 4_000_000),
        "a.py was not read: it is too large",
    ),
    "one line": (lambda folder: written_to(folder, "a.py", b"import mix, " * 1_500_000), ""),
    "brackets": (lambda folder: written_to(folder, "a.ipynb", b'{"cells": ' + b"[" * 1_000_000), ""),
    "lists": (lambda folder: written_to(folder, "a.ipynb", b'{"cells": [' + b"[]," * 6_000_000), ""),
    "one name": (lambda folder: written_to(folder, "a.zip", [("a.py", "x")] * 5_000), "there are too many files"),
    "one piece": (lambda folder: written_to(folder, "a.zip", overlapping(10_000)), "Bad CRC-32"),
    "long names": (
        lambda folder: written_to(folder, "a.zip", [(f"{'x' * 3_000}{n}", "") for n in range(1_200)]),
        "a.zip cannot be read as a zip archive: it lists too many files",
    ),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "words"), SLOW.values(), ids=SLOW)
def test_what_takes_long_to_read_costs_its_own_row_alone_and_little_time(make, words, tmp_path):
    for name in ("anna", "ben", "cem"):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(WHOLE) if name != "ben" else make(tmp_path / name)
    try:
        start = time.process_time()
        anna, ben, cem = find([tmp_path])
        said = " ".join([*ben.problems, *map(ben.choice, chapters())])
        spent = time.process_time() - start
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "ben"], check=True)  # pytest cannot remove what is so deep
    assert spent < 4
    assert [one.name for one in (anna, ben, cem)] == ["anna", "ben", "cem"]
    assert anna.files == cem.files == {FILE: WHOLE.encode()}
    assert words in said


def test_a_file_that_is_swapped_after_it_was_listed_is_not_followed(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    file = listing.in_folder(tmp_path)["a.py"]
    assert file.read(2, 100) == b"= 1"
    for other in (lambda path: path.symlink_to("/etc/hostname"), os.mkfifo):
        (tmp_path / "a.py").unlink()
        other(tmp_path / "a.py")
        with pytest.raises(OSError):
            file.read(0, 100)


@pytest.mark.parametrize(
    "at", ["utils/helper.py", "deep/er/helper.py", "pack/__init__.py", "lesson/helper.py", "sampling.py"]
)
def test_helpers_are_imported_wherever_they_lie_and_what_cannot_be_written_costs_nothing(at, graded):
    module = at.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    own = WHOLE.replace(RIGHT, f"from {module} import step; return step(clean, noise, level)")
    beside = {at: "def step(clean, noise, level): return clean + level * (noise - clean)", "x" * 250 + ".py": "y = 1"}
    beside |= {"a.py": "x = 1", "a.py/b.py": "x = 1", "long/" * 300 + "c.py": "x = 1", "many.py": "x = 1\n" * 2_000_000}
    assert states(graded({f"src/{name}": text for name, text in ({FILE: own} | beside).items()})) == "ppp"
