import { fileURLToPath } from 'node:url';
import { compile } from '../frame/compile.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { inside } from '../frame/inside.mjs';
import { median, spread } from '../frame/median.mjs';
import { hubScenario, meshScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'Every ordered pair of guests on one bridge';
export const about =
  'The whole program, from its start to its exit: lab, workers, controls, probes, evidence, judging, report and clean-up. Peer: the floor, the same frames through the same bridge with nobody listening, sent by a small C program (bench/mesh/floor.c; its lab is not counted). `leaking`: a tenth of the guests is overheard. `memory MB`: of all processes together. `dropped`: of the frames that were captured. Each measurement begins once the machine has been idle for half a second: the kernel takes the links of the floor away in the 0.6 s after its end. Those of this program it takes away before the program ends, for 0.6 s of a processor beside the judging, which its seconds hold; a quarter of a second after its exit the machine is idle.';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Seconds of the floor for so many guests, one a round. */
export function floorOf(scratch, guests, rounds) {
  const program = compile(path('floor.c'), scratch);
  return inside(path('floor-inside.mjs'), program, guests, rounds).map(({ seconds }) => seconds);
}

function row(what, floor, runs) {
  const seconds = runs.map((run) => run.seconds);
  const [first] = runs;
  return {
    what,
    frames: first.received.toLocaleString('en-US'),
    seconds: median(seconds).toFixed(2),
    'least–most': spread(seconds),
    'processor s': median(runs.map((run) => run.processor)).toFixed(2),
    'time / floor': (median(seconds) / floor).toFixed(2),
    'memory MB': String(Math.round(Math.max(...runs.map((run) => run.megabytes)))),
    verdict: first.verdict,
    leaks: first.leaks.toLocaleString('en-US'),
    dropped: String(Math.max(...runs.map((run) => run.dropped))),
  };
}

async function timedWhenIdle(scratch, scenario) {
  await untilIdle();
  return timedRun(scratch, scenario);
}

async function measureMesh(scratch, guests, rounds) {
  await untilIdle();
  const floors = floorOf(scratch, guests, rounds);
  const floor = median(floors);
  const rows = [
    {
      what: `${guests} guests: floor`,
      frames: (guests * (guests - 1)).toLocaleString('en-US'),
      seconds: floor.toFixed(3),
      'least–most': spread(floors, 3),
      'time / floor': '1.00',
    },
  ];
  for (const leaking of [0, guests / 10]) {
    const runs = [];
    for (let round = 0; round < rounds; round += 1)
      runs.push(await timedWhenIdle(scratch, meshScenario(scratch, guests, leaking)));
    rows.push(row(`${guests} guests, ${leaking === 0 ? 'isolated' : `${leaking} leaking`}`, floor, runs));
  }
  return rows;
}

async function measureHub(scratch, rounds) {
  const runs = [];
  for (let round = 0; round < rounds; round += 1) runs.push(await timedWhenIdle(scratch, hubScenario(scratch, 50)));
  return row('50 guests on a hub, every frame to all', median(floorOf(scratch, 50, rounds)), runs);
}

export async function measure({ scratch, rounds }) {
  const guests = (process.env.BENCH_GUESTS ?? '100,1000').split(',').map(Number);
  const rows = [];
  for (const many of guests) rows.push(...(await measureMesh(scratch, many, rounds)));
  rows.push(await measureHub(scratch, rounds));
  return rows;
}
