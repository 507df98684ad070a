"""What a class hands in: how the usual platforms lay it out, who is who there, and what is told about it."""

import csv
import html
import io
import json
import os
import random
import time
import zipfile
from pathlib import Path

import jupytext
import pytest

from dino.course.chapters import chapters, solved
from dino.course.grade import grading, layouts, listing, pages, platforms, submissions
from dino.course.grade.commands import summary, topics_of
from dino.course.grade.results import Settings
from dino.course.grade.submissions import Submission, find
from dino.course.judge.runner import judge_file

NOISE, DENOISER = chapters()[:2]
ONE, TWO, STUB = solved(NOISE), solved(DENOISER), NOISE.path.read_text()
NEW = ONE.replace("return (1 - level) * clean + level * noise", "return clean + level * (noise - clean)")
assert NEW != ONE
BOOK = jupytext.writes(jupytext.reads(ONE, fmt="py:percent"), fmt="ipynb")


def packed(files):
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def laid_out(folder, files):
    """The files in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


RECEIPT = "Name: Anna Muster (am1)\nAssignment: HW 1\n"
GRADESCOPE = """---
submission_11:
  :submitters:
  - :name: Anna Muster
    :email: a@x.org
  - :name: Ben Li
    :email: b@x.org
  :results:
    :submitters:
    - :name: Nobody
submission_12:
  :submitters:
  - :name: 'Cem Ay'
