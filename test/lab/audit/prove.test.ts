import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { audit } from '../../../src/core/audit/audit.js';
import { proofStatus, withProof } from '../../../src/core/audit/prove.js';
import type { AuditReport } from '../../../src/core/model/audit.js';
import type { HostState, Snapshot } from '../../../src/core/model/state.js';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import { replayFolder } from '../../../src/system/evidence/replay.js';
import { guests, outcomeOf, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

describe('audit --prove on a host', needs(root), () => {
  const host = shared(throwAwayHost);
  beforeAll(() => {
    for (const { ip, mac } of Object.values(guests)) host.run(`ip neigh add ${ip} lladdr ${mac} dev br0 nud permanent`);
  });

  it('shows on the wire what it found, foretells every row, and leaves the host as it was', async () => {
    host.run('tc qdisc add dev vnet0 clsact');
    host.run('tc filter add dev vnet0 ingress protocol all u32 match u32 0 0 action mirred egress mirror dev vnet4');
    host.run('bridge link set dev spare flood off');
    const before = host.shape();
    const { status, stdout, stderr } = await outcomeOf(
      host.cli(['audit', '--bridge', 'br0', '--prove', '--yes', '--json', '--quiet', '--out', join(host.dir, 'proof')]),
    );
    expect(stderr).toBe('left behind on br0: nothing (checked)\n');
    const report: AuditReport = JSON.parse(stdout);
    const proof = report.proof;
    expect({ faults: proof?.faults, reasons: proof?.reasons }).toEqual({ faults: [], reasons: [] });
    expect(proof?.classes.map((proved) => proved.class)).toEqual([
      'known-unicast',
      'unknown-unicast',
      'broadcast',
      'arp-request',
      'link-local-multicast',
      'multicast',
      'vlan-hop',
      'routed-bounce',
      'mac-spoof',
      'ip-spoof',
    ]);
    expect(proof?.classes.filter(({ agrees, open }) => agrees === 0 || open > 0)).toEqual([]);
    const outcome = (id: string, place: string): string =>
      proof?.findings.find((finding) => finding.id === id && finding.place === place)?.outcome ?? 'not found';
    expect(outcome('tc-mirror', 'vnet0 ingress')).toBe('shown');
    expect(outcome('unknown-flood', 'vnet4.flood')).toBe('shown');
    expect(outcome('unknown-flood', 'spare.flood')).toBe('not found');
    expect(outcome('not-locked', 'vnet0.locked')).toBe('shown');
    expect(proof?.findings.find(({ id }) => id === 'stp-open')).toMatchObject({
      outcome: 'open',
      text: 'class stp-root was not probed: it disturbs guests: --allow-disruptive',
    });
    expect(status).toBe(2);
    // the MACs that mac-spoof invented among them
    expect(host.shape()).toBe(before);
    const { run } = await parseFolder(join(host.dir, 'proof'));
    expect(run.provenance?.instrument.calibration).toMatchObject({ planted: 40, seen: 40 });
  });

  it('sends nothing where nobody says that it may', async () => {
    const { status, stdout, stderr } = await outcomeOf(
      host.cli(['audit', '--bridge', 'br0', '--prove', '--quiet', '--out', join(host.dir, 'unasked')]),
    );
    expect({ status, stdout, refused: stderr.includes('nothing was sent') }).toEqual({
      status: 64,
      stdout: '',
      refused: true,
    });
  });
});

/** A recorded run held against an audit of a state that was not there: the bridge with another ageing time. */
async function mistaken(name: string, ageing: number): Promise<ReturnType<typeof withProof>> {
  const dir = fileURLToPath(new URL(`../../../captures/${name}`, import.meta.url));
  const { plan, states } = await parseFolder(dir);
  const renamed = (state: HostState | null): HostState | null =>
    state === null
      ? null
      : {
          ...state,
          links: state.links.map((link) =>
            link.bridge === null ? link : { ...link, bridge: { ...link.bridge, ageing_time: ageing } },
          ),
        };
  const before = states.map((state) => renamed(state.before));
  const [state] = before;
  if (state === null || state === undefined) throw new Error(`captures/${name} has no state`);
  const snapshot: Snapshot = {
    state: { ...state, unread: [] },
    packetSockets: [],
    promiscuousLog: {},
    vmnet: [],
    ovs: null,
  };
  return withProof(audit(snapshot), {
    plan,
    result: await replayFolder(dir),
    before,
    evidence: dir,
    leftOut: () => null,
  });
}

describe('an audit that the wire contradicts', () => {
  it('ends with 2 where something leaked that was not foretold', async () => {
    const report = await mistaken('hub-mode', 30_000);
    expect(report.proof.faults[0]).toMatchObject({
      class: 'known-unicast',
      observer: 'kali3',
      foretold: 'no',
      seen: 300,
    });
    expect(proofStatus(report, 'high')).toBe(2);
  });
  it('ends with 2 for a finding, and with 4 without one, where what was foretold did not show', async () => {
    const report = await mistaken('switch-mode', 0);
    expect(report.proof.faults[0]).toMatchObject({
      class: 'known-unicast',
      observer: 'kali3',
      foretold: 'yes',
      seen: 0,
    });
    expect(report.proof.findings.find(({ id }) => id === 'ageing-zero')?.outcome).toBe('not-shown');
    expect([proofStatus(report, 'high'), proofStatus({ ...report, findings: [] }, 'high')]).toEqual([2, 4]);
  });
  it('ends with 3 where the evidence is not complete', async () => {
    const report = await mistaken('switch-mode', 30_000);
    expect(report.proof.faults).toEqual([]);
    const reasons = [{ step: 's', code: 'control-missing', text: '' } as const];
    expect([
      proofStatus(report, 'high'),
      proofStatus({ ...report, proof: { ...report.proof, reasons } }, 'high'),
    ]).toEqual([0, 3]);
  });
});
