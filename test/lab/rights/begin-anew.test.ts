import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';

const rights = fileURLToPath(new URL('../../../build/system/process/process-rights.js', import.meta.url));

/** Begins anew once, and then prints its capabilities and the object that it was handed. */
const program = `
import { readFileSync } from 'node:fs';
import { beginAnew } from ${JSON.stringify(rights)};
import { takeHanded } from ${JSON.stringify(rights.replace('process-rights', 'handed'))};
beginAnew(['net_admin', 'setpcap'], { files: ['a', 'b'] });
const status = readFileSync('/proc/self/status', 'utf8');
const field = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)[1];
process.stdout.write(JSON.stringify([process.pid, field('CapBnd'), field('CapPrm'), field('NoNewPrivs'), takeHanded()]));
`;

describe('root’s program that begins anew', needs(root), () => {
  it('has the capabilities that it asked for, in the same process, and what it was handed', () => {
    const said: unknown = JSON.parse(
      execFileSync(
        'sh',
        ['-c', 'echo "[$$,"; exec "$@"; ', 'sh', process.execPath, '--input-type=module', '--eval', program],
        { encoding: 'utf8' },
      ).concat(']'),
    );
    const set = '0000000000001100';
    expect(said).toEqual([expect.any(Number), [expect.any(Number), set, set, '1', { files: ['a', 'b'] }]]);
    const [shell, [ownLine]] = Object(said);
    expect(ownLine).toBe(shell);
  });
});
