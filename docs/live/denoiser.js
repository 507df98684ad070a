// The denoiser of chapter 2 in plain JavaScript: convolutions, ReLU, pooling and addition, and nothing else. The innermost loop
// of the convolutions stands in convolve.wat.
//
// A picture is a Float32Array of three planes (red, green, blue) with numbers in [0, 1]. Inside, all planes have a border of
// zeros, one pixel wide, so that a convolution never has to ask whether it is at the edge.

/** Some square planes of numbers, one after the other, each with its border. */
class Planes {
  constructor(count, size) {
    Object.assign(this, { count, size, row: size + 2, plane: (size + 2) ** 2 });
    this.values = new Float32Array(count * this.plane);
  }

  /** Calls `change(place, x, y)` for every place within the borders of a plane. */
  each(number, change) {
    for (let y = 0; y < this.size; y++) {
      const start = number * this.plane + (y + 1) * this.row + 1;
      for (let x = 0; x < this.size; x++) change(start + x, x, y);
    }
  }
}

/** Negative numbers become 0, in place. */
function relu(planes) {
  const { values } = planes;
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  return planes;
}

/** Adds other planes, in place. */
function add(planes, others) {
  for (let i = 0; i < planes.values.length; i++) planes.values[i] += others.values[i];
  return planes;
}

/** The means of 2x2 pixels. */
function halve(planes) {
  const { count, size, row, plane, values } = planes;
  const half = new Planes(count, size / 2);
  for (let channel = 0; channel < count; channel++) {
    half.each(channel, (place, x, y) => {
      const p = channel * plane + (2 * y + 1) * row + 2 * x + 1;
      half.values[place] = (values[p] + values[p + 1] + values[p + row] + values[p + row + 1]) / 4;
    });
  }
  return half;
}

/** Every pixel becomes 2x2. */
function double(planes) {
  const twice = new Planes(planes.count, planes.size * 2);
  for (let channel = 0; channel < planes.count; channel++) {
    twice.each(channel, (place, x, y) => {
      const p = channel * planes.plane + ((y >> 1) + 1) * planes.row + (x >> 1) + 1;
      twice.values[place] = planes.values[p];
    });
  }
  return twice;
}

/** What a 1x1 convolution makes of a list of numbers. */
function weigh(numbers, { values: weights, shape: [outputs, inputs] }, bias) {
  return Array.from({ length: outputs }, (_, output) => {
    let sum = bias ? bias.values[output] : 0;
    for (let i = 0; i < inputs; i++) sum += weights[output * inputs + i] * numbers[i];
    return sum;
  });
}

export class Denoiser {
  /** From the bytes (ArrayBuffers) of a safetensors file of half-precision weights, and of convolve.wasm. */
  static async from(bytes, code) {
    const { instance } = await WebAssembly.instantiate(code);
    return new Denoiser(bytes, instance.exports);
  }

