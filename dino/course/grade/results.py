"""What grading is told, and what comes of it: plain records, which go through files and between processes."""

import base64
import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """How to grade.

    topics      of the chapters to grade
    points      for each exercise; 1 where nothing is said
    partial     whether an answer that is not right gets a part of the points, for the claims that are true of it
    variant     the seed of the variant that the class has, if it has one
    no_sandbox  whether to run answers even where they cannot be isolated, and could do harm or forge their points
    """

    topics: tuple[str, ...]
    points: dict[str, float] = field(default_factory=dict)
    partial: bool = False
    variant: int | None = None
    no_sandbox: bool = False

    def of(self, exercise: str) -> float:
        """The points for an exercise."""
        return self.points.get(exercise, 1)


@dataclass
class Mark:
    """What became of one exercise.

    state      as in a `Verdict`: PASSED, FAILED or NOT_STARTED
    score, of  points, and how many there are for it
    news       the sentence that matters most; for a usual mistake, the one that names it
    symptom    what came out of the answer and what should have
    mistake    whether `news` names a usual mistake
    seconds    that it took to grade
    picture    a PNG that shows what is wrong, or nothing
    """

    chapter: str
    exercise: str
    state: str
    score: float
    of: float
    news: str
    symptom: str = ""
    mistake: bool = False
    seconds: float = 0.0
    picture: bytes = b""


@dataclass
class Graded:
    """The result of one learner.

    problems   what could not be read of what was handed in
    isolation  how well the sandbox isolated the answers: "whole", "landlock", "user" or "limits"
    broken     why there are no marks, if the grader itself broke down
    """

    name: str
    marks: list[Mark] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    isolation: str = ""
    broken: str = ""

    @property
    def score(self) -> float:
        return sum(mark.score for mark in self.marks)

    @property
    def of(self) -> float:
        return sum(mark.of for mark in self.marks)

    @property
    def remarks(self) -> list[str]:
        """What there is to say beside the marks."""
        return [self.broken, *self.problems] if self.broken else self.problems

    def to_json(self) -> str:
        """All of it as JSON, the pictures in base64."""
        known = dataclasses.asdict(self) | {"score": self.score, "of": self.of}
        return json.dumps(known, indent=2, default=lambda picture: base64.b64encode(picture).decode())

    @classmethod
    def from_json(cls, text: str) -> "Graded":
        """What `to_json` wrote. Raises ValueError, KeyError or TypeError if it is something else."""
        known = json.loads(text)
        del known["score"], known["of"]
        known["marks"] = [Mark(**{**mark, "picture": base64.b64decode(mark["picture"])}) for mark in known["marks"]]
        return cls(**known)


def plain(text: object) -> str:
    """Words from a learner's program on a single line, at most 2000 letters long, and none that steers a terminal or CI."""
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text)[:2000])
    return re.sub(r" +", " ", printable.replace("##[", "## [")).strip()


def number(points: float) -> str:
    """Points as people write them: 1, 2.5, 0.33."""
    return f"{points:.2f}".rstrip("0").rstrip(".")


def listed(names: Iterable[str], most: int = 3) -> str:
    """Names as people list them; of many the first, and of long ones the end."""
    names = [name if len(name) < 45 else f"...{name[-40:]}" for name in names]
    more = len(names) - most
    shown = names[:most] + ([f"{more} more"] if more > 0 else [])
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""
