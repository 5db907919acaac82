import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeBars } from '../frame/curve.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { median } from '../frame/median.mjs';
import { runTree } from '../frame/tree.mjs';
import { hubScenario, meshScenario } from '../mesh/scenarios.mjs';
import { oneStep } from './start-up.mjs';

export const title = 'Where the time of a run goes';
export const about =
  'Seconds of each phase, from the start of the program to its exit, by the times of the evidence folder and its timeline; medians. `start`: until the plan is written; `build`: until the first step; `prepare`: changes, helpers, announcements; `listen`: observers are opened; `state`: settings are read and controls sent, before and after; `probe`; `drain`: the wait for late frames; `stop`: captures end; `judge`: until result.json is written; `report`: until the exit.\n\n![Shares of the phases](stack.svg)';

const top = fileURLToPath(new URL('../..', import.meta.url));
export const phases = ['start', 'build', 'prepare', 'listen', 'state', 'probe', 'drain', 'stop', 'judge', 'report'];

/** The phase that ends with an event of the timeline. */
function phaseBefore({ event, state }) {
  if (event === 'step-started') return 'build';
  if (event === 'probing') return state === 'started' ? 'state' : 'probe';
  return { learned: 'prepare', sealed: 'listen', drained: 'drain', 'accounts-read': 'state', stopped: 'stop' }[event];
}

/** Seconds by phase of a run whose folder is `out`, which began and ended at these times in ms. */
export function phasesOf(out, beganMs, endedMs) {
  const written = (name) => statSync(join(out, name)).mtimeMs;
  const lines = readFileSync(join(out, 'timeline.ndjson'), 'utf8').trim().split('\n');
  const marks = [
    ['start', written('plan.json')],
    ...lines.map((line) => JSON.parse(line)).map((entry) => [phaseBefore(entry), Number(entry.atNs) / 1e6]),
    ['judge', written('result.json')],
    ['report', endedMs],
  ].filter(([phase]) => phase !== undefined);
  const seconds = Object.fromEntries(phases.map((phase) => [phase, 0]));
  let last = beganMs;
  for (const [phase, atMs] of marks) {
    seconds[phase] += Math.max(0, atMs - last) / 1000;
    last = Math.max(last, atMs);
  }
  return seconds;
}

async function measured(scratch, scenario) {
  const out = join(scratch, 'evidence');
  rmSync(out, { recursive: true, force: true });
  await untilIdle();
  const beganMs = Date.now();
  const { status, stderr } = await runTree(
    [process.execPath, join(top, 'dist/cli.cjs'), 'run', scenario, '--quiet', '--out', out],
    { output: join(scratch, 'output') },
  );
  if (status !== 0) throw new Error(`${scenario}: exit status ${status}\n${stderr}`);
  return phasesOf(out, beganMs, Date.now());
}

export async function measure({ scratch, rounds }) {
  const small = join(scratch, 'one-step.yml');
  writeFileSync(small, oneStep);
  const runs = {
    'one step, three endpoints': small,
    'wireshark-experiment': join(top, 'scenarios/wireshark-experiment.yml'),
    'mesh of 100': meshScenario(scratch, 100),
    'mesh of 1,000': meshScenario(scratch, 1000),
    'hub of 50': hubScenario(scratch, 50),
  };
  const rows = [];
  for (const [what, scenario] of Object.entries(runs)) {
    const found = [];
    for (let round = 0; round < rounds; round += 1) found.push(await measured(scratch, scenario));
    const medians = phases.map((phase) => [phase, median(found.map((run) => run[phase])).toFixed(2)]);
    rows.push({ what, ...Object.fromEntries(medians) });
  }
  writeBars(fileURLToPath(new URL('../stack.svg', import.meta.url)), { title, rows, keys: phases });
  return rows;
}
