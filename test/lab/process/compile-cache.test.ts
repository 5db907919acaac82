import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import * as modules from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compileCacheFolder } from '../../../src/system/process/compile-cache.js';
import { needs, root } from '../../support/needs.js';

const uid = process.geteuid?.() ?? -1;
const nobody = 65534;
/** The folders below a home, the last of which is the cache. */
const levels = ['.cache', '.cache/verify-isolation', '.cache/verify-isolation/code'] as const;
const [, , last] = levels;
let top = '';
let home = '';

beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'verify-isolation-cache-')));
  home = join(top, 'home');
  mkdirSync(home, 0o755);
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

function folderOf(options: { readonly as?: number; readonly cacheHome?: string } = {}): string | null {
  return compileCacheFolder({ uid: options.as ?? uid, home, cacheHome: options.cacheHome });
}

/** The folders up to `level`, as the program would have made them; the path of that one. */
function made(level: string): string {
  mkdirSync(join(home, level), { recursive: true, mode: 0o700 });
  return join(home, level);
}

describe('the folder for compiled code', () => {
  it('is made for its user alone, and found again', () => {
    expect(folderOf()).toBe(join(home, last));
    for (const level of levels) expect(statSync(join(home, level)).mode & 0o777).toBe(0o700);
    expect(folderOf()).toBe(join(home, last));
  });

  it('lies below XDG_CACHE_HOME where that is a folder of the user, else below the home', () => {
    const cacheHome = join(top, 'elsewhere');
    expect(folderOf({ cacheHome })).toBe(join(home, last));
    mkdirSync(cacheHome, 0o700);
    expect(folderOf({ cacheHome })).toBe(join(cacheHome, 'verify-isolation/code'));
    expect(folderOf({ cacheHome: 'elsewhere' })).toBe(join(home, last));
  });

  it('lies below the home where XDG_CACHE_HOME is that of somebody else, as sudo may keep it', needs(root), () => {
    const cacheHome = join(top, 'elsewhere');
    mkdirSync(cacheHome, 0o700);
    chownSync(cacheHome, nobody, nobody);
    expect(folderOf({ cacheHome })).toBe(join(home, last));
    expect(readdirSync(cacheHome)).toEqual([]);
  });

  it.each(levels)('is none where %s is a link, and nothing is made where that leads', (level) => {
    const target = join(top, 'target');
    mkdirSync(target, 0o700);
    mkdirSync(join(home, level, '..'), { recursive: true, mode: 0o700 });
    symlinkSync(target, join(home, level));
    expect(folderOf()).toBeNull();
    expect(readdirSync(target)).toEqual([]);
  });

  it.each(levels)('is none where a group may write into %s, or everybody', (level) => {
    for (const mode of [0o770, 0o702]) {
      chmodSync(made(level), mode);
      expect(folderOf()).toBeNull();
    }
    chmodSync(join(home, level), 0o700);
    expect(folderOf()).toBe(join(home, last));
  });

  it('is none where others may look into it: folders that Node makes there have the rights of the umask', () => {
    for (const mode of [0o750, 0o701]) {
      chmodSync(made(last), mode);
      expect(folderOf()).toBeNull();
    }
  });

  it.each(levels)('is none where %s belongs to somebody else', needs(root), (level) => {
    chownSync(made(level), nobody, nobody);
    expect(folderOf()).toBeNull();
  });

  it('is none in the home of somebody else', () => {
    expect(folderOf({ as: uid + 1 })).toBeNull();
    expect(readdirSync(home)).toEqual([]);
  });

  it('is none below a folder in which others may replace what is there', () => {
    for (const mode of [0o777, 0o775]) {
      chmodSync(top, mode);
      expect(folderOf()).toBeNull();
    }
  });

  it('may lie below a folder with the sticky bit, where others may not touch it', () => {
    chmodSync(top, 0o1777);
    expect(folderOf()).toBe(join(home, last));
  });

  it('is none where somebody else made it first, in a folder with the sticky bit', needs(root), () => {
    chmodSync(top, 0o1777);
    const cacheHome = join(top, 'cache');
    mkdirSync(cacheHome, 0o700);
    home = cacheHome;
    chownSync(cacheHome, nobody, nobody);
    expect(folderOf({ cacheHome })).toBeNull();
    expect(readdirSync(cacheHome)).toEqual([]);
  });

  it('is none below a folder of somebody else, who could replace what is there', needs(root), () => {
    chownSync(top, nobody, nobody);
    expect(folderOf()).toBeNull();
  });

  it('is none where something else stands in its place, or where there is no home', () => {
    made('.cache/verify-isolation');
    writeFileSync(join(home, last), '', { mode: 0o600 });
    expect(folderOf()).toBeNull();
    home = join(top, 'absent');
    expect(folderOf()).toBeNull();
    expect(existsSync(home)).toBe(false);
  });

  it('is none in a home that depends on where the program is started', () => {
    home = relative(process.cwd(), home);
    expect(folderOf()).toBeNull();
    home = '';
    expect(folderOf()).toBeNull();
  });
});

