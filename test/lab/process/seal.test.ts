import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';

const built = (name: string): string =>
  fileURLToPath(new URL(`../../../build/system/kernel/${name}.js`, import.meta.url));
const numbers = process.arch === 'arm64' ? { clone: 220, unshare: 97 } : { clone: 56, unshare: 272 };

/** What a process that has sealed itself is told by the kernel; a thread it can still have. */
const program = `
import { spawnSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { libc } from ${JSON.stringify(built('libc'))};
import { sealProcess } from ${JSON.stringify(built('seccomp'))};
const c = libc();
const nothing = new Uint8Array(256);
const [newUser, newNet] = [0x10000000, 0x40000000];
const told = (name, result) => [name, result >= 0 ? 'done' : c.errnoName(c.errno())];
const at = Number(c.addressOf(nothing));
const opened = () => { try { return readFileSync('/proc/self/status').length > 0 ? 'done' : ''; } catch (error) { return error.code; } };
const calls = () => Object.fromEntries([
  told('socket', c.socket(2, 2, 0)), told('unshare', c.syscall(${numbers.unshare}, newUser, 0, nothing)), told('io_uring_setup', c.syscall(425, 1, at, nothing)),
  told('pidfd_getfd', c.syscall(438, 0, 0, nothing)), told('clone3', c.syscall(435, at, 0, nothing)),
  told('clone with a user namespace', c.syscall(${numbers.clone}, newUser | 17, 0, nothing)), told('clone with a network namespace', c.syscall(${numbers.clone}, newNet | 17, 0, nothing)),
]);
const sealed = sealProcess('capture');
const result = { sealed, ...calls(), program: spawnSync('/bin/true').error?.code ?? 'done', file: opened() };
pbkdf2('', '', 1, 1, 'sha1', (error) => process.stdout.write(JSON.stringify({ ...result, thread: error?.code ?? 'done' })));
`;

/** What it may write to: a packet socket and a file, both open before, and what it says of itself. */
const writing = (role: string, arch: string): string => `
import { openSync, readFileSync, writeSync } from 'node:fs';
import { libc } from ${JSON.stringify(built('libc'))};
import { sealProcess } from ${JSON.stringify(built('seccomp'))};
const codeOf = (act) => { try { act(); return 'done'; } catch (error) { return error.code; } };
const socket = ${role === 'none' ? '-1' : 'libc().socket(17, 3, 0)'};
const file = openSync('/dev/null', 'w');
Object.defineProperty(process, 'arch', { value: ${arch} });
const sealed = sealProcess('${role === 'none' ? 'capture' : role}');
const said = { sealed, file: codeOf(() => writeSync(file, 'x')), opened: codeOf(() => readFileSync('/proc/self/status')) };
process.stdout.write(JSON.stringify(socket < 0 ? said : { ...said, socket: codeOf(() => writeSync(socket, 'x')) }));
`;
const evaluated = (text: string, ...before: readonly string[]): unknown => {
  const [program = '', ...words] = [...before, process.execPath, '--input-type=module', '--eval', text];
  return JSON.parse(execFileSync(program, words, { encoding: 'utf8' }));
};

describe('a sealed process', () => {
  it('opens no socket and no file, and makes no namespace by any of the ways that the kernel has, and goes on with what it has', () => {
    const said = execFileSync(
      'setpriv',
      ['--no-new-privs', '--', process.execPath, '--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    );
    const no = 'EPERM';
    expect(JSON.parse(said)).toEqual({
      sealed: true,
      socket: no,
      unshare: no,
      io_uring_setup: no,
      pidfd_getfd: no,
      clone3: 'ENOSYS',
      'clone with a user namespace': no,
      'clone with a network namespace': no,
      program: no,
      file: no,
      thread: 'done',
    });
  });

  it('that captures writes to no packet socket, and one that sends does', needs(root), () => {
    const [no, noDevice] = ['EPERM', 'ENXIO']; // a socket that is bound to no device
    const common = { sealed: true, file: 'done', opened: no };
    const of = (role: string): unknown => evaluated(writing(role, 'process.arch'), 'setpriv', '--no-new-privs', '--');
    expect([of('capture'), of('send')]).toEqual([
      { ...common, socket: no },
      { ...common, socket: noDevice },
    ]);
  });

  it('is none where the machine is not known, or the kernel refuses the filter, and that is said', () => {
    const open = { sealed: false, file: 'done', opened: 'done' };
    const words = ['setpriv', '--no-new-privs', '--'];
    expect(evaluated(writing('none', "'mips'"), ...words)).toEqual(open);
    // It takes no_new_privs or CAP_SYS_ADMIN, which an ordinary user lacks anyhow.
    const noRights = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-sys_admin', '--'] : [];
    expect(evaluated(writing('none', 'process.arch'), ...noRights)).toEqual(open);
  });
});

describe('refuseRings', () => {
  /** What the kernel says of a new io_uring to this process, and to one that it starts afterwards. */
  const ring = `
import { execFileSync } from 'node:child_process';
import { libc } from ${JSON.stringify(built('libc'))};
import { refuseRings } from ${JSON.stringify(built('seccomp'))};
const asked = () => { const c = libc(); return c.syscall(425, 1, Number(c.addressOf(new Uint8Array(256))), null) >= 0 ? 'done' : c.errnoName(c.errno()); };
if (process.env.STARTED === '1') process.stdout.write(asked());
else {
  const refused = refuseRings();
  const child = execFileSync(process.execPath, ['--input-type=module', '--eval', process.env.PROGRAM], { encoding: 'utf8', env: { ...process.env, STARTED: '1' } });
  process.stdout.write(JSON.stringify({ refused, child, files: execFileSync('ls', ['/proc/self/status'], { encoding: 'utf8' }).trim() }));
}
`;
  const expected = { refused: true, child: 'ENOSYS', files: '/proc/self/status' };

  it.each([
    ['as this user', []],
    // The kernel takes a filter from a user without rights only with no_new_privs
    ['without rights', process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--'] : []],
  ])('keeps processes that are started from an io_uring, and from nothing else: %s', (_name, before) => {
    expect(evaluated(ring, ...before, 'env', `PROGRAM=${ring}`)).toEqual(expected);
  });
});
