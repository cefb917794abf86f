// The data that every contender draws: two slow waves and noise per series, the same at every run.

const BEGIN_MS = 1.7e12;

// `total` evenly spaced values for each of `n` series, within -1.5 and 1.5, and the times that belong to them.
export function makeData(n, total, intervalMs) {
  let seed = 1;
  const noise = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  const column = (_, series) => {
    const values = new Float64Array(total);
    for (let i = 0; i < total; i++) {
      const t = (i * intervalMs) / 1000;
      values[i] = 0.8 * Math.sin(t / 7 + series) + 0.3 * Math.sin(t / 1.3 + series * 2) + 0.4 * noise();
    }
    return values;
  };
  const times = Float64Array.from({ length: total }, (_, i) => BEGIN_MS + i * intervalMs);
  return { times, columns: Array.from({ length: n }, column) };
}

// Colours that can be told apart, for contenders that have none of their own.
export const colorOf = (series) => `hsl(${(series * 137.5) % 360} 60% 45%)`;
