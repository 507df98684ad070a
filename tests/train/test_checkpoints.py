"""Checkpoints, under everything that can happen while they are written."""

import errno
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import datasets
import pytest
import safetensors.torch
import torch
from tqdm import tqdm

from dino.course.cli import main
from dino.course.train import checkpoints
from dino.course.train import run as runs
from dino.course.train.run import Settings, new_run, run_training
from dino.training import train

TINY = ["--widths", "4,4", "--depths", "1,1", "--size", "8", "--batch-size", "4"]
SETTINGS = Settings("dinosaurs", size=8, steps=20, batch=4, widths=(4, 4), depths=(1, 1), seed=0)
# A process that has everything loaded, of which new ones branch off in no time.
forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(["dino.course.train.run", "dino.course.cli", "torch._dynamo"])


def settle_down(cwd, log, environment):
    """Let this process be in a folder and an environment, and what it prints go to the file `log`."""
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.chdir(cwd)
    os.environ.update(environment)


def act(arguments, cwd, log, environment):
    """Be a command line. Sheets take time, and show nothing here."""
    settle_down(cwd, log, environment)
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # the usual one is for several processes, and a killed process leaves it behind
    datasets.config.HF_DATASETS_CACHE = cwd / "cache"
    runs.draw_sheet = lambda *_: None
    sys.argv = ["dino", *map(str, arguments)]
    main()


def begin(*arguments, cwd: Path, log: str = "log", environment: dict | None = None):
    """Start a command line in a process of its own."""
    process = forks.Process(target=act, args=(arguments, cwd, cwd / log, environment or {}), daemon=True)
    process.start()
    return process


@pytest.fixture
def half(tmp_path):
    """A run of 20 steps, its pictures, and a folder with checkpoints of the steps 5 and 10."""
    torch.manual_seed(0)
    run, images = new_run(SETTINGS, torch.device("cpu")), torch.rand(6, 3, 8, 8)
    for _ in train(run, images, SETTINGS.steps, SETTINGS.batch):
        if run.taken in (5, 10):
            checkpoints.save(tmp_path, run, SETTINGS)
        if run.taken == 10:
            break
    return run, images, tmp_path


