import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { audit } from '../../../../../src/core/audit/audit.js';
import type { Prediction } from '../../../../../src/core/model/audit.js';
import { probeClasses } from '../../../../../src/core/probe/classes.js';
import type { Snapshot } from '../../../../../src/core/model/state.js';
import { differing, heldAgainstWire, unbridged } from '../../../../support/judge/held.js';
import { learnedAt, setBridges, setPorts } from '../../../../support/link-state.js';
import { defaultBridge, withState } from '../../../../support/snapshots/recorded.js';

const top = fileURLToPath(new URL('../../../../..', import.meta.url));

// Those of one reason each are runs that something was taken from: what is missing there nothing foretells.
const recorded = readdirSync(join(top, 'captures')).filter(
  (name) =>
    !name.startsWith('reason-') && !unbridged.includes(name) && existsSync(join(top, 'captures', name, 'plan.json')),
);

describe.each(recorded)('the recorded run %s', (name) => {
  it('went on the wire as the state let expect, and all of it was foretold', async () => {
    const rows = await heldAgainstWire(join(top, 'captures', name));
    // nothing here passes by saying unknown
    expect(differing(rows)).toEqual([]);
    expect(rows.length).toBeGreaterThan(0);
  });
});

const rest = defaultBridge;

function forecast(snapshot: Snapshot, probe: string): readonly string[] {
  return [
    ...new Set(
      audit(snapshot)
        .predictions.filter((prediction: Prediction) => prediction.class === probe)
        .map(({ reach }) => reach),
    ),
  ];
}
function change(port: Readonly<Record<string, boolean>>, bridge: Readonly<Record<string, number>> = {}): Snapshot {
  return withState(rest, setPorts(port), setBridges(bridge));
}

describe('a prediction', () => {
  it('is no for known unicast on a bridge that learns, yes where it does not', () => {
    expect(forecast(rest, 'known-unicast')).toEqual(['no']);
    expect(forecast(change({}, { ageing_time: 0 }), 'known-unicast')).toEqual(['yes']);
  });
  it('is yes for unknown unicast unless flooding is off or both ports are isolated', () => {
    expect(forecast(rest, 'unknown-unicast')).toEqual(['yes']);
    expect(forecast(change({ flood: false }), 'unknown-unicast')).toEqual(['no']);
    expect(forecast(change({ isolated: true }), 'unknown-unicast')).toEqual(['no']);
  });
  it('is there for every class and pair', () => {
    const pairs = audit(rest).predictions.map(
      (prediction) => `${prediction.class} ${prediction.from} ${prediction.observer}`,
    );
    expect(pairs).toEqual(
      probeClasses.flatMap((name) =>
        ['vnet0', 'vnet1', 'vnet2'].flatMap((from) =>
          ['vnet0', 'vnet1', 'vnet2']
            .filter((observer) => observer !== from)
            .map((observer) => `${name} ${from} ${observer}`),
        ),
      ),
    );
  });
  it('of a stolen MAC is yes unless the port is locked or does not learn, of a made-up one unless the port is locked', () => {
    expect([
      forecast(rest, 'mac-steal'),
      forecast(change({ locked: true }), 'mac-steal'),
      forecast(change({ learning: false }), 'mac-steal'),
    ]).toEqual([['yes'], ['no'], ['no']]);
    expect([
      forecast(rest, 'mac-spoof'),
      forecast(change({ locked: true }), 'mac-spoof'),
      forecast(change({ locked: true, mab: true }), 'mac-spoof'),
    ]).toEqual([['yes'], ['no'], ['unknown']]);
  });
  it('with VLAN filtering is no between ports that share no VLAN', () => {
    const vlan = ['vnet0', 'vnet1', 'vnet2'].map((ifname, at) => ({
      ifname,
      vlans: [{ vlan: at === 2 ? 20 : 10, flags: ['PVID', 'Egress Untagged'] }],
    }));
    const filtered = change({}, { vlan_filtering: 1 });
    const snapshot: Snapshot = {
      ...filtered,
      state: {
        ...filtered.state,
        vlan,
        fdb: filtered.state.fdb.map((entry) => ({ ...entry, vlan: entry.port === 'vnet2' ? 20 : 10 })),
      },
    };
    const reach = (probe: string, from: string, observer: string): string | undefined =>
      audit(snapshot).predictions.find(
        (prediction) => prediction.class === probe && prediction.from === from && prediction.observer === observer,
      )?.reach;
    expect([
      reach('broadcast', 'vnet0', 'vnet1'),
      reach('broadcast', 'vnet0', 'vnet2'),
      reach('vlan-hop', 'vnet0', 'vnet2'),
      reach('vlan-hop', 'vnet0', 'vnet1'),
    ]).toEqual(['yes', 'no', 'no', 'unknown']);
  });
  it('is unknown where rules may decide, or could not be read', () => {
    const nft = (object: object) => withState(rest, { nft: { nftables: [object] } });
    const unread = withState(rest, { unread: [{ what: 'nft', why: '' }] });
    expect(forecast(unread, 'known-unicast')).toEqual(['unknown']);
    const ruled = nft({ rule: { family: 'bridge', table: 'f', chain: 'fw', expr: [{ drop: null }] } });
    expect(forecast(ruled, 'broadcast')).toEqual(['unknown']);
    const policy = nft({ chain: { family: 'bridge', table: 'f', name: 'fw', policy: 'drop' } });
    expect(forecast(policy, 'broadcast')).toEqual(['unknown']);
  });
  it('does not mind rules of IP unless br_netfilter hands bridged frames to them', () => {
    const nft = { nftables: [{ rule: { family: 'ip', table: 'f', chain: 'fw', expr: [{ drop: null }] } }] };
    const ruled = (call: string): Snapshot => {
      const calls = ['iptables', 'ip6tables', 'arptables'].map((table) => [`net.bridge.bridge-nf-call-${table}`, call]);
      return withState(rest, { nft, sysctl: { ...rest.state.sysctl, ...Object.fromEntries(calls) } });
    };
    expect([forecast(ruled('0'), 'broadcast'), forecast(ruled('1'), 'broadcast')]).toEqual([['yes'], ['unknown']]);
  });
  it('of a thousand guests tells pairs that behave alike together, and loses none', () => {
    const { links, fdb } = rest.state;
    const port = links.find(({ name }) => name === 'vnet0');
    if (port === undefined) throw new Error('the recorded snapshot has changed');
    const mac = (at: number): string =>
      `02:76:6a:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;
    const many = Array.from({ length: 1000 }, (_, at) => ({
      ...port,
      name: `p${at}`,
      ifindex: 100 + at,
      port: { ...port.port, isolated: at < 400 },
    }));
    const snapshot = withState(rest, {
      links: [...links.filter(({ master }) => master === null), ...many],
      fdb: [...fdb.filter(({ port: on }) => on === 'br0'), ...many.map(({ name }, at) => learnedAt(mac(at), name))],
    });
    const unknowns = audit(snapshot).predictions.filter((prediction) => prediction.class === 'unknown-unicast');
    const sum = (reach: string): number =>
      unknowns.filter((prediction) => prediction.reach === reach).reduce((total, { pairs }) => total + pairs, 0);
    expect([sum('no'), sum('yes'), sum('unknown')]).toEqual([400 * 399, 1000 * 999 - 400 * 399, 0]);
  });
});