"""
# For each layout: the files, and for each learner the texts that count, by chapter.
LAYOUTS = {
    "Moodle": (
        {
            "Anna Muster_1234567_assignsubmission_file_/01_noise.py": ONE,
            "Ben Li_1234568_assignsubmission_file_/02_denoiser.py": TWO,
            "Ben Li_1234568_assignsubmission_onlinetext_/onlinetext.html": "<p>",
        },
        {"Anna Muster": {"noise": ONE}, "Ben Li": {"denoiser": TWO}},
    ),
    "Moodle without folders": (
        {
            "Anna Muster_17_assignsubmission_file_01_noise.py": ONE,
            "Anna Muster_17_assignsubmission_file_02_denoiser.py": TWO,
            "Anna Muster_18_assignsubmission_file_hw.zip": packed({"x/01_noise.py": NEW}),
        },
        {"Anna Muster 17": {"noise": ONE, "denoiser": TWO}, "Anna Muster 18": {"noise": NEW}},
    ),
    "ILIAS": (
        {
            "HW/Submissions/Muster_Anna_am1_12/01_noise.py": ONE,
            "HW/Submissions/Li_Ben_bl_13/01_noise.py": NEW,
            "HW/status.xlsx": "",
        },
        {"Muster_Anna_am1_12": {"noise": ONE}, "Li_Ben_bl_13": {"noise": NEW}},
    ),
    "ILIAS in another language": (
        {"HW/Entregas/Muster_Anna_am1_12/01_noise.py": ONE, "HW/Entregas/Li_Ben_bl_13/01_noise.py": NEW},
        {"Muster_Anna_am1_12": {"noise": ONE}, "Li_Ben_bl_13": {"noise": NEW}},
    ),
    "teams in ILIAS": (
        {
            "HW/Submissions/Team 5/Muster_Anna_am1_12/01_noise.py": ONE,
            "HW/Submissions/Team 5/Li_Ben_bl_13/02_denoiser.py": TWO,
            "HW/Submissions/Team 6/Ay_Cem_ca_14/01_noise.py": NEW,
        },
        {
            "Muster_Anna_am1_12": {"noise": ONE, "denoiser": TWO},
            "Li_Ben_bl_13": {"noise": ONE, "denoiser": TWO},
            "Ay_Cem_ca_14": {"noise": NEW},
        },
    ),
    "Canvas": (
        {
            "musteranna_LATE_12345_67890_01_noise.py": ONE,
            "musteranna_LATE_12345_67891_01_noise-1.py": NEW,
            "musteranna_12345_67892_02_denoiser-2.py": TWO,
            "liben_12346_67893_01_noise.ipynb": BOOK,
            "aycem_12347_67894_hw.zip": packed({"hw/01_noise.py": ONE}),
        },
        {"musteranna": {"noise": NEW, "denoiser": TWO}, "liben": {"noise": BOOK}, "aycem": {"noise": ONE}},
    ),
    "Canvas without names": (
        {"anon_kX3sP_345_01_noise.py": ONE, "anon_kX3sQ_346_01_noise.py": NEW},
        {"anon_kX3sP": {"noise": ONE}, "anon_kX3sQ": {"noise": NEW}},
    ),
    "Blackboard": (
        {
            "HW 1_am1_attempt_2026-01-02-03-04-05_01_noise.py": ONE,
            "HW 1_am1_attempt_2026-01-02-03-04-05_02_denoiser.py": TWO,
            "HW 1_am1_attempt_2026-01-02-03-04-05.txt": RECEIPT,
            "HW 1_am1_attempt_2026-02-02-03-04-05_01_noise.py": NEW,
            "HW 1_am1_attempt_2026-02-02-03-04-05.txt": RECEIPT,
            "HW 1_bl_attempt_2026-02-02-03-04-05_01_noise.ipynb": BOOK,
            "HW 1_cy_attempt_2026-02-02-03-04-05.txt": "Name: Cem Ay (cy)\n",
        },
        {"Anna Muster": {"noise": NEW, "denoiser": TWO}, "bl": {"noise": BOOK}, "Cem Ay": {}},
    ),
    "Blackboard without receipts": (
        {
            "HW_a_m_attempt_2026-01-02-03-04-05_01_noise.py": ONE,
            "HW_b_m_attempt_2026-01-02-03-04-05_01_noise.py": NEW,
            "HW_c1_attempt_2026-01-02-03-04-05_01_noise.py": ONE,
        },
        {"HW_a_m": {"noise": ONE}, "HW_b_m": {"noise": NEW}, "c1": {"noise": ONE}},
    ),
    "two assignments of Blackboard": (
        {
            "HW 1_am1_attempt_2026-01-02-03-04-05_01_noise.py": ONE,
            "HW 1_am1_attempt_2026-01-02-03-04-05.txt": RECEIPT,
            "HW 2_am1_attempt_2026-02-02-03-04-05_02_denoiser.py": TWO,
            "HW 2_am1_attempt_2026-02-02-03-04-05.txt": RECEIPT,
            "HW 2_bl_attempt_2026-02-02-03-04-05_02_denoiser.py": TWO,
        },
        {"Anna Muster": {"noise": ONE, "denoiser": TWO}, "bl": {"denoiser": TWO}},
    ),
    "Brightspace": (
        {
            "index.html": "<p>",
            "12-67890 - Anna Muster - Jan 2, 2026 304 PM/01_noise.py": ONE,
            "12-67890 - Anna Muster - Jan 12, 2026 1104 AM/01_noise.py": NEW,
            "13-67890 - Ben Li - Dec 2, 2025 304 PM/01_noise.py": ONE,
        },
        {"Anna Muster": {"noise": NEW}, "Ben Li": {"noise": ONE}},
    ),
    "Brightspace without numbers": (
        {
            "Anna Muster - Jan 2, 2026 304 PM/01_noise.py": ONE,
            "Anna Muster - 3 January, 2026 9.04 AM/01_noise.py": NEW,
            "Ben Li - Dec 2, 2025 304 PM/01_noise.py": ONE,
        },
        {"Anna Muster": {"noise": NEW}, "Ben Li": {"noise": ONE}},
    ),
    "Gradescope": (
        {
            "assignment_1_export/submission_11/01_noise.py": ONE,
            "assignment_1_export/submission_12/01_noise.py": NEW,
            "assignment_1_export/submission_metadata.yml": GRADESCOPE,
        },
        {"Anna Muster": {"noise": ONE}, "Ben Li": {"noise": ONE}, "Cem Ay": {"noise": NEW}},
    ),
    "GitHub Classroom": (
        {
            "hw-submissions/hw-anna/01_noise.py": ONE,
            "hw-submissions/hw-anna/.git/hooks/x.py": "",
            "hw-submissions/hw-ben/01_noise.py": NEW,
        },
        {"hw-anna": {"noise": ONE}, "hw-ben": {"noise": NEW}},
    ),
    "Google Classroom": (
        {"Anna M - 01_noise.py": ONE, "Anna M - 01_noise (1).py": NEW, "Ben L - 01_noise.py": ONE},
        {"Anna M": {"noise": NEW}, "Ben L": {"noise": ONE}},
    ),
    "Google Forms": (
        {"01_noise - Anna M.py": ONE, "02_denoiser - Anna M.py": TWO, "01_noise - Ben L.py": NEW},
        {"Anna M": {"noise": ONE, "denoiser": TWO}, "Ben L": {"noise": NEW}},
    ),
    "a zip in a zip for each": (
        {"anna.zip": packed({"01_noise.py": ONE}), "ben.zip": packed({"x.zip": packed({"01_noise.py": NEW})})},
        {"anna": {"noise": ONE}, "ben": {"noise": NEW}},
    ),
    "sheets of ILIAS": (
        {
            "Sheet 1/Submissions/Muster_Anna_am1_12/01_noise.py": ONE,
            "Sheet 1/Submissions/Li_Ben_bl_13/01_noise.py": NEW,
            "Sheet 2/Submissions/Li_Ben_bl_13/02_denoiser.py": TWO,
        },
        {"Muster_Anna_am1_12": {"noise": ONE}, "Li_Ben_bl_13": {"noise": NEW, "denoiser": TWO}},
    ),
    "groups with archives": (
        {
            "group A/anna.zip": packed({"01_noise.py": ONE}),
            "group A/ben.zip": packed({"x/01_noise.py": NEW}),
            "group B/cem.zip": packed({"01_noise.py": ONE}),
        },
        {"anna": {"noise": ONE}, "ben": {"noise": NEW}, "cem": {"noise": ONE}},
    ),
    "numbers of learners": (
        {"1.py": ONE, "2.py": NEW, "3.py": TWO},
        {"1": {"noise": ONE}, "2": {"noise": NEW}, "3": {"denoiser": TWO}},
    ),
    "folders for chapters": (
        {"01_noise/anna.py": ONE, "01_noise/ben.py": NEW, "02_denoiser/anna.py": TWO},
        {"anna": {"noise": ONE, "denoiser": TWO}, "ben": {"noise": NEW}},
    ),
}


def counted(found):
    """For each learner, the texts that count, by chapter."""
    return {
        one.name: {chapter.topic: one.files[path].decode() for chapter in chapters() if (path := one.answers(chapter))}
        for one in found
    }


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("form", ["folder", "archive", "archive in a folder"])
def test_each_platform_s_download_gives_a_row_for_each_learner_with_the_newest_answers(form, files, expected, tmp_path):
    if form == "folder":
        laid_out(tmp_path, files)
    else:
        laid_out(tmp_path, {"download.zip": packed(files)})
    place = tmp_path / "download.zip" if form == "archive" else tmp_path
    assert counted(find([place])) == expected


MUELLER = ["M\u00fcller", "Mu\u0308ller"]
# What teachers and learners call their files, and the learners who handed them in.
CALLED = {
    "the code of a course": ({f"CS_101_2026_{n}.py": ONE for n in "xy"}, {"CS_101_2026_x", "CS_101_2026_y"}),
    "a chapter and numbers": (
        {f"noise_{n}_001_ann.py": ONE for n in (10101, 10201)},
        {"10101_001_ann", "10201_001_ann"},
    ),
    "a number of each": ({f"ML_{n}_{n}_x.py": ONE for n in (10101, 10201)}, {"ML_10101_10101_x", "ML_10201_10201_x"}),
    "two years": ({f"{n}_101_2026_x.py": ONE for n in "ab"}, {"a_101_2026_x", "b_101_2026_x"}),
    "a homework and its day": (
        {f"HW 1 - 31 Jan 2026 - {n}.py": ONE for n in "xy"},
        {f"HW 1 - 31 Jan 2026 - {n}" for n in "xy"},
    ),
    "a day in a folder": ({f"HW 1 - 2026-01-31/{n}.py": ONE for n in "xy"}, {"x", "y"}),
    "a name like another's": (
        {f"{who}_assignsubmission_file_/noise.py": ONE for who in ("Ben_2", "Eve_2_assignsubmission_file_3")},
        {"Ben", "Eve"},
    ),
    "letters in two parts": (
        {
            f"{week}/{name}/{n}_noise.py": ONE
            for n, week in enumerate(("week 1", "week 2"))
            for name in ("B", MUELLER[n])
        },
        {"B", "M\u00fcller"},
    ),
    "a folder like that of a grading": ({"Ann/noise.py": ONE, "Ben/learners/noise.docx": ""}, {"Ann", "Ben"}),
}


@pytest.mark.parametrize(("files", "expected"), CALLED.values(), ids=CALLED)
def test_each_learner_gets_one_row_whatever_the_files_are_called(files, expected, tmp_path):
    found = told(tmp_path / "class", files)
    assert found.keys() == expected
    assert not any("together" in text for text in found.values()) or "B" in expected


def test_files_named_one_by_one_are_put_together_like_their_folder(tmp_path):
    files, expected = LAYOUTS["Canvas"]
    laid_out(tmp_path, files)
    assert counted(find(sorted(tmp_path.iterdir()))) == expected


def told(folder, files, **more):
    """What is told about each learner, in one text each."""
    laid_out(folder, files)
    return {
        one.name: " ".join([*one.problems, *filter(None, map(one.choice, chapters()))])
        for one in find([folder], **more)
    }


PART = "def mix(x):\n    return x\n"
# For each case: the files, and for each learner a part of what is told; nothing where it is empty.
TOLD = {
    "several files of one learner": (
        {"musteranna_123_678_01_noise.py": ONE, "musteranna_123_679_01_noise-1.py": NEW, "liben_124_680_noise.py": ONE},
        {
            "musteranna": "because Canvas names them so: musteranna_123_678_01_noise.py and musteranna_123_679_01_noise-1.py. "
            "noise: 01_noise-1.py counts, not 01_noise.py, because it is the newest.",
            "liben": "",
        },
    ),
    "the newest without a chapter": (
        {
            "HW_a_attempt_2026-01-02-03-04-05_02_denoiser.py": TWO,
            "HW_a_attempt_2026-01-03-03-04-05_01_noise.py": ONE,
            "HW_b_attempt_2026-01-03-03-04-05.txt": "",
        },
        {"a": "counts, from an earlier hand-in: the newest has nothing for it.", "b": "Nothing was handed in"},
    ),
    "a copy of a browser": (
        {"anna/01_noise.py": ONE, "anna/01_noise (1).py": NEW, "ben/01_noise.py": ONE},
        {"anna": "noise: 01_noise (1).py counts, not 01_noise.py, because it is the newest.", "ben": ""},
    ),
    "an untouched newer copy": (
        {"anna/01_noise.py": ONE, "anna/01_noise (1).py": STUB, "ben/01_noise.py": ONE},
        {"anna": "noise: 01_noise.py counts, because nothing is written in 01_noise (1).py.", "ben": ""},
    ),
    "times as folders": (
        {"anna/2026-02-01/01_noise.py": NEW, "anna/2026-01-31/01_noise.py": ONE, "ben/01_noise.py": ONE},
        {"anna": "2026-01-31/01_noise.py, because it is the newest.", "ben": ""},
    ),
    "two of unknown age": (
        {"anna/draft/01_noise.py": ONE, "anna/final/01_noise.py": NEW, "ben/01_noise.py": ONE},
        {"anna": "not draft/01_noise.py, though nothing tells whether it is the newest.", "ben": ""},
    ),
    "twice the same": (
        {"anna/01_noise.py": ONE, "anna/a/01_noise.py": ONE, "ben/01_noise.py": ONE},
        {"anna": "", "ben": ""},
    ),
    "texts": (
        {"anna/01_noise.ipynb.txt": BOOK, "ben/01_noise.py.txt": ONE},
        {"anna": "01_noise.ipynb.txt is read as 01_noise.ipynb.", "ben": "01_noise.py.txt is read as 01_noise.py."},
    ),
    "documents": (
        {"anna/noise.pdf": "", "ben/01_noise.py": ONE, "ben/answers.docx": "", "ben/x.png": "", "cem/x.png": ""},
        {
            "anna": "left out: noise.pdf.",
            "ben": "Only .py, .ipynb and .zip are read, so these are left out: answers.docx.",
            "cem": "x.png",
        },
    ),
    "nothing but what systems make": (
        {
            "anna/.ipynb_checkpoints/01_noise-checkpoint.ipynb": BOOK,
            "anna/__MACOSX/._01_noise.py": "",
            "ben/noise.py": ONE,
        },
        {"anna": "Nothing was handed in: no .py, no .ipynb and no .zip.", "ben": ""},
    ),
    "numbers of learners": (
        {"1.py": ONE, "2.py": NEW, "3/.ipynb_checkpoints/3.ipynb": BOOK},
        dict.fromkeys(
            "12", "The numbers are taken for learners, not for chapters, because of the answers in the files."
        )
        | {"3": "because of the answers in the files. Nothing was handed in: no .py, no .ipynb and no .zip."},
    ),
    "a number for another chapter": ({"2.py": ONE}, {"2": "noise: 2.py counts, because that is what it answers."}),
    "a teacher's copy": (
        {"01_noise.py": STUB, "anna.py": ONE, "ben.py": NEW},
        {"class": "nothing says whose it is", "anna": "", "ben": ""},
    ),
    "two of one name": (
        {"anna/01_noise.py": ONE, "anna.zip": packed({"01_noise.py": NEW})},
        {"anna": "", "anna (2)": "Another is called anna, too"},
    ),
    "two downloads": (
        {
            "A-HW 1-5.zip": packed({f"{who}_assignsubmission_file_/01_noise.py": ONE for who in ("Anna_1", "Ben_2")}),
            "A-HW 2-6.zip": packed(
                {f"{who}_assignsubmission_file_/02_denoiser.py": TWO for who in ("Anna_3", "Ben_4")}
            ),
        },
        dict.fromkeys(
            ("Anna", "Ben"), "Put together as the work of one learner, because Moodle names them so: A-HW 1-5.zip/"
        ),
    ),
    "a download beside others": (
        {"hw.zip": packed({"Anna_1_assignsubmission_file_/01_noise.py": ONE}), "ben.py": ONE},
        {"hw": "A platform wrote names of learners in it: grade it by itself to get a row for each.", "ben": ""},
    ),
    "several called alike": (
        {"hw.zip": packed({"01_noise.py": ONE}), "hw (1).zip": packed({"01_noise.py": NEW}), "x.png": ""},
        {"hw": "", "hw (1)": ""},
    ),
    "several copies of one": (
        {"anna.zip": packed({"01_noise.py": ONE}), "anna (1).zip": packed({"01_noise.py": NEW}), "ben.py": ONE},
        {
            "anna": "because their names say so: anna (1).zip and anna.zip. noise: anna (1).zip/01_noise.py counts",
            "ben": "",
        },
    ),
    "a file and its text": (
        {"anna/01_noise.py": ONE, "anna/01_noise.py.txt": NEW, "ben.py": ONE},
        {"anna": "01_noise.py counts, not also/01_noise.py, though nothing tells whether it is the newest.", "ben": ""},
    ),
    "an empty folder in an archive": (
        {"download.zip": packed({"anna/": "", "ben/01_noise.py": ONE, "cem/01_noise.py": NEW})},
        {"anna": "Nothing was handed in", "ben": "", "cem": ""},
    ),
    "folders for weeks of one learner": (
        {"week 1/a.py": ONE, "week 2/b.py": TWO},
        {"class": "week 1/ and week 2/ are taken as one learner's."},
    ),
    "versions in their names": (
        {"noise_v1.py": ONE, "noise_v2.py": NEW, "helper.py": "x = 1"},
        {"class": "noise: noise_v2.py counts, not noise_v1.py, because it is the newest."},
    ),
    "a chapter's name among learners'": (
        {"anna.py": ONE, "ben.py": TWO, "noise.py": NEW},
        {"anna": "", "ben": "", "class": "It lies beside what others handed in, and nothing says whose it is."},
    ),
    "the same with a part of the answers": (
        {"anna.py": PART, "ben.py": PART.replace("mix", "Block"), "noise.py": PART},
        {"anna": "", "ben": "", "class": "nothing says whose it is"},
    ),
    "folders called after chapters, weeks and versions among learners'": (
        {
            "anna/x.py": ONE,
            "ben/x.py": TWO,
            "Data/x.py": ONE,
            "01_noise/x.py": STUB,
            "week 2.zip": packed({"x.py": ONE}),
        },
        {"anna": "", "ben": ""} | dict.fromkeys(("Data", "01_noise", "week 2"), "nothing says whose it is."),
    ),
    "a learner's helpers": (
        {"01_noise.py": f"import a, b\nimport b\n{ONE}", "a.py": PART, "b.py": PART, "utils/mix.py": PART},
        {"class": ""},
    ),
    "what looks like a grading": (
        {"anna/01_noise.py": ONE, "ben/.lock": "", "ben/learners/x": "", "ben/01_noise.py": NEW},
        {"anna": "", "ben": ""},
    ),
    "a helper called like a chapter": (
        {"01_noise.py": f"from sampling import step\n{ONE}", "sampling.py": "def step(x): return x"},
        {"class": "sampling: sampling.py counts, because of its name, though another file imports it: is it a helper?"},
    ),
    "a helper beside the chapter that it is called like": (
        {
            "04_sampling.py": "from sampling import step\ndef sample(): pass",
            "sampling.py": "def step(x): return x  # sample",
        },
        {"class": "sampling: 04_sampling.py counts, because sampling.py is imported by another file, as a helper."},
    ),
    "names that no system can write": (
        {"anna.zip": packed({f"{'n' * 300}.py": "x = 1", "01_noise.py": ONE, "a\n/...py": "x = 1"}), "ben.py": NEW},
        {"anna": f"{'n' * 300}.py is read as {'n' * 50}.py."[:200], "ben": ""},
    ),
    "an archive too deep": (
        {"anna.zip": packed({"a.zip": packed({"a.zip": packed({"a.zip": packed({})})})}), "ben.py": ONE},
        {"anna": "a/a/a.zip was not read: it lies in 3 other archives.", "ben": ""},
    ),
}


@pytest.mark.parametrize(("files", "expected"), TOLD.values(), ids=TOLD)
def test_every_choice_merge_and_omission_is_told(files, expected, tmp_path):
    found = told(tmp_path / "class", files)
    assert found.keys() == expected.keys()
    for name, words in expected.items():
        assert words in found[name]
        assert bool(words) == bool(found[name]), found[name]


@pytest.mark.parametrize("newest", ["01_noise.py", "01_noise.ipynb"])
def test_of_a_notebook_and_a_file_the_one_saved_last_counts(newest, tmp_path):
    laid_out(tmp_path, {"01_noise.ipynb": BOOK, "01_noise.py": NEW})
    os.utime(tmp_path / newest, (2e9, 2e9))
    (one,) = find([tmp_path])
    assert one.choice(NOISE).startswith(f"noise: {newest} counts, not 01_noise")
    assert one.choice(NOISE).endswith(", because it was saved last, which is all that tells them apart.")


def test_numbers_are_chapters_of_one_learner_where_the_answers_say_so(tmp_path):
    found = told(tmp_path / "anna", {"1.py": ONE, "2.py": TWO})
    assert found == {"anna": "1.py and 2.py are taken as chapters of one learner, because of the answers in them."}


def test_what_is_nobody_s_is_told(tmp_path):
    sentences = []
    find([laid_out(tmp_path, {"anna.py": ONE, "ben.py": NEW, "sheet.pdf": ""})], tell=sentences.append)
    assert sentences == [f"Left out, because only .py, .ipynb and .zip are read: sheet.pdf in {tmp_path}."]


def test_that_one_archive_is_read_as_what_several_handed_in_is_told_once(tmp_path):
    sentences = []
    laid_out(tmp_path, {"hw.zip": packed({"anna/01_noise.py": ONE, "ben/01_noise.py": ONE})})
    find([tmp_path], tell=sentences.append)
    assert sentences == ["hw.zip holds what 2 learners handed in, as the names in it say."]


def test_a_learner_may_hand_in_less_than_an_archive_holds_and_no_archive_takes_long(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "ALL", 1000)
    laid_out(tmp_path, {"anna.zip": packed({"big.zip": packed({"x": "x"}) + bytes(2000), "01_noise.py": ONE})})
    (one,) = find([tmp_path])
    assert one.files == {"01_noise.py": ONE.encode()}
    assert one.problems == ["big.zip was not read: it is too large."]


def test_a_large_notebook_in_an_archive_is_read(tmp_path):
    book = json.loads(BOOK)
    book["metadata"]["picture"] = random.Random(0).randbytes(4 * 2**20).hex()
    laid_out(tmp_path, {"anna.zip": packed({"x.zip": packed({"01_noise.ipynb": json.dumps(book)})}), "ben.py": ONE})
    anna, _ = find([tmp_path])
    assert anna.problems == []
    assert [*anna.files] == ["x/01_noise.ipynb"] or [*anna.files] == ["01_noise.ipynb"]


# What a learner may call files, to hand in for another.
TRICKS = {
    "Moodle": "Mallory_1_assignsubmission_file_/Anna_2_assignsubmission_file_/01_noise.py",
    "Moodle without folders": "Mallory_1_assignsubmission_file_Anna_2_assignsubmission_file_01_noise.py",
    "ILIAS": "Submissions/Mallory_M_m_1/Submissions/Anna_A_a_2/01_noise.py",
    "Canvas": "Mallory_111_222_Anna_333_444_01_noise.py",
    "Blackboard": "HW_Mallory_attempt_2026-01-02-03-04-05_HW_Anna_attempt_2027-01-02-03-04-05_01_noise.py",
    "Brightspace": "1-2 - Mallory - Jan 2, 2026 304 PM - Anna - Jan 3, 2027 304 PM - 01_noise.py",
    "a receipt": "HW_Mallory_attempt_2026-01-02-03-04-05_HW_Anna_attempt_2027-01-02-03-04-05.txt",
}


@pytest.mark.parametrize("path", TRICKS.values(), ids=TRICKS)
def test_no_name_of_a_file_makes_it_another_learner_s(path):
    one = layouts.owned(path)
    assert one.who.removeprefix("HW_").startswith("Mallory")
    assert "Anna" not in one.who
    assert not one.receipt


def test_no_folder_of_a_learner_s_is_taken_for_another_s(tmp_path):
    files = {f"mallory/{folder}/01_noise.py": NEW for folder in ("anna", "x_1_assignsubmission_file_")}
    assert counted(find([laid_out(tmp_path, {"anna/02_denoiser.py": TWO, **files})])) == {
        "anna": {"denoiser": TWO},
        "mallory": {"noise": NEW},
    }


def test_no_path_in_a_download_that_leads_back_is_another_learner_s(tmp_path):
    mallory, anna = "Mallory_1_assignsubmission_file_", "Anna_2_assignsubmission_file_"
    files = {f"{mallory}/../{anna}/02_denoiser.py": TWO, f"{anna}/01_noise.py": ONE}
    laid_out(tmp_path, {"download.zip": packed(files)})
    assert counted(find([tmp_path])) == {"Mallory": {}, "Anna": {"noise": ONE}}


IN_DISGUISE = {f"{who}_1_assignsubmission_file_/01_noise.py": NEW for who in ("Anna", "Cem")}
FORGED = {
    "beside the other": {"anna.py": ONE, "ben.zip": packed(IN_DISGUISE)},
    "in a folder": {"anna/01_noise.py": ONE} | {f"ben/{path}": NEW for path in IN_DISGUISE},
    "in a week of its own": {
        "week 1/ben.zip": packed(IN_DISGUISE),
        "week 2/anna/01_noise.py": ONE,
        "week 2/ben/01_noise.py": NEW,
    },
    "beside a download": {
        "A-HW 1-5.zip": packed({"Anna_1_assignsubmission_file_/x.py": ONE}),
        "ben.zip": packed(IN_DISGUISE),
    },
    "with a receipt": {
        "anna.py": ONE,
        "ben/HW_a_attempt_2026-01-02-03-04-05.txt": "Name: anna (a)",
        "ben/01_noise.py": NEW,
    },
    "with a list of names": {
        "anna.py": ONE,
        "ben/submission_metadata.yml": GRADESCOPE,
        "ben/submission_11/01_noise.py": NEW,
    },
}


@pytest.mark.parametrize("files", FORGED.values(), ids=FORGED)
def test_no_archive_or_folder_of_a_learner_s_writes_into_another_s_row(files, tmp_path):
    found = counted(find([laid_out(tmp_path, files)]))
    assert found.keys() == {"A-HW 1" if "A-HW 1-5.zip" in files else "anna", "ben"}
    assert all(texts.get("noise") in ((NEW, None) if who == "ben" else (ONE,)) for who, texts in found.items())


WHOLE = [
    {
        "s-101/01_noise.py": ONE,
        "s-102/01_noise.py": ONE,
        "s-103/s-101/01_noise (9).py": NEW,
        "s-103/zed/01_noise.py": NEW,
    },
    {"s-101.zip": packed({"noise.py": ONE}), "s-103.zip": packed({"s-101/noise (9).py": NEW, "zed/noise.py": NEW})},
    {"group 1/noise.py": ONE, "group 2/noise.py": ONE, "group 0/group 1/noise (9).py": NEW}
    | {f"group 0/{who}/noise.py": NEW for who in ("group 2", "yve", "zed")},
]


@pytest.mark.parametrize("files", WHOLE, ids=["folders", "archives", "groups"])
def test_no_folder_in_one_learner_s_is_another_s_beside_it(files, tmp_path):
    for name, texts in counted(find([laid_out(tmp_path, files)])).items():
        assert texts["noise"] == (NEW if name in ("s-103", "yve", "zed") or name.endswith(" (2)") else ONE)


def test_many_versions_of_a_chapter_are_learners_and_few_are_told(tmp_path):
    found = told(tmp_path / "class", {f"noise_{n:03}.py": ONE for n in range(12)})
    assert found == dict.fromkeys(
        (f"noise_{n:03}" for n in range(12)),
        "It is taken as one learner's: too many have such a name to be versions of one file.",
    )
    found = told(tmp_path / "few", {f"noise_{n}.py": ONE for n in "abc"})
    assert found == {"few": "noise_a.py, noise_b.py and noise_c.py are taken as one learner's."}


def test_whose_an_archive_that_lies_alone_is_taken_for_is_told(tmp_path):
    sentences = []
    laid_out(tmp_path, {"ben.zip": packed({"Anna_1_assignsubmission_file_/01_noise.py": NEW})})
    find([tmp_path], tell=sentences.append)
    assert sentences == ["ben.zip holds what Anna handed in, as the names in it say."]


@pytest.mark.parametrize(
    "deep", ["a/" * 5_000 + "01_noise.py", "01_noise/" * 5_000 + "01_noise.py"], ids=["a", "noise"]
)
def test_folders_in_folders_are_read_however_deep(deep, tmp_path):
    laid_out(tmp_path, {"anna.zip": packed({deep: ONE, deep.replace("/01", "/x/01"): ONE, "02_denoiser.py": TWO})})
    (one,) = find([tmp_path])
    assert one.answers(NOISE)


def test_what_one_learner_hands_in_is_read_within_one_learner_s_limits(tmp_path, monkeypatch):
    size = 10 * len(ONE)
    for module in (listing, submissions):
        monkeypatch.setattr(module, "ALL", size)
    many = {f"learner {n}/01_noise.py": ONE for n in range(30)}
    laid_out(tmp_path, {"anna.zip": packed(many), "ben.zip": packed({f"{n}/01_noise.py": ONE for n in range(50)})})
    found = find([tmp_path])
    assert [one.name for one in found] == ["anna", "ben"]
    assert all(sum(map(len, one.files.values())) <= size for one in found)


def test_of_one_learner_only_so_much_text_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "TEXTS", 10 * len(ONE))
    laid_out(tmp_path, {"eve.zip": packed({f"{n}.py": ONE for n in range(50)}), "anna.py": ONE})
    anna, eve = find([tmp_path])
    assert (len(anna.files), len(eve.files)) == (1, 10)
    assert "too many files" in eve.problems[0]


def test_no_name_takes_long_to_understand():
    start = time.monotonic()
    for name in (
        "1" * 60_000 + "x",
        "final" * 10_000 + "!",
        "a-" * 30_000,
        "-11" * 20_000 + "x",
        " - 2026" * 9_000,
        "a_1" * 20_000,
    ):
        layouts.owned(name)
        layouts.is_version(name)
        layouts.person(f"{name}.py")
        layouts.age(f"{name}/{name}.py")
    for number in range(2_000):
        layouts.age(f"{'a_' * 120}{number}.py")
    assert time.monotonic() - start < 5


# Files that cannot be read or run in full, and what is told of them.
CAUSES = {
    "a web page": ({"01_noise.ipynb": b"<!DOCTYPE html><html>"}, "01_noise.ipynb"),
    "half an upload": ({"01_noise.ipynb": BOOK.encode()[:2000]}, "01_noise.ipynb"),
    "a list": ({"01_noise.ipynb": b"[]"}, "01_noise.ipynb"),
    "a failed import": (
        {"01_noise.py": b"import nowhere\n" + ONE.replace("return (1 -", "return nowhere.x(1 -").encode()},
        "(`import nowhere`): no package of that name is installed",
    ),
    "a cell that is no Python": (
        {"01_noise.py": ONE.replace("return (1 - level)", "return ((1 - level)").encode()},
        "01_noise.py, line 1",
    ),
}


@pytest.mark.parametrize(("files", "words"), CAUSES.values(), ids=CAUSES)
def test_why_a_file_cannot_be_read_or_run_is_told_in_table_gradebook_and_feedback(
    files, words, fork_server, capsys, tmp_path
):
    graded = grading.grade(fork_server, Submission("anna", files), Settings(("noise",), no_sandbox=True))
    assert words in " ".join(graded.remarks)
    assert any(words in mark.news for mark in graded.marks) or "nowhere" in words
    summary([graded], [], tmp_path)
    (row,) = csv.DictReader(io.StringIO(platforms.gradebook([graded])))
    for place in (capsys.readouterr().err, row["remarks"], html.unescape(pages.feedback(graded).partition("<h2>")[0])):
        assert graded.remarks[0] in place


def test_which_file_counts_is_told_and_what_did_no_harm_is_not(fork_server):
    files = {"01_noise.py": STUB.encode(), "01_noise (1).py": b"import nowhere\n" + ONE.encode()}
    graded = grading.grade(fork_server, Submission("anna", files), Settings(("noise",), no_sandbox=True))
    assert graded.score == 3
    assert graded.remarks == ["noise: 01_noise (1).py counts, because nothing is written in 01_noise.py."]


def test_what_is_no_notebook_but_called_like_a_chapter_is_a_hand_in(capsys):
    some = [Submission("anna", {"01_noise.ipynb": b"<html>"}), Submission("ben", {"02_denoiser.ipynb": b"{}"})]
    assert topics_of(some) == ("noise", "denoiser")
    assert "noise (1 hand-in), denoiser (1 hand-in)" in capsys.readouterr().out


def test_where_nobody_answers_a_chapter_it_is_told_what_was_handed_in(capsys):
    with pytest.raises(ValueError, match="Nothing of what was handed in answers a chapter"):
        topics_of([Submission("anna", problems=["x.rar was not read."])])
    assert capsys.readouterr().err == "Note: anna: x.rar was not read.\n"


TIMES = {
    "Jan 2, 2026 304 PM": (2026, 1, 2, 15, 4, 0),
    "Dec 31, 2025 1204 AM": (2025, 12, 31, 0, 4, 0),
    "2 janv. 2026 15:04": (2026, 1, 2, 15, 4, 0),
    "2. März 2026 1504": (2026, 3, 2, 15, 4, 0),
    "2026-01-02-03-04-05": (2026, 1, 2, 3, 4, 5),
    "20260102T030405Z": (2026, 1, 2, 3, 4, 5),
    "2026-01-02 304 PM": (2026, 1, 2, 15, 4, 0),
    "01_noise": (),
    "20261399": (),
}


@pytest.mark.parametrize(("text", "expected"), TIMES.items(), ids=TIMES)
def test_times_are_read_as_platforms_write_them(text, expected):
    assert layouts.moment(text) == expected


def test_more_remarks_than_are_told_are_counted():
    one = Submission("x", problems=[f"{n}." for n in range(30)])
    assert one.problems[-1] == "There are 21 more remarks like these."


ELSEWHERE = "\n\n# %% [markdown]\ndef mix(clean, noise, level):\n    return clean\n"
WITHOUT = ONE.replace("def mix(", "def blend(")
ALIKE = {
    "a web page": ({"01_noise.ipynb": b"<!DOCTYPE html>"}, "is not a notebook but a web page"),
    "an old notebook": ({"01_noise.ipynb": b'{"worksheets": []}'}, "is a notebook of an old format, 3"),
    "another encoding": ({"01_noise.py": ONE.encode("latin-1")}, "holds a letter that is not in UTF-8"),
    "a cell of text": ({"01_noise.py": (WITHOUT + ELSEWHERE).encode()}, "mix stands in a cell of text"),
    "no definition": ({"01_noise.py": WITHOUT.encode()}, "There is no mix in 01_noise.py. Was it renamed or deleted?"),
    "a helper's import": ({"01_noise.py": ("import inner.a\n" + ONE.replace("return (1", "return inner.a.x((1")
        .replace("level * noise", "level * noise)", 1)).encode(), "inner/a.py": b"import nowhere"}, "a.py, line 1 (`import nowhere`)"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "words"), ALIKE.values(), ids=ALIKE)
def test_a_check_and_a_grading_say_the_same_of_a_file(files, words, fork_server, tmp_path, monkeypatch):
    graded = grading.grade(fork_server, Submission("anna", files), Settings(("noise",), no_sandbox=True))
    monkeypatch.chdir(tmp_path)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    try:
        said = judge_file(Path(next(iter(files))), chapters()[0])[0].news
    except ValueError as error:
        said = str(error)
    assert words in said
    assert graded.marks[0].news == said


def test_the_definition_taken_is_a_remark(fork_server):
    stub = ONE.replace(
        "    return (1 - level) * clean + level * noise", '    raise NotImplementedError("mix is yours to write")'
    )
    stub = stub[stub.index("def mix(") : stub.index("# %%\ncheck(mix)")]
    files = {"01_noise.py": f"{ONE}\n\n# %%\n{stub}".encode()}
    graded = grading.grade(fork_server, Submission("anna", files), Settings(("noise",), no_sandbox=True))
    assert graded.score == 3
    assert len(graded.remarks) == 1
    assert graded.remarks[0].startswith("mix: The one at 01_noise.py, line ")
