import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHost } from '../../../../../src/cli/commands/fleet/read-host.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { judgeFolder } from '../../../../../src/system/evidence/replay.js';
import { wholeFolder } from '../../../../support/whole-folder.js';

const cli = join(import.meta.dirname, '../../../../../dist/cli.cjs');
const top = mkdtempSync(join(tmpdir(), 'hostile-folder-'));
const whole = join(top, 'whole');
const dir = join(top, 'dir');
beforeAll(() => wholeFolder('hub-mode', whole));
afterAll(() => rmSync(top, { recursive: true, force: true }));

function fresh(): void {
  rmSync(dir, { recursive: true, force: true });
  cpSync(whole, dir, { recursive: true });
}
const call = (...args: readonly string[]) =>
  spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 80_000 });

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
  it.each([
    ['run.json', 5],
    ['state/1-before.json', 23],
  ] as const)('is judged or refused, whatever stands in %s', async (file, stride) => {
    fresh();
    const original: Json = JSON.parse(readFileSync(join(whole, file), 'utf8')) as Json;
    const seen = { judged: 0, refused: 0 };
    // a prime stride: all kinds of places in a fraction of the time
    let number = 0;
    for (const changed of harmed(original, (value) => value)) {
      number += 1;
      if (number % stride !== 0) continue;
      writeFileSync(join(dir, file), JSON.stringify(changed));
      seen[await outcome()] += 1;
    }
    expect(seen.refused).toBeGreaterThan(10);
  });

  it('is judged or refused, whatever stands in plan.json and timeline.ndjson', async () => {
    fresh();
    const plan: Json = JSON.parse(readFileSync(join(whole, 'plan.json'), 'utf8')) as Json;
    let number = 0;
    for (const changed of harmed(plan, (value) => value)) {
      number += 1;
      if (number % 31 !== 0) continue;
      writeFileSync(join(dir, 'plan.json'), JSON.stringify(changed));
      await outcome();
    }
    fresh();
    const lines = readFileSync(join(whole, 'timeline.ndjson'), 'utf8').split('\n').slice(0, -1);
    for (const [at, line] of lines.entries()) {
      number = 0;
      for (const changed of harmed(JSON.parse(line) as Json, (value) => value)) {
        number += 1;
        if ((number + at) % 29 !== 0) continue;
        const text = lines.map((each, index) => (index === at ? JSON.stringify(changed) : each)).join('\n');
        writeFileSync(join(dir, 'timeline.ndjson'), `${text}\n`);
        await outcome();
      }
    }
  });

  it.each([[{ flood: {} }], [{ flood: null }], [['on']], ['on']])(
    'is refused where settings of a port are %j',
    (port) => {
      fresh();
      const path = join(dir, 'state', '1-before.json');
      const state = JSON.parse(readFileSync(path, 'utf8')) as { links: { port: unknown }[] };
      for (const link of state.links) link.port = port;
      writeFileSync(path, JSON.stringify(state));
      const { status, stdout, stderr } = call('replay', dir);
      expect(status, stderr).toBe(64);
      expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(/1-before\.json: .*port.*expected a map to texts/);
    },
  );

  it.each(['replay', 'check', 'fleet'])('never ends %s with 70', (command) => {
    fresh();
    const path = join(dir, 'state', '1-before.json');
    const state = JSON.parse(readFileSync(path, 'utf8')) as { links: { flags: unknown }[] };
    for (const link of state.links) link.flags = 7;
    writeFileSync(path, JSON.stringify(state));
    const { status, stdout, stderr } = call(command, dir);
    expect(status, stderr).toBe(command === 'fleet' ? 3 : 64);
    expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toMatch(/1-before\.json: .*flags/);
  });
});

describe('what is no regular file, or too large', () => {
  const files = [
    'run.json',
    'plan.json',
    'timeline.ndjson',
    'result.json',
    'SHA256SUMS',
    'SHA256SUMS.sig',
    'custody.ndjson',
    'fixes.json',
    'evidence.pcapng',
    'state/1-before.json',
  ];
  it.each(files)('a fifo for %s keeps nobody waiting, and costs its host alone', async (file) => {
    fresh();
    rmSync(join(dir, file), { force: true });
    spawnSync('mkfifo', [join(dir, file)]);
    const began = performance.now();
    const host = await readHost({ host: 'hv1', dir });
    expect(performance.now() - began).toBeLessThan(15_000);
    expect({ status: host.status, told: host.problems.length > 0 }).toEqual({ status: 3, told: true });
    const { status, signal } = call('check', dir);
    expect({ ok: [3, 64].includes(Number(status)), signal }).toEqual({ ok: true, signal: null });
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
    const host = await readHost({ host: 'hv1', dir });
    expect({ status: host.status, told: host.problems.length > 0 }).toEqual({ status: 3, told: true });
  });

  it('a file of a terabyte is not read', async () => {
    for (const file of ['run.json', 'plan.json', 'state/1-before.json']) {
      fresh();
      truncateSync(join(dir, file), 2 ** 40);
      await expect(judgeFolder(dir)).rejects.toThrow(/bytes, expected at most/);
    }
  });

  it('a custody log of 300 MB takes no more memory than a short one, and its faults are counted', () => {
    fresh();
    const log = join(dir, 'custody.ndjson');
    spawnSync('sh', [
      '-c',
      `yes '{"at":"x","action":"attested","uid":0,"sudoUser":null,"before":"b","after":"a","text":"t","previous":null}' | head -c 300000000 > ${log}`,
    ]);
    const script = `process.on('exit', () => console.error(process.resourceUsage().maxRSS)); process.argv.splice(1, 0, 'x'); process.argv[1] = ${JSON.stringify(cli)}; require(${JSON.stringify(cli)})`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script, '--', 'check', dir], {
      encoding: 'utf8',
      timeout: 80_000,
      maxBuffer: 1 << 26,
    });
    expect(status, stderr).toBe(3);
    expect(stdout).toMatch(/custody .*and \d{6,} more/);
    expect(stdout.length).toBeLessThan(20_000);
    expect(Number(stderr.trim().split('\n').at(-1))).toBeLessThan(400_000);
    rmSync(log);
  });
});

describe('fleet', () => {
  it('tells a broken host beside one whose folder cannot be read', async () => {
    fresh();
    writeFileSync(join(dir, 'run.json'), '{ "runVersion": 7 }');
    const hosts = await Promise.all([readHost({ host: 'bad', dir }), readHost({ host: 'good', dir: whole })]);
    expect(hosts.map(({ host, status }) => [host, status])).toEqual([
      ['bad', 3],
      ['good', 0],
    ]);
  });
});

describe('every recorded run', () => {
  it.each(readdirSync('captures').filter((name) => readdirSync(join('captures', name)).includes('run.json')))(
    '%s is what its file says it is',
    async (name) => expect((await judgeFolder(join('captures', name))).result.schemaVersion).toBe(1),
  );
});
