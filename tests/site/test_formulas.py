"""Exercises that are done in the page, by a reader with nothing but a browser: judged as Python judges them."""

import gzip
import inspect
import json
import re
import sys

import numpy as np
import pytest
import torch

from dino.course.chapters import chapters, find_exercise
from dino.course.checks import check_for
from dino.course.checks.mistakes import mistaken
from dino.course.judge.runner import judge
from dino.course.judge.trial import make_claims
from dino.course.judge.verdict import PASSED
from dino.course.site.build import page_noise
from dino.course.site.formulas import FORMULAS, PYTHON, TORCH, exported
from dino.data import dinosaurs, load
from dino.noise import mix
from tests.site.test_browser import NARROW, pixels

# Answers as people write them, beside those in the bank: right in Python, or wrong.
RIGHT = {
    "mix": """
        (1 - level) * clean + level * noise
        clean * (1 - level) + noise * level
        level*noise+(1-level)*clean
        clean + level * (noise - clean)
        clean - level * (clean - noise)
        clean - level * clean + level * noise
        noise + (1 - level) * (clean - noise)
        noise * level + clean - clean * level
        torch.lerp(clean, noise, level)
        clean.lerp(noise, level)
        noise.lerp(clean, 1 - level)
        torch.lerp(noise, clean, 1 - level)
        -(level - 1) * clean + level * noise
        ((1. - level) * clean) + ((level) * noise)
        +clean * (1.0 - level) + +noise * level
        (2 * clean - 2 * level * clean + 2 * level * noise) / 2
        clean ** 1 * (1 - level) + noise * level ** 1.0
        (1 - level).clone() * clean + torch.clone(level) * noise
        (1 - level) * clean + level * noise.clamp(0, 1)
        (1 - level) * clean + level * torch.abs(noise)
        (1 - level)[:, :1] * clean + level[:, :, None, 0] * noise
        clean * (1e0 - level) + 10e-1 * noise * level
        torch.minimum(clean, clean) * (1 - level) + torch.maximum(noise, noise) * level
        return (1 - level) * clean + level * noise
    """,
    "step": """
        picture * (next / now) + guess * (1 - next / now)
        guess + (picture - guess) * next / now
        picture * next / now + guess * (now - next) / now
        (picture * next + guess * (now - next)) / now
        picture + (guess - picture) * (now - next) / now
        torch.lerp(guess, picture, next / now)
    """,
    "sample": """
        previous + stretch * (raw - previous)
        stretch * raw + (1 - stretch) * previous
        raw + (stretch - 1) * (raw - previous)
        previous.lerp(raw, stretch)
    """,
    "begin_from": """
        mix(picture, noise, strength)
        (1 - strength) * picture + strength * noise
        picture + strength * (noise - picture)
        picture.lerp(noise, strength)
    """,
    "keep_known": """
        known * picture + (1 - known) * guess
        torch.where(known == 1, picture, guess)
        torch.where(known > 0.5, picture, guess)
        guess + known * (picture - guess)
        torch.where(~(known == 0), picture, guess)
        mix(guess, picture, known)
        guess.lerp(picture, known)
        picture.where(known == 1, guess)
        guess.where(known < 0.5, picture)
    """,
    "guide": """
        free + guidance * (told - free)
        guidance * told + (1 - guidance) * free
        told + (guidance - 1) * (told - free)
        free.lerp(told, guidance)
        free * (1 - guidance) + told * guidance
    """,
    "noise_of": """
        (noisy - (1 - level) * guess) / level
        noisy / level - (1 - level) / level * guess
        (noisy - guess) / level + guess
        guess - (guess - noisy) / level
    """,
    "velocity_of": """
        (noisy - guess) / level
        noisy / level - guess / level
        -(guess - noisy) / level
        (noisy - (1 - level) * guess) / level - guess
        level ** -1 * (noisy - guess)
    """,
}
WRONG = {
    "mix": """
        level
        1
        clean == noise
        0.3 * clean + 0.9 * level * noise
        (1 - level) * clean + level * noise + 0.01
        1 - ((1 - level) * clean + level * noise)
        clean * noise
        clean / noise
        (1 - level) * clean[:2] + level * noise
        (1 - float(level)) * clean + float(level) * noise
        torch.maximum((1 - level) * clean + level * noise, 0)
        (1 - round(level)) * clean + round(level) * noise
        (1 - level) * clean + level * noise + -(clean == noise)
        ((1 - level) * clean + level * noise) == 0
        level.sqrt() * clean + (1 - level) * noise
    """,
    "step": """
        picture * now / next
        picture - guess
        now
    """,
    "keep_known": """
        known
        torch.where(known, picture, guess)
        (known == 1).where(picture, guess)
        guess - known * (picture - guess)
        (known * picture + (1 - known) * guess) / (1 + known)
        picture - known * guess + guess
        torch.minimum(known * picture, guess)
    """,
    "guide": """
        guidance
        told * free
        free + guidance * (told - free) / 3
    """,
    "velocity_of": """
        (noisy + guess) / level + 1
        noisy * level - guess
    """,
}


