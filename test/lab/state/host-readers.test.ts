import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const program = fileURLToPath(new URL('host-readers.mjs', import.meta.url));
const python = '/usr/bin/python3';

interface Known {
  readonly name: string;
  readonly hostsOwn: boolean;
  readonly path: string;
}

describe('a process that reads frames', needs(root, file(python)), () => {
  it('is the host’s own if its program is, in its namespaces, and it has nothing of a guest’s', {
    timeout: patient(120_000),
  }, () => {
    // the shell is process 1 there
    const words = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--', 'sh', '-c'];
    const text = execFileSync('unshare', [...words, '"$0" "$1"; exit $?', process.execPath, program], {
      encoding: 'utf8',
    });
    const known: Readonly<Record<string, Known>> = JSON.parse(text);
    expect(Object.entries(known).flatMap(([how, { hostsOwn }]) => (hostsOwn ? [how] : []))).toEqual([
      'as it is',
      'with mounts of its own',
      'that calls itself otherwise',
    ]);
    expect(Object.keys(known)).toHaveLength(10);
    expect(known['as it is']).toEqual({
      name: expect.stringMatching(/^python3/),
      hostsOwn: true,
      path: realpathSync(python),
    });
    expect(known['that calls itself otherwise']?.name).toBe(basename(realpathSync(python)));
  });
});
