"""The README and the site: what they name exists, and the site builds without a warning."""

import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections import Counter
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from textwrap import indent

import pytest
import torch
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader
from PIL import Image
from torch import nn

from dino.course.chapters import chapters, exercise_names, find_exercise
from dino.course.checks import check_for
from dino.course.cli import cli
from dino.course.site import build
from dino.course.site.pages import minutes
from dino.course.train.classic import SETTINGS, ClassicRun
from dino.denoiser import Block, Denoiser, Pool, conv
from dino.sampling import sample
from dino.training import Run, train

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_in_the_readme_and_contributing_lead_somewhere():
    for path in (ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
            if not target.startswith("https://"):
                assert (path.parent / target).exists(), target


def test_the_readme_names_all_chapters_exercises_and_commands():
    for chapter in chapters():
        assert f"{chapter.title}](chapters/{chapter.path.name})" in README
        for exercise in chapter.exercises:
            assert f"`{exercise.name}`" in README
    assert set(re.findall(r"^\| `dino (\w+)", README, re.MULTILINE)) == set(cli.commands)


def test_the_first_pages_count_chapters_exercises_and_wrong_answers_as_they_are():
    front = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    counts = len(chapters()), len(exercise_names())
    assert counts == (9, 33), "tell the new numbers to README.md, docs/index.md, mkdocs.yml and this test"
    assert "in 33 exercises" in README and "\n- **You learn by yourself.** Nine chapters" in README
    assert "Nine chapters and thirty-three exercises" in front
    assert "nine chapters, 33 exercises" in (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    checks = [check_for(chapter.topic, exercise.name) for chapter in chapters() for exercise in chapter.exercises]
    given = [one for check in checks for one in check.mistakes.values()]
    known = sum(len(one) if isinstance(one, tuple) else 1 for one in given)
    for text in (README, front):
        (told,) = re.findall(r"(\d+) wrong answers", text)
        assert known - 100 < int(told) <= known


def test_the_readme_s_commands_are_those_that_ci_runs():
    commands = re.findall(r"<!-- (\w+) -->\n```sh\n(.+?)\n```", README, re.DOTALL)
    assert [name for name, _ in commands] == ["start", "test"]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for name, command in commands:
        assert f"$(readme {name})" in ci
        assert command.startswith("python3 -m venv .venv &&\n.venv/bin/pip install -c tests/constraints.txt -e ")
        assert max(map(len, command.splitlines())) < 72  # none is cut off


def test_the_site_and_the_container_in_a_browser_begin_as_the_readme_does():
    (start,) = re.findall(r"<!-- start -->\n```sh\n(.+?)\n```", README, re.DOTALL)
    assert indent(start, " " * 4) in (ROOT / "docs" / "begin.md").read_text(encoding="utf-8")
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == " ".join(start.split()).replace('"', "'")


def test_the_readme_and_the_page_for_teachers_tell_how_long_chapters_take():
    times = [minutes(chapter) for chapter in chapters()]
    (hours,) = re.findall(r"Nine chapters, about (\w+) hours in all", README)
    assert abs(60 * {"eight": 8, "nine": 9}[hours] - sum(times)) < 40
    assert 20 < times[0] < 40 and 60 < times[4] < 90
    assert "from half an hour for the first to more than an hour" in (ROOT / "docs" / "teaching.md").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "dino").glob("[!_]*.py")), ids=lambda path: path.stem)
def test_the_examples_in_docstrings_give_what_they_say(path):
    result = doctest.testmod(importlib.import_module(f"dino.{path.stem}".removesuffix(".__init__")))
    assert result.failed == 0
    assert result.attempted or path.stem not in ("noise", "drawing")


