import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  checkNamedFile,
  openNamedFile,
  openNewFile,
  writeNamedFile,
} from '../../../../../src/system/evidence/folder/named-file.js';

let dir: string;
const at = (name: string): string => join(dir, name);
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'named-file-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a file that a user named', () => {
  it('is written with the folders on its way', () => {
    writeNamedFile(at('a/b/report.html'), 'text');
    expect(readFileSync(at('a/b/report.html'), 'utf8')).toBe('text');
  });

  it('takes the place of the old one when it is whole, with its permissions', () => {
    writeFileSync(at('report.html'), 'old');
    chmodSync(at('report.html'), 0o640);
    const file = openNamedFile(at('report.html'));
    writeSync(file.fd, 'new');
    expect(readFileSync(at('report.html'), 'utf8')).toBe('old');
    file.keep();
    expect(readFileSync(at('report.html'), 'utf8')).toBe('new');
    expect(statSync(at('report.html')).mode & 0o777).toBe(0o640);
    expect(readdirSync(dir)).toEqual(['report.html']);
  });

  it('that is dropped leaves the old one, and nothing else', () => {
    writeFileSync(at('report.html'), 'old');
    const file = openNamedFile(at('report.html'));
    writeSync(file.fd, 'new');
    file.drop();
    file.drop();
    expect(readdirSync(dir)).toEqual(['report.html']);
    expect(readFileSync(at('report.html'), 'utf8')).toBe('old');
  });

  it('is looked at beforehand without a change, and without opening a pipe', () => {
    writeFileSync(at('report.html'), 'old');
    expect(spawnSync('mkfifo', [at('pipe')]).status).toBe(0);
    writeFileSync(at('SHA256SUMS'), '');
    for (const name of ['report.html', 'pipe', 'new/report.html']) checkNamedFile(at(name));
    checkNamedFile('/dev/stdout');
    expect(readFileSync(at('report.html'), 'utf8')).toBe('old');
    expect(readdirSync(dir).sort()).toEqual(['SHA256SUMS', 'new', 'pipe', 'report.html']);
    expect(() => checkNamedFile(at('new'))).toThrow('EISDIR');
    expect(() => checkNamedFile(at('report.html/x'))).toThrow('ENOTDIR');
    expect(() => checkNamedFile('/proc/none')).toThrow();
    expect(() => checkNamedFile(at('SHA256SUMS'))).toThrow('it is evidence');
  });

  it('is none of a run’s evidence: what SHA256SUMS beside it lists stays as it is', () => {
    writeFileSync(at('SHA256SUMS'), `${'0'.repeat(64)}  plan.json\n`);
    writeFileSync(at('plan.json'), 'evidence');
    writeFileSync(at('report.html'), 'old');
    for (const name of ['plan.json', 'SHA256SUMS'])
      expect(() => openNamedFile(at(name))).toThrow(expect.objectContaining({ exitCode: 64, code: 'out-not-own' }));
    expect(readFileSync(at('plan.json'), 'utf8')).toBe('evidence');
    writeNamedFile(at('report.html'), 'new');
    expect(readFileSync(at('report.html'), 'utf8')).toBe('new');
  });

  it('may be a link of the user’s own, which stays', () => {
    mkdirSync(at('elsewhere'));
    symlinkSync('elsewhere/report.html', at('link'));
    writeNamedFile(at('link'), 'text');
    expect(readFileSync(at('elsewhere/report.html'), 'utf8')).toBe('text');
    expect(readFileSync(at('link'), 'utf8')).toBe('text');
  });

  it('may be an open file by its descriptor, which is not replaced', () => {
    const fd = openSync(at('log'), constants.O_RDWR | constants.O_CREAT);
    try {
      writeNamedFile(`/dev/fd/${fd}`, 'text');
      expect(readFileSync(fd, 'utf8')).toBe('text');
    } finally {
      closeSync(fd);
    }
    writeNamedFile('/dev/null', 'text');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('may be a pipe that is read, and one that nobody reads is an error and no wait', async () => {
    expect(spawnSync('mkfifo', [at('pipe')]).status).toBe(0);
    expect(() => writeNamedFile(at('pipe'), 'text')).toThrow('ENXIO');
    const reader = spawn('cat', [at('pipe')], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    reader.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    for (;;)
      try {
        writeNamedFile(at('pipe'), 'text');
        break;
      } catch (error) {
        if (!String(error).includes('ENXIO')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5)); // until the reader has opened it
      }
    await once(reader, 'close');
    expect(text).toBe('text');
  });

  it('is refused where links lead in a circle', () => {
    symlinkSync('two', at('one'));
    symlinkSync('one', at('two'));
    expect(() => writeNamedFile(at('one'), 'text')).toThrow('too many symbolic links');
  });
});

it('a new file follows no link and replaces nothing', () => {
  symlinkSync('target', at('link'));
  writeFileSync(at('there'), 'old');
  expect(() => openNewFile(at('link'))).toThrow('EEXIST');
  expect(() => openNewFile(at('there'))).toThrow('EEXIST');
  expect(readdirSync(dir).sort()).toEqual(['link', 'there']);
  closeSync(openNewFile(at('new')));
  expect(statSync(at('new')).mode & 0o777).toBe(0o600);
});
