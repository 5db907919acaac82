import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs, readable, root } from '../../support/needs.js';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const cli = join(process.env['VERIFY_ISOLATION_TRIED'] ?? top, 'dist/cli.cjs');
const caller = 4321;
const scenario = `version: 1
name: small
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: vnet0 }
    b: { bridge: br0, port: vnet1 }
    c: { bridge: br0, port: vnet2 }
steps:
  - { name: one, learn: [a, b], probe: { class: known-unicast, from: a, to: b, count: 20 } }
`;

interface Ended {
  readonly status: number;
  readonly stderr: string;
}

/** What root under sudo says of such a run. */
function runAs(sudo: number | null, out: string, ...more: readonly string[]): Promise<Ended> {
  return callAs(sudo, ['run', small(), '--quiet', ...(more.length === 0 ? ['--json'] : more), '--out', out]);
}

/** The scenario in a file. */
function small(): string {
  const file = join(dir, 'small.yml');
  writeFileSync(file, scenario);
  return file;
}

/** What root says of a command; under sudo: of the user with this id. */
async function callAs(sudo: number | null, argv: readonly string[], program = cli): Promise<Ended> {
  const { SUDO_UID: _uid, SUDO_GID: _gid, ...environment } = process.env;
  const env = sudo === null ? environment : { ...environment, SUDO_UID: String(sudo), SUDO_GID: String(sudo) };
  try {
    const { stderr } = await promisify(execFile)(process.execPath, [program, ...argv], { env, maxBuffer: 1 << 26 });
    return { status: 0, stderr };
  } catch (error) {
    const { code, stderr } = Object(error);
    return { status: Number(code), stderr: String(stderr) };
  }
}

let dir: string;
/** A folder of the caller's, and what only root may touch. */
const home = (): string => join(dir, 'home');
const rootsFile = (): string => join(dir, 'root', 'precious');
const rootsFolder = (): string => join(dir, 'root', 'folder');

function untouched(): void {
  expect(readFileSync(rootsFile(), 'utf8')).toBe('precious\n');
  expect(lstatSync(rootsFile())).toMatchObject({ uid: 0, mode: 0o100644 });
  expect(readdirSync(rootsFolder())).toEqual([]);
  expect(lstatSync(rootsFolder())).toMatchObject({ uid: 0, mode: 0o40755 });
}

async function planting(
  out: string,
  swap: boolean,
): Promise<{ readonly end: () => Promise<{ readonly rounds: number }> }> {
  const child: ChildProcess = spawn(
    'setpriv',
    [
      ...[`--reuid=${caller}`, `--regid=${caller}`, '--clear-groups', '--', process.execPath],
      ...[join(top, 'test/lab/rights/plant-links.mjs'), out, rootsFile(), rootsFolder()],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, SWAP: swap ? '1' : '0' } },
  );
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  if (child.stdout !== null) await once(child.stdout, 'data');
  return {
    async end() {
      const closed = once(child, 'close');
      child.stdin?.end();
      await closed;
      const seen: { rounds: number } = JSON.parse(said.replace('ready\n', ''));
      return seen;
    },
  };
}

