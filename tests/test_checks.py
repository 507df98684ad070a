"""The checker, checked: stubs are kindly told so, right answers pass however they are written, wrong ones are named."""

import re

import pytest
import torch

from dino.course.answers import load
from dino.course.chapters import chapters, solved
from dino.course.claims import Claim, check_for
from dino.course.judge import FAILED, NOT_STARTED, PASSED, find_mistake, judge, judge_file, outcome

EXERCISES = [(chapter, exercise.name) for chapter in chapters() for exercise in chapter.exercises]
by_name = pytest.mark.parametrize(("chapter", "name"), EXERCISES, ids=[name for _, name in EXERCISES])
MISTAKES = [
    (chapter, name, sentence) for chapter, name in EXERCISES for sentence in check_for(chapter.topic, name).mistakes
]


@pytest.fixture
def answer(tmp_path):
    """Make an answer of a text that stands in a solved chapter, as a learner's would."""

    def write(chapter, name, text=None):
        source = solved(chapter)
        if text is not None:
            cell = re.compile(rf'^# %% tags=\["exercise"\]\n(?:@.*\n)*(?:def|class) {name}\b.*?(?=^# %%)', re.M | re.S)
            source, count = cell.subn(lambda _: f'# %% tags=["exercise"]\n{text}\n\n', source)
            assert count == 1
        path = tmp_path / chapter.path.name
        path.write_text(source)
        return load(path).names[name]

    return write


@by_name
def test_a_stub_is_not_started_and_not_failed(chapter, name):
    verdict = judge(name, load(chapter.path).names[name])
    assert verdict.state == NOT_STARTED
    assert verdict.news.endswith("is yours to write.")


@by_name
def test_the_reference_passes_over_20_seeds(chapter, name, answer):
    right = answer(chapter, name)
    for seed in range(20):
        verdict = judge(name, right, seed)
        assert verdict.state == PASSED, (seed, verdict.news, verdict.symptom)


@pytest.mark.parametrize(
    ("chapter", "name", "sentence"), MISTAKES, ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(MISTAKES)]
)
def test_each_mistake_is_called_by_its_own_name(chapter, name, sentence):
    check = check_for(chapter.topic, name)
    for seed in range(3):
        results = outcome(check, check.mistakes[sentence], seed)
        assert any(not isinstance(result, Claim) or result.symptom() for result in results), "it passes"
        assert find_mistake(check, check.mistakes[sentence], seed) == sentence


def test_no_two_mistakes_share_a_sentence_and_every_exercise_has_two_hints():
    sentences = [(name, sentence) for _, name, sentence in MISTAKES]
    assert len(set(sentences)) == len(sentences)
    for chapter, name in EXERCISES:
        first, second = check_for(chapter.topic, name).hints
        assert first != second


