"""Exercises that come down to one formula can be done in the page: what it has to know for that, from the one bank of checks.

The page (`docs/live/formula.js`) works formulas out over pictures, as torch would. What it compares them with is written here as
formulas, too: the lesson's, the usual mistakes that are one, and what goes in.
"""

import ast
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor

from dino.course.chapters import find_exercise
from dino.course.checks import check_for
from dino.course.checks.claims import Check
from dino.course.checks.mistakes import code_of, edited
from dino.course.judge.trial import make_claims


@dataclass(frozen=True)
class Formula:
    """An exercise, or one passage of its answer, as a formula.

    inputs   what goes in, by name, as formulas over what the page has: `dinosaurs` and `others`, (4, 3, 32, 32) each, `noise`
             in that shape, `levels`, (4, 1, 1, 1), `masks`, (4, 1, 32, 32), of zeros and ones, and `one`, a tensor without sides;
             each may use those before it
    passage  the part of the answer that is asked for; without one, all that it returns
    first    the number of the claim whose pictures are shown first
    claims   what has to hold beside what the check says of whole results: sentences, and which inputs are others than usual
    """

    exercise: str
    inputs: dict[str, str]
    passage: str = ""
    first: int = 0
    claims: dict[str, dict[str, str]] = field(default_factory=dict)


OFF = {"guess": "1.5 * others - 0.25", "noisy": "mix(dinosaurs, noise, level)"}
LOW = {"level": "0.01 + 0.02 * levels"}
FORMULAS = {
    formula.exercise: formula
    for formula in (
        Formula("mix", {"clean": "dinosaurs", "noise": "noise", "level": "levels"}, first=3),
        Formula(
            "step",
            {"guess": "dinosaurs", "now": "0.8 * one", "next": "0.3 * one", "picture": "mix(dinosaurs, noise, now)"},
            first=1,
        ),
        Formula(
            "sample",
            {"previous": "mix(others, dinosaurs, 0.5)", "raw": "dinosaurs", "stretch": "1.7"},
            passage="previous + stretch * (raw - previous)",
            first=1,
            claims={
                "Stretch 1 takes the guess as it is.": {"stretch": "1"},
                "Stretch 1.7 goes beyond it, away from the one before.": {},
                "Stretch 2 goes twice as far.": {"stretch": "2"},
            },
        ),
        Formula(
            "begin_from",
            {"picture": "dinosaurs", "noise": "noise", "strength": "0.35"},
            passage="mix(picture, noise, strength)",
            first=1,
            claims={
                "Strength 1 begins with nothing but noise.": {"strength": "1"},
                "Strength 0.35 begins with 0.65 of the picture and 0.35 of the noise.": {},
            },
        ),
        Formula("keep_known", {"guess": "1.4 * others - 0.2", "picture": "dinosaurs", "known": "masks"}),
        Formula(
            "guide",
            {
                "free": "1.2 * mix(others, dinosaurs, 0.3) - 0.1",
                "told": "1.2 * mix(others, dinosaurs, 0.8) - 0.1",
                "guidance": "2.5",
            },
            first=3,
        ),
        Formula(
            "noise_of",
            {"level": "levels", "guess": "dinosaurs", "noisy": "mix(guess, noise, level)"},
            claims={
                "Mixed into the guess, it gives the noisy picture, however far off the guess may be.": OFF,
                "At levels as low as 0.01, too, it gives the noisy picture when it is mixed into the guess.": LOW,
            },
        ),
        Formula(
            "velocity_of",
            {"level": "levels", "guess": "dinosaurs", "noisy": "mix(guess, noise, level)"},
            claims={
                "Moved back along it to level 0, the noisy picture is the guess, however far off that may be.": OFF,
                "From levels as low as 0.01, too, it leads back to the guess.": LOW,
            },
        ),
    )
}


def exported(formula: Formula) -> str:
    """All that the page has to know about an exercise, as JSON."""
    chapter, _ = find_exercise(formula.exercise)
    check = check_for(chapter.topic, formula.exercise)
    source = code_of(check.reference)
    mistakes: dict[str, list[str]] = {}
    for sentence, given in check.mistakes.items():
        for mistake in given if isinstance(given, tuple) else (given,):
            wrong = expression(edited(check.reference, mistake), source, formula) if isinstance(mistake, dict) else ""
            if wrong:
                mistakes.setdefault(sentence, []).append(wrong)
    found = {
        "line": "return {}",
        "names": list(inspect.signature(check.reference).parameters),
        "inputs": formula.inputs,
        "first": formula.first,
        "answer": expression(source, source, formula),
        "claims": ({} if formula.passage else dict(claims_of(check, formula))) | formula.claims,
        "mistakes": mistakes,
        "notice": check.notice,
    }
    if formula.passage:
        line = next(line for line in source.splitlines() if formula.passage in line)
        # What is worth noticing about a whole answer is not about one line of it.
        found |= {"line": line.strip().replace(formula.passage, "{}"), "names": list(formula.inputs), "notice": ""}
    return json.dumps(found)


