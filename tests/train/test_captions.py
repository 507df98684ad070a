"""Captions in training: whatever reads the pictures, the words that the network is told are those of the pictures it sees."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
import safetensors
import safetensors.torch
import torch
from PIL import Image

from dino.captions import FILLERS, vocabulary
from dino.conditioning import read
from dino.course.train import checkpoints
from dino.course.train.cached import open_pictures
from dino.course.train.captions import as_on_sheets, as_prompts, choose_words
from dino.course.train.distributed import ProcessGroup, process_group
from dino.course.train.draw import open_denoiser
from dino.course.train.precision import prepare
from dino.data import dinosaurs
from dino.denoiser import Denoiser
from dino.saving import load_denoiser
from dino.training import Run, train
from tests.test_cli import dino
from tests.train.test_checkpoints import TINY, begin, forks, same, wait_for, weights
from tests.train.test_distributed import begin_group, flat, free_port, join, member

SIZE, COUNT = 8, 40
WORDS = ["one", "two", "four", "eight", "sixteen", "thirty-two"]
both = pytest.mark.parametrize("stream", [False, True], ids=["cached", "stream"])


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def said(number):
    """A caption that adds up to a number; 0 has none."""
    return ", ".join(word for i, word in enumerate(WORDS) if number >> i & 1)


@pytest.fixture
def greys(tmp_path):
    """A folder of 40 pictures, each of one grey of its own, whose captions say which, and one that is damaged."""
    folder = tmp_path / "greys"
    folder.mkdir()
    rows = [("file_name", "sum", "other")]
    for i in range(COUNT):
        Image.new("L", (SIZE, SIZE), i).save(folder / f"{i:02}.png")
        rows.append((f"{i:02}.png", said(i), "grey"))
    (folder / "02b.png").write_text("damaged")
    with (folder / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def heard(pictures):
    """The numbers that the prompts of the pictures picked last add up to."""
    return (pictures.picked @ torch.tensor([2.0**i for i in range(6)])).int().tolist()


def seen(batch):
    """The greys of some pictures."""
    return (batch[:, 0, 0, 0] * 255).round().int().tolist()


@both
@pytest.mark.filterwarnings("ignore:.*left out")
def test_what_the_network_is_told_is_what_the_pictures_are_also_after_a_stop(greys, stream):
    def fresh():
        pictures = open_pictures(greys, SIZE, stream=stream, text="sum")
        pictures.window = 11
        return pictures

    generator = torch.Generator().manual_seed(0)
    indices = [torch.randint(11, (5,), generator=generator) for _ in range(30)]
    pictures, shown = fresh(), []
    assert len(pictures.captions()) == (11 if stream else COUNT)
    pictures.learn_words(WORDS, ["one, two"])
    for step, index in enumerate(indices):
        shown.append(seen(pictures[index]))
        assert heard(pictures) == shown[-1]
        if step == 9:
            state = pictures.state()
            tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
            rest = {name: value for name, value in state.items() if name not in tensors}
            state = tensors | json.loads(json.dumps(rest))
    again = fresh()
    again.learn_words(WORDS, ["one, two"])
    again.restore(state)
    for index, expected in zip(indices[10:], shown[10:], strict=True):
        assert seen(again[index]) == heard(again) == expected


def learn_in_group(environment: dict, folder: Path) -> None:
    """What one process of a group does: it learns from captions, and tells its weights, its words, and what it saw and heard."""
    os.environ.update(environment)
    torch.set_num_threads(1)
    datasets.config.HF_DATASETS_CACHE = folder.parent / "cache"
    with process_group(8) as group:
        torch.manual_seed(0)
        run = Run(Denoiser((4, 4), (1, 1), WORDS))
        learnt = group.main_first(lambda: captioned(folder, group))
        losses = list(train(prepare(run, group, 1, "float32")[0], learnt, 10, 8, ask=learnt.ask))
        stream = open_pictures(folder, SIZE, stream=True, group=group, text="sum")
        texts = stream.captions()
        stream.learn_words(choose_words(texts, "sum")[0], [])
        tensors = {"weights": flat(run.denoiser), "losses": torch.tensor(losses)}
        tensors |= {"seen": stream[torch.arange(8)], "heard": stream.picked}
        words = {"words": json.dumps(stream.words), "count": str(len(texts))}
        safetensors.torch.save_file(tensors, folder / f"told{group.rank}", metadata=words)


def captioned(folder, group):
    pictures = open_pictures(folder, SIZE, group=group, text="sum")
    pictures.learn_words(WORDS, ["one, two"])
    return pictures


@pytest.mark.filterwarnings("ignore:.*left out")
def test_two_processes_learn_what_one_does_and_hear_the_same_words(greys):
    port = free_port()
    group = [forks.Process(target=learn_in_group, args=(member(i, 2, port), greys), daemon=True) for i in range(2)]
    for process in group:
        process.start()
    assert join(group) == [0, 0]
    torch.manual_seed(0)
    run = Run(Denoiser((4, 4), (1, 1), WORDS))
    pictures = captioned(greys, ProcessGroup())
    losses = list(train(prepare(run, ProcessGroup(), 1, "float32")[0], pictures, 10, 8, ask=pictures.ask))
    for number in range(2):
        mine = safetensors.torch.load_file(greys / f"told{number}")
        torch.testing.assert_close(mine["losses"], torch.tensor(losses), atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(mine["weights"], flat(run.denoiser), atol=1e-6, rtol=0)
        with safetensors.safe_open(greys / f"told{number}", framework="pt") as file:
            words, count = json.loads(file.metadata()["words"]), file.metadata()["count"]
        assert (sorted(words), count) == (sorted(WORDS), str(COUNT))
        expected = torch.stack([read(said(grey), words) for grey in seen(mine["seen"])])
        assert torch.equal(mine["heard"], expected)
        assert len(set(seen(mine["seen"]))) == 8


@pytest.mark.parametrize("more", [[], ["--stream"]], ids=["cached", "stream"])
def test_a_run_with_captions_that_is_killed_goes_on_to_the_same_weights(tmp_path, greys, more):
    command = ["train", "--data", greys, "--text", "sum", *more, "--steps", 60, "--checkpoint-interval", 5, *TINY]
    begin(*command, "--out", "whole", cwd=tmp_path, log="other").join()
    process = begin(*command, "--out", "killed", cwd=tmp_path)
    wait_for((tmp_path / "killed" / "checkpoint-previous.safetensors").exists)
    process.kill()
    process.join()
    # The words are those of the checkpoint, whatever captions say besides by now.
    with (greys / "metadata.csv").open("a") as file:
        file.write('00.png,new,grey\n03.png,"one, two, new",grey\n')
    begin(*command, "--out", "killed", cwd=tmp_path).join()
    text = (tmp_path / "log").read_text()
    assert text.count("60 steps, 0 of them taken") == 1
    assert "Captions in column sum: 6 words are known (four, one, two, eight, sixteen, thirty-two), 0 rarer" in text
    assert "Captions in column sum: the checkpoint knows 6 words." in text
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_several_processes_train_on_a_stream_with_captions_and_go_on_alike(tmp_path, greys):
    command = ["train", "--data", greys, "--stream", "--text", "sum", "--steps", 40, "--checkpoint-interval", 5, *TINY]
    assert join(begin_group(*command, "--out", "whole", cwd=tmp_path)) == [0, 0]
    group = begin_group(*command, "--out", "killed", cwd=tmp_path)
    wait_for((tmp_path / "killed" / "checkpoint-previous.safetensors").exists)
    for process in group:
        process.kill()
    join(group)
    assert join(begin_group(*command, "--out", "killed", cwd=tmp_path)) == [0, 0]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def settings(folder):
    with safetensors.safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        return json.loads(file.metadata()["settings"])


def test_a_run_keeps_its_words_and_refuses_other_captions(tmp_path, greys):
    command = ["train", "--data", greys, "--steps", 4, "--checkpoint-interval", 2, *TINY, "--out", "run"]
    text = dino(*command, "--text", "sum", cwd=tmp_path)
    assert "0 rarer ones are left out; 1 of 40 captions are empty.\n" in text
    run = tmp_path / "run"
    kept = checkpoints.words_kept(run)
    assert sorted(kept[0]) == sorted(WORDS)
    assert len(kept[1]) == 8
    assert f"Sheets have a row for each of these: {'; '.join(kept[1])}.\n" in text
    assert load_denoiser(run / "weights.safetensors").words == kept[0]
    (run / "weights.safetensors").unlink()
    (run / "checkpoint-previous.safetensors").replace(run / "checkpoint.safetensors")
    assert open_denoiser(run)[0].words == kept[0]
    for other, asked in [(["--text", "other"], "other"), ([], "None")]:
        text = dino(*command, "--no-flip", *other, cwd=tmp_path, code=2)
        assert f"comes from a run with text sum, and you ask for {asked}. Name another folder with --out." in text
    dino(*command[:-1], "plain", cwd=tmp_path)
    assert "with flip True, and you" in dino(*command[:-1], "plain", "--text", "sum", cwd=tmp_path, code=2)


def test_pictures_with_captions_are_not_turned_round_unless_that_is_asked_for(tmp_path, greys):
    command = ["train", "--data", greys, "--steps", 1, *TINY, "--out"]
    for i, (more, flip) in enumerate([([], True), (["--text", "sum"], False), (["--text", "sum", "--flip"], True)]):
        dino(*command, str(i), *more, cwd=tmp_path)
        assert settings(tmp_path / str(i))["flip"] == flip


def test_each_row_of_a_sheet_is_drawn_for_one_caption():
    denoiser = Denoiser((4,), (1,), ["red", "large", "left"])
    examples = ["a red one", "large", "left, red", "red", "red", "red", "red", "the large one on the left"]
    planes = []
    denoiser.forward = lambda noisy, level: planes.append(level) or noisy
    as_on_sheets(denoiser, examples)(torch.rand(64, 3, 8, 8), torch.full((64, 1, 1, 1), 0.5))
    assert torch.equal(planes[0][:, 0], torch.full((64, 1, 1), 0.5))
    for row, text in zip(planes[0][:, 1:, 0, 0].split(8), examples, strict=True):
        assert torch.equal(row, read(text, denoiser.words).expand(8, -1))


def test_prompts_are_what_the_lesson_reads():
    texts = [*dinosaurs(200, 8)["text"][:], "", "T-REX t-rex, Größe", "red-green; red_green", "ROT\nblau"]
    words = ["t-rex", "größe", "red", "green", "red-green", "red_green", "rot", "left", "spots", "blau"]
    assert torch.equal(as_prompts(texts, words).float(), torch.stack([read(text, words) for text in texts]))


def test_a_word_is_known_if_it_is_frequent_enough_for_as_many_captions_as_there_are():
    texts = dinosaurs(600, 8)["text"][:]
    known = {word.strip(",") for text in texts for word in text.split()} - FILLERS
    assert set(vocabulary(texts)) == known  # all of them are frequent

    def captions(count, often):
        return ["common"] * (count - often) + ["rare"] * often

    for count, least in [(30, 2), (200, 2), (500, 5), (1000, 10), (100_000, 10)]:
        assert vocabulary(captions(count, least)) == ["common", "rare"]
        assert vocabulary(captions(count, least - 1)) == ["common"]


def test_what_is_told_of_captions_is_counted():
    texts = ["a cat", "cat, DOG", "Dog", " ", "bird", "", "dog fish"] + [f"word{i} cat" for i in range(9)]
    words, examples, line = choose_words(texts, "text")
    assert words == ["cat", "dog"]
    assert all(set(text.lower().replace(",", "").split()) & {"cat", "dog"} for text in examples)
    assert len(examples) == 8
    assert line == (
        "Captions in column text: 2 words are known (cat, dog), 11 rarer ones are left out; 2 of 16 captions are empty."
    )


def test_captions_without_a_word_to_learn_are_refused_before_anything_is_trained(tmp_path, album):
    (album / "metadata.csv").write_text("file_name,text\n0.png,the\n1.png,only\n")
    text = dino("train", "--data", album, "--text", "text", *TINY, cwd=tmp_path, code=2)
    assert "No word stands in enough of the 6 captions in column text to learn what it means, and 4 of them are" in text
    assert not list((tmp_path / "runs" / "album").glob("*.safetensors"))
    (album / "metadata.csv").unlink()
    text = dino("train", "--data", album, "--text", "text", *TINY, cwd=tmp_path, code=2)
    assert "album has no captions. Put a metadata.csv with the columns file_name and text beside the pictures" in text


def test_words_and_their_order_do_not_depend_on_how_python_hashes():
    program = """
from dino.course.train.captions import choose_words
print(choose_words([f"{a} {b} {c}" for a in ("red", "blue") for b in "xyz" for c in ("up", "down")], "text"))
"""
    told = {
        subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