def lines(texts):
    return [line.strip() for line in texts.strip().splitlines()]


def answer(name, text):
    """The answer to an exercise that has the formula in its place."""
    chapter, _ = find_exercise(name)
    reference = check_for(chapter.topic, name).reference
    text = text.removeprefix("return ")
    if passage := FORMULAS[name].passage:
        return mistaken(reference, {passage: f"({text})"})
    space = dict(vars(sys.modules[reference.__module__]))
    exec(f"def {name}({', '.join(inspect.signature(reference).parameters)}):\n    return {text}\n", space)
    return space[name]


@pytest.fixture(scope="module")
def page(browser, address):
    """The first chapter, open all the time."""
    page = browser.new_page()
    page.goto(f"{address}/chapters/01_noise/", wait_until="networkidle")
    yield page
    page.close()


@pytest.fixture(scope="module")
def judged(page):
    """Judges formulas in a page."""

    def verdicts(name, texts):
        script = """async ([name, texts]) => {
            const { Exercise, loadScenes } = await import("/live/formula.js");
            const given = await (await fetch(`/live/formula-${name}.json`)).json();
            const exercise = new Exercise(given, await loadScenes());
            return texts.map((text) => {
                try {
                    const { passed, news } = exercise.judge(text.replace("return ", ""));
                    return [passed, news];
                } catch (error) {
                    return [false, error.message];
                }
            });
        }"""
        return page.evaluate(script, [name, texts])

    return verdicts


@pytest.mark.parametrize("name", FORMULAS)
def test_every_mistake_is_named_in_the_page_as_python_names_it(judged, name):
    mistakes = [
        (why, text) for why, texts in json.loads(exported(FORMULAS[name]))["mistakes"].items() for text in texts
    ]
    assert len(mistakes) >= {"mix": 38, "sample": 8, "begin_from": 11}.get(name, 20)
    for (why, text), (passed, news) in zip(mistakes, judged(name, [text for _, text in mistakes]), strict=True):
        verdict = judge(name, answer(name, text))
        assert (passed, news) == (verdict.state == PASSED, verdict.news), text
        assert news == why


@pytest.mark.parametrize("name", FORMULAS)
def test_a_right_formula_passes_in_any_form_and_a_wrong_one_does_not(judged, name):
    right, wrong = lines(RIGHT[name]), lines(WRONG.get(name, ""))
    for text, (passed, news) in zip(right + wrong, judged(name, right + wrong), strict=True):
        assert passed == (text in right), f"{text}: {news}"
        verdict = judge(name, answer(name, text))
        assert (verdict.state == PASSED) == passed, f"{text}: {verdict}"
        # The page has fewer claims, and so may say "perhaps" of another one; but it is sure of no mistake that Python is not sure of.
        assert news == verdict.news or news not in dict(check_for(find_exercise(name)[0].topic, name).wrong_answers)


def test_the_build_and_the_page_know_the_same_functions(page):
    known = page.evaluate("async () => (await import('/live/arithmetic.js')).KNOWN")
    assert (set(known["torch"]), set(known["python"])) == (TORCH, PYTHON)


def test_the_number_of_exercises_to_do_in_the_page_is_told():
    assert len(FORMULAS) == 8, "tell the new number to docs/begin.md, docs/changelog.md and this test"


def test_all_mistakes_of_mix_that_return_something_are_formulas():
    every = check_for("noise", "mix").wrong_answers
    told = json.loads(exported(FORMULAS["mix"]))["mistakes"]
    assert {why for why, _ in every} - told.keys() == {"Nothing is returned: is the `return` missing?"}


@pytest.mark.parametrize("name", [name for name, formula in FORMULAS.items() if not formula.passage])
def test_what_has_to_hold_in_the_page_is_said_by_the_check_too(name):
    check = check_for(find_exercise(name)[0].topic, name)
    says = {claim.says for claim in make_claims(check, check.reference, seed=0)}
    told = json.loads(exported(FORMULAS[name]))
    assert says >= told["claims"].keys()
    assert len(told["claims"]) > told["first"]


