import { exponentText, growth, runColumns, runRow } from '../frame/growth.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { median } from '../frame/median.mjs';
import { floorOf } from './mesh.mjs';
import { meshScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'How a mesh grows with its guests';
export const about = `All ordered pairs, one frame each, everything included; peer: the floor of the section before. ${exponentText}\n\n![Seconds by guests](growth-guests.svg)`;

export async function measure({ scratch }) {
  const rows = [];
  for (const guests of [10, 30, 100, 300, 1000]) {
    const floor = median(floorOf(scratch, guests, 3));
    await untilIdle();
    const run = await timedRun(scratch, meshScenario(scratch, guests));
    rows.push({
      guests,
      pairs: guests * (guests - 1),
      captured: run.received,
      ...runRow(run),
      'floor s': floor.toFixed(4),
    });
  }
  return growth('guests', title, rows, { ...runColumns, 'floor s': 'floor' });
}