  constructor(bytes, { memory, convolve }) {
    const view = new DataView(bytes);
    const begin = 8 + Number(view.getBigUint64(0, true));
    const { __metadata__: about, ...weights } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, begin - 8)));
    Object.assign(this, { memory, convolve, weights: {}, end: 0 });
    this.size = Number(about.size);
    this.halvings = JSON.parse(about.widths).length - 1;
    this.words = JSON.parse(about.words ?? "[]");
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(weights)) {
      if (dtype !== "F16") throw new TypeError(`${name} is of type ${dtype}; only F16 can be read.`);
      const values = Float32Array.from({ length: (to - from) / 2 }, (_, i) => half(view.getUint16(begin + from + 2 * i, true)));
      this.weights[name] = { shape, values };
    }
    // The weights of the convolutions lie in the memory of the WebAssembly for good, filled up to a multiple of four outputs.
    for (const [name, { shape, values }] of Object.entries(this.weights)) {
      if (shape[2] !== 3) continue;
      const bias = this.weights[name.replace("weight", "bias")]?.values ?? [];
      const outputs = Math.ceil(shape[0] / 4) * 4;
      this.weights[name].place = this.reserve(outputs * shape[1] * 9, values);
      this.weights[name].bias = this.reserve(outputs, bias);
    }
    this.fixed = this.end;
  }

  /** Room for so many numbers in the memory of the WebAssembly, as an address; the first of them are given, the rest are 0. */
  reserve(count, values) {
    const place = this.end;
    this.end += 4 * count;
    const missing = this.end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    const numbers = new Float32Array(this.memory.buffer, place, count).fill(0);
    numbers.set(values);
    return place;
  }

  /**
   * Its guess at the clean picture, given a noisy one, `size` pixels high and wide, and what it is told of it: the level, or a
   * list of the level and a number for each of its words; those that are left out are 0.
   */
  guess(picture, told, size = this.size) {
    if (size % (4 << this.halvings) || picture.length !== 3 * size * size) {
      throw new RangeError(`A picture must be square, with sides that are a multiple of ${4 << this.halvings}.`);
    }
    // The level stands beside the three colours, as a fourth channel that is the same everywhere, and so does each word.
    const question = new Planes(3 + 1 + this.words.length, size);
    for (let colour = 0; colour < 3; colour++) {
      question.each(colour, (place, x, y) => (question.values[place] = picture[(colour * size + y) * size + x]));
    }
    [told].flat().forEach((number, i) => question.each(3 + i, (place) => (question.values[place] = number)));
    let x = this.stage("enter", question);
    const kept = [];
    for (let i = 0; i < this.halvings; i++) {
      kept.push(x);
      x = this.stage(`down.${i}`, halve(x));
    }
    for (let i = 0; i < this.halvings; i++) x = add(double(this.stage(`up.${i}`, x)), kept.pop());
    x = relu(this.conv("leave.1", this.stage("leave.0", x)));
    x = this.conv("leave.3", x);
    const answer = new Float32Array(3 * size * size);
    let next = 0;
    for (let channel = 0; channel < 3; channel++) x.each(channel, (place) => (answer[next++] = x.values[place]));
    return answer;
  }

  /** All the work at one size: a convolution, some blocks, and a pool. */
  stage(name, x) {
    x = this.conv(`${name}.0`, x);
    for (let i = 1; `${name}.${i}.layers.0.weight` in this.weights; i++) {
      const layers = `${name}.${i}.layers`;
      x = this.weights[`${layers}.0.weight`].shape[2] === 3 ? this.block(layers, x) : this.pool(layers, x);
    }
    return x;
  }

  block(layers, x) {
    return add(this.conv(`${layers}.2`, relu(this.conv(`${layers}.0`, x))), x);
  }

  pool(layers, x) {
    const largest = Array.from({ length: x.count }, (_, channel) => {
      let most = -Infinity;
      x.each(channel, (place) => (most = Math.max(most, x.values[place])));
      return most;
    });
    const wide = weigh(largest, this.weights[`${layers}.0.weight`], this.weights[`${layers}.0.bias`]);
    const found = weigh(wide.map((number) => Math.max(0, number)), this.weights[`${layers}.2.weight`]);
    found.forEach((number, channel) => x.each(channel, (place) => (x.values[place] += number)));
    return x;
  }

  /** A convolution of 3x3 weights. */
  conv(name, x) {
    const { place, bias, shape: [outputs] } = this.weights[`${name}.weight`];
    const result = new Planes(outputs, x.size);
    const padded = Math.ceil(outputs / 4) * 4;
    this.end = this.fixed; // what the last convolution left is not needed any more
    const input = this.reserve(x.values.length, x.values);
    const output = this.reserve(padded * x.plane, []);
    this.convolve(input, place, bias, output, x.count, padded, x.size);
    result.values.set(new Float32Array(this.memory.buffer, output, result.values.length));
    return result;
  }
}

/** A finite number of 16 bits: a sign, five bits of exponent, and ten of fraction (IEEE 754 binary16). */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, (bits & 1023) / 1024];
  const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
  return bits >> 15 ? -size : size;
}

/** What lies beside this file. */
export async function beside(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} did not come: ${answer.status} ${answer.statusText}`);
  return answer.arrayBuffer();
}

const loading = {};

/** A denoiser that comes with the course: its weights are fetched once, when somebody first asks for it. */
export function trained(name = "dinosaurs-32") {
  loading[name] ??= Promise.all([beside(`${name}.safetensors`), beside("convolve.wasm")])
    .then((files) => Denoiser.from(...files))
    .catch((error) => {
      delete loading[name]; // so that one can try again
      throw error;
    });
  return loading[name];
}
