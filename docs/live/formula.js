// Exercises that come down to one formula, to be done in the page. It is checked as `check` would: by the same claims and the
// same usual mistakes, which the site's build has exported from there (dino/course/site/formulas.py).

import { FormulaError, formula, tensor, written } from "./arithmetic.js";
import { beside } from "./denoiser.js";
import { COUNT, Live, SIZE, imageBeside, make, paint, pictureOf } from "./parts.js";
import { noise } from "./recipe.js";

const BATCH = 4;
const SHAPE = [BATCH, 3, SIZE, SIZE];
const LEVELS = [0.35, 0.8, 0.15, 0.6];
const TOLERANCE = 1e-4;

let scenes;

/** What the inputs of all exercises are made of. */
export function loadScenes() {
  scenes ??= imageBeside("dinosaurs.png").then(scenesOf, (error) => {
    scenes = undefined; // so that one can try again
    throw error;
  });
  return scenes;
}

function scenesOf(image) {
  const some = (first) => Array.from({ length: BATCH }, (_, i) => [...pictureOf(image, (first + i) * SIZE, 0, SIZE)]);
  // Of each picture, another part is known: the left half, the top, a square, all but a corner.
  const known = [
    (x) => x < SIZE / 2,
    (_, y) => y < SIZE / 2,
    (x, y) => Math.max(Math.abs(x - 16), Math.abs(y - 16)) < 10,
    (x, y) => x + y > 20,
  ];
  const masks = known.flatMap((is) => Array.from({ length: SIZE ** 2 }, (_, i) => Number(is(i % SIZE, Math.floor(i / SIZE)))));
  return {
    dinosaurs: tensor(SHAPE, some(0).flat()),
    others: tensor(SHAPE, some(BATCH).flat()),
    noise: tensor(SHAPE, noise(1, BATCH * COUNT)),
    levels: tensor([BATCH, 1, 1, 1], LEVELS),
    masks: tensor([BATCH, 1, SIZE, SIZE], masks),
    one: tensor([], [1]),
  };
}

/** What a formula that was read gives for some values: a value, or the sentence with which it stops. */
function outcome(work, values) {
  try {
    return work(values);
  } catch (error) {
    if (error instanceof FormulaError) return error.message;
    throw error;
  }
}

const far = (one, other, size = 1) =>
  !(one === other || (Number.isNaN(one) && Number.isNaN(other)) || Math.abs(one - other) <= TOLERANCE * size);
const short = (number) => String(Number(number.toPrecision(4)));

/** What is wrong with a result, as a sentence; undefined if it is right. */
function symptom(yours, expected) {
  if (typeof yours === "string") return yours;
  if (typeof yours === "number") return "It should be a tensor, yours is a plain number.";
  if (written(yours.shape) !== written(expected.shape)) {
    return `Its shape should be ${written(expected.shape)}, yours is ${written(yours.shape)}.`;
  }
  if (yours.truth) return "It should hold numbers, yours holds true and false.";
  const unknown = yours.data.filter((number, i) => Number.isNaN(number) && !Number.isNaN(expected.data[i])).length;
  if (unknown) return `${unknown} of its ${yours.data.length} numbers are nan (not a number).`;
  const gaps = yours.data.map((number, i) => (far(number, expected.data[i]) ? Math.abs(number - expected.data[i]) : 0));
  const place = gaps.indexOf(Math.max(...gaps));
  if (gaps[place] === 0) return undefined;
  let rest = place;
  const where = expected.shape.map((side, i) => {
    const stride = expected.shape.slice(i + 1).reduce((product, other) => product * other, 1);
    const index = Math.floor(rest / stride);
    rest %= stride;
    return index;
  });
  return `At [${where.join(", ")}] it should be ${short(expected.data[place])}, yours is ${short(yours.data[place])}.`;
}

/** Whether two formulas gave the same. Numbers above 1 may differ in proportion. */
function agree(mine, their) {
  if (typeof mine !== "object" || typeof their !== "object") return mine === their;
  const size = (number) => (Number.isFinite(number) ? Math.max(1, Math.abs(number)) : 1);
  return (
    mine.truth === their.truth &&
    written(mine.shape) === written(their.shape) &&
    mine.data.every((number, i) => !far(number, their.data[i], size(their.data[i])))
  );
}

/**
 * The sentence of the wrong answer that gives most nearly what yours does, as `most_similar` of the checks finds it: one that
 * gives the same everywhere, or perhaps the one that goes on agreeing most after the first claim that is untrue.
 *
 * mistakes  sentences, each with a function that tells what it gives at the claim of a number
 */
