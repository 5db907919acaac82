import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { files as folderFiles } from '../../../../../src/system/evidence/folder/folder.js';
import { openFolderBelow } from '../../../../../src/system/evidence/folder/reach-folder.js';
import { libc } from '../../../../../src/system/kernel/libc.js';
import { judgeFolder } from '../../../../../src/system/evidence/replay.js';
import { cli } from '../../../../support/call.js';
import { callHere } from '../../../../support/call-here.js';
import { wholeFolder } from '../../../../support/whole-folder.js';
import { scratchFolder } from '../../../../support/scratch.js';

const top = scratchFolder('hostile-folder');
const whole = join(top, 'whole');
const dir = join(top, 'dir');
beforeAll(() => wholeFolder('hub-mode', whole));

function fresh(): void {
  rmSync(dir, { recursive: true, force: true });
  cpSync(whole, dir, { recursive: true });
}

/** Ends as a kernel without openat2(2) ends it: errno is that of a system call without a number. */
const notThere = (): number => libc().syscall(-1, 0, 0, null);

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Every place in a document, and what stands there changed to values of other types. */
function* harmed(value: Json, put: (changed: Json) => Json): Generator<Json> {
  for (const wrong of [7, 'x', null, [7], { x: 7 }, true, -1, 1e300])
    if (typeof wrong !== typeof value || Array.isArray(wrong) !== Array.isArray(value)) yield put(wrong);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    // elements of a list are much alike
    for (const at of [0, value.length - 1].filter((each, index, list) => each >= 0 && list.indexOf(each) === index))
      yield* harmed(value[at] ?? null, (changed) => put(value.map((each, index) => (index === at ? changed : each))));
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    const { [key]: _gone, ...rest } = value;
    yield put(rest);
    yield* harmed(inner, (changed) => put({ ...value, [key]: changed }));
  }
}

/** What becomes of a folder: judged, or refused with a reason; anything else is thrown. */
async function outcome(): Promise<'judged' | 'refused'> {
  try {
    await judgeFolder(dir);
    return 'judged';
  } catch (error) {
    if (error instanceof VerifyError && error.exitCode === 64) return 'refused';
    throw error;
  }
}

