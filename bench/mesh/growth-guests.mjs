import { fileURLToPath } from 'node:url';
import { writeCurves } from '../frame/curve.mjs';
import { floorOf } from './mesh.mjs';
import { median } from '../frame/median.mjs';
import { meshScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'How a mesh grows with its guests';
export const about =
  'All ordered pairs, one frame each, everything included; peer: the floor of the section before.\n\n![Seconds by guests](growth-guests.svg)';

export async function measure({ scratch }) {
  const rows = [];
  for (const guests of [10, 30, 100, 300, 1000]) {
    const floor = median(floorOf(scratch, guests, 3));
    const { seconds, processor, megabytes, received, dropped } = await timedRun(scratch, meshScenario(scratch, guests));
    rows.push({
      guests,
      pairs: guests * (guests - 1),
      captured: received,
      seconds: seconds.toFixed(2),
      'processor s': processor.toFixed(2),
      'floor s': floor.toFixed(4),
      'µs a pair': ((seconds / (guests * (guests - 1))) * 1e6).toFixed(1),
      'memory MB': Math.round(megabytes),
      dropped,
    });
  }
  const curve = (name, key) => ({ name, points: rows.map((row) => [row.guests, Number(row[key])]) });
  writeCurves(fileURLToPath(new URL('../growth-guests.svg', import.meta.url)), {
    title,
    xLabel: 'guests',
    yLabel: 'seconds',
    series: [curve('whole run', 'seconds'), curve('its processor time', 'processor s'), curve('floor', 'floor s')],
  });
  return rows;
}
