import type { HostState } from '../../model/state.js';
import { fieldsOf, textOf } from '../../text/json-text.js';
import { baseChainsOf, type CopyRule, familiesOf, filterWay, listingOf, ownSelector } from './copy-rules.js';
import { tcSelector } from './rule-selectors.js';
import { segmentOf } from './segment.js';
import { allOf, type DevicesOnWay, everything, type FrameFields, type Selector, takesFrame } from './selector.js';
import { tcFilters } from '../rules.js';

const actingStatements: ReadonlySet<string> = new Set([
  ...['queue', 'tproxy', 'log', 'set', 'map', 'meter', 'ct count', 'ct expectation', 'ct helper', 'ct timeout'],
  ...['quota', 'limit', 'masquerade', 'snat', 'dnat', 'redirect', 'synproxy', 'flow', 'last', 'reject'],
]);
/** All others are not known. */
const idleExtensions: ReadonlySet<string> = new Set([
  ...['TEE', 'MARK', 'CLASSIFY', 'CHECKSUM', 'DSCP', 'TOS', 'TTL', 'HL', 'TCPMSS', 'standard', 'comment', 'mac'],
  ...['tcp', 'udp', 'icmp', 'icmp6', 'multiport', 'iprange', 'physdev', 'addrtype', 'mark', 'conntrack', 'state'],
  ...['set', 'limit-burst', 'pkttype', 'length', 'ttl', 'hl', 'dscp', 'tos', 'among', 'ip', 'ip6', 'arp', 'rpfilter'],
]);
const idleActions: ReadonlySet<string> = new Set(['gact', 'mirred', 'csum', 'pedit', 'skbedit', 'vlan']);

function isActing([name, value]: readonly [string, unknown]): boolean {
  const fields = fieldsOf(value) ?? {};
  if (name === 'xt') return !idleExtensions.has(textOf(fields['name']) ?? '');
  if (name === 'mangle') return 'ct' in (fieldsOf(fields['key']) ?? {});
  return actingStatements.has(name);
}

/** A rule that may do more than pass a frame. */
export interface ActingRule {
  readonly name: string;
  readonly family: string;
  readonly does: string;
  readonly selector: Selector;
  /** The host's own packets may reach it: OUTPUT, POSTROUTING, egress. */
  readonly isOnWayOut: boolean;
}

const outwardHooks: readonly unknown[] = ['output', 'postrouting', 'egress'];
const inward = /ingress|xdp/i;

/** Rules that keep state or act beyond the frame: sockets, logs, address translation, programs. */
export function actingRules(state: HostState): readonly ActingRule[] {
  const listing = listingOf(state);
  const byNft = listing.rules.flatMap((rule): readonly ActingRule[] => {
    const acting = rule.statements.find(isActing);
    if (acting === undefined) return [];
    const [statement, value] = acting;
    const does = statement === 'xt' ? (textOf(fieldsOf(value)?.['name']) ?? '?') : statement;
    const selector = ownSelector(rule, listing);
    const bases = baseChainsOf(rule, listing);
    const isOnWayOut = bases.length === 0 || bases.some(({ hook }) => outwardHooks.includes(hook));
    return familiesOf(rule, listing).map((family) => ({ name: rule.name, family, does, selector, isOnWayOut }));
  });
  const byTc = tcFilters(state).flatMap((filter): readonly ActingRule[] => {
    const { name, kind, fields, place, actions, isRule } = filter;
    const kinds = actions.map((action) => textOf(action['kind']) ?? '?');
    const does = kind === 'bpf' ? 'bpf' : kinds.find((action) => !idleActions.has(action));
    const selector = allOf([filterWay(filter), tcSelector(fields)]);
    const isOnWayOut = !inward.test(place);
    return does === undefined || !isRule ? [] : [{ name, family: 'tc', does, selector, isOnWayOut }];
  });
  const programs = (state.programs ?? []).filter(({ onlyPasses }) => onlyPasses !== true);
  const byProgram = programs.flatMap(({ device, place, id }) =>
    (['in', 'out'] as const).map((side) => ({
      name: `BPF program ${id} at ${device} ${place}`,
      family: 'tc',
      does: 'a program',
      isOnWayOut: !inward.test(place),
      selector: { ...everything, devices: [{ side, names: [device], isNegated: false }] },
    })),
  );
  const byLegacy = (state.legacyTables ?? []).flatMap((legacy): readonly ActingRule[] => {
    const { program, table, targets, matches } = legacy;
    const does =
      targets === null || matches === undefined
        ? 'rules that are not read'
        : [...targets, ...matches].find((name) => !idleExtensions.has(name));
    const family = { 'iptables-legacy': 'ip', 'ip6tables-legacy': 'ip6', 'ebtables-legacy': 'bridge' }[program];
    const name = `${program} ${table}`;
    return does === undefined ? [] : [{ name, family, does, selector: everything, isOnWayOut: true }];
  });
  return [...byNft, ...byTc, ...byProgram, ...byLegacy];
}

/** IP families see bridged packets only through br_netfilter. */
export const packetFamilies: readonly string[] = ['ip', 'ip6', 'inet'];

/** True if a copy of a frame may reach an acting rule. */
export type CopyComesTo = (rule: ActingRule, frame: FrameFields, port: string) => boolean;

/**
 * Acting rules that copies reach. Routed copies pass the host's whole output path (nf_dup_ipv4,
 * net/ipv4/netfilter/nf_dup_ipv4.c). Copies received again, or sent by an unknown device, may reach all. `port`: the
 * port of entry.
 */
export function copiesComeTo({ to, family, isReceived }: CopyRule, state: HostState): CopyComesTo {
  if (isReceived === true || (to === null && !packetFamilies.includes(family))) return () => true;
  if (to === null) return ({ isOnWayOut }) => isOnWayOut;
  const ways = to.map((device) => {
    const beyond = [...segmentOf(new Set(), state, [device])].filter((name) => name !== device);
    return { device, beyond };
  });
  return ({ family: acting, selector }, frame, port) =>
    ways.some(({ device, beyond }) => {
      if (beyond.length === 0 && packetFamilies.includes(acting)) return false;
      const devices: readonly DevicesOnWay[] = [
        { in: port, out: device },
        ...beyond.flatMap((name) => [
          { in: name, out: null },
          { in: null, out: name },
        ]),
      ];
      return devices.some((way) => takesFrame(selector, frame, way) !== 'no');
    });
}