def weights(folder):
    return safetensors.torch.load_file(folder / "checkpoint.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def stamp(folder):
    """When the checkpoint was written; 0 if there is none just now."""
    try:
        return (folder / "checkpoint.safetensors").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def unfinished(folder):
    """Checkpoints that are being written, or whose writer was killed."""
    return list(folder.glob(".checkpoint*.unfinished"))


def kill_at_some_moment(process, folder, generator):
    """Kill a training: while it starts, some while after its next checkpoint, or while it writes one."""
    moment, before = generator.choice(["starting", "working", "writing", "writing"]), stamp(folder)
    if moment == "starting":
        process.join(generator.uniform(0, 0.3))
    while moment != "starting" and process.exitcode is None:
        time.sleep(0.001)
        if moment == "writing" and unfinished(folder):
            break
        if moment == "working" and stamp(folder) not in (before, 0):
            process.join(generator.uniform(0, 0.1))
            break
    process.kill()
    process.join()


def test_a_run_that_is_killed_at_fifty_moments_ends_with_the_same_weights_and_never_loses_a_checkpoint(tmp_path, album):
    command = ["train", "--data", album, "--steps", 120, "--checkpoint-interval", 1, *TINY, "--out"]
    begin(*command, "whole", cwd=tmp_path).join()
    generator, kept, kills, resumed, torn = random.Random(7), {}, 0, 0, 0
    while kills < 50:
        here = tmp_path / f"run{kills // 25}"
        process = begin(*command, here.name, cwd=tmp_path)
        kill_at_some_moment(process, here, generator)
        kills += process.exitcode == -signal.SIGKILL
        # As it was left: once there was a checkpoint, there always is a whole one, and no step is lost twice.
        steps = checkpoints.steps_kept(here) or 0
        assert steps >= kept.get(here, 0)
        resumed += bool(kept.get(here))
        torn += bool(unfinished(here))
        kept[here] = steps
    assert resumed > 30
    assert torn > 10
    for folder in kept:
        begin(*command, folder.name, cwd=tmp_path).join()
        assert same(weights(tmp_path / "whole"), weights(folder)), (tmp_path / "log").read_text()
        assert not list(folder.glob(".*"))
    assert "damaged" not in (tmp_path / "log").read_text()


def test_a_real_command_line_that_is_killed_goes_on_to_the_same_weights(tmp_path, album):
    command = ["train", "--data", album, "--steps", 60, "--checkpoint-interval", 1, *TINY, "--out"]
    real = [sys.executable, "-m", "dino", *map(str, command), "killed"]
    # With as many threads as the others have: how sums are split among threads shows in the last bit.
    alike = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(real, cwd=tmp_path, env=alike, stderr=subprocess.DEVNULL)
    whole = begin(*command, "whole", cwd=tmp_path)  # meanwhile
    wait_for((tmp_path / "killed" / "checkpoint-previous.safetensors").exists)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert 0 < checkpoints.steps_kept(tmp_path / "killed") < 60
    begin(*command, "killed", cwd=tmp_path).join()
    whole.join()
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("time", [1, 2])
def test_wherever_a_write_breaks_off_a_whole_checkpoint_is_found(half, moment, time):
    run, images, folder = half
    list(zip(range(5), train(run, images, SETTINGS.steps, SETTINGS.batch), strict=False))
    module, _, name = moment.rpartition(".")
    real = getattr(Path if "Path" in module else os, name)
    calls = []

    def stop(*arguments):
        calls.append(arguments)
        if len(calls) == time:
            raise KeyboardInterrupt
        return real(*arguments)

    with mock.patch(moment, stop), pytest.raises(KeyboardInterrupt):
        checkpoints.save(folder, run, SETTINGS)
    again = new_run(SETTINGS, torch.device("cpu"))
    checkpoints.tidy(folder)
    checkpoints.load(folder, again, SETTINGS)
    # Only when all had been renamed, and the folder alone was not safe on the disk, is it the new one.
    assert again.taken == (15 if (moment, time) == ("os.fsync", 2) else 10)
    assert not list(folder.glob(".*"))


def broken(content: bytes) -> dict[str, bytes]:
    """The bytes of a checkpoint, damaged in several ways."""
    middle, header = bytearray(content), bytearray(content)
    middle[-1000] ^= 1
    header[content.index(b'"taken":"') + 9] ^= 1
    shorter = content[: len(content) // 2]
    return {
        "short": shorter,
        "empty": b"",
        "zeros": bytes(len(content)),
        "data": bytes(middle),
        "header": bytes(header),
    }


@pytest.mark.parametrize("how", ["short", "empty", "zeros", "data", "header"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_gone_on_from(half, how):
    run, images, folder = half
    newest, previous = folder / "checkpoint.safetensors", folder / "checkpoint-previous.safetensors"
    newest.write_bytes(broken(newest.read_bytes())[how])
    again = new_run(SETTINGS, torch.device("cpu"))
    with pytest.warns(
        UserWarning, match=r"checkpoint\.safetensors is damaged, so this goes on from the one before, of step 5"
    ):
        checkpoints.tidy(folder)
    checkpoints.load(folder, again, SETTINGS)
    assert again.taken == 5
    for _ in train(again, images, SETTINGS.steps, SETTINGS.batch):
        if again.taken == 10:
            break
    for one, other in zip(run.average.parameters(), again.average.parameters(), strict=True):
        assert torch.equal(one, other)
    # The next one does not put the damaged one in the place of the whole one.
    checkpoints.save(folder, again, SETTINGS)
    assert checkpoints.read(previous)[0]["taken"] == "5"
    assert (folder / "checkpoint-damaged.safetensors").exists()


def test_when_both_are_damaged_training_is_refused_and_both_stay(half):
    _, _, folder = half
    files = [folder / "checkpoint.safetensors", folder / "checkpoint-previous.safetensors"]
    for file in files:
        file.write_bytes(broken(file.read_bytes())["data"])
    before = [file.read_bytes() for file in files]
    with pytest.raises(ValueError, match=r"is damaged, or something else[.] So is the one before it[.] Name another"):
        checkpoints.tidy(folder)
    assert [file.read_bytes() for file in files] == before


def test_a_checkpoint_that_cannot_be_read_now_is_not_taken_for_damaged(half, monkeypatch):
    _, _, folder = half
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(safetensors, "safe_open", refuse)
    with pytest.raises(PermissionError, match=r"checkpoint\.safetensors cannot be read: Permission denied"):
        checkpoints.tidy(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_checkpoint_of_another_version_is_named_and_not_taken_for_damaged(half):
    run, _, folder = half
    with mock.patch("dino.course.train.checkpoints.FORMAT", "1"):
        checkpoints.save(folder, run, SETTINGS)
    with pytest.raises(ValueError, match=r"was written by another version of dino[.] Name another folder with --out"):
        checkpoints.tidy(folder)
    assert (folder / "checkpoint.safetensors").exists()


def test_a_setting_that_was_not_there_yet_when_a_checkpoint_was_written_was_as_it_is_by_default(half):
    run, _, folder = half
    about, state = checkpoints.read(folder / "checkpoint.safetensors")
    earlier = json.loads(about["settings"])
    assert earlier.pop("classic") is False
    about["settings"] = json.dumps(earlier)
    about["checksum"] = checkpoints.checksum(about, state)
    safetensors.torch.save_file(state, folder / "checkpoint.safetensors", about)
    resumed = new_run(SETTINGS, torch.device("cpu"))
    checkpoints.load(folder, resumed, SETTINGS)
    assert resumed.taken == 10 and same(resumed.average.state_dict(), run.average.state_dict())
    with pytest.raises(ValueError, match="comes from a run with classic False, and you ask for True"):
        checkpoints.load(folder, resumed, replace(SETTINGS, classic=True))


def test_a_full_disk_is_named_and_the_checkpoint_before_stays_whole(half):
    run, _, folder = half
    before = (folder / "checkpoint.safetensors").read_bytes()

    def full(**_):
        (folder / ".checkpoint.unfinished").symlink_to("/dev/full")
        return os.open("/dev/full", os.O_WRONLY), str(folder / ".checkpoint.unfinished")

    with (
        mock.patch("tempfile.mkstemp", full),
        pytest.raises(OSError, match=r"checkpoint\.safetensors cannot be written: No space left on device. Make room"),
    ):
        checkpoints.save(folder, run, SETTINGS)
    late = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with (
        mock.patch("os.fsync", side_effect=late),
        pytest.raises(OSError, match=r"No space left on device[.] Make room"),
    ):
        checkpoints.save(folder, run, SETTINGS)
    assert (folder / "checkpoint.safetensors").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint-previous.safetensors",
        "checkpoint.safetensors",
    ]


@pytest.mark.parametrize("where", ["below a file", "read-only"])
def test_a_folder_that_cannot_be_written_to_is_named_before_the_first_step(tmp_path, album, where):
    (tmp_path / "file").touch()
    folder = tmp_path / "run" if where == "read-only" else tmp_path / "file" / "run"
    reason = OSError(errno.EROFS, os.strerror(errno.EROFS))
    with (
        mock.patch("pathlib.Path.touch", side_effect=reason),
        pytest.raises(OSError, match="cannot be written") as caught,
    ):
        run_training(replace(SETTINGS, data=str(album)), folder, 10)
    assert ("Read-only file system" if where == "read-only" else "Not a directory") in str(caught.value)
    assert "name another folder with --out" in str(caught.value)


def test_two_trainings_in_one_folder_are_one_too_many(tmp_path, album):
    command = ["train", "--data", album, "--steps", 100000, *TINY, "--out", "run"]
    first = begin(*command, cwd=tmp_path)
    wait_for(lambda: (tmp_path / "log").exists() and "taken" in (tmp_path / "log").read_text())
    second = begin(*command, cwd=tmp_path, log="second")
    second.join(60)
    assert second.exitcode == 2
    assert "Another training is at work in run. Let it finish, or name another" in (tmp_path / "second").read_text()
    first.kill()
    first.join()
    with checkpoints.held(tmp_path / "run"):
        pass


def test_a_system_without_locks_trains_all_the_same(tmp_path):
    with mock.patch.dict(sys.modules, {"fcntl": None}), checkpoints.held(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
    with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "")), checkpoints.held(tmp_path / "run"):
        pass


def test_what_killed_writers_left_is_cleared_away_and_nothing_else(tmp_path):
    left = [".checkpoint.safetensors.unfinished", ".weights.safetensors.unfinished", ".sheet-000010.png.a1b2c3"]
    for name in [*left, ".mine", "sheet-000010.png", "notes.unfinished"]:
        (tmp_path / name).touch()
    checkpoints.tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine", "notes.unfinished", "sheet-000010.png"]


def test_where_each_process_was_in_its_stream_is_kept(half):
    run, _, folder = half
    places = [
        {"window": torch.arange(6, dtype=torch.uint8) + i, "epoch": i, "shard": {"index": [1, 2]}} for i in (0, 1)
    ]
    checkpoints.save(folder, run, SETTINGS, {"scale": 65536.0}, places)
    more = checkpoints.load(folder, new_run(SETTINGS, torch.device("cpu")), SETTINGS)
    assert more["scaler"] == {"scale": 65536.0}
    for one, other in zip(places, more["streams"], strict=True):
        assert torch.equal(one.pop("window"), other.pop("window"))
        assert one == other


def test_a_stream_that_is_killed_goes_on_with_the_pictures_that_it_would_have_shown(tmp_path, album):
    command = ["train", "--data", album, "--stream", "--steps", 60, "--checkpoint-interval", 5, *TINY, "--out"]
    begin(*command, "whole", cwd=tmp_path, log="other").join()
    process = begin(*command, "killed", cwd=tmp_path)
    wait_for((tmp_path / "killed" / "checkpoint-previous.safetensors").exists)
    process.kill()
    process.join()
    begin(*command, "killed", cwd=tmp_path).join()
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    text = (tmp_path / "log").read_text()
    assert "A stream of pictures of 8x8; 60 steps, 0 of them taken." in text
    assert text.count("60 steps, 0 of them taken") == 1
