import { fileURLToPath } from 'node:url';
import { writeCurves } from '../frame/curve.mjs';
import { pairScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'How a run grows with its frames';
export const about =
  'One guest sends to another, a third listens; everything included. Each frame is captured twice, where it enters and where it arrives.\n\n![Seconds by frames](growth-frames.svg)';

export async function measure({ scratch }) {
  const rows = [];
  for (const frames of [1000, 10_000, 100_000, 1_000_000, 10_000_000]) {
    const { seconds, processor, megabytes, received, dropped, verdict } = await timedRun(
      scratch,
      pairScenario(scratch, frames),
    );
    rows.push({
      frames,
      captured: received,
      seconds: seconds.toFixed(2),
      'processor s': processor.toFixed(2),
      'µs a frame': ((seconds / frames) * 1e6).toFixed(1),
      'memory MB': Math.round(megabytes),
      verdict,
      dropped,
    });
  }
  const curve = (name, key) => ({ name, points: rows.map((row) => [row.frames, Number(row[key])]) });
  writeCurves(fileURLToPath(new URL('../growth-frames.svg', import.meta.url)), {
    title,
    xLabel: 'frames',
    yLabel: 'seconds',
    series: [curve('whole run', 'seconds'), curve('its processor time', 'processor s')],
  });
  return rows;
}
