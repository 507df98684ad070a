// A pad to scribble on: the network makes a dinosaur of it.

import { trained } from "./denoiser.js";
import { COUNT, Live, SIZE, frame, imageBeside, make, paint, pictureOf, slider, still } from "./parts.js";
import { freshNoise, noise, sampleKnown } from "./recipe.js";

const PLANE = SIZE * SIZE;

// The palette of dino/pen.py: the colours of bodies, and ink. The eraser is white.
export const COLOURS = {
  green: [110, 190, 72],
  teal: [38, 166, 154],
  blue: [66, 133, 220],
  purple: [142, 92, 200],
  pink: [236, 108, 160],
  red: [222, 80, 64],
  orange: [245, 150, 48],
  gold: [226, 190, 50],
  ink: [38, 34, 52],
  eraser: [255, 255, 255],
};
const BRUSHES = { small: 1, medium: 3, large: 7 }; // pixels across
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The gallery: drawings as text, the newest first. It is kept in this browser, or where that cannot be, while the page is open.
const KEY = "dino-drawings";
const MOST = 24;
const gallery = { drawings: stored(), kept: true };

/** What lies in the browser's storage: nothing, if it has none, or if something else lies there. */
function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "[]").filter((text) => atob(text).length === COUNT);
  } catch {
    return [];
  }
}

function changeGallery(change) {
  // Another page may have drawn in the meantime.
  gallery.drawings = change(gallery.kept ? stored() : gallery.drawings).slice(0, MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(gallery.drawings));
    gallery.kept = true;
  } catch {
    gallery.kept = false; // which the words below the gallery say
  }
}

const pack = (picture) => btoa(String.fromCharCode(...Uint8ClampedArray.from(picture, (number) => 255 * number)));
const unpack = (text) => Float32Array.from(atob(text), (letter) => letter.charCodeAt(0) / 255);

const button = (words, act, given = {}) => make("button", { type: "button", onclick: act, ...given }, words);
const group = (name, className, ...buttons) => make("div", { role: "group", "aria-label": name, className }, ...buttons);

let pads = 0;

class DinoPad extends Live {
  build() {
    // What is on the pad: a picture, and perhaps a mask, `known`, which is 1 where the picture is to be kept.
    this.now = { picture: new Float32Array(COUNT).fill(1) };
    Object.assign(this, { past: [], future: [], seed: 0, cursor: { x: 16, y: 16, down: false } });
    this.strength = slider("strength", { min: 0.1, max: 1, step: 0.05, value: 0.6 }, (strength) => strength.toFixed(2));
    this.steps = slider("steps", { min: 1, max: 50, step: 1, value: 12 });
    this.times = slider("thinks again", { min: 0, max: 3, step: 1, value: 1 }, (times) => ["never", "once", "twice", "3 times"][times]);
    this.drawings = make("div", { className: "drawings" });
    this.gallery = make("section", { "aria-label": "Your drawings" });
    return [
      make(
        "div",
        { className: "pad" },
        this.buildPaper(),
        this.buildTools(),
        make("figure", { className: "made" }, this.drawings, make("figcaption", {}, "Click a drawing to go on from it.")),
        make(
          "div",
          { className: "go" },
          button("Make it a dinosaur", () => this.draw(1), { className: "primary" }),
          button("Four variations", () => this.draw(4)),
          this.status,
        ),
        make(
          "div",
          { className: "how" },
          this.strength.label,
          make("div", { className: "ends" }, make("span", {}, "keeps your scribble"), make("span", {}, "ignores it")),
          make("details", {}, make("summary", {}, "Settings"), this.steps.label, this.times.label),
        ),
      ),
      this.gallery,
    ];
  }

