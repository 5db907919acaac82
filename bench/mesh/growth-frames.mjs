import { exponentText, growth, runColumns, runRow } from '../frame/growth.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { pairScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'How a run grows with its frames';
export const about = `One guest sends to another, a third listens; everything included. Each frame is captured twice, where it enters and where it arrives. ${exponentText}\n\n![Seconds by frames](growth-frames.svg)`;

export async function measure({ scratch }) {
  const rows = [];
  for (const frames of [10_000, 100_000, 1_000_000, 10_000_000]) {
    await untilIdle();
    const run = await timedRun(scratch, pairScenario(scratch, frames));
    rows.push({ frames, captured: run.received, ...runRow(run), verdict: run.verdict });
  }
  return growth('frames', title, rows, runColumns);
}