/** Newer ones have a cache of their own. */
const before22 = Reflect.get(modules, 'enableCompileCache') === undefined ? null : 'a Node older than 22.1';

describe('the program', () => {
  const run = (environment: Readonly<Record<string, string>>): string => {
    const { stdout, stderr } = spawnSync(process.execPath, [resolve('dist/cli.cjs'), '--version'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', XDG_CACHE_HOME: home, ...environment },
    });
    return stdout + stderr;
  };
  const version = run({ NODE_DISABLE_COMPILE_CACHE: '1' });
  const files = (): readonly string[] =>
    readdirSync(home, { recursive: true, encoding: 'utf8' })
      .map((name) => join(home, name))
      .filter((path) => statSync(path).isFile());
  /** Its files, each with the inode: one that V8 refused is written again. */
  const kept = (): Readonly<Record<string, number>> =>
    Object.fromEntries(files().map((file) => [file, statSync(file).ino]));

  it('keeps what it compiled, unless disabled, and starts from it', () => {
    expect(run({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe(version);
    expect(kept()).toEqual({});
    expect(run({})).toBe(version);
    const first = kept();
    expect(Object.keys(first).length).toBeGreaterThan(5);
    expect(run({})).toBe(version);
    expect(kept()).toEqual(first);
  });

  it('compiles again what is damaged', () => {
    run({});
    const before = kept();
    for (const [at, file] of files().entries())
      if (at % 2 === 0) writeFileSync(file, 'damaged');
      else truncateSync(file, Math.floor(statSync(file).size / 2));
    expect(run({})).toBe(version);
    for (const [file, inode] of Object.entries(kept())) expect(inode, file).not.toBe(before[file]);
  });

  it('replaces a file in which one bit is another, and does not run it', needs(before22), () => {
    run({});
    const before = kept();
    for (const file of files()) {
      const bytes = readFileSync(file);
      const middle = Math.floor(bytes.length / 2);
      bytes[middle] = (bytes[middle] ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
    expect(run({})).toBe(version);
    for (const [file, inode] of Object.entries(kept())) expect(inode, file).not.toBe(before[file]);
  });

  it('removes what a killed process or an old build left', needs(before22), () => {
    run({});
    const [first = ''] = files();
    const [old, young, partial] = [`${first}0`, `${first}1`, `${first}.123456789`];
    for (const file of [old, young, partial]) writeFileSync(file, '');
    const [monthAgo, hourAgo] = [31 * 24 * 3600, 3600].map((s) => Date.now() / 1000 - s);
    utimesSync(old, monthAgo ?? 0, monthAgo ?? 0);
    utimesSync(partial, hourAgo ?? 0, hourAgo ?? 0);
    rmSync(first);
    expect(run({})).toBe(version);
    expect([first, old, young, partial].map((file) => existsSync(file))).toEqual([true, false, true, false]);
  });

  it('starts without a cache where the place is not safe', () => {
    chmodSync(home, 0o777);
    expect(run({})).toBe(version);
    expect(readdirSync(home)).toEqual([]);
  });
});