  /** The canvas to draw on; above it another, which shows the mask and where the keyboard's brush is. */
  buildPaper() {
    const help = make("figcaption", { id: `pad-help-${++pads}` }, "Draw here. Keyboard: arrows move, Space draws.");
    this.canvas = make("canvas", {
      width: SIZE,
      height: SIZE,
      tabIndex: 0,
      role: "application",
      "aria-label": "your scribble",
      "aria-describedby": help.id,
      onpointerdown: (event) => this.press(event),
      onpointermove: (event) => this.pull(event),
      onpointerup: () => (this.last = undefined),
      onpointercancel: () => (this.last = undefined),
      onkeydown: (event) => this.key(event),
      onblur: () => this.lift(),
    });
    this.overlay = make("canvas", { width: 10 * SIZE, height: 10 * SIZE, "aria-hidden": "true" });
    return make("figure", { className: "paper" }, make("div", {}, this.canvas, this.overlay), help);
  }

  buildTools() {
    const tool = (name, words = "", given = {}) => button(words, () => this.choose(this.tools, name), { value: name, ...given });
    const colours = Object.entries(COLOURS).map(([name, colour]) =>
      tool(name, name === "eraser" ? "Eraser" : "", { "aria-label": name, title: name, style: `background: rgb(${colour})` }),
    );
    const parts = [tool("keep", "Keep this"), tool("redraw", "Redraw this")];
    this.tools = [...colours, ...parts];
    this.brushes = Object.entries(BRUSHES).map(([name, size]) =>
      button(make("i", { style: `width: ${2 + 3 * size}px` }), () => this.choose(this.brushes, name), {
        value: name,
        "aria-label": `${name} brush`,
      }),
    );
    this.choose(this.tools, "green");
    this.choose(this.brushes, "medium");
    this.keepNothing = button("Keep nothing", () => this.change({ known: undefined }), { hidden: true });
    return make(
      "div",
      { className: "tools" },
      group("colours", "colours", ...colours),
      group("brushes", "buttons", ...this.brushes),
      group("parts", "buttons", ...parts, this.keepNothing),
      group(
        "the pad",
        "buttons",
        button("Undo", () => this.travel(this.past, this.future)),
        button("Redo", () => this.travel(this.future, this.past)),
        button("Mirror", () => this.mirror()),
        button("Clear", () => this.change({ picture: new Float32Array(COUNT).fill(1), known: undefined })),
      ),
      this.ownPicture((picture) => this.change({ picture })),
    );
  }

  /** Begins with a scribble, and what the model made of it when the page was built. */
  async begin() {
    this.hang();
    const images = await Promise.all(["scribble.png", "scribble-drawn.png"].map(imageBeside));
    const [scribble, drawn] = images.map((image) => pictureOf(image, 0, 0, SIZE));
    if (this.past.length || this.playing) return; // somebody was quicker
    this.now = { picture: scribble };
    this.show();
    this.finish(this.place(1)[0], drawn);
  }

  disconnectedCallback() {
    this.playing = undefined;
  }

  // What is on the pad.

  choose(buttons, name) {
    for (const one of buttons) one.setAttribute("aria-pressed", one.value === name);
  }

  chosen(buttons) {
    return buttons.find((one) => one.getAttribute("aria-pressed") === "true").value;
  }

  /** Shows what is on the pad. Kept parts are hatched. */
  show() {
    const { picture, known } = this.now;
    paint(this, picture, "your scribble");
    const context = this.overlay.getContext("2d");
    context.clearRect(0, 0, 10 * SIZE, 10 * SIZE);
    known?.forEach((keep, i) => {
      if (!keep) return;
      const [left, top] = [10 * (i % SIZE), 10 * Math.floor(i / SIZE)];
      context.fillStyle = "rgb(255 255 255 / 40%)";
      context.fillRect(left, top, 10, 10);
      context.fillStyle = "rgb(38 34 52 / 60%)";
      for (let d = 0; d < 10; d++) context.fillRect(left + d, top + 9 - d, 1, 1);
    });
    this.keepNothing.hidden = !known;
    if (!this.cursor.seen) return;
    const half = (BRUSHES[this.chosen(this.brushes)] - 1) / 2;
    context.lineWidth = 2;
    for (const [colour, out] of [["#fff", 1], ["#000", 3]]) {
      context.strokeStyle = colour;
      const side = 10 * (2 * half + 1) + 2 * out;
      context.strokeRect(10 * (this.cursor.x - half) - out, 10 * (this.cursor.y - half) - out, side, side);
    }
  }

