// @module-tag all
import { createCipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';
import type { Attack } from './attack.js';
import { guests } from './guests.js';
import { type Judged, outcomeOf } from './outcome.js';
import { runInLab } from './run-cases.js';
import { privateProbe } from './selections.js';
import { brokenCases } from './table.js';
import { heardOf } from './tools/heard.mjs';
import { scratchFolder } from '../../support/scratch.js';

/** A case that floods everything, before it is changed. */
const flood: Attack = {
  kind: 'plain',
  primitive: 'flood',
  place: 'bridge',
  fabric: 'linux',
  receiver: 'port',
  detail: '',
  setup: ['ip link set dev br0 type bridge ageing_time 0'],
  undo: ['ip link set dev br0 type bridge ageing_time 30000'],
  ears: [{ name: 'c', place: guests.c.mac, check: guests.c.port }],
  due: 'broken',
  probe: privateProbe('raw, ipv4-udp', 10),
  expect: 'private',
};

const killed =
  '( while [ ! -e $W/heard.ready ]; do sleep 0.01; done; kill -KILL $(cat $W/ear.pid) ) >/dev/null 2>&1 </dev/null &';

const cases = {
  flood,
  'wrong interface': { ...flood, ears: [{ name: 'c', place: guests.e.mac, check: guests.c.port }] },
  'nothing to show that it hears': {
    ...flood,
    setup: [],
    undo: [],
    ears: [{ name: 'c', place: guests.c.mac, check: '' }],
  },
  killed: { ...flood, setup: [killed], undo: [] },
  'no leak': {
    ...flood,
    setup: [`start relay relay p0 ${guests.c.port} plain type:86dd none`],
    undo: ['stop relay'],
  },
  'cannot be built': { ...flood, setup: ['ip link add dev x type nonesuch'], undo: [] },
} satisfies Readonly<Record<string, Attack>>;

describe("the adversary's ear", needs(root, file('/usr/bin/python3')), () => {
  const folder = scratchFolder('adversary-ear');
  const judgedByName = new Map<string, Judged>();
  beforeAll(async () => {
    const judged = await runInLab('linux', Object.values(cases), folder);
    Object.keys(cases).forEach((name, at) => {
      const judgedCase = judged[at];
      if (judgedCase !== undefined) judgedByName.set(name, judgedCase);
    });
  }, patient(300_000));

  const outcome = (name: keyof typeof cases): string => {
    const judged = judgedByName.get(name);
    if (judged === undefined) throw new Error(`no case ${name}`);
    return outcomeOf(judged);
  };

  it('hears a plain flood, all of it', () => {
    expect([outcome('flood'), judgedByName.get('flood')?.heard['c']]).toMatchObject([
      'found',
      { tokens: 20, checked: true },
    ]);
  });

  it.each(['wrong interface', 'nothing to show that it hears', 'killed'] as const)(
    'is deaf, and the case void: %s',
    (name) => {
      expect(outcome(name)).toBe('deaf');
    },
  );

  it('does not take a leak that did not happen for one that was found', () => {
    // The relay carries nothing, but its socket takes what it could carry.
    expect([outcome('no leak'), judgedByName.get('no leak')?.verdict]).toEqual(['no leak', 'inconclusive']);
  });

  it('says what cannot be built here', () => {
    expect(outcome('cannot be built')).toBe('not available');
    expect(judgedByName.get('cannot be built')?.refused).toMatch(/^Error: Unknown device type\., exit \d+$/);
  });
});

describe('a run of the adversary that leaves no result', needs(root), () => {
  it('fails its own cases, and no more', async () => {
    const folder = scratchFolder('adversary-lost');
    const judged = await runInLab('linux', [{ ...flood, probe: '{ class: nonesuch }' }], folder);
    rmSync(folder, { recursive: true, force: true });
    expect(brokenCases(judged)).toEqual([expect.stringContaining('the program gave no result')]);
    expect(judged.map(outcomeOf)).toEqual(['not available']);
  });
});

describe('the search for tokens in what an ear heard', () => {
  const folder = mkdtempSync(join(tmpdir(), 'adversary-heard-'));
  const key = randomBytes(32);
  const runTag = 0x5649_5649; // like the mark itself, which a search must not trip over
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(8 * 100));
  const token = (index: number, tag = stream.subarray(index * 8, index * 8 + 8)): Buffer => {
    const bytes = Buffer.alloc(18);
    bytes.write('VI');
    bytes.writeUInt32BE(runTag, 2);
    bytes.writeUInt32BE(index, 6);
    tag.copy(bytes, 10);
    return bytes;
  };
  const step = (name: string, first: number): object => ({ name, flows: [{ first, count: 10, from: 'a', to: 'b' }] });
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ runTag, steps: [step('one', 0), step('two', 10)] }));
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ key: key.toString('hex') }));
  const heard = (frames: readonly Buffer[], direction = 'in') => {
    writeFileSync(
      join(folder, 'log'),
      `${frames.map((frame) => `c ${direction} 1.0 ${frame.toString('hex')}`).join('\n')}\n= end c heard ${frames.length} first yes last yes rx 1\n`,
    );
    return heardOf(join(folder, 'log'), folder, 'two')['c'];
  };

  it('finds one at every offset', () => {
    for (let at = 0; at < 300; at += 1)
      expect(heard([Buffer.concat([Buffer.alloc(at, 0x56), token(12), Buffer.alloc(7)])])).toMatchObject({
        tokens: 1,
        offsets: [at],
      });
  });

  it('finds several in one frame', () => {
    expect(heard([Buffer.concat([token(11), token(12), Buffer.from('VI'), token(13)])])?.tokens).toBe(3);
  });

  it('takes none with another tag, of another step, of no probe, or that the victim sent himself', () => {
    expect(heard([token(12, randomBytes(8)), token(3), token(50), token(12).subarray(0, 17)])?.tokens).toBe(0);
    expect(heard([token(12)], 'out')?.tokens).toBe(0);
  });
});
