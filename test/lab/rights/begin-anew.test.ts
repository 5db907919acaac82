import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';

const rights = fileURLToPath(new URL('../../../build/system/process/process-rights.js', import.meta.url));

/** Begins anew if it has more, and then prints its capabilities. */
const program = `
import { readFileSync } from 'node:fs';
import { beginAnew } from ${JSON.stringify(rights)};
beginAnew(['net_admin', 'setpcap']);
const status = readFileSync('/proc/self/status', 'utf8');
const field = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)[1];
process.stdout.write(JSON.stringify([process.pid, field('CapBnd'), field('CapPrm'), field('NoNewPrivs')]));
`;

/** Numbers of the shell that starts the program, and what this prints. `through`: starts it instead of the shell. */
function startedBy(through: string): readonly [shell: unknown, printed: unknown] {
  const words = ['sh', process.execPath, '--input-type=module', '--eval', program];
  const text = execFileSync('sh', ['-c', `echo "[$$,"; exec ${through} "$@"`, ...words], { encoding: 'utf8' });
  const [shell, printed] = Object(JSON.parse(`${text}]`));
  return [shell, printed];
}

describe('root’s program that begins anew', needs(root), () => {
  const set = '0000000000001100';
  const only = '-all,+net_admin,+setpcap';

  it.each([
    '',
    `setpriv --bounding-set=${only} --inh-caps=-all --`, // its programs may gain
    `setpriv --bounding-set=${only} --inh-caps=-all --no-new-privs --`,
    'setpriv --bounding-set=-setpcap --', // it cannot have less
  ])('through %j goes on in the same process', (through) => {
    const [shell, printed] = startedBy(through);
    const sets = through.includes('-setpcap') ? [expect.any(String), expect.any(String), '0'] : [set, set, '1'];
    expect(printed).toEqual([shell, ...sets]);
  });
});