function mostSimilar(yours, first, mistakes) {
  const similar = new Map();
  for (const [sentence, gives] of mistakes) {
    // What differs up to the first untrue claim need not be looked at any further.
    const differs = yours.findIndex((mine, i) => i <= first && !agree(mine, gives(i)));
    if (differs >= 0) continue;
    const count = yours.filter((mine, i) => i > first && agree(mine, gives(i))).length;
    if (first + 1 + count === yours.length) return sentence;
    similar.set(sentence, Math.max(count, similar.get(sentence) ?? 0));
  }
  const most = [...similar].filter(([, count]) => count === Math.max(...similar.values()));
  return most.length === 1 ? `Perhaps this: ${most[0][0]}` : undefined;
}

/** An exercise that comes down to one formula. */
export class Exercise {
  constructor(given, scenes) {
    Object.assign(this, given);
    this.claims = Object.entries(given.claims).map(([says, special]) => {
      const values = { ...scenes };
      for (const [name, usual] of Object.entries(given.inputs)) {
        values[name] = formula(special[name] ?? usual, Object.keys(values))(values);
      }
      return { says, values };
    });
    this.expected = this.outcomes(given.answer);
    this.wrong = Object.entries(given.mistakes).flatMap(([sentence, texts]) => texts.map((text) => [sentence, text]));
  }

  /** What a formula gives at one claim. Throws a FormulaError if it gives nothing. */
  at(text, claim) {
    return formula(text, this.names)(this.claims[claim].values);
  }

  /** What a formula gives at each claim: a value, or the sentence with which it stops. */
  outcomes(text) {
    const work = formula(text, this.names);
    return this.claims.map(({ values }) => outcome(work, values));
  }

  /** What becomes of a formula: whether it passed, the news, the symptom, and the number of the claim that shows it. */
  judge(text) {
    const yours = this.outcomes(text);
    const first = this.claims.findIndex((_, i) => symptom(yours[i], this.expected[i]));
    if (first < 0) return { passed: true, news: `All ${this.claims.length} claims hold.`, shown: this.first };
    const wrong = symptom(yours[first], this.expected[first]);
    const mistakes = this.wrong.map(([sentence, one]) => {
      const work = formula(one, this.names);
      return [sentence, (claim) => outcome(work, this.claims[claim].values)];
    });
    const { says } = this.claims[first];
    const known = mostSimilar(yours, first, mistakes);
    if (known) return { passed: false, news: known, symptom: `${says} ${wrong}`, shown: first };
    if (typeof yours[first] === "string") return { passed: false, news: wrong, shown: first };
    return { passed: false, news: `Not true yet: ${says}`, symptom: wrong, shown: first };
  }
}

/** Words, of which those between backticks are code. */
const withCode = (words) => words.split("`").map((some, i) => (i % 2 ? make("code", {}, some) : some));

const KEPT = "dino-formulas";

/** What was solved in this browser, by exercise; nothing in a browser that does not store anything. */
function solved() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

function keep(name, text) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...solved(), [name]: text }));
  } catch {
    // It is still solved, until the page is left.
  }
}