UNUSUAL = {
    "mix": [
        "def mix(clean, noise, level):\n    return torch.lerp(clean, noise, level)",
        "def mix(clean, noise, level):\n    out = clean.clone()\n    out *= 1 - level\n    out += noise * level\n    return out",
        "def mix(clean, noise, level):\n    return torch.stack([c + l * (n - c) for c, n, l in zip(clean, noise, level)])",
    ],
    "random_levels": [
        "def random_levels(clean):\n    return torch.empty(clean.shape[0]).uniform_()[:, None, None, None]",
        "def random_levels(clean):\n    return 1 - torch.rand_like(clean[:, :1, :1, :1])",
    ],
    "make_question": [
        "def make_question(clean):\n    noise = torch.rand(clean.shape)\n    level = random_levels(clean)\n"
        "    return [clean + (noise - clean) * level, level]",
    ],
    "best_guess": [
        "def best_guess(noisy, level, images):\n    kept = []\n    for image in images:\n"
        "        noise = (noisy - (1 - level) * image) / level\n"
        "        if noise.min() >= -1e-5 and noise.max() <= 1 + 1e-5:\n            kept.append(image)\n"
        "    return sum(kept) / len(kept)",
    ],
    "Block": [
        "class Block(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.z = nn.Conv2d(width, width, 3, padding='same', bias=False)\n"
        "        self.a = nn.Conv2d(width, width, (3, 3), padding=1)\n\n    def forward(self, x):\n"
        "        h = self.z(torch.relu(self.a(x)))\n        h += x\n        return h",
    ],
    "training_step": [
        "def training_step(denoiser, optimizer, clean):\n    optimizer.zero_grad(set_to_none=False)\n"
        "    x, l = make_question(clean)\n    loss = (clean - denoiser(x, l)).pow(2).mean()\n    loss.backward()\n"
        "    optimizer.step()\n    return loss",
        "def training_step(denoiser, optimizer, clean):\n    noise, l = torch.rand_like(clean), torch.rand(len(clean), 1, 1, 1)\n"
        "    loss = F.mse_loss(denoiser(mix(clean, noise, l), l), clean)\n    loss.backward()\n"
        "    optimizer.step()\n    optimizer.zero_grad()\n    return loss.item()",
    ],
    "update_average": [
        "def update_average(average, denoiser, n):\n    a = min(0.95, n / 10)\n"
        "    state = {k: a * v + (1 - a) * denoiser.state_dict()[k] for k, v in average.state_dict().items()}\n"
        "    average.load_state_dict(state)",
        "def update_average(average, denoiser, n):\n    for p, q in zip(average.parameters(), denoiser.parameters()):\n"
        "        p.data.lerp_(q.data, 1 - min(n / 10, 0.95))",
    ],
    "loss_by_level": [
        "@torch.inference_mode()\ndef loss_by_level(denoiser, clean, levels):\n    out = torch.zeros(len(levels))\n"
        "    for i in range(len(levels)):\n        l = torch.ones(len(clean), 1, 1, 1) * levels[i]\n"
        "        out[i] = ((denoiser((1 - l) * clean + l * torch.rand(clean.shape), l) - clean) ** 2).mean()\n    return out",
    ],
    "step": [
        "def step(picture, guess, now, next):\n    return guess + (picture - guess) * next / now",
        "def step(picture, guess, now, next):\n    noise = (picture - (1 - now) * guess) / now\n"
        "    return (1 - next) * guess + next * noise",
    ],
    "sample": [
        "def sample(denoiser, noise, steps=100, stretch=2.0):\n    x, old = noise.clone(), None\n"
        "    for i in range(steps, 0, -1):\n        with torch.no_grad():\n"
        "            raw = denoiser(x, torch.full((x.shape[0], 1, 1, 1), i / steps))\n"
        "        old = raw if old is None else old\n        d = old + (raw - old) * stretch\n"
        "        x = d + (x - d) * ((i - 1) / i)\n        old = raw\n    return torch.clip(x, min=0, max=1)",
    ],
}
ODD = [(chapter, name, text) for chapter, name in EXERCISES for text in UNUSUAL.get(name, [])]


@pytest.mark.parametrize(("chapter", "name", "text"), ODD, ids=[f"{name}-{i}" for i, (_, name, _) in enumerate(ODD)])
def test_right_answers_pass_however_they_are_written(chapter, name, text, answer):
    for seed in range(3):
        verdict = judge(name, answer(chapter, name, text), seed)
        assert verdict.state == PASSED, (verdict.news, verdict.symptom)


# Wrong answers as a learner types them, and a piece of the news that they should get.
WRONG = {
    "mix": [
        ("def mix(clean, noise, level):\n    return clean * level + noise * (1 - level)", "blend is swapped"),
        ("def mix(clean, noise, level):\n    (1 - level) * clean + level * noise", "Level 0 leaves the clean"),
        ("def mix(clean, noise, level):\n    return clean + noise * 3", "Level 0 leaves the clean"),
        ("def mix(clean, noise, level):\n    clean *= 1 - level\n    clean += level * noise\n    return clean", "It changes `clean` itself"),
        ("def mix(clean, noise, level):\n    return clean @ noise", "stops with RuntimeError"),
    ],
    "random_levels": [
        ("def random_levels(clean):\n    return torch.rand(len(clean), 1, 1)", "shape"),
        ("def random_levels(clean):\n    return 0.5 + torch.rand(len(clean), 1, 1, 1) / 2", "lies below"),
    ],
    "make_question": [
        ("def make_question(clean):\n    l = random_levels(clean)\n    return mix(clean, torch.randn_like(clean), l), l", "Gaussian"),
    ],
    "Block": [
        ("class Block(nn.Module):\n    def __init__(self, w):\n        super().__init__()\n        self.a = conv(w, w)\n"
         "        self.b = conv(w, w, False)\n    def forward(self, x):\n        return self.b(F.relu(self.a(x)))", "not added"),
    ],
    "training_step": [
        ("def training_step(d, o, clean):\n    x, l = make_question(clean)\n    loss = F.mse_loss(d(x, l), clean)\n"
         "    loss.backward()\n    o.step()\n    return loss.item()", "pile up"),
        ("def training_step(d, o, clean):\n    x, l = make_question(clean)\n    loss = F.mse_loss(d(x, l), clean)\n"
         "    o.zero_grad()\n    loss.backward()\n    o.step()", "The loss is the mean squared error"),
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
         "    return x.clamp(0, 1)", "one level per picture"),
    ],
}  # fmt: skip
BAD = [(chapter, name, *pair) for chapter, name in EXERCISES for pair in WRONG.get(name, [])]


