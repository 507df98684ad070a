"""What each way to isolate an answer takes away, tried on the system itself; and what is left where it has none of them."""

import mmap
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dino.course.chapters import LESSON, chapters, solved
from dino.course.grade import grading
from dino.course.grade.results import Settings
from dino.course.grade.sandbox import client, filters, forkserver, isolation, limits
from dino.course.grade.submissions import Submission

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are parts of Linux")
LIBRARY = "import ctypes, os, socket\ncall = lambda *words: ctypes.CDLL(None, use_errno=True).syscall(*words)\n"
FILE, WHOLE = chapters()[0].path.name, solved(chapters()[0])
RIGHT = "return (1 - level) * clean + level * noise"


def ends(run):
    """The exit code of a process that does this: 0, or 70 for an error."""
    return os.waitstatus_to_exitcode(os.waitpid(forkserver.start(run), 0)[1])


def has_landlock():
    try:
        return isolation.system(filters.CREATE_RULESET, None, 0, filters.VERSION) >= filters.SIGNALS_TOO
    except OSError:
        return False


# The kernel's own lists of the numbers of its calls.
LISTS = ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm-generic/unistd.h")


@pytest.mark.parametrize("machine", range(2), ids=filters.MACHINES)
def test_calls_have_the_numbers_that_the_kernel_gives_them(machine):
    if not Path(LISTS[machine]).exists():
        pytest.skip("the headers of the kernel are not here")
    lines = re.findall(r"^#define __NR(?:3264)?_(\w+)\s+(\d+)", Path(LISTS[machine]).read_text(), re.MULTILINE)
    numbers = {name: int(number) for name, number in lines}
    ours = {name: both[machine] for name, both in (filters.DENIED | filters.DENIED_TO_OWNERS).items() if both[machine]}
    ours |= {name: both[machine] for name, (both, _) in filters.ALLOWED_WITH.items()}
    ours |= {"clone": filters.CLONE[machine], "clone3": filters.CLONE3, "seccomp": filters.SECCOMP[machine]}
    # A call that is younger than the list is not in it.
    assert {name: numbers.get(name, ours[name]) for name in ours} == ours


X86 = {"x86_64": 0, "aarch64": 1}.get(os.uname().machine)
# What memory, sockets and namespaces can be had by past all limits. The last three work.
CALLS = {
    "System V memory": (f"call({(29, 194)[X86]}, 0, 2**20, 0o1600) >= 0", False),
    "memory by descriptor": ("os.memfd_create('x')", False),
    "a socket of the network": ("socket.socket()", False),
    "a socket between machines": ("socket.socket(40, socket.SOCK_STREAM)", False),
    "a socket with a name": ("socket.socket(socket.AF_UNIX)", False),
    "a pair of another kind": ("socket.socketpair(socket.AF_INET)", False),
    "rights over files of its user": (f"call({(91, 52)[X86]}, 0, 0o600) == 0 or ctypes.get_errno() != 1", False),
    "a look at what others do": (f"call({(294, 26)[X86]}, 0) >= 0", False),
    "io_uring": ("call(425, 1, ctypes.create_string_buffer(200)) >= 0", False),
    "a new namespace": (f"call({(272, 97)[X86]}, 0x10000000) == 0", False),
    "a child in a new namespace": (f"(n := call({(56, 220)[X86]}, 0x10000011, 0, 0, 0, 0)) >= 0 and (n or os._exit(1))", False),
    "limits of others": ("__import__('resource').prlimit(os.getppid(), 7)", False),
    "limits of its own": ("__import__('resource').prlimit(os.getpid() * 0, 7)", True),
    "a pair of sockets": ("socket.socketpair()", True),
    "a thread": ("[(t := __import__('threading').Thread(target=print)).start(), t.join()]", True),
}  # fmt: skip


