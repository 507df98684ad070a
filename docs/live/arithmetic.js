// Formulas as Python and torch would read them: arithmetic, comparisons, brackets and a few functions, worked out without `eval`.
// A value is a number, or a tensor: { shape, data, truth }, with `truth` for what a comparison gives.

import { noise } from "./recipe.js";

/** What is wrong with a formula, as a sentence for the one who wrote it. */
export class FormulaError extends Error {}

const fail = (sentence) => {
  throw new FormulaError(sentence);
};

export const tensor = (shape, data, truth = false) => ({ shape, data: Float64Array.from(data), truth });
const plain = (value) => typeof value === "number";
const numbers = (value) => (plain(value) ? tensor([], [value]) : value);
const sized = (shape) => shape.reduce((product, side) => product * side, 1);
export const written = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** The shape that several shapes stretch to: from the last side on, sides are equal, or 1. */
function broadcast(shapes) {
  const sides = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: sides }, (_, i) => {
    const here = shapes.map((shape) => shape.at(i - sides) ?? 1).filter((side) => side !== 1);
    const all = shapes.filter((shape) => shape.length).map(written).join(" and ");
    if (here.some((side) => side !== here[0])) fail(`The shapes ${all} do not fit together.`);
    return here[0] ?? 1;
  });
}

/** Most numbers that are worked out at once: a slip must not keep a phone busy for minutes. */
const MOST = 1e6;

/** Where each number of a shape finds its own in a tensor that is stretched to it. */
function places(shape, from) {
  let found = Uint32Array.of(0);
  let stride = 1;
  // From the last side to the first: what is there is repeated, a stride further each time, or where it is if it is stretched.
  for (let i = 1; i <= shape.length; i++) {
    const own = from.at(-i) ?? 1;
    const move = own === 1 ? 0 : stride;
    stride *= own;
    const before = found;
    found = new Uint32Array(before.length * shape.at(-i));
    for (let k = 0; k < shape.at(-i); k++) found.set(move ? before.map((place) => place + k * move) : before, k * before.length);
  }
  return found;
}

/** Works something out for each number of one or more values. */
function each(work, values, truth = false) {
  if (values.every(plain)) return truth ? Number(work(...values)) : work(...values);
  const tensors = values.map(numbers);
  const shape = broadcast(tensors.map((one) => one.shape));
  if (sized(shape) > MOST) fail(`A tensor of shape ${written(shape)} is too large for this page.`);
  const same = tensors.map((one) => (one.data.length === sized(shape) ? undefined : places(shape, one.shape)));
  const data = Float64Array.from({ length: sized(shape) }, (_, i) =>
    work(...tensors.map((one, k) => one.data[same[k] ? same[k][i] : i])),
  );
  return { shape, data, truth };
}

const OPERATORS = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "**": (a, b) => a ** b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

function calculate(operator, left, right) {
  if (operator === "/" && plain(left) && right === 0) fail("A number is divided by zero.");
  if (operator === "-" && (left.truth || right.truth)) fail("True and false cannot be subtracted: use torch.where, or ~.");
  const truth = /[<>=]/.test(operator) || (left.truth && right.truth && /^[+*]$/.test(operator));
  return each(truth ? (a, b) => Boolean(OPERATORS[operator](a, b)) : OPERATORS[operator], [left, right], truth);
}

/** Rounds as torch does: halves go to the even number. */
const even = (number) => (number % 1 === 0.5 || number % 1 === -0.5 ? 2 * Math.round(number / 2) : Math.round(number));
const clamp = (number, low, high) => Math.min(Math.max(number, low), high);

/** One number of all that a tensor holds. */
const whole = (work) => (value) =>
  tensor([], [value.data.length ? work(value.data) : fail("There is nothing in this tensor, so it has no mean, min or max.")]);
/** Makes sure that a value is a tensor. */
const needed = (value, name) => (plain(value) ? fail(`torch.${name} needs tensors, and gets a plain number.`) : value);
const mean = (data) => data.reduce((sum, number) => sum + number, 0) / data.length;

