"""Wrong answers fail, and each hears what is wrong with it."""

import functools

import matplotlib.pyplot as plt
import pytest
import torch

from dino.course.chapters import chapters, exercise_names, find_exercise, solution
from dino.course.checks import check_for
from dino.course.checks.claims import Claim
from dino.course.checks.mistakes import edited
from dino.course.judge.diagnose import most_similar
from dino.course.judge.figures import evidence
from dino.course.judge.runner import judge
from dino.course.judge.trial import outcome
from dino.course.judge.verdict import FAILED
from tests.test_cli import dino

CHECKS = {name: check_for(find_exercise(name)[0].topic, name) for name in exercise_names()}


# All that is about one bank runs on one worker, so that what came of it is known there.
by_name = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in exercise_names()]
)


@functools.lru_cache(maxsize=2)  # as many seeds as there are; what came of one bank may take hundreds of megabytes
def bank(name, seed):
    """What comes of each wrong answer, with its sentence."""
    check = CHECKS[name]
    return [(sentence, list(outcome(check, mistake, seed))) for sentence, mistake in check.wrong_answers]


@by_name
@pytest.mark.parametrize("seed", range(2))
def test_each_mistake_fails_and_is_called_by_its_own_name(name, seed):
    for sentence, results in bank(name, seed):
        assert any(not isinstance(result, Claim) or result.symptom() for result in results), f"it passes: {sentence}"
    # Once more, for what comes of an answer must follow from the seed.
    again = bank.__wrapped__(name, seed)
    named = [most_similar(results, bank(name, seed)) for _, results in again]
    assert named == [sentence for sentence, _ in bank(name, seed)]


@by_name
def test_each_mistake_about_pictures_levels_curves_or_weights_can_be_seen(name):
    for sentence, results in bank(name, seed=0):
        untrue = next((one for one in results if isinstance(one, Claim) and one.symptom()), None)
        both = [untrue.yours, untrue.expected] if untrue else [None]
        if all(map(torch.is_tensor, both)) and both[0].shape == both[1].shape and both[0].numel() > 1:
            figure = evidence(untrue.figure)
            assert figure is not None, sentence
            plt.close(figure)


@pytest.mark.parametrize("name", exercise_names())
def test_one_mistake_of_each_exercise_is_named_on_the_command_line(name, tmp_path):
    check, topic = CHECKS[name], find_exercise(name)[0].topic
    sentence, edit = next((why, one) for why, one in check.mistakes.items() if isinstance(one, dict))
    (tmp_path / "mine.py").write_text(f"from dino.{topic} import *\n\n# %%\n{edited(check.reference, edit)}\n")
    assert f"✗ {name}: {sentence}\n" in dino("check", "mine.py", cwd=tmp_path, code=1)


def test_there_are_at_least_110_mistakes_and_no_two_share_a_sentence():
    sentences = [(name, sentence) for name, check in CHECKS.items() for sentence in check.mistakes]
    assert len(sentences) >= 110
    assert len(set(sentences)) == len(sentences)


def test_hints_and_notices_are_there_and_differ():
    for check in CHECKS.values():
        assert len({*check.hints, check.notice}) == 3


def test_no_sentence_gives_the_answer_away():
    """No message holds a line of the answer's code."""
    for chapter in chapters():
        lesson = (chapter.path.parents[1] / "dino" / f"{chapter.topic}.py").read_text()
        code = {line.strip() for line in lesson.splitlines() if line.startswith("    ") and len(line.strip()) > 30}
        for exercise in chapter.exercises:
            for sentence in CHECKS[exercise.name].mistakes:
                assert not [line for line in code if line in sentence]


