"""Right answers pass, however they are written."""

import pytest

from dino.course.judge import PASSED, judge

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
ODD = [(name, text) for name, texts in UNUSUAL.items() for text in texts]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "text"), ODD, ids=[f"{name}-{i}" for i, (name, _) in enumerate(ODD)])
def test_right_answers_pass_however_they_are_written(name, text, answer):
    for seed in range(3):
        verdict = judge(name, answer(name, text), seed)
        assert verdict.state == PASSED, (verdict.news, verdict.symptom)
