import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contest } from '../frame/contest.mjs';
import { hubScenario, meshScenario } from '../mesh/scenarios.mjs';
import { oneStep } from './start-up.mjs';

export const title = 'A minute of ratios';
export const about =
  'Whole runs by processor time, which `npm run test:all` prints at its end beside the ratios that stand here. Peer: Node with an empty program.';

const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));

export function measure({ scratch, rounds }) {
  const small = join(scratch, 'one-step.yml');
  writeFileSync(small, oneStep);
  const out = join(scratch, 'evidence');
  const script = `rm -rf "$2"; exec "$0" "$1" run "$3" --quiet --out "$2"`;
  const run = (name, file) => ({ name, argv: ['sh', '-c', script, process.execPath, program, out, file] });
  const rows = contest({
    rounds,
    contestants: [
      { name: 'Node', argv: [process.execPath, '-e', '0'] },
      run('one step, three endpoints', small),
      run('mesh of 200 guests', meshScenario(scratch, 200)),
      run('hub of 50 guests', hubScenario(scratch, 50)),
    ],
  });
  return rows.slice(1).map(({ what, 'processor / peer': ratio }) => ({ what, ratio }));
}
