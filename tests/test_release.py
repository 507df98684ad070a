"""A release: what the workflow publishes is what was tagged, and a tag that says something else publishes nothing."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from dino.course.chapters import chapters
from dino.course.cli import cli

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
# YAML takes the key `on` for a truth.
RELEASE, PUBLISH = (yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text()) for name in ("release", "publish"))


def do(part: str, folder: Path, tag: str) -> int:
    """The exit code of that part of the job `build`, on a copy of the files that it is about."""
    (script,) = (step["run"] for step in RELEASE["jobs"]["build"]["steps"] if part in step.get("name", ""))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "GITHUB_REF_NAME": tag, "GITHUB_REPOSITORY": "owner/name"}
    return subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=False).returncode


@pytest.fixture
def copy(tmp_path):
    """The files that a release looks at, on the day of the release."""
    (tmp_path / "docs").mkdir()
    for name in ("pyproject.toml", "README.md", "docs/changelog.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    edit(tmp_path / "docs" / "changelog.md", f"## {VERSION} - .*", f"## {VERSION} - 2026-12-01")
    edit(tmp_path / "README.md", "/github/[^/]+/[^/]+/", "/github/owner/name/")
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text, count = re.subn(old, new, path.read_text(encoding="utf-8"))
    assert count, f"{old} is not in {path.name}"
    path.write_text(text, encoding="utf-8")


def test_only_a_tag_releases_and_only_the_job_that_publishes_may_say_who_it_is():
    assert RELEASE[True] == {"push": {"tags": ["v*"]}}
    assert RELEASE["permissions"] == {"contents": "read"}
    jobs = RELEASE["jobs"]
    assert jobs["pypi"]["permissions"] == {"id-token": "write"} and jobs["pypi"]["environment"] == "pypi"
    assert jobs["pypi"]["needs"] == "build" and "permissions" not in jobs["build"]
    assert [step["uses"].partition("@")[0] for step in jobs["pypi"]["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
    assert not re.search("secrets|password|token:", (WORKFLOWS / "release.yml").read_text().replace("id-token:", ""))


def test_the_website_follows_the_release_whose_notebooks_it_offers():
    site = RELEASE["jobs"]["site"]
    assert site == {"needs": "pypi", "permissions": PUBLISH["permissions"], "uses": "./.github/workflows/publish.yml"}
    assert set(PUBLISH[True]) == {"workflow_call", "workflow_dispatch"}
    assert [job["if"] for job in PUBLISH["jobs"].values()] == ["github.ref_type == 'tag'"]


def test_only_what_is_on_main_is_released(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    (checkout,) = (step for step in RELEASE["jobs"]["build"]["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"] == {"fetch-depth": 0}  # all branches, with all that came before
    git("init")
    for message in ("tagged", "newer"):
        git("commit", "--allow-empty", "-m", message)
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert do("on main", tmp_path, "v1") == 0
    git("checkout", "HEAD~1")
    assert do("on main", tmp_path, "v1") == 0
    git("commit", "--allow-empty", "-m", "beside")
    assert do("on main", tmp_path, "v1") != 0


def test_a_release_has_the_version_of_its_tag(copy):
    assert do("agree", copy, f"v{VERSION}") == 0
    for tag in (VERSION, "v9.9.9", f"v{VERSION}1"):
        assert do("agree", copy, tag) != 0, tag


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("docs/changelog.md", "2026-12-01", "unreleased"), ("README.md", "owner/name", "OWNER/NAME")],
)
def test_nothing_unfinished_is_released(copy, name, old, new):
    edit(copy / name, old, new)
    assert do("agree", copy, f"v{VERSION}") != 0


def test_the_readme_as_released_has_only_whole_addresses(copy):
    assert do("found from", copy, f"v{VERSION}") == 0
    before, after = ((where / "README.md").read_text(encoding="utf-8") for where in (ROOT, copy))
    targets = re.findall(r"\]\(([^)]+)\)", after)
    assert len(targets) == len(re.findall(r"\]\(([^)]+)\)", before)) > 15
    assert all(target.startswith("https://") for target in targets)
    assert f"](https://raw.githubusercontent.com/owner/name/v{VERSION}/docs/assets/dinosaurs.png)" in after
    assert f"](https://github.com/owner/name/blob/v{VERSION}/chapters/01_noise.py)" in after


def test_the_newest_version_in_the_changelog_is_that_of_the_course_and_the_command_says_it():
    (newest, *_) = re.findall(r"^## (\S+) - ", (ROOT / "docs" / "changelog.md").read_text(), re.MULTILINE)
    assert newest == VERSION
    assert CliRunner().invoke(cli, ["--version"]).output.endswith(f"version {VERSION}\n")


def test_the_source_distribution_has_the_lesson_the_chapters_and_the_weights_and_no_more(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {
        f"chapters/{chapter.path.with_suffix(end).name}" for chapter in chapters() for end in (".py", ".toml")
    } <= names
    assert {f"dino/weights/{path.name}" for path in (ROOT / "dino" / "weights").iterdir()} <= names
    single = {"LICENSE", "README.md", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert {name for name in names if name.partition("/")[0] not in ("chapters", "dino")} == single
