import { fileURLToPath } from 'node:url';
import { writeCurves } from './curve.mjs';

/** The power with which y grows with x: the slope of the line of least squares through their logarithms. */
export function exponentOf(points) {
  const logs = points.filter(([x, y]) => x > 0 && y > 0).map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (at) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const sum = (of) => logs.reduce((total, [x, y]) => total + of(x - meanX, y - meanY), 0);
  return sum((x, y) => x * y) / sum((x) => x * x);
}

/**
 * Draws how measured columns grow with the first one into bench/growth-NAME.svg, each with its exponent over all points
 * and over the last three. `columns`: names by the keys of rows, whose first key is what grows. Gives the rows of the
 * table with two more of the exponents.
 */
export function growth(name, title, rows, columns) {
  const [x = ''] = Object.keys(rows[0] ?? {});
  const points = (key, from) => rows.slice(from).map((row) => [Number(row[x]), Number(row[key])]);
  const keys = Object.keys(columns);
  const exponents = (from) =>
    Object.fromEntries(keys.map((key) => [key, `^${exponentOf(points(key, from)).toFixed(2)}`]));
  const [all, last] = [exponents(0), exponents(-3)];
  writeCurves(fileURLToPath(new URL(`../growth-${name}.svg`, import.meta.url)), {
    title,
    xLabel: x,
    yLabel: 'seconds',
    series: keys.map((key) => ({
      name: `${columns[key]} ${last[key]}`,
      points: points(key, 0).filter(([at, value]) => at > 0 && value > 0),
    })),
  });
  return [...rows, { [x]: 'all points', ...all }, { [x]: 'last three', ...last }];
}

/** The figures of a run that every curve has. */
export function runRow({ seconds, processor, megabytes, dropped }) {
  return {
    seconds: seconds.toFixed(2),
    'processor s': processor.toFixed(2),
    'memory MB': Math.round(megabytes),
    dropped,
  };
}

export const runColumns = { seconds: 'whole run', 'processor s': 'processor' };

/** A sentence for the text of each curve. */
export const exponentText =
  'An exponent is the slope of the line of least squares through the logarithms: 1 is in proportion.';
