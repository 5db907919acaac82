import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ovs } from '../../support/lab/throw-away-ovs.js';
import { file, needs, root } from '../../support/needs.js';
import { isSlow, patient } from '../../support/patient.js';
import { itemOf } from './attack.js';
import { randomFrom } from '../../support/lab/random.js';
import { type Drawn, drawCases, drawMissing, drawSample, shuffled } from './draw.js';
import { type Judged, itemOfCase, outcomeOf } from './outcome.js';
import { further } from './primitives.js';
import { runDrawn } from './run-drawn.js';
import { runSoundHosts, soundHosts } from './sound-hosts.js';
import { brokenCases, caseName, failuresIn, lineOf } from './table.js';
import { scratchFolder } from '../../support/scratch.js';

/** Of `npm test`: another draw each day, or the one to repeat. */
const seed = Number(process.env['ADVERSARY_SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));

/** The share of `npm run soak adversary` that `npm run test:all` has, always the same. */
const share = { cases: 220, seed: 20, hosts: 14, further: 12 };
/** The share under a slow kernel: it shows that the kernel is another one. */
const slowShare = { cases: 80, seed: 20, hosts: 6, further: 12 };

/** The cases of a share: from the first primitives, and from later ones. */
const drawShare = ({ cases, seed: fixed, hosts, further: later }: typeof share): readonly Drawn[] => [
  ...drawCases(cases, fixed, hosts),
  ...drawCases(later, fixed, 0, further),
];

const listFile = fileURLToPath(new URL('expected-failures.json', import.meta.url));
/** Cases that fail until a part of the defence is there, by that part. `ADVERSARY_WRITE=1` writes them anew. */
const awaited: Readonly<Record<string, readonly string[]>> = JSON.parse(readFileSync(listFile, 'utf8'));

const python = file('/usr/bin/python3');

/** The names of all cases that are drawn, under either kernel. */
const drawnNames = new Set([share, slowShare].flatMap((drawnShare) => drawShare(drawnShare).map(({ name }) => name)));

/** Adds the failures under this kernel to those under others, and removes cases that are found now. */
function writeList(cases: readonly Judged[]): void {
  const failed = failuresIn(cases);
  const found = new Set(cases.filter((judged) => outcomeOf(judged) === 'found').map(caseName));
  const items = [...new Set(Object.values(itemOf))];
  const list = items.map((item) => [
    item,
    [
      ...new Set([
        ...(awaited[item] ?? []).filter((name) => drawnNames.has(name) && !found.has(name)),
        ...[...failed].filter(([, judged]) => itemOfCase(judged) === item).map(([name]) => name),
      ]),
    ].sort(),
  ]);
  writeFileSync(listFile, `${JSON.stringify(Object.fromEntries(list), null, 2)}\n`);
}

/** The sound hosts whose rules differ most; `npm run soak adversary` has all. */
const sound = [
  'libvirt NAT, guests that talk',
  'Docker, lldpd',
  'Incus, dhclient',
  'Proxmox firewall, multicast DNS',
  'bridge with an uplink, an accepted SPAN port',
  'Open vSwitch, htb',
];

/** Runs them, and expects each to hold. */
async function expectHeld(names: readonly string[], folder: string): Promise<void> {
  const hosts = soundHosts.filter(({ name }) => names.includes(name) && (ovs === null || !name.startsWith('Open')));
  const answers = await runSoundHosts(hosts, folder, isSlow ? 1 : 2);
  const why = answers.flatMap(({ name, verdict, reasons, refused }) =>
    verdict === 'holds' ? [] : [`${name}: ${verdict ?? refused ?? 'no verdict'}: ${reasons.join('; ')}`],
  );
  expect(why, why.join('\n')).toEqual([]);
  expect(answers.length).toBe(hosts.length);
}

describe('hosts on which nobody hears what is not for him', needs(root, python), () => {
  const folder = scratchFolder('adversary-sound');

  it('are at least forty', () => {
    expect(soundHosts.length).toBeGreaterThanOrEqual(40);
    expect(new Set(soundHosts.map(({ name }) => name)).size).toBe(soundHosts.length);
  });

  it(
    'hold: two that the date draws',
    async () => {
      const drawn = shuffled(sound, randomFrom(seed)).slice(0, 2);
      console.log(`sound hosts of seed ${seed}: ${drawn.join('; ')}`);
      await expectHeld(drawn, join(folder, 'drawn'));
    },
    patient(300_000),
  );

  it('hold', { tags: 'all', timeout: patient(300_000) }, () => expectHeld(sound, join(folder, 'all')));
});

const heardIn = (cases: readonly Judged[]): readonly Judged[] =>
  cases.filter((judged) => ['found', 'undecided', 'false holds'].includes(outcomeOf(judged)));
const attackers = needs(root, ovs, python);

/** What failed stays, to be run again by reproduce.sh of its folder. */
const keepFailed = (cases: readonly Judged[], folder: string): void =>
  failuresIn(cases).size === 0 ? rmSync(folder, { recursive: true, force: true }) : undefined;

/** Runs the cases before the tests of a group: each was heard by an ear that hears, and each is found. */
function expectFound(drawn: readonly Drawn[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'adversary-'));
  let cases: readonly Judged[] = [];
  beforeAll(async () => {
    console.log(`${drawn.length} cases, ADVERSARY_SEED=${seed}`);
    cases = await runDrawn(drawn, folder, isSlow ? 1 : 2);
  }, patient(1_500_000));
  afterAll(() => keepFailed(cases, folder));

  it('are heard by ears of which each was shown to hear', () => {
    const broken = brokenCases(cases);
    expect(broken, broken.join('\n')).toEqual([]);
    expect(heardIn(cases).length).toBeGreaterThanOrEqual(drawn.length / 2); // what kernels lack is refused
  });

  it('are found', () => {
    const failed = [...failuresIn(cases).values()].map(lineOf);
    expect(failed, `ADVERSARY_SEED=${seed}\n${failed.join('\n')}`).toEqual([]);
  });
}

describe('leaks that the date draws', attackers, () => {
  const drawn = drawSample(20, seed, 2);
  expectFound(drawn);

  it('are of every kind', () => {
    expect(drawn.length).toBe(20);
    expect(new Set(drawn.map(({ attack }) => attack.kind))).toEqual(new Set(Object.keys(itemOf)));
  });
});

describe.skipIf(isSlow)(
  'leaks by each primitive, on each of its fabrics, by each provider, which the share lacks',
  { ...attackers, tags: 'all' },
  () => expectFound(drawMissing(drawShare(share), seed)),
);

describe('leaks that an adversary composes', { ...attackers, tags: 'all' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adversary-'));
  let cases: readonly Judged[] = [];
  beforeAll(async () => {
    cases = await runDrawn(drawShare(isSlow ? slowShare : share), folder, isSlow ? 1 : 2);
    if (process.env['ADVERSARY_WRITE'] === '1') writeList(cases);
  }, patient(1_500_000));
  afterAll(() => keepFailed(cases, folder));

  it('are heard by ears of which each was shown to hear', () => {
    const broken = brokenCases(cases);
    expect(broken, broken.join('\n')).toEqual([]);
  });

  it.skipIf(isSlow)('are at least 150', () => {
    expect(heardIn(cases).length).toBeGreaterThanOrEqual(150);
  });

  it('are found, but for those whose part of the defence is awaited', () => {
    const expected = new Set(Object.values(awaited).flat());
    const unexpected = [...failuresIn(cases)]
      .filter(([name]) => !expected.has(name))
      .map(([, judged]) => lineOf(judged));
    expect(unexpected, unexpected.join('\n')).toEqual([]);
  });

  it('are awaited by names that are drawn', () => {
    expect(
      Object.values(awaited)
        .flat()
        .filter((name) => !drawnNames.has(name)),
    ).toEqual([]);
  });

  it('are awaited no longer than until they are found', () => {
    const expected = new Set(Object.values(awaited).flat());
    const found = cases.filter((judged) => outcomeOf(judged) === 'found' && expected.has(caseName(judged)));
    expect(found.map(lineOf)).toEqual([]);
  });

  it('are of every kind', () => {
    expect(new Set(heardIn(cases).map(({ attack }) => attack.kind))).toEqual(new Set(Object.keys(itemOf)));
  });
});
