"""Conditioning, against a world in which the answer is known, and against counting by hand."""

from itertools import product

import pytest
import torch
from torch import nn

from dino.captions import vocabulary
from dino.conditioning import Captioned, forget, guide, obedience, planes, prompted, read
from dino.denoiser import Denoiser, best_guess
from dino.noise import mix
from dino.training import Run, train

WORDS = ["red", "blue", "t-rex", "long-neck", "left"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a red t-rex facing left", [1, 0, 1, 0, 1]),
        ("Left, BLUE: Long-Neck!", [0, 1, 0, 1, 1]),
        ("left left, left", [0, 0, 0, 0, 1]),
        ("coloured reddish; a t rex, leftover", [0, 0, 0, 0, 0]),
        ("", [0, 0, 0, 0, 0]),
    ],
)
def test_a_text_is_read_as_whole_words_in_any_order(text, expected):
    numbers = read(text, WORDS)
    assert numbers.dtype == torch.float32
    assert numbers.tolist() == expected


def test_a_vocabulary_is_of_words_that_say_something_in_enough_texts_the_most_frequent_first():
    texts = ["the red t-rex", "a red t-rex, red all over", "Blue and RED", "facing the blue sea"]
    assert vocabulary(texts, least=2) == ["red", "blue", "t-rex"]
    assert vocabulary(texts, least=3) == ["red"]  # one text says it twice, and counts once
    assert vocabulary(texts, least=1, most=4) == ["red", "blue", "t-rex", "all"]


def test_each_number_that_the_denoiser_is_told_is_a_plane():
    level, prompt = torch.rand(3, 1, 1, 1), torch.rand(3, 4)
    told = planes(level, prompt)
    assert told.shape == (3, 5, 1, 1)
    for i, j in product(range(3), range(5)):
        assert told[i, j, 0, 0] == (level[i, 0, 0, 0] if j == 0 else prompt[i, j - 1])
    assert torch.equal(planes(level, prompt[1]), planes(level, prompt[[1, 1, 1]]))


@pytest.mark.parametrize(("word", "prompt"), [(0.25, 0.1), (0.5, 0.0), (0.0, 0.3)])
def test_words_and_whole_prompts_are_left_out_as_often_as_dice_would(word, prompt):
    torch.manual_seed(0)
    kept = forget(torch.ones(100_000, 3), word, prompt)
    for pattern in product((0, 1), repeat=3):
        said = sum(pattern)
        chance = (1 - prompt) * word ** (3 - said) * (1 - word) ** said + prompt * (said == 0)
        share = (kept == torch.tensor(pattern)).all(dim=1).float().mean().item()
        assert share == pytest.approx(chance, abs=0.008), pattern


def test_guidance_is_the_same_of_clean_pictures_of_noise_and_of_velocities():
    noisy, level = torch.rand(4, 3, 5, 6), torch.rand(4, 1, 1, 1) * 0.8 + 0.1
    told, free = torch.rand(2, 4, 3, 5, 6)
    expected = guide(told, free, 2.5)

    def to_noise(clean):
        return (noisy - (1 - level) * clean) / level

    def to_velocity(clean):
        return (noisy - clean) / level

    noise = guide(to_noise(told), to_noise(free), 2.5)
    torch.testing.assert_close((noisy - level * noise) / (1 - level), expected, atol=1e-4, rtol=0)
    velocity = guide(to_velocity(told), to_velocity(free), 2.5)
    torch.testing.assert_close(noisy - level * velocity, expected, atol=1e-4, rtol=0)


class Knowing:
    """The best denoiser of a world of few pictures of two kinds: told a kind, it knows that the others are impossible."""

    def __init__(self, world, kinds):
        self.world, self.kinds, self.questions = world, kinds, 0

    def __call__(self, noisy, told):
        self.questions += 1
        pairs = zip(noisy, told[:, 0, 0, 0].tolist(), told[:, 1:, 0, 0], strict=True)
        return torch.stack([best_guess(one, level, self.world[self.fit(words)]) for one, level, words in pairs])

    def fit(self, words):
        return (self.kinds == words.argmax()) if words.any() else torch.ones_like(self.kinds, dtype=torch.bool)


@pytest.fixture
def knowing():
    torch.manual_seed(0)
    # Of one kind, three pictures of four grey values; of the other, five: so alike that noise mistakes them.
    world = 0.4 + 0.2 * torch.rand(8, 1, 1, 2).expand(8, 3, 1, 2)
    return Knowing(world, torch.tensor([0, 0, 0, 1, 1, 1, 1, 1]))


