"""Several processes, micro-batches and precisions: the same loop, the same weights."""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import safetensors.torch
import torch
from PIL import Image

from dino.course.train import checkpoints
from dino.course.train import run as runs
from dino.course.train.cached import open_pictures
from dino.course.train.distributed import ProcessGroup, is_gone, process_group
from dino.course.train.precision import MicroBatches, MixedPrecision, prepare
from dino.course.train.run import Settings
from dino.denoiser import Denoiser
from dino.noise import make_question
from dino.training import Run, train, training_step
from tests.train.test_checkpoints import TINY, act, begin, forks, same, settle_down, wait_for, weights

TORCHRUN = ["torch.distributed.run", "--nproc-per-node", "2"]
# `--multi_gpu` stands for several processes, be there GPUs or not; with `--cpu`, accelerate starts several through MPI alone.
ACCELERATE = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
ACCELERATE += ["--mixed_precision", "no", "--dynamo_backend", "no"]
GROWTH = {"growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000}


def member(number: int, count: int, port: int) -> dict[str, str]:
    """The environment that launchers give to one of several processes."""
    place = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    return {name: str(value) for name, value in {**place, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items()}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def begin_group(*arguments, cwd: Path, count: int = 2):
    """Start the same command line in several processes."""
    port = free_port()
    return [
        begin(*arguments, cwd=cwd, log=f"log{number}", environment=member(number, count, port))
        for number in range(count)
    ]


def join(group, seconds=60):
    """Wait for processes, no longer than some seconds for all of them; returns how they ended."""
    until = time.monotonic() + seconds
    for process in group:
        process.join(max(0, until - time.monotonic()))
    return [process.exitcode for process in group]


def tiny():
    torch.manual_seed(0)
    return Denoiser((4, 4), (1, 1))


def flat(network):
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def learn_in_group(environment: dict, folder: Path, count: int) -> None:
    """What one process of a group does: it trains, and tells its weights, gradient, average and what it saw."""
    os.environ.update(environment)
    torch.set_num_threads(1)
    with process_group(12) as group:
        run = Run(tiny())
        working, _ = prepare(run, group, 1, "float32")
        images = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
        losses = list(train(working, images, 20, 12))
        gradient = torch.cat([weight.grad.flatten() for weight in run.denoiser.parameters()])
        stream = open_pictures(folder, 8, stream=True, group=group)
        told = {"weights": flat(run.denoiser), "average": flat(run.average), "gradient": gradient}
        told |= {"losses": torch.tensor(losses), "window": stream.state()["pixels"]}
        stream.share()
        told |= {"seen": stream[torch.arange(6)], "length": torch.tensor(len(stream))}
        safetensors.torch.save_file(told, folder / f"{count}-{group.rank}")


@pytest.fixture(scope="module", params=[2, 3])
def told(request, tmp_path_factory):
    """What each of some processes tells of the same training."""
    folder, port, count = tmp_path_factory.mktemp("group"), free_port(), request.param
    # So many that no number of processes gets equal parts of them.
    for i in range(23):
        Image.new("L", (8, 8), i).save(folder / f"{i:02}.png")
    group = [
        forks.Process(target=learn_in_group, args=(member(number, count, port), folder, count), daemon=True)
        for number in range(count)
    ]
    for process in group:
        process.start()
    assert join(group) == [0] * count
    return [safetensors.torch.load_file(folder / f"{count}-{number}") for number in range(count)]


def test_several_processes_learn_what_one_does(told):
    run = Run(tiny())
    images = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    losses = list(train(prepare(run, ProcessGroup(), 1, "float32")[0], images, 20, 12))
    gradient = torch.cat([weight.grad.flatten() for weight in run.denoiser.parameters()])
    for mine in told:
        torch.testing.assert_close(mine["losses"], torch.tensor(losses), atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(mine["gradient"], gradient, atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(mine["weights"], flat(run.denoiser), atol=1e-6, rtol=0)
        torch.testing.assert_close(mine["average"], flat(run.average), atol=1e-6, rtol=0)


def test_all_processes_keep_the_very_same_weights_average_and_losses(told):
    for other in told[1:]:
        for name in ("weights", "average", "losses", "gradient"):
            assert torch.equal(told[0][name], other[name]), name


def test_a_stream_gives_all_processes_the_same_batch_of_which_each_fetched_its_share(told):
    windows = [mine["window"] for mine in told]
    assert sorted(torch.cat(windows)[:, 0, 0, 0].tolist()) == list(range(23))
    shares = [window[places] for window, places in zip(windows, torch.arange(6).chunk(len(told)), strict=True)]
    for mine in told:
        assert torch.equal(mine["seen"], torch.cat(shares) / 255)
        assert mine["length"] == 23 // len(told)


def test_a_batch_that_cannot_be_shared_is_refused_once_by_all(tmp_path, album):
    group = begin_group("train", "--data", album, *TINY[:-1], 5, cwd=tmp_path)
    assert join(group) == [2, 2]
    texts = [(tmp_path / f"log{number}").read_text() for number in (0, 1)]
    assert "A --batch-size of 5 cannot be divided evenly among 2 processes: choose a multiple of 2." in texts[0]
    assert "dino:" not in texts[1]
    assert not (tmp_path / "runs").exists()


def test_only_one_process_speaks_and_writes(tmp_path, album):
    assert join(begin_group("train", "--data", album, "--steps", 6, *TINY, cwd=tmp_path)) == [0, 0]
    texts = [(tmp_path / f"log{number}").read_text() for number in (0, 1)]
    assert "6 pictures of 8x8; 6 steps, 0 of them taken." in texts[0]
    assert "Trained. Draw with: dino sample" in texts[0]
    assert texts[1] == ""


def test_when_a_process_is_killed_the_others_say_so_and_the_same_command_goes_on(tmp_path, album):
    command = ["train", "--data", album, "--steps", 50, "--checkpoint-interval", 5, *TINY, "--out"]
    assert join(begin_group(*command, "whole", cwd=tmp_path)) == [0, 0]
    for victim in (1, 0):
        group = begin_group(*command, f"killed{victim}", cwd=tmp_path)
        wait_for((tmp_path / f"killed{victim}" / "checkpoint-previous.safetensors").exists)
        group[victim].kill()
        assert join(group)[1 - victim] == 2
        step = checkpoints.steps_kept(tmp_path / f"killed{victim}")
        text = (tmp_path / f"log{1 - victim}").read_text()
        assert f"Process {victim + 1} of 2 has ended without a word, so the others have stopped. The checkpoint" in text
        assert f"The checkpoint of step {step} is whole: the same command goes on from there." in text
        assert 10 <= step < 50
        assert join(begin_group(*command, f"killed{victim}", cwd=tmp_path)) == [0, 0]
        assert same(weights(tmp_path / "whole"), weights(tmp_path / f"killed{victim}"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wish_to_stop_that_one_process_hears_stops_all_after_the_same_step(tmp_path, album, number):
    slow = ["--widths", "24,24", "--depths", "1,1", "--size", "32", "--batch-size", "16"]
    command = ["train", "--data", album, "--steps", 60, "--checkpoint-interval", 5, *slow, "--out", "run"]
    group = begin_group(*command, cwd=tmp_path)
    wait_for((tmp_path / "run" / "checkpoint.safetensors").exists)
    # Launchers pass a signal on more than once, here within one step.
    os.kill(group[1].pid, number)
    time.sleep(0.005)
    os.kill(group[1].pid, number)
    assert join(group) == [1, 1]
    text = (tmp_path / "log0").read_text()
    assert "Stopped, and kept in run. The same command goes on from there." in text
    step = checkpoints.steps_kept(tmp_path / "run")
    # It goes on, alone or not, from that very step.
    alone = begin(*command, cwd=tmp_path)
    wait_for(
        lambda: (tmp_path / "log").exists() and f"60 steps, {step} of them taken" in (tmp_path / "log").read_text()
    )
    alone.kill()


def test_a_shared_stream_goes_on_where_each_process_was_and_only_with_as_many(tmp_path, album):
    command = ["train", "--data", album, "--stream", "--steps", 60, "--checkpoint-interval", 5, *TINY, "--out"]
    assert join(begin_group(*command, "whole", cwd=tmp_path)) == [0, 0]
    group = begin_group(*command, "killed", cwd=tmp_path)
    wait_for((tmp_path / "killed" / "checkpoint-previous.safetensors").exists)
    for process in group:
        process.kill()
    join(group)
    alone = begin(*command, "killed", cwd=tmp_path)
    alone.join()
    assert alone.exitcode == 2
    assert (
        "comes from 2 processes that shared a stream, and now there is 1. Start 2 again"
        in (tmp_path / "log").read_text()
    )
    assert join(begin_group(*command, "killed", cwd=tmp_path)) == [0, 0]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_each_process_reads_its_own_part_of_a_stream(album):
    settings = Settings(str(album), 8, 1, 4, (4, 4), (1, 1), 0, stream=True)
    parts = []
    for rank in (0, 1):
        window = runs.open_images(settings, ProcessGroup(rank, 2)).state()["pixels"]
        parts.append({tuple(pixels.flatten().tolist()) for pixels in window})
    assert parts[0].isdisjoint(parts[1])
    assert len(parts[0] | parts[1]) == 6


def test_what_is_learnt_from_is_the_stream_that_all_share(album, tmp_path, monkeypatch):
    settings = Settings(str(album), 8, 1, 4, (4, 4), (1, 1), 0, stream=True)
    group, seen = ProcessGroup(), []
    images = runs.open_images(settings, group)
    # The other process has a smaller window, and has left something out.
    monkeypatch.setattr(group, "gather", lambda mine: [mine, (5, {"broken": None})])
    monkeypatch.setattr(runs, "train", lambda _, images, *__, **___: seen.append(len(images)) or iter(()))
    with pytest.warns(UserWarning, match="left out so far: 1, the last broken"):
        runs.learn(Run(tiny()), images, settings, tmp_path, 1, 1, group)
    assert seen == [5]


def test_what_any_process_leaves_out_of_a_stream_is_told_once(tmp_path, album):
    for name in (f"z{i}.png" for i in range(20)):
        (album / name).write_text("no picture")
    # One step, for later each process meets the parts of the others.
    assert join(begin_group("train", "--data", album, "--stream", "--steps", 1, *TINY, cwd=tmp_path)) == [0, 0]
    assert "left out so far: 20," in (tmp_path / "log0").read_text()
    assert "left out" not in (tmp_path / "log1").read_text()


def test_processes_that_find_different_checkpoints_are_told_to_share_a_disk(tmp_path, album):
    command = ["train", "--data", album, "--steps", 4, *TINY, "--out", "run"]
    begin(*command, cwd=tmp_path).join()
    (tmp_path / "elsewhere").mkdir()
    port = free_port()
    group = [
        begin(*command, cwd=tmp_path / place, environment=member(number, 2, port))
        for number, place in enumerate([".", "elsewhere"])
    ]
    assert join(group) == [2, 2]
    assert (
        "do not see the same checkpoint in run. Put it on a disk that all machines share."
        in (tmp_path / "log").read_text()
    )


def act_as_launcher(module, arguments, cwd):
    """Be a launcher, whose processes are started as ever: what `python -m` would do, without loading torch once more."""
    settle_down(cwd, cwd / "log", {})
    sys.argv = [module, *map(str, arguments)]
    importlib.import_module(module).main()


def launch(launcher, *arguments, cwd: Path):
    """Start a command line by a launcher, which loads what it needs itself."""
    module, *options = launcher
    process = forks.Process(target=act_as_launcher, args=(module, [*options, "-m", "dino", *arguments], cwd))
    process.start()
    return process


def test_a_process_has_ended_as_soon_as_it_has_and_not_when_somebody_takes_notice():
    with subprocess.Popen(["sleep", "60"]) as process:
        assert not is_gone(process.pid)
        process.kill()
        wait_for(lambda: is_gone(process.pid))
    assert is_gone(process.pid)
    assert not is_gone(1)


def test_when_a_process_of_a_launcher_is_killed_the_reason_is_told(tmp_path, album):
    command = ["train", "--data", album, "--steps", 100_000, "--checkpoint-interval", 3, *TINY, "--out", "run"]
    launcher = launch(TORCHRUN, *command, cwd=tmp_path)
    wait_for((tmp_path / "run" / "checkpoint-previous.safetensors").exists)
    victim = min(psutil.Process(launcher.pid).children(), key=lambda one: one.pid)
    victim.kill()
    launcher.join(60)
    assert launcher.exitcode
    text = (tmp_path / "log").read_text()
    assert "of 2 has ended without a word, so the others have stopped. The checkpoint of step" in text


@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE], ids=["torchrun", "accelerate"])
def test_a_launcher_starts_it(tmp_path, album, launcher):
    command = ["train", "--data", album, "--steps", 6, *TINY, "--precision", "float32", "--out"]
    process = launch(launcher, *command, "run", cwd=tmp_path)
    begin(*command, "one", cwd=tmp_path, log="other").join()  # meanwhile
    process.join()
    text = (tmp_path / "log").read_text()
    assert process.exitcode == 0, text
    assert text.count("Trained. Draw with: dino sample run") == 1
    together, alone = weights(tmp_path / "run"), weights(tmp_path / "one")
    assert not same(together, alone), "one process alone would give the very same"
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], atol=1e-6, rtol=0)


def test_a_launcher_that_starts_one_process_where_several_were_meant_is_named(tmp_path, album):
    environment = {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"}
    begin("train", "--data", album, "--steps", 2, *TINY, cwd=tmp_path, environment=environment).join()
    assert "Note: `accelerate launch --cpu` starts one process only." in (tmp_path / "log").read_text()


def act_without_accelerate(*arguments):
    sys.modules |= {"accelerate": None, "psutil": None}
    act(*arguments)


@pytest.mark.parametrize("count", [1, 2])
def test_nobody_who_trains_needs_accelerate(tmp_path, album, count):
    port, command = free_port(), ["train", "--data", album, "--steps", 2, *TINY]
    places = [member(rank, count, port) for rank in range(count)]
    group = [
        forks.Process(target=act_without_accelerate, args=(command, tmp_path, tmp_path / "log", place), daemon=True)
        for place in places
    ]
    for process in group:
        process.start()
    assert join(group) == [0] * count
    assert "Trained. Draw with: dino sample" in (tmp_path / "log").read_text()


def learn(micro_batches, precision, count=10):
    """Train a little, from the same start and random numbers; returns the run and what the gradient scaler remembers."""
    run = Run(tiny())
    working, scaler = prepare(run, ProcessGroup(), micro_batches, precision)
    images = torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    list(train(working, images, count, 12))
    return run, scaler and scaler.state_dict()


def test_a_batch_in_micro_batches_teaches_the_same():
    whole, divided = learn(1, "float32")[0], learn(5, "float32")[0]
    torch.testing.assert_close(flat(divided.denoiser), flat(whole.denoiser), atol=1e-6, rtol=0)
    assert not torch.equal(flat(whole.denoiser), flat(tiny()))


def test_each_micro_batch_is_calculated_twice_and_never_more_at_a_time():
    network, sizes = tiny(), []
    network.register_forward_pre_hook(lambda _, question: sizes.append(len(question[0])))
    training_step(MicroBatches(network, 3), torch.optim.SGD(network.parameters()), torch.rand(12, 3, 8, 8))
    assert sizes == [4] * 6
    sizes.clear()
    # More micro-batches than pictures are as many as there are pictures.
    training_step(MicroBatches(network, 9), torch.optim.SGD(network.parameters()), torch.rand(2, 3, 8, 8))
    assert sizes == [1] * 4


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_precision_is_what_the_network_calculates_in_whatever_auto_would_be(precision):
    network, kinds = tiny(), []
    network.enter[0].register_forward_hook(lambda *call: kinds.append(call[-1].dtype))
    noisy, level = make_question(torch.rand(4, 3, 8, 8))
    for others in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=others):
            MixedPrecision(MicroBatches(network, 2), precision)(noisy, level)
    assert set(kinds) == {getattr(torch, precision)}


def test_float16_learns_what_float32_does_with_gradients_too_small_for_it():
    start, exact = flat(tiny()), flat(learn(1, "float32")[0].denoiser)
    run, scaler = learn(2, "float16")
    assert scaler["scale"] == 2**16
    assert (flat(run.denoiser) - exact).norm() < 0.05 * (start - exact).norm()
    # Without the scaler, what the way back multiplies is less than float16 can tell from nothing.
    tiny_gradient = torch.tensor(1e-8)
    assert tiny_gradient.half() == 0
    assert (tiny_gradient * scaler["scale"]).half() / scaler["scale"] == pytest.approx(1e-8, rel=1e-2)


def test_float16_skips_a_step_whose_gradients_are_too_large_and_scales_less_from_then_on():
    run = Run(tiny())
    working, scaler = prepare(run, ProcessGroup(), 1, "float16", {"scale": 2.0**40, "_growth_tracker": 0, **GROWTH})
    images = torch.rand(20, 3, 8, 8)
    next(train(working, images, 10, 12))
    assert torch.equal(flat(run.denoiser), flat(tiny()))
    assert scaler.state_dict()["scale"] == 2.0**39
    for _ in train(working, images, 60, 12):
        pass
    assert not torch.equal(flat(run.denoiser), flat(tiny()))
    assert torch.isfinite(flat(run.denoiser)).all()


def test_a_float16_run_goes_on_with_the_scale_that_it_had(tmp_path, album):
    command = ["train", "--data", album, "--steps", 40, "--checkpoint-interval", 5, *TINY]
    command += ["--precision", "float16", "--out"]
    begin(*command, "whole", cwd=tmp_path).join()
    process = begin(*command, "halves", cwd=tmp_path)
    wait_for((tmp_path / "halves" / "checkpoint.safetensors").exists)
    process.kill()
    process.join()
    begin(*command, "halves", cwd=tmp_path).join()
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "halves"))
    with safetensors.safe_open(tmp_path / "halves" / "checkpoint.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["more"])["scaler"]["_growth_tracker"] == 40
