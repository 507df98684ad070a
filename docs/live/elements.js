// The parts of the chapters that one can play with. They fetch the network when somebody first plays with it, not before.

import { COUNT, Live, SIZE, frame, imageBeside, make, paint, pictureOf, slider, soon, still } from "./parts.js";
import { SAMPLERS, mix, noise, sample } from "./recipe.js";

let dinosaurs;

/** The real dinosaurs that lie beside this file, in one row. */
function loadDinosaurs() {
  dinosaurs ??= imageBeside("dinosaurs.png").then((image) =>
    Array.from({ length: image.width / SIZE }, (_, i) => pictureOf(image, i * SIZE, 0, SIZE)),
  );
  return dinosaurs;
}

/** A dinosaur, a slider that mixes noise in, and with the attribute `guess` the network's guess beside it. */
class DinoNoise extends Live {
  build() {
    this.noisy = frame("with noise");
    this.answer = this.hasAttribute("guess") ? frame("the network's guess") : undefined;
    this.level = slider("noise level", { min: 0, max: 1, step: 0.01, value: 0.5 }, (level) => level.toFixed(2));
    this.level.input.addEventListener("input", () => this.show());
    const another = make("button", { type: "button", onclick: () => this.another() }, "Another dinosaur");
    const own = this.ownPicture((picture) => this.take(picture));
    return [
      make("div", { className: "pictures" }, this.noisy.figure, ...(this.answer ? [this.answer.figure] : [])),
      this.level.label,
      make("div", { className: "buttons" }, another, own),
    ];
  }

  async begin() {
    this.seed = 0;
    const all = await loadDinosaurs();
    this.clean = all[0];
    this.noise = noise(this.seed, COUNT);
    // The first guess waits until somebody plays: most readers of a page need no two megabytes.
    this.paintNoisy();
    if (this.answer) this.say("Move the slider, and the network guesses.");
  }

  async another() {
    const all = await loadDinosaurs();
    this.seed += 1;
    this.clean = all[this.seed % all.length];
    this.noise = noise(this.seed, COUNT);
    await this.show();
  }

  async take(picture) {
    this.clean = picture;
    await this.show();
  }

  paintNoisy() {
    const level = this.level.input.valueAsNumber;
    this.question = mix(this.clean, this.noise, level);
    paint(this.noisy, this.question, `a picture at noise level ${level.toFixed(2)}`);
    return level;
  }

  /** Paints the noisy picture, and the guess at it. While one guess is worked out, only the last of further wishes counts. */
  async show() {
    this.paintNoisy();
    if (!this.answer) return;
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    try {
      const denoiser = await this.network();
      while (this.wanted && this.isConnected) {
        this.wanted = false;
        const level = this.paintNoisy();
        paint(this.answer, denoiser.guess(this.question, level), `the network's guess at noise level ${level.toFixed(2)}`);
        await soon();
      }
    } catch (error) {
      this.say(error.message);
    } finally {
      this.busy = false;
    }
  }
}

/** Draws from noise, step by step. The attribute `samplers` lets one choose broken ones. */
class DinoDraw extends Live {
  build() {
    this.picture = frame("picture");
    this.answer = frame("the network's guess");
    this.steps = slider("steps", { min: 1, max: 64, step: 1, value: 25 });
    this.time = slider("level", { min: 0, max: 25, step: 1, value: 0 }, (i) => (1 - i / this.steps.input.valueAsNumber).toFixed(2));
    this.stretch = slider("stretch", { min: 1, max: 2.5, step: 0.1, value: 2 }, (stretch) => stretch.toFixed(1));
    this.seed = make("input", { type: "number", min: 0, max: 999999, step: 1, value: this.getAttribute("seed") ?? 1 });
    this.sampler = make("select", {}, ...Object.keys(SAMPLERS).map((name) => make("option", {}, name)));
    this.button = make("button", { type: "button", className: "primary", onclick: () => this.toggle() }, "Draw");
    const once = make("button", { type: "button", onclick: () => this.again(0, 1) }, "One step");
    const many = make("button", { type: "button", onclick: () => this.again(0, 25) }, "25 steps");
    for (const input of [this.steps.input, this.stretch.input, this.seed, this.sampler]) {
      input.addEventListener("change", () => this.again(0));
    }
    this.steps.input.addEventListener("input", () => this.reset());
    this.time.input.addEventListener("input", () => this.scrub());
    return [
      make("div", { className: "pictures" }, this.picture.figure, this.answer.figure),
      this.time.label,
      make("div", { className: "buttons" }, this.button, once, many),
      make(
        "details",
        {},
        make("summary", {}, "Settings"),
        this.steps.label,
        this.stretch.label,
        make("label", {}, make("span", {}, "seed of the noise"), this.seed),
      ),
      ...(this.hasAttribute("samplers") ? [make("label", {}, make("span", {}, "sampler"), this.sampler)] : []),
    ];
  }

  async begin() {
    this.reset();
  }

  disconnectedCallback() {
    this.playing = false;
  }

  /** Back to the noise, with nothing drawn yet. */
  reset() {
    this.playing = false;
    this.seen = [];
    this.run = undefined;
    const steps = this.steps.input.valueAsNumber;
    this.time.input.max = steps;
    this.time.input.value = 0;
    this.time.tell();
    this.button.textContent = "Draw";
    paint(this.picture, noise(this.seed.valueAsNumber || 0, COUNT), "noise");
    paint(this.answer, new Float32Array(COUNT).fill(0.5), "no guess yet");
  }

  /** Draws anew, from the next noise or the same, in so many steps. */
  again(further, steps = this.steps.input.valueAsNumber) {
    this.seed.value = (this.seed.valueAsNumber || 0) + further;
    this.steps.input.value = steps;
    this.steps.tell();
    this.reset();
    return this.play();
  }

  toggle() {
    if (this.playing) this.stop();
    else if (this.time.input.value === this.time.input.max) this.again(1);
    else this.play();
  }

  stop() {
    this.playing = false;
    this.button.textContent = this.time.input.value === this.time.input.max ? "Draw another" : "Go on";
  }

  /** Works out what is there at a time, and paints it. */
  async show(time) {
    const denoiser = await this.network();
    this.run ??= sample(
      (picture, level) => denoiser.guess(picture, level),
      noise(this.seed.valueAsNumber || 0, COUNT),
      this.steps.input.valueAsNumber,
      this.stretch.input.valueAsNumber,
      this.sampler.value,
    );
    time = Math.min(time, Number(this.time.input.max)); // the wish may be older than the number of steps
    while (this.seen.length <= time) this.seen.push(this.run.next().value);
    const { level, picture, guess } = this.seen[time];
    this.time.input.value = time;
    this.time.tell();
    paint(this.picture, picture, level ? `the picture at level ${level.toFixed(2)}` : "the drawing");
    paint(this.answer, guess, level ? `the guess at level ${level.toFixed(2)}` : "the drawing");
  }

  async play() {
    const mine = (this.playing = {});
    this.button.textContent = "Pause";
    const end = Number(this.time.input.max);
    try {
      for (let time = still() ? end : this.time.input.valueAsNumber; time <= end && this.playing === mine; time++) {
        await this.show(time);
        await new Promise((go) => setTimeout(go, 60));
      }
    } catch (error) {
      this.say(error.message);
    }
    if (this.playing === mine) this.stop();
  }

  async scrub() {
    this.stop();
    try {
      await this.show(this.time.input.valueAsNumber);
    } catch (error) {
      this.say(error.message);
    }
  }
}

customElements.define("dino-noise", DinoNoise);
customElements.define("dino-draw", DinoDraw);