@pytest.mark.skipif(filters.MACHINE is None, reason="no filter is known for this processor")
@pytest.mark.parametrize(("does", "works"), CALLS.values(), ids=CALLS)
def test_the_filter_takes_away_what_no_answer_needs_and_nothing_else(does, works):
    program = f"{LIBRARY}assert {does}"
    filtered = "from dino.course.grade.sandbox import filters, isolation\n"
    filtered += "isolation.system('prctl', isolation.NO_NEW_PRIVILEGES, 1, 0, 0, 0)\nfilters.without_calls()\n"
    run = [sys.executable, "-c", filtered + program]
    done = subprocess.run(run, cwd=LESSON.parent, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == works, done.stderr
    if not works:
        assert re.search(r"Permission|AssertionError|not supported|not permitted", done.stderr), done.stderr


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock, or an old one")
def test_landlock_leaves_what_is_shown_and_its_own_folder_and_nothing_else(tmp_path):
    shown, hidden, own, other = (tmp_path / name for name in ("shown", "shown/inner/hidden", "own", "other"))
    for folder in (hidden, own, other):
        folder.mkdir(parents=True)
    for folder in (shown, shown / "inner", hidden, other):
        (folder / "file").write_text("x")

    def inside():
        isolation.system("prctl", isolation.NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        filters.only_files([shown], [hidden], [own])

    def can(act):
        def run():
            inside()
            act()

        return ends(run) == 0

    parent = os.getpid()
    assert can(lambda: (shown / "file").read_text())
    assert can(lambda: (shown / "inner" / "file").read_text())
    assert can(lambda: (own / "new").write_text("x"))
    assert not can(lambda: (shown / "file").write_text("y"))
    assert not can(lambda: (shown / "new").write_text("y"))
    assert not can(lambda: (hidden / "file").read_text())
    assert not can(lambda: (other / "file").read_text())
    assert not can(lambda: os.kill(parent, 0))
    assert not can(lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY))


@pytest.fixture
def forced(monkeypatch):
    """A fork server that isolates in a certain way, whatever this system can do."""

    def make(how, *hidden):
        force = "import os; from dino.course.grade.sandbox import forkserver, isolation; "
        force += f"forkserver.best_sandbox = lambda *_: forkserver.Sandbox({how!r}, *_); "
        if not all(folder.stat().st_mode & 0o001 for folder in Path(os.__file__).resolve().parents):
            # Nobody but root can get to this Python, so root it stays, without its rights.
            force += "isolation.become_nobody = lambda _: None; os.chown = lambda *_: None; "
        monkeypatch.setattr(client, "START", client.START.replace("from dino", f"{force}from dino", 1))
        return client.ForkServer(*hidden)

    return make


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock, or an old one")
def test_nothing_is_left_of_an_answer_however_deep_it_digs(forced):
    dig = "import os\nhere = os.getcwd()\nfor _ in range(2_000):\n    os.mkdir('d'); os.chdir('d')\nraise ValueError(here)"
    with forced("landlock") as server:
        folder = Path(re.search(r"ValueError: (/\S+?)\.? ", told(server, dig))[1])
    assert folder.parent.is_dir()
    assert not folder.exists()


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock, or an old one")
@pytest.mark.parametrize("lines", ["open(f'{n}', 'w').close()", "open(f'{n}', 'wb').write(bytes(2**20))"])
def test_who_fills_the_disk_is_stopped(lines, forced):
    fill = (
        f"import time\nfor n in range(20_000):\n    if n < 200 or 'close' in {lines!r}: {lines}\ntime.sleep(3)\n{RIGHT}"
    )
    with forced("landlock") as server:
        assert "was killed" in told(server, fill)


def told(server, lines):
    """What a `mix` of these lines leads to."""
    text = WHOLE.replace(f"    {RIGHT}", "\n".join(f"    {line}" for line in lines.splitlines()))
    (mark, *others) = grading.grade(server, Submission("x", {FILE: text.encode()}), Settings(("noise",))).marks
    assert all(other.state == "passed" for other in others), [other.news for other in others]
    return f"{mark.state}: {mark.news} {mark.symptom}"


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock, or an old one")
def test_where_namespaces_are_refused_landlock_keeps_the_course_and_hand_ins_from_answers(forced, tmp_path):
    (tmp_path / "secret").write_text("swordfish")
    with forced("landlock", tmp_path) as server:
        assert told(server, RIGHT).startswith("passed")
        for place in (LESSON / "noise.py", tmp_path / "secret", "/etc/passwd", "/proc/self/status"):
            assert "Permission denied" in told(server, f"open({str(place)!r}).read()\n{RIGHT}"), place
        assert "not permitted" in told(server, f"import os\nos.kill(os.getppid(), 0)\n{RIGHT}")
        assert "not permitted" in told(server, f"import socket\nsocket.socket()\n{RIGHT}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run answers as other users")
def test_as_a_user_of_its_own_an_answer_is_isolated_only_if_what_is_hidden_is_closed_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "__file__", os.devnull)  # for other users may not get to where this Python lies
    monkeypatch.setattr(forkserver.np, "__file__", os.devnull)
    open_to_all = Path(tempfile.mkdtemp())
    open_to_all.chmod(0o755)
    closed = open_to_all / "closed"
    closed.mkdir(mode=0o700)

    def enter(*hidden):
        return ends(
            lambda: forkserver.enter(
                forkserver.Sandbox(isolation.USER, tmp_path, list(hidden)), tmp_path, isolation.NOBODY
            )
        )

    assert enter(closed) == 0
    assert enter(closed, open_to_all) == 70
    shutil.rmtree(open_to_all)


