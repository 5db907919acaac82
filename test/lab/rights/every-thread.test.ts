import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';

const capabilities = fileURLToPath(new URL('../../../build/system/process/process-rights.js', import.meta.url));
const isX64 = process.arch === 'x64' ? null : 'threads are reached on x86-64 alone';

/** A process with threads of V8, of libuv, of the inspector and a worker, busy and idle, gives up all but three. */
const program = `
import { readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { keepOnly } from ${JSON.stringify(capabilities)};
const idle = new Worker('setInterval(() => undefined, 1000)', { eval: true });
const busy = new Worker('for (let n = 0; ; n += 1) if (n % 1e6 === 0) [n].map(String)', { eval: true });
await Promise.all([once(idle, 'online'), once(busy, 'online'), ...Array.from({ length: 8 }, () => readFile('/etc/passwd'))]);
const seen = (...names) => [...new Set(readdirSync('/proc/self/task').map((thread) => {
  const status = readFileSync('/proc/self/task/' + thread + '/status', 'utf8');
  return names.map((name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)[1]).join(' ');
}))];
const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs'];
const threads = readdirSync('/proc/self/task').length;
const kept = [keepOnly(['setuid', 'setgid', 'setpcap']), ...seen(...sets)];
const child = execFileSync('grep', ['-h', 'CapPrm', '/proc/self/status'], { encoding: 'utf8' }).trim().split('\\t')[1];
const nothing = [keepOnly(['setuid', 'bpf']), ...seen(...sets)]; // what is gone does not come back
process.setuid(65534); // the C library's own way to all threads
const nobody = seen('Uid', 'CapPrm', 'CapBnd');
const again = [keepOnly([]), ...seen('CapBnd')];
process.stdout.write(JSON.stringify({ threads, kept, child, nothing, nobody, again }), () => process.exit(0));
`;

describe('capabilities', needs(root, isX64), () => {
  it('are given up by every thread of a process, whatever it is at, and what it starts has no more', () => {
    const words = ['--input-type=module', '--eval', program];
    const said: { readonly threads: number } = JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
    const [three, two, none] = ['00000000000001c0', '0000000000000080', '0000000000000000'];
    expect(said).toEqual({
      threads: expect.any(Number),
      kept: [true, `${none} ${three} ${three} ${three} ${none} 1`],
      child: three,
      nothing: [true, `${none} ${two} ${two} ${two} ${none} 1`],
      nobody: [`65534 ${none} ${two}`],
      again: [true, two], // the bounding set is closed without CAP_SETPCAP, and nobody's program gains nothing by it
    });
    expect(said.threads).toBeGreaterThan(8);
  });
});