@pytest.mark.parametrize(
    ("chapter", "name", "text", "news"), BAD, ids=[f"{name}-{i}" for i, (_, name, *_) in enumerate(BAD)]
)
def test_wrong_answers_hear_what_is_wrong(chapter, name, text, news, answer):
    for seed in range(3):
        verdict = judge(name, answer(chapter, name, text), seed)
        assert verdict.state == FAILED
        assert news in verdict.news


@by_name
def test_the_reference_itself_is_refused(chapter, name, tmp_path):
    module = f"dino.{chapter.topic}"
    copies = [f"from {module} import {name}", f"import {module} as lesson\n{name} = lesson.{name}"]
    if name[0].isupper():
        copies.append(f"import {module} as lesson\nclass {name}(lesson.{name}):\n    pass")
    else:
        copies.append(f"import {module} as lesson\ndef {name}(*args, **more):\n    return lesson.{name}(*args, **more)")
    for text in copies:
        path = tmp_path / chapter.path.name
        path.write_text(text)
        verdict = judge(name, load(path).names[name])
        assert verdict.state == FAILED
        assert "library's own" in verdict.news


def test_a_picture_shows_expected_and_yours_when_pictures_are_wrong(answer):
    wrong = answer(chapters()[0], "mix", "def mix(clean, noise, level):\n    return noise + 0 * level")
    expected, yours = judge("mix", wrong).pictures
    assert expected.shape == yours.shape == (5, 3, 28, 24)
    short = answer(chapters()[0], "mix", "def mix(clean, noise, level):\n    return noise[:2]")
    verdict = judge("mix", short)
    assert verdict.pictures is None
    assert "Its shape should be (5, 3, 28, 24), yours is (2, 3, 28, 24)" in verdict.symptom


@pytest.mark.parametrize(
    ("yours", "expected", "symptom"),
    [
        (None, torch.zeros(2), "Is the `return` missing?"),
        ([0.0], torch.zeros(1), "It should be a tensor, yours is a list."),
        (torch.zeros(3, 1), torch.zeros(3), "Its shape should be (3,), yours is (3, 1)."),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3), "It should hold floats"),
        (torch.tensor([0.0, float("nan")]), torch.zeros(2), "1 of its 2 numbers are nan"),
        (torch.tensor([0.0, 0.5]), torch.zeros(2), "At [1] it should be 0, yours is 0.5."),
        (0.3, 0.2, "It should be 0.2, yours is 0.3."),
        (float("nan"), 0.2, "It should be 0.2, yours is nan."),
        ((1, 2), (1, 3), "It should be (1, 3), yours is (1, 2)."),
    ],
)
def test_a_symptom_is_told_in_numbers(yours, expected, symptom):
    assert symptom in Claim("", yours, expected).symptom()


def test_a_close_result_of_another_float_type_is_right():
    assert Claim("", torch.ones(2, dtype=torch.float64) + 1e-6, torch.ones(2)).symptom() is None
    assert Claim("", torch.ones(4, 2).t(), torch.ones(2, 4)).symptom() is None
    assert Claim("", torch.tensor(0.5), 0.5).symptom() is None


def test_judging_leaves_the_dice_alone(answer):
    right = answer(chapters()[0], "make_question")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    judge("make_question", right)
    assert torch.equal(torch.rand(3), expected)


def test_only_imports_and_definitions_are_run(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(
        "import torch\nraise SystemExit\nx = open('never')\nlimit = 3\nprint('never')\ndef mix(a, b, c):\n    return limit\n"
    )
    assert load(path).names["mix"](1, 2, 3) == 3
    assert "x" not in load(path).names


def test_a_broken_cell_is_named_and_does_not_spoil_the_others(tmp_path):
    text = solved(chapters()[0])
    assert text.count("return (1 - level) * clean") == 1
    path = tmp_path / "01_noise.py"
    path.write_text(text.replace("return (1 - level) * clean", "return (1 - level * clean"))
    line = 1 + path.read_text().split("return (1 - level * clean")[0].count("\n")
    first, *others = judge_file(path, chapters()[0])
    assert first.state == FAILED
    assert f"01_noise.py, line {line} is not Python yet" in first.news
    assert [verdict.state for verdict in others] == [PASSED, PASSED]


def test_a_renamed_or_deleted_exercise_is_missed(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(solved(chapters()[0]).replace("def mix(", "def blend("))
    first, *_ = judge_file(path, chapters()[0])
    assert first.state == FAILED
    assert "There is no mix in 01_noise.py. Was it renamed or deleted?" in first.news


def test_an_error_is_told_with_its_line(tmp_path):
    path = tmp_path / "01_noise.py"
    path.write_text(
        "import torch\n\n# %%\ndef mix(clean, noise, level):\n    wrong = clean[:, :2]\n    return wrong + noise\n"
    )
    verdict, *_ = judge_file(path, chapters()[0])
    assert "01_noise.py, line 6 (`return wrong + noise`) stops with RuntimeError" in verdict.news