def test_a_second_copy_of_the_course_is_hidden_too(tmp_path, monkeypatch):
    copy = tmp_path / "lib" / "python3.11" / "site-packages" / "dino"
    (copy / "course").mkdir(parents=True)
    monkeypatch.setattr(isolation, "python_folders", lambda: [tmp_path])
    assert set(isolation.copies(LESSON)) >= {LESSON, copy}


def test_files_without_content_are_counted_too(sandbox):
    lines = "for n in range(20_000): open(f'{n}', 'w').close()\n" + RIGHT
    assert "No space left" in told(sandbox, lines)


def test_a_cgroup_counts_memory_that_no_process_holds():
    group = limits.cgroup(64 * 2**20)
    if group is None:
        pytest.skip("this system offers no cgroup")

    def take(megabytes):
        def run():
            (group / "cgroup.procs").write_text("0")
            block = mmap.mmap(-1, megabytes * 2**20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
            # Sent, and not read: it belongs to the kernel.
            ours, _theirs = socket.socketpair()
            ours.send(block[:1000])

        return ends(run)

    try:
        assert take(8) == 0
        assert take(256) == -9
    finally:
        group.rmdir()


def test_the_tables_by_which_a_process_finds_its_memory_count():
    # Pages that are only read are all one page, but for each two megabytes of them there is a table of 4 kilobytes.
    lines = "import mmap, sys\nm = mmap.mmap(-1, 2**36, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)\n"
    lines += "for i in range(0, 2**36, 2**21): m[i]\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        program.stdout.readline()
        place = Path("/proc", str(program.pid))
        tables = int((place / "status").read_text().split("VmPTE:")[1].split()[0]) * 1024
        assert limits.memory_of(place) > tables > 2**26
        program.stdin.close()


def test_an_answer_has_a_user_with_a_home(sandbox):
    lines = f"import os, pwd\nassert pwd.getpwuid(os.getuid()).pw_dir == os.getcwd()\n{RIGHT}"
    assert told(sandbox, lines).startswith("passed")


def test_why_a_sandbox_could_not_be_made_is_told(forced):
    with forced("user") as server:  # as which it could read the course
        marks = grading.grade(server, Submission("x", {FILE: WHOLE.encode()}), Settings(("noise",))).marks
    assert {mark.news for mark in marks} == {
        "The sandbox could not be made ready: what is hidden can be read by everybody."
    }