def test_the_best_guess_without_a_prompt_is_the_mean_of_those_with_one_by_how_likely_each_kind_is(knowing):
    mixed = 0
    for clean in knowing.world.repeat_interleave(20, dim=0):
        level = torch.full((1, 1, 1, 1), 0.7)
        noisy = mix(clean[None], torch.rand(1, 3, 1, 2), level)
        # Count what is possible in another way: a picture is, if some noise from 0 to 1 leads from it to this.
        noise = (noisy - 0.3 * knowing.world) / 0.7
        possible = ((noise > -1e-6) & (noise < 1 + 1e-6)).flatten(1).all(dim=1)
        counts = [int(possible[knowing.kinds == kind].sum()) for kind in (0, 1)]
        guesses = [prompted(knowing, torch.eye(2)[kind])(noisy, level) for kind in (0, 1)]
        free = prompted(knowing, torch.zeros(2))(noisy, level)
        weighed = sum(n * guess for n, guess in zip(counts, guesses, strict=True) if n) / sum(counts)
        torch.testing.assert_close(free, weighed, atol=1e-5, rtol=0)
        if all(counts):
            mixed += 1
            # So guidance goes away from the other kind, by as much as that kind is still possible.
            guided = prompted(knowing, torch.eye(2)[0], guidance=3.0)(noisy, level)
            away = guesses[0] + 2 * counts[1] / sum(counts) * (guesses[0] - guesses[1])
            torch.testing.assert_close(guided, away, atol=1e-5, rtol=0)
    assert mixed > 20


def test_what_is_to_be_avoided_takes_the_place_of_no_prompt_and_guidance_1_asks_once(knowing):
    level, (one, other) = torch.full((5, 1, 1, 1), 1.0), torch.eye(2)
    noisy = torch.rand(5, 3, 1, 2)
    means = [knowing.world[knowing.kinds == kind].mean(dim=0) for kind in (0, 1)]
    drawn = prompted(knowing, one, guidance=1.5, avoid=other)(noisy, level)
    torch.testing.assert_close(drawn, (1.5 * means[0] - 0.5 * means[1]).expand(5, 3, 1, 2))
    asked = knowing.questions
    drawn = prompted(knowing, torch.stack([one, other, one, one, other]))(noisy, level)
    assert knowing.questions == asked + 1
    torch.testing.assert_close(drawn, torch.stack([means[kind] for kind in (0, 1, 0, 0, 1)]))


def test_obedience_counts_the_drawings_of_which_the_judge_is_sure():
    seen = torch.tensor([[0.95, 0.03, 0.02], [0.89, 0.06, 0.05], [0.02, 0.03, 0.95], [0.3, 0.6, 0.1]])
    wanted = torch.tensor([0, 0, 1, 1])
    scores = seen.log() + torch.tensor([[5.0], [-3.0], [0.0], [1.0]])  # cross entropy leaves a shift open
    assert obedience(scores, wanted) == 1 / 4  # the second is not sure, the third another kind, the last not sure
    assert obedience(scores, wanted, sure=0.5) == 3 / 4
    assert obedience(scores, wanted, sure=0.99) == 0


class Listening(nn.Module):
    """A denoiser that remembers the pictures, of one colour each, that it is asked about, and what it is told."""

    def __init__(self):
        super().__init__()
        self.weight, self.heard = nn.Parameter(torch.zeros(1)), []

    def forward(self, noisy, told):
        self.heard.append((noisy.detach().float().mean(dim=(1, 2, 3)), told.flatten(1)))
        return noisy * self.weight


def test_in_training_each_picture_goes_with_its_own_prompt_of_which_some_words_are_left_out():
    count = 8
    clean = torch.linspace(0, 1, count).view(-1, 1, 1, 1).expand(count, 3, 48, 48).contiguous()
    captioned = Captioned(clean, torch.eye(count) + 0.0)
    run, steps = Run(Listening()), 40
    losses = list(train(run, captioned, steps, batch=16, ask=captioned.ask))
    assert len(losses) == len(run.denoiser.heard) == steps
    mean, told = (torch.cat(each) for each in zip(*run.denoiser.heard, strict=True))
    level, words = told[:, 0], told[:, 1:]
    assert words.shape == (16 * steps, count)
    # Of a picture of one colour, the mean of its pixels tells which it was, where noise leaves enough of it.
    clear = level < 0.6
    shade = (mean - 0.5 * level) / (1 - level)
    which = (shade * (count - 1)).round().long().clamp(0, count - 1)
    known, said = torch.eye(count)[which[clear]], words[clear]
    assert torch.equal(said, said * known)  # never a word of another picture
    assert said.any(dim=1).float().mean() == pytest.approx(0.8 * 0.9, abs=0.1)
    assert set(which[clear].tolist()) == set(range(count))


def test_a_denoiser_with_words_learns_from_captioned_pictures():
    torch.manual_seed(0)
    denoiser = Denoiser((8, 8), (1, 1), words=["dark", "bright"])
    captioned = Captioned(torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand(2, 3, 8, 8).contiguous(), torch.eye(2))
    run = Run(denoiser)
    list(train(run, captioned, 60, batch=8, rate=2e-2, ask=captioned.ask))
    noise, level = torch.rand(16, 3, 8, 8), torch.ones(16, 1, 1, 1)
    with torch.no_grad():
        dark, bright = (prompted(run.average, torch.eye(2)[i])(noise, level).mean().item() for i in (0, 1))
        further = prompted(run.average, torch.eye(2)[1], guidance=2.0)(noise, level).mean().item()
    assert dark < 0.3 < 0.7 < bright < further - 0.1