/** Noise in the shape of a tensor: the same in every formula, so that two with the same mistake give the same. */
const random = (value) => ({ ...value, data: Float64Array.from(noise(7, value.data.length)) });
function gaussian(value) {
  const [one, other] = [noise(8, value.data.length), noise(9, value.data.length)];
  return { ...value, data: Float64Array.from(one, (u, i) => Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * other[i])) };
}

// What torch has, as `torch.sqrt(x)` and as `x.sqrt()`. All want a tensor first.
const TORCH = {
  abs: (x) => each(Math.abs, [x]),
  clamp: (x, low, high) => each(clamp, [x, low ?? -Infinity, high ?? Infinity]),
  clone: (x) => x,
  exp: (x) => each(Math.exp, [x]),
  flatten: (x) => ({ ...x, shape: [x.data.length] }),
  lerp: (x, to, share) => each((a, b, part) => a + part * (b - a), [x, needed(to, "lerp"), share]),
  log: (x) => each(Math.log, [x]),
  max: whole((data) => data.reduce((most, number) => Math.max(most, number))),
  maximum: (x, other) => each(Math.max, [x, needed(other, "maximum")]),
  mean: whole(mean),
  min: whole((data) => data.reduce((least, number) => Math.min(least, number))),
  minimum: (x, other) => each(Math.min, [x, needed(other, "minimum")]),
  rand_like: random,
  randn_like: gaussian,
  round: (x) => each(even, [x]),
  sqrt: (x) => each(Math.sqrt, [x]),
  square: (x) => each((number) => number ** 2, [x]),
  where: (condition, then, otherwise) =>
    condition.truth
      ? each((truth, a, b) => (truth ? a : b), [condition, then, otherwise])
      : fail("torch.where(…) begins with a condition, such as … == 1."),
};
/** The number that a value is; a function of Python's wants single ones. */
function single(value, name, instead = "") {
  if (numbers(value).data.length !== 1) fail(`${name}(…) is for single numbers${instead && `: for tensors, write torch.${instead}(…)`}.`);
  return numbers(value).data[0];
}
// What Python has, and the course's own.
const PYTHON = {
  abs: TORCH.abs,
  float: (x) => single(x, "float"),
  int: (x) => Math.trunc(single(x, "int")),
  max: (...all) => Math.max(...all.map((one) => single(one, "max", "maximum"))),
  min: (...all) => Math.min(...all.map((one) => single(one, "min", "minimum"))),
  round: (x) => (plain(x) ? even(x) : fail("round(…) is for plain numbers: for tensors, write torch.round(…).")),
  mix: (clean, noise, level) => each((a, b, share) => (1 - share) * a + share * b, [clean, noise, level]),
};

export const KNOWN = { torch: Object.keys(TORCH), python: Object.keys(PYTHON) };

function call(name, given, torch) {
  const known = torch ? TORCH : PYTHON;
  if (!Object.hasOwn(known, name)) {
    if (!torch && Object.hasOwn(TORCH, name)) fail(`Python has no ${name} of its own: write torch.${name}(…).`);
    fail(`This page knows no ${name}. It knows ${KNOWN[torch ? "torch" : "python"].join(", ")}.`);
  }
  const due = known[name].length; // 0 where any number of values will do
  if (name === "clamp" && given.length < 2) fail("clamp wants a minimum, a maximum, or both.");
  if (name === "clamp" || due === 0 ? given.length > 3 || given.length === 0 : given.length !== due) {
    fail(`${name} works on ${due || "up to 3"} value${due === 1 ? "" : "s"} here, and gets ${given.length}.`);
  }
  if (torch) needed(given[0], name);
  return known[name](...given);
}

