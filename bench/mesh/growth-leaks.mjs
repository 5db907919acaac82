import { exponentText, growth, runColumns, runRow } from '../frame/growth.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { hubScenario, meshScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

const guests = 100;

export const title = 'How a run grows with its leaks';
export const about = `The mesh of ${guests} guests, of which none, some or half are overheard by one other guest, and at last a hub, where every frame leaks to all. Leaks: frames that an observer saw and must not. ${exponentText}\n\n![Seconds by leaks](growth-leaks.svg)`;

export async function measure({ scratch }) {
  const rows = [];
  for (const leaking of [0, 1, 5, 15, 50, guests]) {
    const scenario = leaking === guests ? hubScenario(scratch, guests) : meshScenario(scratch, guests, leaking);
    await untilIdle();
    const run = await timedRun(scratch, scenario);
    rows.push({ leaks: run.leaks, captured: run.received, ...runRow(run), verdict: run.verdict });
  }
  return growth('leaks', title, rows, runColumns);
}
