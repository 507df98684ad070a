// The denoiser of chapter 2 in plain JavaScript: convolutions, ReLU, pooling and addition, and nothing else.
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

/** A convolution of 3x3 weights, four pixels and two outputs at a time: what is read once is used eight times. */
function convolve(input, { values: weights, shape: [outputs] }, bias) {
  const { count, size, row, plane, values } = input;
  const output = new Planes(outputs, size);
  const to = output.values;
  for (let one = 0; one < outputs; one += 2) {
    const two = Math.min(one + 1, outputs - 1); // if the number is odd, the last is worked out twice
    const [biasOne, biasTwo] = bias ? [bias.values[one], bias.values[two]] : [0, 0];
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x += 4) {
        let [a0, a1, a2, a3] = [biasOne, biasOne, biasOne, biasOne];
        let [b0, b1, b2, b3] = [biasTwo, biasTwo, biasTwo, biasTwo];
        let [w, v, corner] = [one * count * 9, two * count * 9, y * row + x];
        for (let channel = 0; channel < count; channel++, corner += plane) {
          for (let line = 0, p = corner; line < 3; line++, p += row, w += 3, v += 3) {
            const p0 = values[p], p1 = values[p + 1], p2 = values[p + 2];
            const p3 = values[p + 3], p4 = values[p + 4], p5 = values[p + 5];
            const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2];
            const v0 = weights[v], v1 = weights[v + 1], v2 = weights[v + 2];
            a0 += w0 * p0 + w1 * p1 + w2 * p2;
            a1 += w0 * p1 + w1 * p2 + w2 * p3;
            a2 += w0 * p2 + w1 * p3 + w2 * p4;
            a3 += w0 * p3 + w1 * p4 + w2 * p5;
            b0 += v0 * p0 + v1 * p1 + v2 * p2;
            b1 += v0 * p1 + v1 * p2 + v2 * p3;
            b2 += v0 * p2 + v1 * p3 + v2 * p4;
            b3 += v0 * p3 + v1 * p4 + v2 * p5;
          }
        }
        const i = one * plane + (y + 1) * row + x + 1;
        const j = i + (two - one) * plane;
        to[i] = a0; to[i + 1] = a1; to[i + 2] = a2; to[i + 3] = a3;
        to[j] = b0; to[j + 1] = b1; to[j + 2] = b2; to[j + 3] = b3;
      }
    }
  }
  return output;
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
  /** From the bytes (an ArrayBuffer) of a safetensors file of half-precision weights. */
  constructor(bytes) {
    const view = new DataView(bytes);
    const begin = 8 + Number(view.getBigUint64(0, true));
    const { __metadata__: about, ...weights } = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, begin - 8)));
    this.weights = {};
    for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(weights)) {
      if (dtype !== "F16") throw new TypeError(`${name} is of type ${dtype}; only F16 can be read.`);
      const values = Float32Array.from({ length: (to - from) / 2 }, (_, i) => half(view.getUint16(begin + from + 2 * i, true)));
      this.weights[name] = { shape, values };
    }
    this.size = Number(about.size);
    this.halvings = JSON.parse(about.widths).length - 1;
  }

  /** Its guess at the clean picture, given a noisy one, `size` pixels high and wide, and its level. */
  guess(picture, level, size = this.size) {
    if (size % (4 << this.halvings) || picture.length !== 3 * size * size) {
      throw new RangeError(`A picture must be square, with sides that are a multiple of ${4 << this.halvings}.`);
    }
    // The level stands beside the three colours, as a fourth channel that is the same everywhere.
    const question = new Planes(4, size);
    for (let channel = 0; channel < 4; channel++) {
      question.each(channel, (place, x, y) => {
        question.values[place] = channel < 3 ? picture[(channel * size + y) * size + x] : level;
      });
    }
    let x = this.stage("enter", question);
    const kept = [];
    for (let i = 0; i < this.halvings; i++) {
      kept.push(x);
      x = this.stage(`down.${i}`, halve(x));
    }
    for (let i = 0; i < this.halvings; i++) x = add(double(this.stage(`up.${i}`, x)), kept.pop());
    x = relu(this.convolve("leave.1", this.stage("leave.0", x)));
    x = this.convolve("leave.3", x);
    const answer = new Float32Array(3 * size * size);
    let next = 0;
    for (let channel = 0; channel < 3; channel++) x.each(channel, (place) => (answer[next++] = x.values[place]));
    return answer;
  }

  /** All the work at one size: a convolution, some blocks, and a pool. */
  stage(name, x) {
    x = this.convolve(`${name}.0`, x);
    for (let i = 1; `${name}.${i}.layers.0.weight` in this.weights; i++) {
      const layers = `${name}.${i}.layers`;
      x = this.weights[`${layers}.0.weight`].shape[2] === 3 ? this.block(layers, x) : this.pool(layers, x);
    }
    return x;
  }

  block(layers, x) {
    return add(this.convolve(`${layers}.2`, relu(this.convolve(`${layers}.0`, x))), x);
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

  convolve(name, x) {
    return convolve(x, this.weights[`${name}.weight`], this.weights[`${name}.bias`]);
  }
}

/** A finite number of 16 bits: a sign, five bits of exponent, and ten of fraction (IEEE 754 binary16). */
function half(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, (bits & 1023) / 1024];
  const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
  return bits >> 15 ? -size : size;
}

let loading;

/** The denoiser that comes with the course: its weights are fetched once, when somebody first asks for it. */
export function trained() {
  loading ??= fetch(new URL("dinosaurs-32.safetensors", import.meta.url))
    .then((answer) => {
      if (!answer.ok) throw new Error(`The weights did not come: ${answer.status} ${answer.statusText}`);
      return answer.arrayBuffer();
    })
    .then((bytes) => new Denoiser(bytes))
    .catch((error) => {
      loading = undefined; // so that one can try again
      throw error;
    });
  return loading;
}