@pytest.mark.parametrize(
    "text",
    [
        "a + b * 2 - c / 4",
        "-a ** 2 ** 0.5",
        "2 ** -1 * a",
        "a - b - c",
        "a / b / c",
        "a[0] + a[-1]",
        "a[:, 1:] * a[1:, None, :1]",
        "a[-1:, :-1]",
        "b.flatten()[:, None, None] * c",
        "(b.flatten() > 0.5)[:, None, None] * c[0, 0]",
        "torch.where(a[0, 0] <= c[0, 0], a[0, 0], 1.5)",
        "(a == a) * 3",
        "(a > 0.5) + (a > 0.7) * (a < 0.9)",
        "a.where(a > 0.5, b)",
        "~(a >= 0.4)",
        "a.clamp(0.2, 0.4) + torch.clamp(b, max=0.5).mean() - c.clamp(min=0.3).min()",
        "(10 * a).round() - torch.round(10 * b)",
        "torch.lerp(a, b, n) + b.lerp(b, 0.3)",
        "torch.exp(a) * a.log() + a.square() / a.abs().sqrt()",
        "torch.maximum(a, b) - b.minimum(a).max()",
        "min(g, 1.0) * a + max(1, g, 2) + round(g) + abs(-g) + int(g) + float(g)",
        "mix(a, b, 0.3)",
        "a.mean() ** g",
        "n * 3 - g",
        "(g - 3) ** 2 / 7",
    ],
)
def test_formulas_are_worked_out_as_torch_does(page, text):
    values = {"a": torch.rand(2, 3, 4, 1), "b": torch.rand(2, 1, 1, 1), "c": torch.rand(1, 1, 4, 5)}
    values |= {"n": torch.tensor(0.7), "g": 2.5}
    given = {
        name: [list(value.shape), value.flatten().tolist()] if isinstance(value, torch.Tensor) else value
        for name, value in values.items()
    }
    script = """async ([text, given]) => {
        const { formula, tensor } = await import("/live/arithmetic.js");
        const values = Object.fromEntries(
            Object.entries(given).map(([name, value]) => [name, Array.isArray(value) ? tensor(...value) : value]),
        );
        const result = formula(text, Object.keys(values))(values);
        return typeof result === "number" ? result : [result.shape, Array.from(result.data)];
    }"""
    ours = page.evaluate(script, [text, given])
    theirs = eval(text, {"torch": torch, "mix": mix, **values})
    if isinstance(theirs, torch.Tensor):
        assert ours[0] == list(theirs.shape)
        torch.testing.assert_close(torch.tensor(ours[1]).float(), theirs.flatten().float(), atol=1e-5, rtol=1e-5)
    else:
        assert ours == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Write the formula first."),
        ("(1 - level * clean", "A bracket ( is not closed: ) is missing."),
        ("(1 - level)) * clean", "There is a ) too many, or something is missing in front of it."),
        ("level * nois", "There is no nois here. There is clean, noise, level."),
        ("2 level", "Something is missing between 2 and level: for times, write *."),
        ("(1 - level) clean", "Something is missing between ) and clean: for times, write *."),
        ("level(1 - clean)", "level is no function: for times, write level * (…)."),
        ("level ^ 2", "For a power, Python writes **, not ^."),
        ("level \N{MULTIPLICATION SIGN} noise", "For times, Python writes *."),
        ("x = level", "There is no x here. There is clean, noise, level."),
        ("level = 1", "A formula needs no =: write only what comes after it, or after return."),
        ("clean +", "Something is missing after +."),
        ("* clean", "A formula cannot begin with *."),
        ("sqrt(level)", "Python has no sqrt of its own: write torch.sqrt(…)."),
        ("level.foo()", "This page knows no foo. It knows abs, clamp,"),
        ("torch.sqrt(2)", "torch.sqrt needs tensors, and gets a plain number."),
        ("clean * level.flatten()", "The shapes (4, 3, 32, 32) and (4,) do not fit together."),
        ("clean // 2", "// cuts off what comes after the point: divide with /."),
        ("1 / 0", "A number is divided by zero."),
        ("clean.lerp(noise)", "lerp works on 3 values here, and gets 2."),
        ("torch.lerp(clean, noise, weight=level)", "Leave out weight=, and give lerp its values in their order."),
        ("clean.mean(3)", "mean works on 1 value here, and gets 2."),
        ("clean.lerp(1, level)", "torch.lerp needs tensors, and gets a plain number."),
        ("torch.where(level, clean, noise)", "torch.where(…) begins with a condition, such as … == 1."),
        ("clean if level < 1 else noise", "A formula of this page does without if."),
        ("clean.flatten()[:, None] * noise.flatten()", "A tensor of shape (12288, 12288) is too large for this page."),
        ("clean[5:2].max()", "There is nothing in this tensor, so it has no mean, min or max."),
        ("level[]", "There is nothing in the square brackets."),
        ("level[0.5]", "Square brackets want whole numbers, not 0.5."),
        ("torch.clamp(clean, min=0, 1)", "What has a name comes last in the brackets of a call."),
        ("torch.clamp(clean)", "clamp wants a minimum, a maximum, or both."),
        ("level[7]", "There is no number 7 along a side of 4."),
        ("level", "Its shape should be (4, 3, 32, 32), yours is (4, 1, 1, 1)."),
        ("0.5", "It should be a tensor, yours is a plain number."),
        ("clean == noise", "✗ Not true yet: Level 0 leaves the clean pictures."),
        ("clean == noise", "It should hold numbers, yours holds true and false."),
        ("(clean - 2) ** 0.5", "numbers are nan (not a number)."),
    ],
)
def test_what_cannot_be_worked_out_is_said_in_a_sentence(page, text, says):
    box = page.locator("dino-formula[exercise=mix]")
    box.locator("input").fill(text)
    box.locator("input").press("Enter")
    box.locator("[data-state=failed]", has_text=says).wait_for()
    assert box.get_by_text("This is the line for your chapter").count() == 0


