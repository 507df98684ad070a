// What all parts of the pages that one can play with are made of.

import { trained } from "./denoiser.js";

export const SIZE = 32;
export const COUNT = 3 * SIZE * SIZE;

/** An element with attributes, properties (where it has them) and children. */
export function make(name, given = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A place for a picture, with a caption. */
export function frame(caption) {
  const canvas = make("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": caption });
  return { canvas, figure: make("figure", {}, canvas, make("figcaption", {}, caption)) };
}

/** A slider with its name and its value. */
export function slider(name, given, words = String) {
  const input = make("input", { type: "range", ...given });
  const output = make("output");
  const tell = () => {
    output.textContent = words(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", tell);
  tell();
  return { input, tell, label: make("label", {}, make("span", {}, name), input, output) };
}

/** Puts a picture onto a canvas. What lies outside [0, 1] is cut off, as on every screen. */
export function paint({ canvas }, picture, words) {
  const pixels = new ImageData(SIZE, SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) {
    for (let colour = 0; colour < 3; colour++) pixels.data[4 * i + colour] = 255 * picture[colour * SIZE * SIZE + i];
    pixels.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  canvas.setAttribute("aria-label", words);
}

/** A square of an image as a picture. What is transparent becomes white. */
export function pictureOf(image, x, y, side) {
  const canvas = make("canvas", { width: SIZE, height: SIZE });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, SIZE, SIZE);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, x, y, side, side, 0, 0, SIZE, SIZE);
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  return Float32Array.from({ length: COUNT }, (_, i) => data[4 * (i % (SIZE * SIZE)) + Math.floor(i / (SIZE * SIZE))] / 255);
}

/** An image that lies beside this file. */
export async function imageBeside(name) {
  const image = new Image();
  image.src = new URL(name, import.meta.url);
  await image.decode();
  return image;
}

export const soon = () => new Promise(requestAnimationFrame);
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** What all have in common: they are built once, when they come into the page, and can tell what is going on. */
export class Live extends HTMLElement {
  connectedCallback() {
    if (this.status) return;
    this.status = make("p", { role: "status" });
    this.replaceChildren(...this.build());
    if (!this.contains(this.status)) this.append(this.status);
    this.begin().catch((error) => this.say(error.message));
  }

  say(words) {
    this.status.textContent = words;
  }

  /** The network, once it is there. */
  async network(name) {
    if (!this.denoiser) {
      this.say("Fetching the network (2 MB) …");
      this.denoiser = await trained(name);
      this.say("");
    }
    return this.denoiser;
  }

  /**
   * Follows some runs of `sample` side by side, step by step, for as long as `this.playing` is `mine`: the drawings, or nothing
   * if another wish came first. Each guess on the way is shown, by its run's number, but not to who wants no motion.
   */
  async follow(runs, steps, mine, show) {
    const unmoved = still();
    for (let time = 0; time < steps; time++) {
      for (const [i, run] of runs.entries()) {
        const seen = run.next().value;
        if (!unmoved) show(i, seen);
        await soon();
        if (this.playing !== mine) return undefined;
      }
    }
    return runs.map((run) => run.next().value.picture);
  }

  /** A button for a picture of one's own, which can be dropped onto the element, too. Its middle square goes to `take`. */
  ownPicture(take) {
    const read = async (file) => {
      if (!file) return;
      let picture;
      try {
        const image = await createImageBitmap(file);
        const side = Math.min(image.width, image.height);
        picture = pictureOf(image, (image.width - side) / 2, (image.height - side) / 2, side);
      } catch {
        this.say(`${file.name} is not a picture that this browser can read.`);
        return;
      }
      take(picture);
    };
    const file = make("input", { type: "file", accept: "image/*" });
    file.addEventListener("change", () => read(file.files[0]));
    this.addEventListener("dragover", (event) => event.preventDefault());
    this.addEventListener("drop", (event) => {
      event.preventDefault();
      read(event.dataTransfer.files[0]);
    });
    return make("label", { className: "button" }, "Your own picture", file);
  }
}
