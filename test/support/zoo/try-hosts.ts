import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { prepareGuestManagers } from '../../../scripts/managers.mjs';
import { randomFrom } from '../lab/random.js';
import { kernel } from '../lab/features.js';
import { type Missing, needs, program, root } from '../needs.js';
import { patient } from '../patient.js';
import { scratchFolder } from '../scratch.js';
import { compileZoo, drawNames, type Names, runOnZooHost, type ZooHost, type ZooOutcome } from './zoo.js';

/** Names, numbers and faults are others each day, or those to repeat. */
const seed = Number(process.env['ZOO_SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));
/** `npm run test:zoo` asks for every fault, so many times. */
const times = Number(process.env['ZOO_TIMES'] ?? 0);

/** Programs that set-up brings; the others are unpacked for their host. */
const own: Readonly<Record<string, () => Missing>> = { 'open-vswitch': () => program('ovs-vsctl') };
const unpacks = ({ takes }: ZooHost): boolean => takes.some((word) => !(word in own));

/**
 * Tests of hosts, each sane and with one of its faults. `group`: where their outcomes go, below coverage/zoo. `options`:
 * of these tests; `concurrent` where none has control groups.
 */
export function describeHosts(
  group: string,
  hosts: readonly ZooHost[],
  options: { readonly tags?: 'all'; readonly concurrent?: true } = {},
): void {
  const random = randomFrom(seed);
  const scratch = scratchFolder('zoo');
  const seen: Readonly<Record<string, unknown>>[] = [];
  const { folder: packages = null, skip = null } = hosts.some(unpacks) ? prepareGuestManagers() : {};
  const missingFor = (host: ZooHost): readonly Missing[] => [
    ...host.takes.map((word) => own[word]?.() ?? null),
    unpacks(host) ? skip : null,
  ];

  const tryHost = async (host: ZooHost, fault: string | null, names: Names): Promise<ZooOutcome> => {
    const outcome = await runOnZooHost(host, fault, names, {
      packages: unpacks(host) ? packages : null,
      programs: compileZoo(scratch),
    });
    const { text, seconds, verdict, pings, changed } = outcome;
    seen.push({ host: host.name, what: host.what, fault, verdict, seconds, lines: text.split('\n').length });
    expect(changed, `what the run changed on the host\n${text}`).toEqual([]);
    if (host.speaks) expect(pings.sent, 'pings of guests while the run went on').toBeGreaterThan(10);
    return outcome;
  };
  const isDecided = async (host: ZooHost, names: Names): Promise<void> => {
    const { verdict, status, text, pings } = await tryHost(host, null, names);
    // A fault may cost pings by itself, as the port does that a mirror takes for its own
    expect(pings.lost, text).toBe(0);
    expect([verdict, status], text).toEqual([expect.stringMatching(/^(HOLDS|EXPOSED)$/), 0]);
  };
  /** By its cause: a leak that is called by another name teaches nobody what to mend. */
  const isFound = async (host: ZooHost, fault: string, names: Names): Promise<void> => {
    const { verdict, status, text, stdout, cause } = await tryHost(host, fault, names);
    expect([verdict, status], text).toEqual(['BROKEN', 2]);
    expect(stdout).toMatch(cause ?? /(?!)/);
  };
  const repeated = Array.from({ length: Math.max(1, times) }, (_, at) => at + 1);
  const faultsOf = ({ faults }: ZooHost): readonly string[] =>
    times > 0 ? repeated.flatMap(() => faults) : [random.pick(faults)];

  const machine = needs(root, kernel('tap'), kernel('VXLAN'), program('gcc'));
  describe(`hosts as people have them, ZOO_SEED=${seed}`, { ...machine, ...options }, () => {
    for (const host of hosts)
      describe(`${host.name}: ${host.what}`, { ...needs(...missingFor(host)), timeout: patient(300_000) }, () => {
        const sane = repeated.map((time) => [time, drawNames(random.below)] as const);
        const faulty = faultsOf(host).map((fault) => [fault, drawNames(random.below)] as const);
        it.each(sane)('is decided where it is sane (%i)', (_, names) => isDecided(host, names));
        it.each(faulty)('is BROKEN, and the fault is named: %s', (fault, names) => isFound(host, fault, names));
      });
  });

  afterAll(() => {
    if (seen.length === 0) return;
    mkdirSync('coverage/zoo', { recursive: true });
    writeFileSync(`coverage/zoo/${group}.json`, JSON.stringify(seen));
  });
}
