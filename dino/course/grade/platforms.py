"""Writes marks in the formats of platforms, each in a function of its own: results in, text out.

Where the formats are described:
  JUnit          https://github.com/testmoapp/junitxml
  Gradescope     https://gradescope-autograders.readthedocs.io/en/latest/specs/
  Classroom 50   https://github.com/foundation50/classroom50/wiki/Advanced-Autograding
  GitHub Actions https://github.com/classroom-resources/autograding-grading-reporter
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.etree import ElementTree

from dino.course.grade.results import Graded, Mark, number
from dino.course.judge.verdict import FAILED, NOT_STARTED, PASSED


def words(mark: Mark) -> str:
    """What a learner should read about an exercise."""
    return " ".join(part for part in (mark.news, mark.symptom) if part)


def cell(text: str) -> str:
    """A text for a cell of a table: a spreadsheet takes what begins with such a sign for a formula, and runs it.

    Some of them, for which commas are no borders between cells, let a semicolon be one.
    """
    return re.sub(r"(^|;)(\s*)(?=[-=+@＝＋－＠])", r"\1\2'", text)  # noqa: RUF001


def gradebook(results: list[Graded]) -> str:
    """A table for a spreadsheet, one row for each learner (CSV)."""
    columns = list(dict.fromkeys(mark.exercise for graded in results for mark in graded.marks))
    buffer = io.StringIO()
    table = csv.writer(buffer)
    table.writerow(["name", "score", "of", *columns, "remarks"])
    for graded in results:
        scores = {mark.exercise: number(mark.score) for mark in graded.marks}
        total = ["", ""] if graded.broken else [number(graded.score), number(graded.of)]
        remarks = cell(" ".join(graded.remarks))
        table.writerow([cell(graded.name), *total, *(scores.get(column, "") for column in columns), remarks])
    return buffer.getvalue()


def junit(results: list[Graded]) -> str:
    """All results as JUnit XML, which CI servers show: a suite for each learner, a case for each exercise."""
    root = ElementTree.Element("testsuites", name="dino grade")
    for graded in results:
        states = Counter(mark.state for mark in graded.marks)
        counts = {"tests": states.total(), "failures": states[FAILED], "skipped": states[NOT_STARTED]}
        known = {"name": graded.name, "time": f"{sum(mark.seconds for mark in graded.marks):.3f}"}
        known |= {key: str(count) for key, count in (counts | {"errors": int(bool(graded.broken))}).items()}
        suite = ElementTree.SubElement(root, "testsuite", known)
        for mark in graded.marks:
            known = {"classname": mark.chapter, "name": mark.exercise, "time": f"{mark.seconds:.3f}"}
            case = ElementTree.SubElement(suite, "testcase", known)
            if mark.state == FAILED:
                ElementTree.SubElement(case, "failure", message=mark.news).text = mark.symptom
            elif mark.state == NOT_STARTED:
                ElementTree.SubElement(case, "skipped", message=mark.news)
        if graded.broken:
            case = ElementTree.SubElement(suite, "testcase", classname="grader", name="all")
            ElementTree.SubElement(case, "error", message=graded.broken)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def gradescope(graded: Graded) -> str:
    """The `results.json` of a Gradescope autograder."""
    tests = [
        {
            "name": f"{mark.chapter}: {mark.exercise}",
            "score": mark.score,
            "max_score": mark.of,
            "status": "passed" if mark.state == PASSED else "failed",
            "output": words(mark),
            "output_format": "text",
        }
        for mark in graded.marks
    ]
    known = {
        "execution_time": round(sum(mark.seconds for mark in graded.marks)),
        "output": " ".join(graded.remarks),
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    if not tests:  # it wants either tests or a score
        known["score"] = 0
    return json.dumps(known, indent=2)


def classroom50(graded: Graded, surroundings: Mapping[str, str]) -> str:
    """The `result.json` of a Classroom 50 autograder.

    Scores have to be whole there. Where points or parts of them are not, all are multiplied by 100.

    surroundings  the environment variables that its runner sets
    """
    points = [number for mark in graded.marks for number in (mark.score, mark.of)]
    scale = 1 if all(float(number).is_integer() for number in points) else 100
    tests = [
        {
            "test-name": f"{mark.chapter}: {mark.exercise}",
            "passed": mark.state == PASSED,
            "score": round(mark.score * scale),
            "max-score": round(mark.of * scale),
            "feedback": words(mark),
        }
        for mark in graded.marks
    ]
    known = {"classroom": "CLASSROOM", "assignment": "ASSIGNMENT", "submission": "SUBMISSION_TAG"}
    known |= {"commit": "COMMIT_URL", "release": "RELEASE_URL"}
    known = {key: surroundings.get(name, "local") for key, name in known.items()} | {
        "schema": "classroom50/result/v1",
        "assignment_type": "individual",
        "owner": surroundings.get("OWNER", graded.name),
        "review": surroundings.get("REVIEW_URL") or surroundings.get("COMMIT_URL", "local"),
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }
    return json.dumps(known, indent=2)


def actions(graded: Graded) -> str:
    """What the grading reporter of GitHub Actions reads, once it is in base64, from the result of a step."""
    tests = [
        {
            "name": mark.exercise,
            "status": "pass" if mark.state == PASSED else "fail",
            "score": mark.score,
            "message": None if mark.state == PASSED else words(mark),
            "test_code": f"dino check {mark.chapter}",
            "filename": "",
            "line_no": 0,
            "duration": mark.seconds * 1000,
        }
        for mark in graded.marks
    ]
    whole = "error" if graded.broken else "pass" if all(test["status"] == "pass" for test in tests) else "fail"
    return json.dumps({"version": 1, "status": whole, "max_score": graded.of, "tests": tests}, indent=2)
