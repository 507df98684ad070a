// A prompt: words say what is to be drawn.

import { beside, trained } from "./denoiser.js";
import { COUNT, Live, SIZE, frame, imageBeside, make, paint, pictureOf, slider } from "./parts.js";
import { noise, prompted, sample } from "./recipe.js";

const WEIGHTS = "prompts-32";
const WORD = /[\p{L}\p{N}_-]+/gu;

let course;

/** What the course says of the box: the words that the network knows, those that say nothing, and what it begins with. */
function loadCourse() {
  course ??= beside("prompt.json")
    .then((bytes) => JSON.parse(new TextDecoder().decode(bytes)))
    .catch((error) => {
      course = undefined; // so that one can try again
      throw error;
    });
  return course;
}

/** What a text says, as a number for each of the words: 1 if it is there; and what else it says, which is not known. */
export function read(text, { words, fillers }) {
  const said = new Set(text.toLowerCase().match(WORD));
  const unknown = [...said].filter((word) => /[^_-]/.test(word) && ![...words, ...fillers].includes(word));
  return { numbers: words.map((word) => Number(said.has(word))), unknown };
}

/** How alike two words are: 1 if they are the same, 0 if they have no letter in common. */
function likeness(one, other) {
  // The number of letters that they have in common in the same order, for ever longer beginnings of the one.
  let common = Array(other.length + 1).fill(0);
  for (const letter of one) {
    const next = [0];
    for (let i = 0; i < other.length; i++) next.push(letter === other[i] ? common[i] + 1 : Math.max(common[i + 1], next[i]));
    common = next;
  }
  return (2 * common.at(-1)) / (one.length + other.length);
}

/** A sentence that names words which are not known, each with the nearest that is. */
export function passedOver(unknown, words) {
  const named = unknown.map((word) => {
    const nearest = [...words].sort((one, other) => likeness(word, other) - likeness(word, one))[0];
    return likeness(word, nearest) < 0.6 ? word : `${word} (nearest: ${nearest})`;
  });
  return unknown.length ? `Not known to the network: ${named.join(", ")}.` : "";
}

/** Puts a word into a text, or takes it out if it is there. */
export function toggled(text, word) {
  const without = text.replace(WORD, (said) => (said.toLowerCase() === word ? "" : said));
  if (without === text) return `${text.trim()} ${word}`.trim();
  return without.replace(/[\s,]+(?=[,.])|\s(?=\s)|^[\s,.]+|[\s,]+$/g, "");
}

/** A box for a prompt. The noise stays the same until one asks for another, so that one sees what the words change. */
class DinoPrompt extends Live {
  build() {
    const field = (name) => {
      const input = make("input", { type: "text", maxLength: 200, autocomplete: "off", autocapitalize: "none", enterKeyHint: "go" });
      input.addEventListener("input", () => trained(WEIGHTS).catch(() => {})); // it will be there when the prompt is
      return { input, label: make("label", { className: "field" }, make("span", {}, name), input) };
    };
    this.prompt = field("What shall it draw?");
    this.prompt.input.addEventListener("input", () => this.mark());
    this.avoid = field("What shall it not draw?");
    this.guidance = slider("guidance", { min: 0, max: 4, step: 0.5, value: 1 }, (guidance) => guidance.toFixed(1));
    this.guidance.input.addEventListener("change", () => this.draw());
    this.drawings = make("div", { className: "drawings" });
    this.chips = make("div", { role: "group", "aria-label": "words that the network knows", className: "chips" });
    const draw = make("button", { className: "primary" }, "Draw");
    const another = make("button", { type: "button", onclick: () => this.draw(true) }, "New noise");
    const onsubmit = (event) => {
      event.preventDefault();
      this.draw();
    };
    return [
      make(
        "form",
        { onsubmit },
        make("div", { className: "ask" }, this.prompt.label, draw, another),
        this.drawings,
        this.status,
        this.chips,
        this.guidance.label,
        make("div", { className: "ends" }, make("span", {}, "ignores the words"), make("span", {}, "exaggerates them")),
        make("details", {}, make("summary", {}, "Negative prompt"), this.avoid.label),
      ),
    ];
  }

  /** Begins with what the network drew when the page was built. */
  async begin() {
    const image = imageBeside("prompt-drawn.png");
    this.course = await loadCourse();
    const { prompt, guidance, seed, count, words } = this.course;
    this.seed = seed;
    this.places = Array.from({ length: count }, () => frame("a drawing"));
    this.drawings.replaceChildren(...this.places.map((place) => place.canvas));
    this.chips.replaceChildren(
      ...words.map((word) => make("button", { type: "button", value: word, onclick: () => this.toggle(word) }, word)),
    );
    this.guidance.input.value = guidance;
    this.guidance.tell();
    this.prompt.input.value ||= prompt;
    this.mark();
    const strip = await image;
    if (!this.playing) this.show(this.places.map((_, i) => pictureOf(strip, i * SIZE, 0, SIZE)), prompt);
  }

  disconnectedCallback() {
    this.playing = undefined;
  }

  /** Shows which of the words stand in the prompt. */
  mark() {
    if (!this.course) return;
    const said = read(this.prompt.input.value, this.course).numbers;
    [...this.chips.children].forEach((chip, i) => chip.setAttribute("aria-pressed", said[i] === 1));
  }

  toggle(word) {
    this.prompt.input.value = toggled(this.prompt.input.value, word);
    this.mark();
    return this.draw();
  }

  show(pictures, prompt) {
    pictures.forEach((picture, i) => paint(this.places[i], picture, `drawing ${i + 1}: ${prompt || "anything"}`));
  }

  /** Draws what the prompt asks for, from the same noise as before or from another, step by step. */
  async draw(anew = false) {
    const mine = (this.playing = {});
    try {
      if (!this.places) await this.begin();
      if (anew) this.seed += this.places.length;
      const { words, steps } = this.course;
      const [text, guidance] = [this.prompt.input.value.trim(), this.guidance.input.valueAsNumber];
      const [prompt, avoid] = [this.prompt, this.avoid].map(({ input }) => read(input.value, this.course));
      const notes = [passedOver([...prompt.unknown, ...avoid.unknown], words)];
      if (prompt.unknown.length && !prompt.numbers.includes(1)) {
        this.say(`${notes[0]} Choose from the words below.`);
        return;
      }
      if (avoid.numbers.includes(1) && guidance === 1) notes.push("At guidance 1, what is to be avoided has no effect.");
      const say = (state) => this.say([state, ...notes].join(" "));
      const denoiser = await this.network(WEIGHTS);
      if (this.playing !== mine) return;
      say("Drawing …");
      const ask = prompted((noisy, told) => denoiser.guess(noisy, told), prompt.numbers, guidance, avoid.numbers);
      const runs = this.places.map((_, i) => sample(ask, noise(this.seed + i, COUNT), steps));
      const done = await this.follow(runs, steps, mine, (i, { guess, level }) => {
        paint(this.places[i], guess, `drawing ${i + 1} at level ${level.toFixed(2)}`);
      });
      if (!done) return;
      this.show(done, text);
      say("Done.");
    } catch (error) {
      this.say(error.message);
    }
  }
}

customElements.define("dino-prompt", DinoPrompt);