describe('a folder of evidence with one value changed', () => {
  // Of all places each so-many-th, a prime, so that those of all kinds are met.
  for (const [file, stride, options] of [
    ['run.json', 13, {}],
    ['state/1-before.json', 23, {}],
    ['run.json', 5, { tags: 'all' }],
  ] as const) {
    it(`is judged or refused, whatever stands in ${file}, at every ${stride}th place`, options, async () => {
      fresh();
      const original: Json = JSON.parse(readFileSync(join(whole, file), 'utf8')) as Json;
      const seen = { judged: 0, refused: 0 };
      let number = 0;
      for (const changed of harmed(original, (value) => value)) {
        number += 1;
        if (number % stride !== 0) continue;
        writeFileSync(join(dir, file), JSON.stringify(changed));
        seen[await outcome()] += 1;
      }
      expect(seen.refused).toBeGreaterThan(10);
    });
  }

  const planAndTimeline = async (ofPlan: number, ofTimeline: number): Promise<void> => {
    fresh();
    const plan: Json = JSON.parse(readFileSync(join(whole, 'plan.json'), 'utf8')) as Json;
    let number = 0;
    for (const changed of harmed(plan, (value) => value)) {
      number += 1;
      if (number % ofPlan !== 0) continue;
      writeFileSync(join(dir, 'plan.json'), JSON.stringify(changed));
      await outcome();
    }
    fresh();
    const lines = readFileSync(join(whole, 'timeline.ndjson'), 'utf8').split('\n').slice(0, -1);
    for (const [at, line] of lines.entries()) {
      number = 0;
      for (const changed of harmed(JSON.parse(line) as Json, (value) => value)) {
        number += 1;
        if ((number + at) % ofTimeline !== 0) continue;
        const text = lines.map((each, index) => (index === at ? JSON.stringify(changed) : each)).join('\n');
        writeFileSync(join(dir, 'timeline.ndjson'), `${text}\n`);
        await outcome();
      }
    }
  };
  it('is judged or refused, whatever stands in plan.json and timeline.ndjson', () => planAndTimeline(113, 109));
  it(
    'is judged or refused, whatever stands in plan.json and timeline.ndjson, four times as often',
    { tags: 'all' },
    () => planAndTimeline(31, 29),
  );

  it.each([[{ flood: {} }], [{ flood: null }], [['on']], ['on']])(
    'is refused where settings of a port are %j',
    async (port) => {
      fresh();
      const path = join(dir, 'state', '1-before.json');
      const state = JSON.parse(readFileSync(path, 'utf8')) as { links: { port: unknown }[] };
      for (const link of state.links) link.port = port;
      writeFileSync(path, JSON.stringify(state));
      const { status, stdout, stderr } = await callHere('replay', dir);
      expect(status, stderr).toBe(64);
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(/1-before\.json: .*port.*expected a map to texts/);
    },
  );

  it.each(['replay', 'check'])('never ends %s with 70', async (command) => {
    fresh();
    const path = join(dir, 'state', '1-before.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { links: { flags: unknown }[] };
    for (const link of state.links) link.flags = 7;
    writeFileSync(path, JSON.stringify(state));
    const { status, stdout, stderr } = await callHere(command, dir);
    expect(status, stderr).toBe(command === 'check' ? 3 : 64);
    expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(/1-before\.json: .*flags/);
  });
});

/** The line of a folder that is damaged, and that of one that is whole. */
const bad = /^WRONG .*\nok .*: WHOLE/;

describe('what is no regular file, or too large', () => {
  // A run that kept every frame has no use for discarded.ndjson, and a report is none that is judged
  const files = Object.values(folderFiles)
    .filter(({ name, codec, checked }) => (codec !== null || checked !== null) && !/^(discarded|report)/.test(name))
    .map(({ name }) => (name === 'state' ? 'state/1-before.json' : name));
  it.each(files)('a fifo for %s keeps nobody waiting, and costs its host alone', async (file) => {
    fresh();
    rmSync(join(dir, file), { force: true });
    spawnSync('mkfifo', [join(dir, file)]);
    const began = performance.now();
    const { status, stdout } = await callHere('check', dir, whole);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect({ status, stdout }).toEqual({ status: 3, stdout: expect.stringMatching(bad) });
    expect([3, 64]).toContain((await callHere('check', dir)).status);
  });

  it.each(files)('a link for %s is not followed', async (file) => {
    fresh();
    const elsewhere = join(top, 'elsewhere');
    writeFileSync(
      elsewhere,
      statSync(join(dir, file), { throwIfNoEntry: false }) === undefined ? 'x\n' : readFileSync(join(dir, file)),
    );
    rmSync(join(dir, file), { force: true });
    symlinkSync(elsewhere, join(dir, file));
    const { status, stdout } = await callHere('check', dir, whole);
    expect({ status, stdout }).toEqual({ status: 3, stdout: expect.stringMatching(bad) });
  });

  it('a folder on the way to a file is no link: what lies elsewhere is neither hashed nor judged', async () => {
    const outside = join(top, 'outside');
    cpSync(join(whole, 'state'), outside, { recursive: true });
    fresh();
    const secret = 'a file of somebody else\n';
    writeFileSync(join(outside, 'secret'), secret);
    symlinkSync(outside, join(dir, 'way'));
    const sums = join(dir, 'SHA256SUMS');
    const line = `${createHash('sha256').update(secret).digest('hex')}  way/secret\n`;
    writeFileSync(sums, readFileSync(sums, 'utf8') + line);
    const { status, stdout } = await callHere('check', dir);
    expect([status, stdout.replaceAll(/\s+/g, ' ')]).toEqual([
      3,
      expect.stringContaining('way/secret is missing, or cannot be read'),
    ]);
    fresh();
    rmSync(join(dir, 'state'), { recursive: true });
    symlinkSync(outside, join(dir, 'state'));
    expect((await callHere('check', dir)).status).toBe(3);
  });

  it.each<[string, typeof notThere | undefined]>([
    ['by openat2(2)', undefined],
    ['part by part where the kernel has no such call', notThere],
  ])('a folder is opened below another one only, and through no link, %s', (_, call) => {
    const inside = join(top, `inside-${call === undefined ? 'call' : 'parts'}`);
    mkdirSync(join(inside, 'a', 'b'), { recursive: true });
    symlinkSync('a', join(inside, 'link'));
    symlinkSync('..', join(inside, 'a', 'up'));
    const opens = (path: string): boolean => {
      try {
        closeSync(openFolderBelow(inside, path, call));
        return true;
      } catch {
        return false;
      }
    };
    expect(['.', 'a', 'a/b'].map(opens)).toEqual([true, true, true]);
    expect(['link', 'link/b', 'a/up/a', '..', 'a/../..', '/etc', 'none'].map(opens)).toEqual(Array(7).fill(false));
  });

  it('a file of a terabyte is not read', async () => {
    for (const file of ['run.json', 'plan.json', 'state/1-before.json']) {
      fresh();
      truncateSync(join(dir, file), 2 ** 40);
      await expect(judgeFolder(dir)).rejects.toThrow(/bytes, expected at most/);
    }
  });

  /** A custody log of this many bytes, which does not hold. */
  function writeCustody(bytes: number): void {
    const line =
      '{"at":"x","action":"attested","uid":0,"sudoUser":null,"before":"b","after":"a","text":"t","previous":null}';
    const lines = `${line}\n`.repeat(10_000);
    const file = openSync(join(dir, 'custody.ndjson'), 'w');
    for (let left = bytes; left > 0; left -= lines.length) writeSync(file, lines);
    closeSync(file);
  }

  it('faults of a long custody log are counted', async () => {
    fresh();
    writeCustody(12_000_000);
    const { status, stdout } = await callHere('check', dir);
    expect(status).toBe(3);
    expect(stdout).toMatch(/custody .*and \d{6,} more/);
    expect(stdout.length).toBeLessThan(20_000);
  });

  it('a custody log of 300 MB takes no more memory than a short one', { tags: 'all' }, () => {
    fresh();
    writeCustody(300_000_000);
    const script = `process.on('exit', () => console.error(process.resourceUsage().maxRSS)); process.argv.splice(1, 0, 'x'); process.argv[1] = ${JSON.stringify(cli)}; require(${JSON.stringify(cli)})`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script, '--', 'check', dir], {
      encoding: 'utf8',
      timeout: 280_000,
      maxBuffer: 1 << 26,
    });
    expect(status, stderr).toBe(3);
    expect(stdout).toMatch(/custody .*and \d{6,} more/);
    expect(stdout.length).toBeLessThan(20_000);
    expect(Number(stderr.trim().split('\n').at(-1))).toBeLessThan(400_000);
  });
});

describe('many folders', () => {
  it('tell a whole run beside one whose folder cannot be read', async () => {
    fresh();
    writeFileSync(join(dir, 'run.json'), '{ "runVersion": 7 }');
    for (const command of ['check', 'report']) {
      const { status, stdout } = await callHere(command, dir, whole);
      const [broken = '', good = ''] = stdout.split('\n');
      expect([status, broken.split(' ', 1)[0], good.includes(whole)]).toEqual([
        3,
        command === 'check' ? 'WRONG' : 'NO',
        true,
      ]);
    }
  });
});
