import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contest } from '../frame/contest.mjs';
import { untilIdle } from '../frame/idle.mjs';
import { median } from '../frame/median.mjs';
import { floorOf } from '../mesh/mesh.mjs';
import { hubScenario, meshScenario } from '../mesh/scenarios.mjs';
import { timedRun } from '../mesh/timed-run.mjs';
import { oneStep } from './start-up.mjs';

export const title = 'A minute of ratios';
export const about =
  'What `.ci/run` prints at its end, beside the ratios that stand here. Peers: Node with an empty program, by processor time; the C program that sends the same frames with nobody listening, by seconds.';

const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

async function besideFloor(scratch, guests, scenario, rounds) {
  const floor = median(floorOf(scratch, guests, rounds));
  const seconds = [];
  for (let round = 0; round < rounds; round += 1) {
    await untilIdle();
    seconds.push((await timedRun(scratch, scenario)).seconds);
  }
  return (median(seconds) / floor).toFixed(2);
}

export async function measure({ scratch, rounds }) {
  const file = join(scratch, 'one-step.yml');
  writeFileSync(file, oneStep);
  const out = join(scratch, 'one-step');
  const script = `rm -rf "$2"; exec "$0" "$1" run "$3" --quiet --out "$2"`;
  await untilIdle();
  const [, small] = contest({
    rounds,
    contestants: [
      { name: 'Node', argv: [process.execPath, '-e', '0'] },
      { name: 'one step', argv: ['sh', '-c', script, process.execPath, program, out, file] },
    ],
  });
  return [
    { what: 'one step, three endpoints', ratio: small['processor / peer'] },
    { what: 'mesh of 200 guests', ratio: await besideFloor(scratch, 200, meshScenario(scratch, 200), rounds) },
    { what: 'hub of 50 guests', ratio: await besideFloor(scratch, 50, hubScenario(scratch, 50), rounds) },
  ];
}
