import { writeFileSync } from 'node:fs';

const [width, height, left, right, top, bottom] = [760, 440, 70, 190, 40, 50];
const colours = ['#0b5fa5', '#b3541e', '#3d7a37', '#7a3d7a'];
const text = (words) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const shortNumber = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1000 ? `${value / 1000}k` : String(value));

/** Whole powers of ten around values. */
function decades(values) {
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values)) - 1e-9));
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** Writes curves over two logarithmic axes as an SVG. A series is `{ name, points: [[x, y], …] }`. */
export function writeCurves(file, { title, xLabel, yLabel, series }) {
  const points = series.flatMap((one) => one.points);
  const [xs, ys] = [decades(points.map(([x]) => x)), decades(points.map(([, y]) => y))];
  const scale = (of, from, to) => (value) => from + ((Math.log10(value) - of[0]) / (of.at(-1) - of[0])) * (to - from);
  const [x, y] = [scale(xs, left, width - right), scale(ys, height - bottom, top)];
  const grid = [
    ...xs.map(
      (power) =>
        `<line x1="${x(10 ** power)}" y1="${top}" x2="${x(10 ** power)}" y2="${height - bottom}"/><text x="${x(10 ** power)}" y="${height - bottom + 18}" text-anchor="middle">${shortNumber(10 ** power)}</text>`,
    ),
    ...ys.map(
      (power) =>
        `<line x1="${left}" y1="${y(10 ** power)}" x2="${width - right}" y2="${y(10 ** power)}"/><text x="${left - 8}" y="${y(10 ** power) + 4}" text-anchor="end">${shortNumber(10 ** power)}</text>`,
    ),
  ];
  const curves = series.map(({ name, points: own }, at) => {
    const colour = colours[at % colours.length];
    const [lastX, lastY] = own.at(-1);
    return `<polyline points="${own.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${own
      .map(
        ([px, py]) =>
          `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour}" stroke="none"><title>${text(name)}: ${px}, ${py}</title></circle>`,
      )
      .join('')}<text x="${x(lastX) + 8}" y="${y(lastY) + 4}" style="fill:${colour}">${text(name)}</text>`;
  });
  writeDrawing(
    file,
    title,
    [
      ...grid,
      `<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">${text(xLabel)}</text>`,
      `<text x="16" y="${(top + height - bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(top + height - bottom) / 2})">${text(yLabel)}</text>`,
      ...curves,
    ],
    height,
  );
}

function writeDrawing(file, title, parts, tall) {
  writeFileSync(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" role="img" font-family="sans-serif" font-size="12">
<title>${text(title)}</title>
<rect width="${width}" height="${tall}" fill="#fff"/>
<style>text{fill:#333}line{stroke:#ddd}</style>
<text x="${left}" y="22" font-size="15">${text(title)}</text>
${parts.join('\n')}
</svg>
`,
  );
}

const barHeight = 26;

/** Writes a stacked bar a row as an SVG: the shares of the columns `keys`, and their sum in seconds. */
export function writeBars(file, { title, rows, keys }) {
  const [from, to] = [180, width - 60];
  const colourOf = (at) => `hsl(${Math.round((at * 360) / keys.length)} 45% ${at % 2 === 0 ? 45 : 65}%)`;
  const bars = rows.flatMap((row, line) => {
    const y = top + line * (barHeight + 10);
    const sum = keys.reduce((total, key) => total + Number(row[key]), 0);
    let x = from;
    const pieces = keys.map((key, at) => {
      const wide = ((to - from) * Number(row[key])) / sum;
      x += wide;
      return `<rect x="${(x - wide).toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${barHeight}" fill="${colourOf(at)}"><title>${text(key)}: ${row[key]} s</title></rect>`;
    });
    const label = `<text x="${from - 8}" y="${y + 17}" text-anchor="end">${text(row.what)}</text>`;
    return [label, ...pieces, `<text x="${to + 8}" y="${y + 17}">${sum.toFixed(2)} s</text>`];
  });
  const y = top + rows.length * (barHeight + 10) + 14;
  const legend = keys.map((key, at) => {
    const x = 20 + (at * (width - 40)) / keys.length;
    return `<rect x="${x}" y="${y - 10}" width="11" height="11" fill="${colourOf(at)}"/><text x="${x + 15}" y="${y}">${text(key)}</text>`;
  });
  writeDrawing(file, title, [...bars, ...legend], y + 16);
}
