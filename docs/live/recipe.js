// The recipe of chapters 1, 4, 7 and 8: mixing noise in, mixing guesses back in, having a say, and asking for something. Pictures are Float32Arrays, as in
// denoiser.js.

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

/**
 * The same denoiser with a prompt, a list of a number for each word. With guidance other than 1, it goes on from the guess
 * without it, or with what is to be avoided: classifier-free guidance.
 */
export function prompted(denoiser, prompt, guidance = 1, avoid = []) {
  return (noisy, level) => {
    const told = denoiser(noisy, [level, ...prompt]);
    if (guidance === 1) return told;
    const free = denoiser(noisy, [level, ...avoid]);
    return free.map((number, i) => number + guidance * (told[i] - number));
  };
}

/** Draws as `sample` does, but begins with a picture that is noisy only up to a level, its strength: image to image. */
export function* beginFrom(denoiser, picture, noise, strength = 0.6, steps = 25, stretch = 2) {
  const told = (noisy, level) => denoiser(noisy, strength * level);
  for (const seen of sample(told, mix(picture, noise, strength), steps, stretch)) yield { ...seen, level: strength * seen.level };
}

/** Noise that nobody has seen yet, at every call. All of it belongs to the seed. */
export function freshNoise(seed, count) {
  let calls = 0;
  return () => noise(seed + 1e6 * ++calls, count);
}

/** Has the denoiser think again, so many times: it hides its guess in noise from `fresh()`, and guesses once more. */
export function withFreshNoise(denoiser, noisy, level, fresh, times = 7) {
  let guess = denoiser(noisy, level);
  for (let i = 0; i < times; i++) guess = denoiser(mix(guess, fresh(), level), level);
  return guess;
}

/** Puts what is known of a picture in the place of what was guessed there. `known` is one plane: 1 where it is known, 0 elsewhere. */
export const keepKnown = (guess, picture, known) =>
  guess.map((number, i) => known[i % known.length] * picture[i] + (1 - known[i % known.length]) * number);

/**
 * Keeps what is known of a picture, and has the rest drawn: inpainting. Yields as `sample` does.
 *
 * fresh  a function that returns noise which nobody has seen yet, such as `freshNoise` makes
 */
export function* sampleKnown(denoiser, picture, known, noise, fresh, strength = 1, times = 7, steps = 6, stretch = 2) {
  const informed = (noisy, level) => keepKnown(denoiser(noisy, level), picture, known);
  const again = (noisy, level) => withFreshNoise(informed, noisy, level, fresh, times);
  yield* beginFrom(again, picture, noise, strength, steps, stretch);
}