describe('evidence that root writes for whoever called sudo', needs(root, readable), () => {
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'evidence-rights-'));
    chmodSync(dir, 0o755);
    mkdirSync(home(), { mode: 0o755 });
    chownSync(home(), caller, caller);
    mkdirSync(rootsFolder(), { recursive: true, mode: 0o755 });
    writeFileSync(rootsFile(), 'precious\n', { mode: 0o644 });
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('is whole, his, and for him alone', async () => {
    const out = join(home(), 'evidence', 'first');
    expect(await runAs(caller, out)).toEqual({ status: 0, stderr: '' });
    for (const name of ['', ...readdirSync(out, { recursive: true, encoding: 'utf8' })]) {
      const found = lstatSync(join(out, name));
      expect([name, found.uid, found.gid, found.mode & 0o777]).toEqual([
        name,
        caller,
        caller,
        found.isDirectory() ? 0o700 : 0o600,
      ]);
    }
    expect(lstatSync(join(home(), 'evidence')).uid).toBe(caller);
    const { stdout } = await promisify(execFile)('setpriv', [
      ...[`--reuid=${caller}`, `--regid=${caller}`, '--clear-groups', '--', process.execPath],
      ...[cli, 'replay', out, '--json'],
    ]);
    expect(stdout).toBe(readFileSync(join(out, 'result.json'), 'utf8'));
  });

  it.each([false, true])(
    'is written nowhere else, every time, while he puts links in its way; takes the folder’s place: %s',
    { tags: 'all' },
    async (swap) => {
      let written = 0;
      // Ten rounds, and more until six were written: how often he is in time is a matter of luck.
      for (let round = 0; round < 10 || (written < 6 && round < 100); round += 1) {
        const out = join(home(), `run-${round}`);
        const attack = await planting(out, swap);
        const { status, stderr } = await runAs(caller, out);
        expect((await attack.end()).rounds).toBeGreaterThan(100);
        untouched();
        // Who takes the folder away between its making and its opening is reported.
        const isRefused = swap && status === 64 && stderr.includes('was put there by another process just now');
        if (!isRefused) {
          expect([status, stderr]).toEqual([0, '']);
          written += 1;
        }
        expect(existsSync(join(swap ? `${out}.moved` : out, 'result.json'))).toBe(!isRefused);
      }
      expect(written).toBeGreaterThan(5);
    },
  );

  it.each(['folder', 'folder/deeper'])(
    'is refused where a link of his leads elsewhere: %s',
    { tags: 'all' },
    async (below) => {
      symlinkSync(join(dir, 'root'), join(home(), 'link'));
      const { status, stderr } = await runAs(caller, join(home(), 'link', below));
      expect(status).toBe(64);
      expect(stderr).toContain('"link" on the way there is a symbolic link of user');
      expect(stderr).toContain('--out');
      untouched();
    },
  );

  it.each([
    ['root’s, though empty', 0, 0o755, []],
    ['root’s', 0, 0o1777, ['file']],
    ['his, and not empty', caller, 0o750, ['file']],
    ['another user’s', caller + 1, 0o755, []],
  ] as const)(
    'is refused in a folder that was there and is %s, which stays as it was',
    { tags: 'all' },
    async (_, owner, mode, inside) => {
      const out = join(dir, 'there');
      mkdirSync(out);
      for (const name of inside) writeFileSync(join(out, name), '');
      chownSync(out, owner, owner);
      chmodSync(out, mode);
      for (const argv of [
        ['run', small(), '--quiet', '--out', out],
        ['record', small(), '--into', out],
      ]) {
        const { status, stderr } = await callAs(caller, argv);
        expect([status, stderr]).toEqual([64, expect.stringContaining(out)]);
      }
      const { uid, mode: kept } = lstatSync(out);
      expect([uid, kept & 0o7777, readdirSync(out)]).toEqual([owner, mode, inside]);
    },
  );

  it('is not in an empty folder of his that others may hold open, but in a new one of its name', {
    tags: 'all',
  }, async () => {
    const out = join(home(), 'empty');
    mkdirSync(out);
    chownSync(out, caller, caller);
    chmodSync(out, 0o777);
    const before = openSync(out, 'r');
    expect(await runAs(caller, out)).toEqual({ status: 0, stderr: '' });
    expect(readdirSync(`/proc/self/fd/${before}`)).toEqual([]);
    expect(fstatSync(before)).toMatchObject({ uid: caller, mode: 0o40777, nlink: 0 });
    closeSync(before);
    expect(lstatSync(out)).toMatchObject({ uid: caller, mode: 0o40700 });
    expect(readdirSync(home())).toEqual(['empty']);
    expect(existsSync(join(out, 'result.json'))).toBe(true);
  });

  it('is refused where anybody could have put the link, and follows root’s own where nobody could', {
    tags: 'all',
  }, async () => {
    const [shared, mine] = [join(dir, 'shared'), join(dir, 'mine')];
    for (const folder of [shared, mine]) mkdirSync(folder);
    chmodSync(shared, 0o777);
    for (const folder of [shared, mine]) symlinkSync(home(), join(folder, 'link'));
    expect((await runAs(null, join(shared, 'link', 'one'))).status).toBe(64);
    expect(existsSync(join(home(), 'one'))).toBe(false);
    expect((await runAs(null, join(mine, 'link', 'two'))).status).toBe(0);
    expect(lstatSync(join(home(), 'two', 'result.json'))).toMatchObject({ uid: 0, mode: 0o100600 });
  });

  it('a report is not written through a link of the caller’s, on its way or in its place', {
    tags: 'all',
  }, async () => {
    symlinkSync(rootsFolder(), join(home(), 'link'));
    symlinkSync(rootsFile(), join(home(), 'page.html'));
    const asked = {
      link: `html=${join(home(), 'link/page.html')}`,
      'page.html': `markdown=${join(home(), 'page.html')}`,
    };
    for (const [name, reporter] of Object.entries(asked)) {
      const { status, stderr } = await runAs(caller, join(home(), 'out'), '--reporter', reporter);
      untouched();
      expect(status).toBe(64);
      expect(stderr).toContain(`"${name}" on the way there is a symbolic link of user`);
      expect(existsSync(join(home(), 'out'))).toBe(false);
    }
  });

  it('a report and the folder made for it belong to the caller', { tags: 'all' }, async () => {
    const page = join(home(), 'pages', 'page.html');
    const { status } = await runAs(caller, join(home(), 'out'), '--reporter', `html=${page}`);
    expect(status).toBe(0);
    for (const path of [join(home(), 'pages'), page])
      expect(lstatSync(path)).toMatchObject({ uid: caller, gid: caller });
  });

  it('a test case is recorded for the caller, whole', { tags: 'all' }, async () => {
    const into = join(home(), 'case');
    expect((await callAs(caller, ['record', small(), '--into', into])).status).toBe(0);
    expect(readdirSync(into)).toEqual(expect.arrayContaining(['README.md', 'evidence.pcapng.gz', 'expected.json']));
    for (const name of readdirSync(into)) expect([name, lstatSync(join(into, name)).uid]).toEqual([name, caller]);
  });

  it('a capture, a baseline and what changes a folder do not go through links either', { tags: 'all' }, async () => {
    const out = join(home(), 'out');
    expect((await runAs(caller, out)).status).toBe(0);
    symlinkSync(rootsFolder(), join(home(), 'link'));
    symlinkSync(rootsFile(), join(home(), 'export.pcapng'));
    symlinkSync(out, join(home(), 'evidence'));
    for (const argv of [
      ['export', out, '-o', join(home(), 'link/export.pcapng')],
      ['export', out, '-o', join(home(), 'export.pcapng')],
      ['watch', '--learn', join(home(), 'link/baseline.json')],
      ['attest', join(home(), 'evidence'), '--key', 'none'],
    ]) {
      const { status, stderr } = await callAs(caller, argv);
      expect([argv[0], status, stderr]).toEqual([argv[0], 64, expect.stringContaining('is a symbolic link of user')]);
    }
    untouched();
  });

  it('the program may stand in a folder that is the caller’s alone', { tags: 'all' }, async () => {
    const program = join(home(), 'program');
    mkdirSync(program);
    for (const name of ['dist', 'package.json']) cpSync(join(top, name), join(program, name), { recursive: true });
    symlinkSync(join(top, 'node_modules'), join(program, 'node_modules'));
    for (const name of ['', ...readdirSync(program, { recursive: true, encoding: 'utf8' })])
      lchownSync(join(program, name), caller, caller);
    chmodSync(program, 0o700);
    const argv = ['run', small(), '--quiet', '--out', join(home(), 'out')];
    expect(await callAs(caller, argv, join(program, 'dist/cli.cjs'))).toEqual({ status: 0, stderr: '' });
  });
});