def test_the_pinned_versions_are_the_installed_ones_of_what_we_depend_on():
    import tomllib
    from importlib.metadata import version

    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "tests" / "constraints.txt").read_text(), re.MULTILINE))
    pins = {name.lower().replace("_", "-"): pin for name, pin in pins.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"]:
        name = re.match(r"[\w-]+", requirement)[0]
        assert version(name).partition("+")[0] == pins[name]


def test_the_menu_names_all_chapters():
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for number, chapter in enumerate(chapters(), start=1):
        assert f"  - {number}. {chapter.title}: chapters/{chapter.path.stem}.md\n" in menu


def test_the_site_builds_without_a_warning(site):
    assert "posterior mean" in (site / "glossary" / "index.html").read_text(encoding="utf-8")


def test_the_site_says_how_to_clone_the_repository_that_it_is_made_from(site):
    text = re.sub("<[^>]+>", "", (site / "begin" / "index.html").read_text(encoding="utf-8"))
    assert "git clone https://github.com/owner/name dino" in text
    assert "OWNER" not in text


@pytest.mark.parametrize(
    ("repository", "where"),
    [
        ("", ""),
        ("Jane/Dinos", "https://jane.github.io/Dinos/"),
        ("Jane/jane.github.io", "https://jane.github.io/"),
        ("jane/joe.github.io", "https://jane.github.io/joe.github.io/"),
    ],
)
def test_the_site_knows_where_github_shows_it(repository, where, monkeypatch):
    monkeypatch.setenv("REPOSITORY", repository)
    assert build.address() == where


@pytest.mark.parametrize("settings", ["site_url: https://example.org/\nsite_name: Dino\n", "site_name: Dino\n"])
def test_other_builders_are_told_one_address_and_that_is_the_one_written_by_hand(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("REPOSITORY", "jane/dinos")
    monkeypatch.setattr(build, "made", lambda root: {})
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text(settings)
    build.write(tmp_path, tmp_path / "plain")
    told = (tmp_path / "plain" / "mkdocs.yml").read_text()
    by_hand = settings.startswith("site_url")
    assert told == (settings if by_hand else f"site_url: https://jane.github.io/dinos/\n{settings}")


class Head(HTMLParser):
    """The title of a page, and what its meta elements and links tell, by their names."""

    def __init__(self, text):
        super().__init__()
        self.told, self.title, self.open = {}, "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given, self.open = dict(attributes), tag == "title"
        name = given.get("property") or given.get("name") or given.get("rel")
        self.told[name] = given.get("content") or given.get("href")

    def handle_data(self, data):
        self.title += data if self.open else ""
        self.open = False


def test_quotes_and_signs_in_what_a_page_says_of_itself_stay_what_they_are():
    said = 'He said "less < more" & left'
    blocks = "".join("{% block " + name + " %}{% endblock %}" for name in ("htmltitle", "extrahead"))
    loader = ChoiceLoader([DictLoader({"base.html": blocks}), FileSystemLoader(ROOT / "docs" / "overrides")])
    template = Environment(loader=loader).get_template("main.html")  # as MkDocs does: nothing is escaped by itself
    page = {"title": escape(said), "meta": {"description": said}}
    config = {"site_name": said, "site_description": f"{said} again"}
    head = Head(template.render(page=page, config=config))
    assert head.title == f"{said} - {said}, a diffusion model from scratch"
    assert head.told["og:title"] == head.told["og:description"] == head.told["og:site_name"] == said
    assert Head(template.render(page={"is_homepage": True}, config=config)).told["og:description"] == f"{said} again"


def test_every_page_can_be_found_and_shared(site):
    heads = {path: Head(path.read_text(encoding="utf-8").partition("<body")[0]) for path in site.rglob("index.html")}
    titles = [head.title for head in heads.values()]
    assert len(set(titles)) == len(titles) > 12
    for path, head in heads.items():
        where = path.relative_to(site).parent.as_posix().removeprefix(".")
        address = f"https://owner.github.io/name/{where}/".replace("name//", "name/")
        assert head.told["og:url"] == head.told["canonical"] == address
        assert head.told["og:image"] == "https://owner.github.io/name/assets/preview.png"
        assert head.told["og:description"] == head.told["description"] != ""
        assert "diffusion model from scratch" in head.title and head.told["og:title"]
    assert f"{len(exercise_names())} exercises" in heads[site / "index.html"].told["description"]
    sitemap = (site / "sitemap.xml").read_text(encoding="utf-8")
    assert f"<loc>https://owner.github.io/name/chapters/{chapters()[0].path.stem}/</loc>" in sitemap


def test_the_picture_of_a_shared_link_is_of_the_size_that_it_is_said_to_be_and_small(site):
    path = site / "assets" / "preview.png"
    with Image.open(path) as picture:
        assert picture.size == (1200, 630)
    assert path.stat().st_size < 150_000
    head = Head((site / "index.html").read_text(encoding="utf-8"))
    assert (head.told["og:image:width"], head.told["og:image:height"]) == ("1200", "630")


def test_zensical_builds_the_same_pages_from_the_same_settings(site, tmp_path):
    python = [sys.executable, "-m"]
    subprocess.run([*python, "dino.course.site", tmp_path / "plain"], cwd=ROOT, check=True)
    done = subprocess.run(
        [*python, "zensical", "build", "--strict"], cwd=tmp_path / "plain", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = sorted(path.relative_to(site) for path in site.rglob("index.html"))
    assert len(pages) >= 12
    for page in pages:
        ours, theirs = ((where / page).read_text(encoding="utf-8") for where in (site, tmp_path / "plain" / "site"))
        for part in (
            "<details",
            'class="output"',
            "<dino-",
            'class="admonition',
            "<table",
            "<pre",
            r'<h[1-3] id="[^"]+"',
        ):
            assert re.findall(part, ours) == re.findall(part, theirs), f"{page}: {part}"


def test_the_numbers_on_the_page_about_the_network_are_those_of_the_network():
    denoiser, multiplications = Denoiser(), Counter()

    def count(layer, _, output):
        multiplications[output.shape[-1]] += layer.weight.numel() * output.shape[-2] * output.shape[-1]

    for layer in denoiser.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    denoiser(torch.rand(1, 3, 32, 32), torch.rand(1, 1, 1, 1))
    text = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")

    def weights(layer):
        return f"{sum(weight.numel() for weight in layer.parameters()):,}"

    assert f"**{weights(denoiser)} weights**" in text
    for layer in (conv(64, 64, bias=False), Block(64), Pool(64)):
        assert f"| {weights(layer)} " in text
    assert f"takes {multiplications.total() / 1e6:.0f} million multiplications" in text
    for size in (32, 16, 8, 4):
        assert f"| {size}x{size} | {multiplications[size] / 1e6:.0f} |" in text


def test_the_page_about_the_origin_tells_both_sides_as_they_are():
    text = (ROOT / "docs" / "origin.md").read_text(encoding="utf-8")
    rows = dict(line[2:].split(" | ", 1) for line in text.splitlines() if line.startswith("| "))
    ours, sampled, edited = (
        {one.name: one.default for one in cli.commands[name].params} for name in ("train", "sample", "edit")
    )
    mine, theirs = Run(Denoiser()).optimizer.defaults, ClassicRun(Denoiser()).optimizer.defaults
    rate, calls = (inspect.signature(one).parameters for one in (train, sample))
    numbers = {
        "size": (f"{SETTINGS['size']}x", f"{ours['size']}x"),
        "learning rate": (f"{theirs['lr']}", f"{rate['rate'].default}, with a rise"),
        "betas of AdamW": ("{}, {}".format(*theirs["betas"]), "{}, {}".format(*mine["betas"])),
        "amsgrad": tuple("yes" if one["amsgrad"] else "no" for one in (theirs, mine)),
        "length": ("an hour", f"{ours['steps']} steps"),
        "kept on the disk": ("the average", f"every {ours['checkpoint_interval']} steps"),
        "guesses for a drawing": (
            "100",
            f"{sampled['steps']} in `dino sample`, {edited['steps']} in `dino edit`, {calls['steps'].default} in the",
        ),
    }
    for what, (there, here) in numbers.items():
        left, right = rows[what].split(" | ")[:2]
        assert left.startswith(there) and here in right, what
    for denoiser in (Denoiser(SETTINGS["widths"], SETTINGS["depths"]), Denoiser()):
        weights = sum(weight.numel() for weight in denoiser.parameters())
        assert f"{weights / 1e6:.1f} million" in rows["widths, depths"]


def test_what_the_page_for_teachers_says_goes_wrong_is_what_the_checks_say():
    text = re.sub(r"\s+", " ", (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8"))
    known = {
        sentence for name in exercise_names() for sentence in check_for(find_exercise(name)[0].topic, name).mistakes
    }
    quoted = re.findall(r"\*“(.+?)”\*", text)
    assert len(quoted) > 10
    for sentence in quoted:
        assert any(one.startswith(sentence) for one in known), sentence


def test_the_plans_for_teachers_name_all_exercises_and_add_up_to_90_minutes():
    text = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    for number, chapter in enumerate(chapters(), start=1):
        plan = text.partition(f"### {number}. {chapter.title}\n")[2].partition("\n##")[0]
        assert sum(map(int, re.findall(r"^\| (\d+) \|", plan, re.MULTILINE))) == 90
        for exercise in chapter.exercises:
            assert f"`{exercise.name}`" in plan
