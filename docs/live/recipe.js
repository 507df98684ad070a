// The recipe of chapters 1 and 4: mixing noise in, and mixing guesses back in. Pictures are Float32Arrays, as in denoiser.js.

/** As many numbers of noise as asked for, uniform in [0, 1): the same for the same seed (mulberry32, by Tommy Ettinger). */
export function noise(seed, count) {
  let state = seed | 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 8) / 2 ** 24;
  });
}

export const mix = (clean, noise, level) => clean.map((number, i) => (1 - level) * number + level * noise[i]);

export function step(picture, guess, now, next) {
  const keep = next / now;
  return picture.map((number, i) => number * keep + guess[i] * (1 - keep));
}

// What the samplers of chapter 4 do with a guess. Only the first is right; the last is another sampler, which throws dice.
export const SAMPLERS = {
  "as it should be": step,
  "told the level after the step": step,
  "share next instead of next / now": (picture, guess, now, next) => step(picture, guess, 1, next),
  "share now - next": (picture, guess, now, next) => step(picture, guess, 1, 1 - (now - next)),
  "the guess is fed back": (_, guess) => guess,
  "fresh noise at every step": (_, guess, now, next) => mix(guess, noise(1e6 * next, guess.length), next),
};

/**
 * Draws a picture, and yields what there is at each level on the way: the level, the picture at it, and the guess at the
 * clean picture. The last has level 0, and the drawing as its picture and its guess.
 *
 * denoiser  a function from a picture and its level to a guess at the clean picture
 */
export function* sample(denoiser, noise, steps = 25, stretch = 2, sampler = "as it should be") {
  let picture = noise;
  let previous;
  for (let i = 0; i < steps; i++) {
    const now = 1 - i / steps;
    const next = 1 - (i + 1) / steps;
    const raw = denoiser(picture, sampler === "told the level after the step" ? next : now);
    yield { level: now, picture, guess: raw };
    const guess = previous ? raw.map((number, j) => previous[j] + stretch * (number - previous[j])) : raw;
    picture = SAMPLERS[sampler](picture, guess, now, next);
    previous = raw;
  }
  picture = picture.map((number) => Math.min(1, Math.max(0, number)));
  yield { level: 0, picture, guess: picture };
}