class DinoFormula extends Live {
  build() {
    this.line = make("code", {}, "return");
    this.input = make("input", {
      type: "text",
      maxLength: 300,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: false,
      enterKeyHint: "go",
    });
    this.input.setAttribute("autocorrect", "off");
    this.input.addEventListener("input", () => this.look());
    this.keys = make("div", { role: "group", "aria-label": "names and operators", className: "buttons keys" });
    this.rows = ["expected", "yours", "difference"].map((name) => {
      const places = Array.from({ length: BATCH }, () => make("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": name }));
      const caption = make("figcaption", {}, name);
      return { name, places, caption, figure: make("figure", {}, caption, ...places) };
    });
    this.solution = make("div", { hidden: true });
    this.claim = make("p");
    const onsubmit = (event) => {
      event.preventDefault();
      this.check();
    };
    return [
      make(
        "form",
        { onsubmit },
        make("label", { className: "field" }, this.line, this.input),
        this.keys,
        make("div", { className: "buttons" }, make("button", { className: "primary" }, "Check")),
        this.status,
        this.solution,
        this.claim,
        make("div", { className: "rows" }, ...this.rows.map(({ figure }) => figure)),
      ),
    ];
  }

  async begin() {
    this.name = this.getAttribute("exercise");
    const [bytes, known] = await Promise.all([beside(`formula-${this.name}.json`), loadScenes()]);
    this.exercise = new Exercise(JSON.parse(new TextDecoder().decode(bytes)), known);
    this.lead = this.exercise.line.split("{}")[0].trim();
    this.line.textContent = this.lead;
    const key = (text, name, press = () => this.type(text)) =>
      make("button", { type: "button", "aria-label": name, onclick: press }, text.trim());
    const signs = [["(", "bracket"], [")", "closing bracket"], [" + ", "plus"], [" - ", "minus"], [" * ", "times"], [" / ", "divided by"], ["**", "to the power of"], ["1", "one"], ["2", "two"]];
    this.keys.replaceChildren(
      ...this.exercise.names.map((name) => key(name, name)),
      ...signs.map(([text, name]) => key(text, name)),
      key("⌫", "delete", () => this.delete()),
    );
    this.shown = this.exercise.first;
    const before = solved()[this.name];
    if (before && !this.input.value) {
      this.input.value = before;
      this.check();
    } else {
      this.look();
    }
  }

  /** Puts a name or an operator where the caret is. The field is not focused, so that no phone brings up its keyboard. */
  type(text) {
    this.input.setRangeText(text, this.input.selectionStart, this.input.selectionEnd, "end");
    this.look();
  }

  /** Takes away what is selected, or the last name, number or operator before the caret. */
  delete() {
    const { selectionStart: start, selectionEnd: end, value } = this.input;
    const last = value.slice(0, start).match(/(?:[\p{L}\p{N}_.]+|\*\*|\S|^)\s*$/u);
    this.input.setRangeText("", start === end ? last.index : start, end, "end");
    this.look();
  }

  /** The formula alone, without what stands before it in the line. */
  text() {
    const text = this.input.value.trim();
    return (text.startsWith(this.lead) ? text.slice(this.lead.length) : text).replace(/^return\b/, "").trim();
  }

  /** Draws what the formula gives as it stands; half a formula leaves the pictures as they are. */
  look() {
    if (!this.exercise) return;
    this.say("");
    this.status.dataset.state = "";
    this.solution.hidden = true;
    this.claim.hidden = false;
    try {
      this.draw(this.exercise.at(this.text(), this.shown));
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      if (!this.text()) this.draw(undefined);
    }
  }

  /** Draws what was expected, what a formula gives, and the difference, drawn stronger if it is small. */
  draw(yours) {
    const expected = this.exercise.expected[this.shown];
    this.claim.replaceChildren(...withCode(this.exercise.claims[this.shown].says));
    const fits = yours && written(yours.shape ?? []) === written(SHAPE);
    const gaps = fits ? yours.data.map((number, i) => number - expected.data[i]) : undefined;
    // What is infinite, or no number, does not decide how strongly the rest is drawn.
    const most = fits ? gaps.reduce((most, gap) => (Math.abs(gap) < 1e6 ? Math.max(most, Math.abs(gap)) : most), 0.01) : 1;
    const times = most <= 1 ? Math.floor(1 / most) : Number((1 / most).toPrecision(2));
    const shown = { expected: expected.data, yours: fits && yours.data, difference: gaps?.map((gap) => 0.5 + (times * gap) / 2) };
    for (const { name, places, caption } of this.rows) {
      places.forEach((canvas, i) => {
        const picture = shown[name] ? shown[name].slice(i * COUNT, (i + 1) * COUNT) : new Float64Array(COUNT).fill(0.5);
        paint({ canvas }, picture, `${name}, picture ${i + 1}${shown[name] ? "" : ": nothing yet"}`);
      });
      if (name === "difference") caption.textContent = `difference${times === 1 ? "" : `, x ${times}`} (grey: none)`;
    }
  }

  /** Says its words, of which those between backticks are code. */
  say(words) {
    this.status.replaceChildren(...withCode(words));
  }

  check() {
    if (!this.exercise) return;
    const text = this.text();
    try {
      const { passed, news, symptom, shown } = this.exercise.judge(text);
      this.shown = shown;
      this.look();
      this.status.dataset.state = passed ? "passed" : "failed";
      this.say(`${passed ? "✓" : "✗"} ${[news, symptom].filter(Boolean).join("\n")}`);
      this.claim.hidden = symptom !== undefined; // it has just been said
      if (passed) this.offer(text);
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      this.look();
      this.status.dataset.state = "failed";
      this.say(error.message);
    }
  }

  /** Keeps a right formula, and shows it as the line that belongs into the chapter. */
  offer(text) {
    keep(this.name, text);
    const line = this.exercise.line.replace("{}", () => text);
    const copy = make("button", { type: "button" }, "Copy");
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line);
      copy.textContent = "Copied";
    });
    this.solution.replaceChildren(
      ...(this.exercise.notice ? [make("p", {}, "Worth noticing: ", ...withCode(this.exercise.notice))] : []),
      make("p", {}, "This is the line for your chapter:"),
      make("div", { className: "paste" }, make("code", {}, line), ...(navigator.clipboard ? [copy] : [])),
    );
    this.solution.hidden = false;
  }
}

customElements.define("dino-formula", DinoFormula);