# Wrong answers as a learner types them, and a piece of the news that they should get.
WRONG = {
    "to_tensor": [
        ("def to_tensor(picture):\n    return torch.from_numpy(np.array(picture)).view(3, picture.height, picture.width) / 255", "mixes pixels up"),
        ("def to_tensor(picture):\n    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)", "whole numbers"),
        ("def to_tensor(picture):\n    return torch.from_numpy(picture).permute(2, 0, 1) / 255", "from_numpy"),
    ],
    "crop": [
        ("def crop(picture, size):\n    return picture.resize((size, size))", "squeezed into a square"),
        ("def crop(picture, size):\n    picture.thumbnail((size, size))\n    return picture", "longer side is `size`"),
        ("def crop(picture, size):\n    s = min(picture.size)\n    picture.crop((0, 0, s, s)).resize((size, size))", "Nothing is returned"),
    ],
    "overfit": [
        ("def overfit(step, picture, steps, batch=16):\n    for _ in range(steps):\n        loss = step(picture.expand(batch, -1, -1, -1))\n    return loss", "Only the last loss"),
        ("def overfit(step, picture, steps, batch=16):\n    return [step(picture) for _ in range(steps)]", "no batch"),
    ],
    "yardstick": [
        ("def yardstick(clean, levels):\n    v, s = clean.var(), levels\n    return v * s**2 / 12 / ((1 - s) ** 2 * v + s**2 / 12)", "over the whole tensor"),
        ("def yardstick(clean, levels):\n    v, s = clean.var(0).flatten(), levels[:, None]\n    return (v * s / 12 / ((1 - s) ** 2 * v + s / 12)).mean(1)", "not squared"),
        ("def yardstick(clean, levels):\n    v, s = clean.var(0).flatten(), levels\n    return (v * s**2 / 12 / ((1 - s) ** 2 * v + s**2 / 12)).mean(1)", "two tensors do not fit"),
    ],
    "mix": [
        ("def mix(clean, noise, level):\n    return clean * level + noise * (1 - level)", "blend is swapped"),
        ("def mix(clean, noise, level):\n    (1 - level) * clean + level * noise", "Nothing is returned"),
        ("def mix(clean, noise, level):\n    return clean + noise * 3", "yours has 1.00 of the picture and 3.00 of the noise"),
        ("def mix(clean, noise, level):\n    clean *= 1 - level\n    clean += level * noise\n    return clean", "It changes `clean` itself"),
        ("def mix(clean, noise, level):\n    return clean @ noise", "`@` is the product of matrices"),
    ],
    "random_levels": [
        ("def random_levels(clean):\n    return 0.02 + 0.96 * torch.rand(len(clean), 1, 1, 1)", "keep away from 0 and 1"),
        ("def random_levels(clean):\n    return torch.rand(len(clean), 1, 1)", "shape"),
        ("def random_levels(clean):\n    return 0.5 + torch.rand(len(clean), 1, 1, 1) / 2", "only begin at one half"),
    ],
    "make_question": [
        ("def make_question(clean):\n    level = random_levels(clean)\n    return {'noisy': mix(clean, torch.rand_like(clean), level), 'level': level}", "what comes is a dict"),
        ("def make_question(clean):\n    noise = torch.randn(clean.shape)\n    level = random_levels(clean)\n    return (1 - level) ** 0.5 * clean + level ** 0.5 * noise, level", "the mix of other courses"),
        ("def make_question(clean):\n    noise = torch.rand(clean.shape)\n    level = torch.rand(len(clean), 1, 1, 1) / 2\n    return mix(clean, noise, level), level", "The levels only reach up to one half"),
        ("def make_question(clean):\n    l = random_levels(clean)\n    return mix(clean, torch.randn_like(clean), l), l", "Gaussian"),
    ],
    "Block": [
        ("class Block(nn.Module):\n    def __init__(self, w):\n        super().__init__()\n        self.a = conv(w, w)\n        self.b = conv(w, w, False)\n    def forward(self, x):\n        return x.data + self.b(F.relu(self.a(x)))", "cut off from its gradients"),
        ("class Block(nn.Module):\n    def __init__(self, w):\n        super().__init__()\n        self.a = conv(w, w)\n"
         "        self.b = conv(w, w, False)\n    def forward(self, x):\n        return self.b(F.relu(self.a(x)))", "not added"),
    ],
    "training_step": [
        ("def training_step(denoiser, optimizer, clean):\n    denoiser.train()\n    noisy, level = make_question(clean)\n    loss = F.mse_loss(denoiser(noisy, level), clean)\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss.item()", "The denoiser may be any function"),
        ("def training_step(denoiser, optimizer, clean):\n    noisy, level = make_question(clean)\n    loss = F.mse_loss(denoiser(noisy, level), clean)\n    optimizer.zero_grad()\n    loss.backward()\n    for group in optimizer.param_groups:\n        for p in group['params']:\n            p.data -= group['lr'] * p.grad\n    return loss.item()", "The optimizer never steps"),
        ("def training_step(denoiser, optimizer, clean):\n    level = torch.rand(len(clean), 1, 1, 1)\n    noisy = mix(clean, torch.rand_like(clean[:1]).expand_as(clean), level)\n    loss = F.mse_loss(denoiser(noisy, level), clean)\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss.item()", "The noise is the same in all pictures"),
        ("def training_step(denoiser, optimizer, clean):\n    level = torch.linspace(0.1, 0.9, len(clean)).view(-1, 1, 1, 1)\n    noisy = mix(clean, torch.rand_like(clean), level)\n    loss = F.mse_loss(denoiser(noisy, level), clean)\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss.item()", "yours only run from 0.1 to 0.9"),
        ("def training_step(d, o, clean):\n    x, l = make_question(clean)\n    loss = F.mse_loss(d(x, l), clean)\n"
         "    loss.backward()\n    o.step()\n    return loss.item()", "pile up"),
        ("def training_step(d, o, clean):\n    x, l = make_question(clean)\n    loss = F.mse_loss(d(x, l), clean)\n"
         "    o.zero_grad()\n    loss.backward()\n    o.step()", "The loss is not returned"),
    ],
    "update_average": [
        ("def update_average(average, denoiser, n):\n    for p, q in zip(average.parameters(), denoiser.parameters()):\n"
         "        p = min(0.95, n / 10) * p + (1 - min(0.95, n / 10)) * q", "only moves a name"),
    ],
    "sample": [
        ("@torch.no_grad()\ndef sample(denoiser, noise, steps=100, stretch=2.0):\n    x, old = noise, None\n"
         "    for now, next in pairwise(torch.linspace(1, 0, steps + 1)):\n        g = denoiser(x, now.expand(len(x), 1, 1, 1))\n"
         "        if old is not None:\n            g = old + stretch * (g - old)\n        x = step(x, g, now, next)\n        old = g\n"
         "    return x.clamp(0, 1)", "remember the raw one"),
        ("@torch.no_grad()\ndef sample(denoiser, noise, steps=100, stretch=2.0):\n    x = noise\n"
         "    for now, next in pairwise(torch.linspace(1, 0, steps + 1)):\n        x = step(x, denoiser(x, now), now, next)\n"
         "    return x.clamp(0, 1)", "told a bare number"),
    ],
    "nearest": [
        ("def nearest(pictures, known):\n    return torch.cdist(pictures.flatten(1), known.flatten(1)).min(dim=1)", "their mirror images are not"),
        ("def nearest(pictures, known):\n    return torch.cdist(pictures, known).min(dim=1)", "two tensors do not fit"),
    ],
    "copies": [
        ("def copies(drawn, known, fresh):\n    return (nearest(drawn, known)[0] < 0.05).float().mean()", "fixed number"),
        ("def copies(drawn, known, fresh):\n    return (nearest(drawn, known) < 0.05).float().mean()", "tuple"),
    ],
    "shares": [
        ("def shares(kinds, count):\n    return kinds.bincount() / len(kinds)", "Kinds that never occur are left out"),
        ("def shares(kinds, count):\n    return torch.histc(kinds, count) / len(kinds)", "not made for whole numbers"),
        ("def shares(kinds, count):\n    return torch.bincount(kinds, minlength=count) / 40", "Your shares add up to 0."),
    ],
    "frechet_distance": [
        ("def frechet_distance(one, other):\n    return ((one.mean(0) - other.mean(0)) ** 2).sum().item()", "Only the means count"),
        ("def frechet_distance(one, other):\n    return (one - other).square().sum().item()", "compare means and covariances, not points"),
        ("def frechet_distance(one, other):\n    return ((one.mean(0) - other.mean(0)).sum() / 0 * 0).item()", "The result is nan"),
    ],
}  # fmt: skip
BAD = [(name, *pair) for name, pairs in WRONG.items() for pair in pairs]


@pytest.mark.parametrize(("name", "text", "news"), BAD, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(BAD)])
def test_wrong_answers_hear_what_is_wrong(name, text, news, answer):
    for seed in range(3):
        verdict = judge(name, answer(name, text), seed)
        assert verdict.state == FAILED
        assert news in verdict.news


STEADY = [(name, text) for name, text, _ in BAD if name in ("make_question", "random_levels", "mix", "loss_by_level")]


@pytest.mark.parametrize(("name", "text"), STEADY, ids=[f"{name}-{i}" for i, (name, _) in enumerate(STEADY)])
def test_the_same_answer_hears_the_same_sentence_whatever_the_seed(name, text, answer):
    wrong = answer(name, text)
    assert len({judge(name, wrong, seed).news for seed in range(100, 108)}) == 1


def test_a_network_of_other_layers_is_told_in_a_few_words(answer):
    text = solution(*find_exercise("Denoiser")).replace("Stage(above, below, depth)", "Stage(above, below, depth + 1)")
    verdict = judge("Denoiser", answer("Denoiser", text), 0)
    assert "Not all of its weights are what they should be: too many 8x8x3x3, 8x8x3x3" in verdict.news
    assert len(verdict.news + verdict.symptom) < 500