  /** Changes what is on the pad, so that it can be undone. */
  change(next) {
    this.past.push(this.now);
    this.future = [];
    this.now = { ...this.now, ...next };
    this.show();
  }

  /** Goes back to what was on the pad before, or forward again. */
  travel(from, to) {
    if (!from.length) return;
    to.push(this.now);
    this.now = from.pop();
    this.show();
  }

  mirror() {
    const flip = (numbers) => numbers?.map((_, i) => numbers[i - (i % SIZE) + SIZE - 1 - (i % SIZE)]);
    this.change({ picture: flip(this.now.picture), known: flip(this.now.known) });
  }

  /** Begins a stroke. The first use of a mask's brush makes the mask: what is not to be kept is drawn anew, and the other way round. */
  stroke(x, y) {
    trained().catch((error) => this.say(error.message)); // it will be there when the scribble is done
    const { picture, known } = this.now;
    const tool = this.chosen(this.tools);
    const mask = known?.slice() ?? (tool in COLOURS ? undefined : new Float32Array(PLANE).fill(tool === "keep" ? 0 : 1));
    this.change({ picture: picture.slice(), known: mask });
    if (!(tool in COLOURS)) this.say("What is hatched stays as it is.");
    this.last = { x, y };
    this.line(x, y);
  }

  /** Draws from the last place to this one. */
  line(x, y) {
    const { picture, known } = this.now;
    const [tool, radius] = [this.chosen(this.tools), BRUSHES[this.chosen(this.brushes)] / 2];
    const { x: fromX, y: fromY } = this.last;
    const count = Math.max(1, Math.abs(x - fromX), Math.abs(y - fromY));
    for (let i = 0; i <= count; i++) {
      const [midX, midY] = [fromX + Math.round(((x - fromX) * i) / count), fromY + Math.round(((y - fromY) * i) / count)];
      for (let p = 0; p < PLANE; p++) {
        if (Math.hypot((p % SIZE) - midX, Math.floor(p / SIZE) - midY) > radius) continue;
        if (tool in COLOURS) COLOURS[tool].forEach((part, colour) => (picture[colour * PLANE + p] = part / 255));
        else known[p] = tool === "keep" ? 1 : 0;
      }
    }
    this.last = { x, y };
    this.show();
  }

