import type { HostState } from '../../model/state.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import {
  entriesOf,
  familiesOf,
  filtersOf,
  filterWay,
  type Listing,
  nftRuleName,
  ownSelector,
  tcRuleName,
} from './copy-rules.js';
import { tcSelector } from './rule-selectors.js';
import { allOf, everything, type Selector } from './selector.js';

/** Statements of nft that keep state, or act on more than the frame. */
const actingStatements: ReadonlySet<string> = new Set([
  ...['queue', 'tproxy', 'log', 'set', 'map', 'meter', 'ct count', 'ct expectation', 'ct helper', 'ct timeout'],
  ...['quota', 'limit', 'masquerade', 'snat', 'dnat', 'redirect', 'synproxy', 'flow', 'last', 'reject'],
]);
/** Matches and targets of xtables that do neither; of all others it is not known. */
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

/** A rule that may do more than let a frame through, and the frames that come to it. */
export interface ActingRule {
  readonly name: string;
  readonly family: string;
  readonly does: string;
  readonly selector: Selector;
}

/** The rules that keep state, or act on more than the frame: sockets, logs, address translation, programs. */
export function actingRules(state: HostState, listing: Listing): readonly ActingRule[] {
  const byNft = listing.rules.flatMap((rule): readonly ActingRule[] => {
    const acting = entriesOf(rule).find(isActing);
    if (acting === undefined) return [];
    const [statement, value] = acting;
    const does = statement === 'xt' ? (textOf(fieldsOf(value)?.['name']) ?? '?') : statement;
    const selector = ownSelector(rule, listing);
    return familiesOf(rule, listing).map((family) => ({ name: nftRuleName(rule), family, does, selector }));
  });
  const byTc = filtersOf(state.tc).flatMap((placed): readonly ActingRule[] => {
    const actions = objectsOf(fieldsOf(placed.filter['options'])?.['actions']);
    const kinds = actions.map((action) => textOf(action['kind']) ?? '?');
    const does = placed.filter['kind'] === 'bpf' ? 'bpf' : kinds.find((kind) => !idleActions.has(kind));
    const selector = allOf([filterWay(placed), tcSelector(placed.filter)]);
    return does === undefined ? [] : [{ name: tcRuleName(placed.key, placed.filter), family: 'tc', does, selector }];
  });
  const programs = (state.programs ?? []).filter(({ onlyPasses }) => onlyPasses !== true);
  const byProgram = programs.flatMap(({ device, place, id }) =>
    (['in', 'out'] as const).map((side) => ({
      name: `BPF program ${id} at ${device} ${place}`,
      family: 'tc',
      does: 'a program',
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
    return does === undefined ? [] : [{ name: `${program} ${table}`, family, does, selector: everything }];
  });
  return [...byNft, ...byTc, ...byProgram, ...byLegacy];
}