def tap(box, *names):
    for name in names:
        box.get_by_role("button", name=name, exact=True).tap()


def test_on_a_phone_mix_is_written_with_thumbs_alone_and_stays_solved(reader):
    page = reader("chapters/01_noise/", viewport=NARROW, has_touch=True)
    box = page.locator("dino-formula[exercise=mix]")
    tap(box, "bracket", "one", "minus", "level", "closing bracket", "times", "clean", "plus", "two", "delete", "level")
    assert box.locator("input").input_value() == "(1 - level) * clean + level"
    # No tap has opened the phone's own keyboard, which would cover half of the page.
    assert page.evaluate("document.activeElement.tagName") != "INPUT"
    tap(box, "Check")
    box.locator("[data-state=failed]").wait_for()
    tap(box, "times", "noise", "Check")
    box.locator("[data-state=passed]", has_text="✓ All 4 claims hold.").wait_for()
    assert box.locator(".paste code").inner_text() == "return (1 - level) * clean + level * noise"
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    page.reload()
    box.locator("[data-state=passed]").wait_for()
    assert box.locator("input").input_value() == "(1 - level) * clean + level * noise"


def test_the_line_to_paste_is_the_one_of_the_lesson(reader):
    page = reader("chapters/04_sampling/")
    box = page.locator("dino-formula[exercise=sample]")
    box.locator("input").fill("raw + (stretch - 1) * (raw - previous)")
    box.locator("input").press("Enter")
    line = "guess = raw if previous is None else raw + (stretch - 1) * (raw - previous)"
    assert box.locator(".paste code").inner_text() == line
    # The whole line may be written as well.
    box.locator("input").fill(line.replace("raw + (stretch - 1)", "raw - (1 - stretch)"))
    box.locator("input").press("Enter")
    assert "raw - (1 - stretch)" in box.locator(".paste code").inner_text()


def test_pictures_show_what_is_expected_and_what_comes_out_at_once(reader):
    page = reader("chapters/01_noise/")
    box = page.locator("dino-formula[exercise=mix]")
    box.locator("input").fill("0.5 * clean + 0.5 * noise")
    clean, noise = load(dinosaurs(12, seed=1))[0], page_noise(1)
    for name, level in {"expected": 0.35, "yours": 0.5}.items():
        seen = pixels(page, f'dino-formula[exercise=mix] canvas[aria-label="{name}, picture 1"]')
        due = 255 * mix(clean, noise, torch.tensor(level)).permute(1, 2, 0).numpy()
        assert np.abs(seen - due).max() <= 1
    gap = 0.15 * (noise - clean).permute(1, 2, 0).numpy()
    times = int(re.search(r"(\d+) \(", box.get_by_text("difference").inner_text())[1])
    seen = pixels(page, 'dino-formula[exercise=mix] canvas[aria-label="difference, picture 1"]')
    assert np.abs(seen - 255 * (0.5 + times * gap / 2)).max() <= 1
    box.locator("input").fill("0.5 * clean +")  # half a formula leaves the pictures as they are
    assert (pixels(page, 'dino-formula[exercise=mix] canvas[aria-label="difference, picture 1"]') == seen).all()


def test_a_page_gets_no_heavier_than_25_kilobytes(site):
    def weight(name):
        return len(gzip.compress((site / "live" / name).read_bytes()))

    for chapter in chapters():
        own = [exercise.name for exercise in chapter.exercises if exercise.name in FORMULAS]
        files = ["arithmetic.js", "formula.js", *(f"formula-{name}.json" for name in own)]
        assert sum(map(weight, files)) < 25_000
