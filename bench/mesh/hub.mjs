import { fileURLToPath } from 'node:url';
import { compile } from '../frame/compile.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { inside } from '../frame/inside.mjs';
import { median, spread } from '../frame/median.mjs';
import { hubScenario } from './scenarios.mjs';
import { timedRun } from './timed-run.mjs';

export const title = 'A hub of 200 guests';
export const about =
  'Every ordered pair of guests on a bridge with ageing time 0: 39,800 frames, each of which the bridge copies to 199 ports. The whole program, from its start to its exit. Peer: the floor, the same frames sent by a small C program (bench/mesh/floor.c) while another one (bench/mesh/ring.c) has a ring at all ports and reads nothing of it but how many came: what the kernel alone takes. Its lab is not counted. `memory MB`: of all processes together.';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const guests = Number(process.env.BENCH_HUB ?? 200);
/** As large as the ring of the program. */
const ringMebibytes = 64;

export async function measure({ scratch, rounds }) {
  await untilIdle();
  const floors = inside(
    path('floor-inside.mjs'),
    compile(path('floor.c'), scratch),
    guests,
    rounds,
    compile(path('ring.c'), scratch),
    ringMebibytes,
  );
  const floor = floors.map(({ seconds }) => seconds);
  const runs = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilIdle();
    runs.push(await timedRun(scratch, hubScenario(scratch, guests)));
  }
  const seconds = runs.map((run) => run.seconds);
  return [
    {
      what: `${guests} guests: floor`,
      heard: Math.max(...floors.map(({ heard }) => heard)).toLocaleString('en-US'),
      seconds: median(floor).toFixed(2),
      'least–most': spread(floor),
      'time / floor': '1.00',
      dropped: String(Math.max(...floors.map(({ lost }) => lost))),
    },
    {
      what: `${guests} guests on a hub, every frame to all`,
      heard: runs[0].received.toLocaleString('en-US'),
      seconds: median(seconds).toFixed(2),
      'least–most': spread(seconds),
      'time / floor': (median(seconds) / median(floor)).toFixed(2),
      'processor s': median(runs.map((run) => run.processor)).toFixed(2),
      'memory MB': String(Math.round(Math.max(...runs.map((run) => run.megabytes)))),
      leaks: runs[0].leaks.toLocaleString('en-US'),
      dropped: String(Math.max(...runs.map((run) => run.dropped))),
    },
  ];
}
