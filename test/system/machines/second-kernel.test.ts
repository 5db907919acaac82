import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('second-kernel');

/** What User-mode Linux prints on a processor with AMX, where its buffer is too small for the registers. */
const panic = 'Kernel panic - not syncing: userspace - ptrace set fp regs failed, errno = 14';

/** A machine on whose PATH these scripts of a shell are the first programs, with modules for User-mode Linux. */
function machineWith(programs: Readonly<Record<string, string>>): string {
  for (const folder of ['bin', 'lib/uml/modules', 'tmp']) mkdirSync(join(scratch, folder), { recursive: true });
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(scratch, 'bin', name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(scratch, 'bin', name), 0o755);
  }
  return `${join(scratch, 'bin')}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

function tested(script: string, PATH: string): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(process.execPath, [join(top, 'scripts', script)], {
    encoding: 'utf8',
    env: { ...process.env, PATH, TMPDIR: join(scratch, 'tmp'), XDG_CACHE_HOME: join(scratch, 'cache') },
  });
}

const parts = [program('findmnt'), program('setpriv'), program('modprobe')];

describe('tests under a second kernel', needs(...parts), () => {
  beforeEach(() => {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
  });

  it('are not available, with its panic as the reason, where User-mode Linux panics at once', () => {
    const PATH = machineWith({ 'linux.uml': `echo 'loading'; echo '${panic}'; echo 'Call Trace:'; exit 134` });
    const { status, stderr } = tested('test-uml.mjs', PATH);
    expect(stderr).toBe(`User-mode Linux is not available here: it ended before it was up (exit 134): ${panic}\n`);
    expect(status).toBe(69);
    expect(readdirSync(join(scratch, 'tmp'))).toEqual([]);
  });

  it('are not available where Debian’s cloud kernel cannot be fetched either', () => {
    const PATH = machineWith({ 'linux.uml': `echo '${panic}'; exit 134`, 'apt-get': 'echo no route >&2; exit 100' });
    const { status, stderr } = tested('test-kernel.mjs', PATH);
    expect(stderr).toMatch(/^User-mode Linux is not .*panic.*\nDebian’s cloud kernel is not available here: \S.*\n$/);
    expect(status).toBe(69);
  });

  it('are not available where it hangs, which is ended after 20 s', { tags: 'all' }, () => {
    const PATH = machineWith({ 'linux.uml': `echo $$ >${join(scratch, 'pid')}; echo '${panic}'; exec sleep 600` });
    const { status, stderr } = tested('test-uml.mjs', PATH);
    expect(stderr).toBe(`User-mode Linux is not available here: it does not boot in 20 s: ${panic}\n`);
    expect(status).toBe(69);
    const isThere = spawnSync('sh', ['-c', 'kill -0 "$(cat "$1")"', 'sh', join(scratch, 'pid')]).status === 0;
    expect(isThere).toBe(false);
  });
});