  /** The pixel below a pointer. */
  pixel({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [Math.floor((SIZE * (clientX - left)) / width), Math.floor((SIZE * (clientY - top)) / height)];
  }

  press(event) {
    if (event.button || !event.isPrimary) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.lift();
    this.stroke(...this.pixel(event));
  }

  pull(event) {
    if (this.last && event.isPrimary && !this.cursor.down) this.line(...this.pixel(event));
  }

  key(event) {
    const { cursor } = this;
    const arrow = ARROWS[event.key];
    if (arrow) {
      cursor.x = Math.min(SIZE - 1, Math.max(0, cursor.x + arrow[0]));
      cursor.y = Math.min(SIZE - 1, Math.max(0, cursor.y + arrow[1]));
      if (cursor.down) this.line(cursor.x, cursor.y);
    } else if (event.key === " " || event.key === "Enter") {
      cursor.down = !cursor.down;
      if (cursor.down) this.stroke(cursor.x, cursor.y);
      else this.last = undefined;
    } else return;
    event.preventDefault();
    cursor.seen = true;
    this.say(`The brush is ${cursor.down ? "down" : "up"}, at column ${cursor.x + 1} and row ${cursor.y + 1}.`);
    this.show();
  }

  /** Takes the keyboard's brush off the paper, and out of sight. */
  lift() {
    Object.assign(this.cursor, { down: false, seen: false });
    this.last = undefined;
    this.show();
  }

  // What the model makes of it.

  /** Makes room for so many drawings. */
  place(count) {
    const places = Array.from({ length: count }, () => {
      const { canvas } = frame("a drawing");
      return { canvas, button: make("button", { type: "button", disabled: true }, canvas) };
    });
    this.drawings.dataset.count = count;
    this.drawings.replaceChildren(...places.map((one) => one.button));
    return places;
  }

  /** Shows a drawing that is done: a click puts it on the pad. */
  finish({ canvas, button }, picture) {
    paint({ canvas }, picture, "a drawing: put it on the pad");
    Object.assign(button, { disabled: false, onclick: () => this.goOn(picture) });
  }

  goOn(picture) {
    this.change({ picture });
    this.canvas.scrollIntoView({ block: "nearest" });
    this.say("It is on the pad. Go on from there.");
  }

  /** Draws so many dinosaurs, all from what is on the pad, side by side, step by step; each begins with more noise than the one before. */
  async draw(count) {
    const mine = (this.playing = {});
    const { picture, known = new Float32Array(PLANE) } = this.now;
    const [strength, steps, times] = [this.strength, this.steps, this.times].map(({ input }) => input.valueAsNumber);
    try {
      const denoiser = await this.network();
      const guess = (noisy, level) => denoiser.guess(noisy, level);
      const strengths = Array.from({ length: count }, (_, i) => strength + ((1 - strength) * i) / count);
      const runs = strengths.map((one) => {
        const [start, fresh] = [noise(++this.seed, COUNT), freshNoise(this.seed, COUNT)];
        return sampleKnown(guess, picture, known, start, fresh, one, times, steps);
      });
      if (this.playing !== mine) return;
      const places = still() ? [] : this.place(count);
      this.say("Drawing …");
      const done = await this.follow(runs, steps, mine, (i, { guess, level }) => {
        paint(places[i], guess, `the network's guess at level ${level.toFixed(2)}`);
      });
      if (!done) return;
      (places.length ? places : this.place(count)).forEach((one, i) => this.finish(one, done[i]));
      this.keep((drawings) => [...done.map(pack), ...drawings]);
      const [least, most] = [strengths[0], strengths.at(-1)].map((one) => one.toFixed(2));
      this.say(`Done. ${count > 1 ? `Their strengths are ${least} to ${most}.` : "Scribble on, or try again."}`);
    } catch (error) {
      this.say(error.message);
    }
  }

  // The gallery.

  keep(change) {
    changeGallery(change);
    this.hang();
  }

  /** Hangs the drawings of the gallery. */
  hang() {
    const { drawings, kept } = gallery;
    const tiles = drawings.map((text, i) => {
      const { canvas } = frame("");
      const name = `drawing ${i + 1}`;
      paint({ canvas }, unpack(text), `${name}: put it on the pad`);
      const remove = () => {
        this.keep((all) => all.filter((one) => one !== text));
        (this.gallery.querySelectorAll("[title=remove]")[i] ?? this.canvas).focus({ preventScroll: true });
      };
      return make(
        "div",
        {},
        button(canvas, () => this.goOn(unpack(text))),
        button("×", remove, { "aria-label": `remove ${name}`, title: "remove" }),
      );
    });
    const words = kept ? "Your drawings, kept in this browser only." : "Your drawings. This browser cannot keep them: save them before you leave.";
    this.gallery.hidden = !tiles.length;
    this.gallery.replaceChildren(
      make("p", {}, words),
      make("div", { className: "gallery" }, ...tiles),
      make("div", { className: "buttons" }, button("Save as PNG", () => this.save())),
    );
  }

  /** Saves the gallery as one sheet, each pixel eight pixels wide. */
  save() {
    const side = 8 * SIZE;
    const columns = Math.min(6, gallery.drawings.length);
    const sheet = make("canvas", { width: columns * side, height: Math.ceil(gallery.drawings.length / columns) * side });
    const context = sheet.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, sheet.width, sheet.height);
    context.imageSmoothingEnabled = false;
    gallery.drawings.forEach((text, i) => {
      const { canvas } = frame("");
      paint({ canvas }, unpack(text), "");
      context.drawImage(canvas, (i % columns) * side, Math.floor(i / columns) * side, side, side);
    });
    make("a", { href: sheet.toDataURL(), download: "dinosaurs.png" }).click();
  }
}

customElements.define("dino-pad", DinoPad);