/** Part of a tensor: numbers, slices and None in square brackets. */
function part(value, items) {
  if (plain(value)) fail("A plain number has no parts: square brackets do not belong there.");
  let [side, shape, found] = [0, [], [0]];
  let stride = value.data.length;
  const along = (length, move, first) => {
    found = found.flatMap((place) => Array.from({ length }, (_, k) => place + (first + k) * move));
  };
  for (const item of [...items, ...Array(value.shape.length).fill({})]) {
    if (item === null) {
      shape.push(1);
      continue;
    }
    if (side === value.shape.length) {
      if (Object.keys(item).length) fail(`There are more numbers in the square brackets than ${written(value.shape)} has sides.`);
      continue;
    }
    const length = value.shape[side++];
    stride /= length;
    const at = (number) => (number < 0 ? number + length : number);
    if ("index" in item) {
      if (at(item.index) < 0 || at(item.index) >= length) fail(`There is no number ${item.index} along a side of ${length}.`);
      along(1, stride, at(item.index));
      continue;
    }
    const [low, high] = [clamp(at(item.low ?? 0), 0, length), clamp(at(item.high ?? length), 0, length)];
    shape.push(Math.max(0, high - low));
    along(shape.at(-1), stride, low);
  }
  return { ...value, shape, data: Float64Array.from(found, (place) => value.data[place]) };
}

const TOKEN = /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|[<>=!]=|\/\/|[-+*/()<>[\],.:=~])|(\S))/gu;
const WORDS = ["and", "else", "for", "if", "in", "is", "lambda", "not", "or"];
const STRANGE = { "^": "For a power, Python writes **, not ^.", "×": "For times, Python writes *.", "·": "For times, Python writes *.", "÷": "To divide, Python writes /.", "−": "For minus, use the - of the keyboard." };

/**
 * Reads a formula, and returns a function that works it out: it takes an object with a value for each of the `names`.
 * Throws a FormulaError, now or then, whose message says what is wrong.
 */
