import { writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contest } from '../frame/contest.mjs';

export const title = 'Starting';
export const about = 'The smallest things that can be asked. Peer: Node itself with an empty program.';

const recorded = fileURLToPath(new URL('../../captures/switch-mode', import.meta.url));
const program = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
export const oneStep = `version: 1
name: one-step
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: vnet0 }
    b: { bridge: br0, port: vnet1 }
    lan: { bridge: br0, port: uplink0, role: uplink }
steps:
  - { name: private, probe: { class: known-unicast, from: a, to: lan }, expect: private }
`;

export function measure({ scratch, rounds }) {
  const file = join(scratch, 'one-step.yml');
  writeFileSync(file, oneStep);
  const out = join(scratch, 'evidence');
  const script = `rm -rf "$2"; exec "$0" "$1" run "$3" --quiet --out "$2"`;
  const rows = contest({
    rounds,
    contestants: [
      { name: '`node -e 0`', argv: [process.execPath, '-e', '0'] },
      { name: '`verify-isolation --version`', argv: [process.execPath, program, '--version'] },
      { name: '`verify-isolation --help`', argv: [process.execPath, program, '--help'] },
      { name: '`verify-isolation plan FILE`', argv: [process.execPath, program, 'plan', file] },
      {
        name: '`verify-isolation replay captures/switch-mode`',
        argv: [process.execPath, program, 'replay', recorded],
      },
      {
        name: '`verify-isolation run FILE`: a step, three endpoints',
        argv: ['sh', '-c', script, process.execPath, program, out, file],
      },
    ],
  });
  rmSync(out, { recursive: true, force: true });
  return rows;
}