def claims_of(check: Check, formula: Formula) -> Iterator[tuple[str, dict[str, str]]]:
    """The claims about what an answer gives: the sentence, and which of its inputs are special there, as formulas.

    A claim is left out if an earlier one has the same special inputs, or if it is about batches of another size.
    """
    calls = []

    def spy(*inputs) -> Tensor:
        calls.append((inputs, check.reference(*inputs)))
        return calls[-1][1]

    seen = []
    for claim in make_claims(check, spy, seed=0):
        inputs = next((inputs for inputs, result in calls if result is claim.yours), None)
        if inputs is None or not isinstance(claim.expected, Tensor):
            continue
        named = zip(inspect.signature(check.reference).parameters, inputs, calls[0][0], strict=True)
        given = {name: how for name, *both in named if (how := special(*both, formula.inputs[name]))}
        shapes, usual = ([value.shape for value in some if isinstance(value, Tensor)] for some in (inputs, calls[0][0]))
        whole_batches = len({shape[0] for shape in shapes if shape}) == 1
        if given not in seen and (shapes == usual or (whole_batches and not given)):
            seen.append(given)
            yield claim.says, given


def special(value: Tensor | float, usual: Tensor | float, scene: str) -> str:
    """How an input is other than usual, as a formula; "" if it is not."""
    if not isinstance(value, Tensor):
        return f"{value:.4g}"
    if value.min() == value.max():
        return f"{value.flatten()[0]:.4g} + 0 * ({scene})"
    leaves = value.min() < -0.01 or value.max() > 1.01
    return f"1.5 * ({scene}) - 0.25" if leaves and usual.min() >= 0 and usual.max() <= 1 else ""


def expression(source: str, right: str, formula: Formula) -> str:
    """What stands in an answer where the formula is asked for, as one formula that the page can work out; "" if it cannot be said so.

    source  of the answer
    right   the source of the lesson's
    """
    if formula.passage:
        before, after = right.split(formula.passage)
        if not source.startswith(before) or not source.endswith(after):
            return ""
        return in_page(source[len(before) : len(source) - len(after)], formula)
    return in_page(inlined(ast.parse(source).body[0].body), formula)


def inlined(body: list[ast.stmt]) -> str:
    """Some assignments and a `return` as the one expression that comes out; "" if there is anything else."""
    known: dict[str, ast.expr] = {}

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return known.get(node.id, node)

    def filled(node: ast.expr) -> ast.expr:
        return Fill().visit(ast.parse(ast.unparse(node), mode="eval").body)

    for statement in body:
        match statement:
            case ast.Return(value=ast.expr() as value):
                return ast.unparse(filled(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                known[name] = filled(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                known |= dict(zip((name.id for name in names), map(filled, values), strict=True))
            case _:
                return ""
    return ""


# What `docs/live/arithmetic.js` can do: kinds of nodes, functions of torch's, and functions of Python's and the course's.
ARITHMETIC = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.unaryop,
    ast.cmpop,
    ast.Subscript,
    ast.Slice,
    ast.Load,
)
TORCH = {"abs", "clamp", "clone", "exp", "flatten", "lerp", "log", "max", "maximum", "mean", "min", "minimum", "rand_like", "randn_like", "round", "sqrt", "square", "where"}  # fmt: skip
PYTHON = {"abs", "float", "int", "max", "min", "mix", "round"}


def in_page(text: str, formula: Formula) -> str:
    """A formula as it is written in the page; "" if the page cannot work it out."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return ""
    parts = [node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript)]
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]

    def known(node: ast.AST) -> bool:
        match node:
            case ast.Constant(value=value):
                return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
            case ast.Name(id=name):
                return name in formula.inputs or name == "torch" or (node in functions and name in PYTHON)
            case ast.Attribute(attr=name):
                return node in functions and name in TORCH
            case ast.Tuple():
                return node in parts
            case ast.Call(func=function, keywords=keywords):
                named = isinstance(function, ast.Attribute) and function.attr == "clamp"
                return not keywords or (named and all(one.arg in ("min", "max") for one in keywords))
        return isinstance(node, (*ARITHMETIC, ast.keyword))

    return ast.unparse(tree) if all(map(known, ast.walk(tree))) else ""