export function formula(text, names) {
  const tokens = [...text.matchAll(TOKEN)].map(([, number, name, sign, strange]) => {
    if (strange) fail(STRANGE[strange] ?? `${strange} means nothing in a formula.`);
    if (WORDS.includes(name)) fail(`A formula of this page does without ${name}.`);
    return number ? { number: Number(number), text: number } : name ? { name, text: name } : { sign, text: sign };
  });
  let next = 0;
  const here = () => tokens[next];
  const before = () => tokens[next - 1];
  const is = (...signs) => here()?.sign !== undefined && signs.includes(here().sign);
  const take = (...signs) => (is(...signs) ? tokens[next++].sign : undefined);
  const close = (sign, open) => take(sign) ?? (here() ? unexpected() : fail(`A bracket ${open} is not closed: ${sign} is missing.`));

  function unexpected() {
    const { text, sign } = here();
    if (sign === "=") fail("A formula needs no =: write only what comes after it, or after return.");
    if (sign === "//") fail("// cuts off what comes after the point: divide with /.");
    if (sign === ")" || sign === "]") fail(`There is a ${sign} too many, or something is missing in front of it.`);
    if (next && sign === undefined) fail(`Something is missing between ${before().text} and ${text}: for times, write *.`);
    fail(next ? `${text} cannot follow ${before().text}.` : `A formula cannot begin with ${text}.`);
  }

  // From what binds least to what binds most, as in Python. Each returns a function of the values.
  function comparison() {
    const left = sum();
    const operator = take("<", ">", "<=", ">=", "==", "!=");
    if (!operator) return left;
    const right = sum();
    return (values) => calculate(operator, left(values), right(values));
  }

  function chain(signs, deeper) {
    let left = deeper();
    for (let operator = take(...signs); operator; operator = take(...signs)) {
      const [one, sign, other] = [left, operator, deeper()];
      left = (values) => calculate(sign, one(values), other(values));
    }
    return left;
  }

  const sum = () => chain(["+", "-"], product);
  const product = () => chain(["*", "/"], unary);

  function unary() {
    const sign = take("-", "+", "~");
    if (!sign) return power();
    const value = unary();
    if (sign === "~") return (values) => not(value(values));
    return sign === "+" ? value : (values) => calculate("-", 0, value(values));
  }

  const not = (value) => (value.truth ? { ...value, data: value.data.map((one) => 1 - one) } : fail("~ is for what a comparison gives."));

  function power() {
    const base = postfix();
    if (!take("**")) return base;
    const exponent = unary();
    return (values) => calculate("**", base(values), exponent(values));
  }

  function postfix() {
    let value = atom();
    for (let sign = take(".", "["); sign; sign = take(".", "[")) {
      const of = value;
      if (sign === "[") {
        const items = slices();
        value = (values) => part(of(values), items);
        continue;
      }
      const name = here()?.name ?? fail("After a point comes the name of a function.");
      next += 1;
      if (!take("(")) fail(`.${name} needs brackets here: .${name}()`);
      const given = inputs(name, 1);
      value = (values) => {
        const first = of(values);
        if (plain(first)) fail(`A plain number has no .${name}()${name === "sqrt" ? ": write ** 0.5" : ""}.`);
        const others = given(values);
        // Of `where` alone, the condition comes first as a function, and second as a method.
        return call(name, name === "where" ? [others[0], first, ...others.slice(1)] : [first, ...others], true);
      };
    }
    return value;
  }

  /** What stands in the brackets of a call that has so many inputs already. Of those with a name, `clamp` has two. */
  function inputs(name, already = 0) {
    const found = [];
    while (!is(")") && here()) {
      const named = name === "clamp" && tokens[next + 1]?.sign === "=" && { min: 1, max: 2 }[here().name];
      if (named) next += 2;
      else if (found.named) fail("What has a name comes last in the brackets of a call.");
      else if (tokens[next + 1]?.sign === "=") fail(`Leave out ${here().text}=, and give ${name} its values in their order.`);
      found[named ? named - already : found.length] = comparison();
      found.named ||= Boolean(named);
      if (!take(",")) break;
    }
    close(")", "(");
    return (values) => Array.from(found, (one) => one?.(values));
  }

  function slices() {
    const items = [];
    const number = () => {
      const sign = take("-");
      if (here()?.number === undefined) return sign ? unexpected() : undefined;
      if (!Number.isInteger(here().number)) fail(`Square brackets want whole numbers, not ${here().text}.`);
      return (sign ? -1 : 1) * tokens[next++].number;
    };
    while (!is("]") && here()) {
      if (here().name === "None") {
        next += 1;
        items.push(null);
      } else {
        const low = number();
        if (take(":")) items.push({ low, high: number() });
        else items.push({ index: low ?? unexpected() });
      }
      if (!take(",")) break;
    }
    close("]", "[");
    return items.length ? items : fail("There is nothing in the square brackets.");
  }

  function atom() {
    if (!here()) fail(next ? `Something is missing after ${before().text}.` : "Write the formula first.");
    if (take("(")) {
      const value = comparison();
      close(")", "(");
      return value;
    }
    const { number, name } = here();
    if (number === undefined && name === undefined) unexpected();
    next += 1;
    if (number !== undefined) return () => number;
    if (name === "torch" && take(".")) {
      const which = here()?.name ?? fail("After torch. comes the name of a function.");
      next += 1;
      if (!take("(")) fail(`torch.${which} needs brackets: torch.${which}(…)`);
      const given = inputs(which);
      return (values) => call(which, given(values), true);
    }
    if (take("(")) {
      const given = inputs(name);
      if (names.includes(name)) fail(`${name} is no function: for times, write ${name} * (…).`);
      return (values) => call(name, given(values), false);
    }
    if (!names.includes(name)) fail(`There is no ${name} here. There is ${names.join(", ")}.`);
    return (values) => values[name];
  }

  const value = comparison();
  if (here()) unexpected();
  return value;
}
