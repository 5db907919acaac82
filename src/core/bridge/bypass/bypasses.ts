import { groupMembers } from '../host.js';
import type { SocketProcess } from '../../model/packet-socket.js';
import type { HostState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { ovsCopies } from '../ovs.js';
import {
  harmlessFilters,
  harmlessHandlers,
  harmlessStatements,
  harmlessTargets,
  isHarmlessAction,
  isHarmlessMangle,
} from './known-good.js';
import { isForwarding } from '../routing.js';
import { listedDevices, type NftRule, nftRules, type TcFilter, tcFilters } from '../rules.js';

/** A possible way past the ports, not known to be harmless. */
export interface Bypass {
  /** `BPF program 12`, `tc action mirred`. */
  readonly what: string;
  /** A name that survives a restart. Absent = `what`. */
  readonly persistent?: string;
  /** `p0 ingress`, `nft netdev x y`. */
  readonly where: string;
  readonly remedy: string;
  /** Cleared if the traffic of these devices is known. Absent = any. */
  readonly to?: readonly string[];
  /** The only MAC it sends to. */
  readonly for?: string;
  /** It treats all frames alike: no probe taken, no frame taken. */
  readonly isAlike?: true;
  readonly holders?: readonly SocketProcess[];
}

/** The effect, as reasons, findings and `watch` name it. */
export const bypassEffect = 'may carry frames past the ears';

const seeProgram = 'detach it if it should not be there, for its effect cannot be read';
const unbridge = 'take the bridge away from what loaded it, as VMware does, or answer for it with trust';
const takeAway = 'take it away, or answer for it with trust';

/** The id changes with each load. */
function programName({ name, tag }: { readonly name: string; readonly tag: string }): string {
  return name === '' ? `BPF program tag ${tag}` : `BPF program ${name} tag ${tag}`;
}

/** A program may copy or redirect frames to any device (bpf-helpers(7)). */
function programBypasses({ programs, links }: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  const attached = (programs ?? [])
    .filter(({ onlyPasses }) => onlyPasses !== true)
    .map(({ device, place, id, name = '', tag = '', keepsNothing }) => ({
      device,
      place,
      what: `BPF program ${id}`,
      ...(tag === '' ? {} : { persistent: programName({ name, tag }) }),
      ...(keepsNothing === true ? { isAlike: true as const } : {}),
    }));
  const xdp = links.flatMap(({ name, xdp: what }) =>
    what === undefined ? [] : [{ device: name, place: 'XDP', what: `XDP ${what}` }],
  );
  return [...attached, ...xdp]
    .filter(({ device }) => segment.has(device))
    .map(({ device, place, ...named }) => ({ ...named, where: `${device} ${place}`, remedy: seeProgram }));
}

/** Others read the reasons, so the rule's text stays out. */
function copyRemedy(rule: string): string {
  return `${rule} may take frames that no probe is like; take it away, answer for it with trust, or for who gets the copies with accept`;
}

function actionBypasses(action: Fields, where: string, rule: string): readonly Bypass[] {
  const name = textOf(action['kind']) ?? 'unknown';
  if (isHarmlessAction(name, action)) return [];
  const to = textOf(action['to_dev']);
  const isCopy = name === 'mirred' && to !== null && textOf(action['direction']) === 'egress';
  return [
    {
      what: `tc action ${name}${to === null ? '' : ` to ${to}`}`,
      where,
      remedy: name === 'mirred' ? copyRemedy(rule) : takeAway,
      ...(isCopy ? { to: [to] } : {}),
    },
  ];
}

function filterBypasses({ kind, options, isRule, key, name, actions }: TcFilter): readonly Bypass[] {
  const where = `tc ${key}`;
  if (kind === null || !isRule) return [];
  const bypasses: Bypass[] = [];
  if (!harmlessFilters.has(kind))
    bypasses.push({ what: `tc filter ${kind}`, where, remedy: kind === 'bpf' ? seeProgram : takeAway });
  if (options['in_hw'] === true || options['skip_sw'] === true)
    bypasses.push({
      what: `tc filter ${kind} in hardware`,
      where,
      remedy: 'add it with skip_hw, for no capture sees frames that a network card handles',
    });
  return [...bypasses, ...actions.flatMap((action) => actionBypasses(action, where, name))];
}

// tc shows the blocks that a discipline runs when something happens in it apart (tc-red(8), qevent)
function eventBypasses(discipline: Fields): readonly Bypass[] {
  const [device, kind] = [textOf(discipline['dev']) ?? '', textOf(discipline['kind']) ?? ''];
  return objectsOf(fieldsOf(discipline['options'])?.['qevents']).map((event) => ({
    what: `tc qevent ${textOf(event['kind']) ?? ''}`,
    where: `tc ${device} ${kind}`,
    remedy: takeAway,
  }));
}

function tcBypasses(state: Pick<HostState, 'tc'>, segment: ReadonlySet<string>): readonly Bypass[] {
  const filters = tcFilters(state).filter(({ device }) => segment.has(device));
  const events = objectsOf(fieldsOf(state.tc)?.['qdisc']).filter(({ dev }) => segment.has(textOf(dev) ?? ''));
  return [...filters.flatMap(filterBypasses), ...events.flatMap(eventBypasses)];
}

/** Documentation/networking/netdev-features.rst. */
const forwardingFeatures: Readonly<Record<string, string>> = {
  'hsr-dup-offload': 'sends each frame out of a second port as well',
  'hsr-fwd-offload': 'forwards frames between two ports',
  'l2-fwd-offload': 'hands frames to what stands on it (macvlan)',
};

function featureBypasses({ hardware = {} }: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return Object.entries(hardware).flatMap(([device, features]) =>
    features.flatMap((name): readonly Bypass[] => {
      const effect = forwardingFeatures[name];
      if (effect === undefined || !segment.has(device)) return [];
      const remedy = `the network card ${effect}: turn it off (ethtool -K ${device} ${name} off), or answer for it with trust`;
      return [{ what: name, where: device, remedy }];
    }),
  );
}

/**
 * Devices whose frames hardware forwards: switchdev ports, and devices whose driver has the bridge's entries or groups.
 * Packet sockets never see these frames.
 */
function hardwareBypasses(state: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  const remedy = 'frames between these go past the kernel and its ears: ask the switch itself what it isolates';
  const ports = state.links.filter(({ name }) => segment.has(name));
  const switches = new Set(ports.flatMap(({ switchId }) => switchId ?? []));
  const inSwitch = [...switches].map((id) => ({
    what: `switch in hardware ${id}`,
    where: ports.flatMap(({ name, switchId }) => (switchId === id ? [name] : [])).join(', '),
    remedy,
  }));
  const offloaded = new Set(
    [...state.fdb, ...groupMembers(state)]
      .flatMap(({ port, flags }) => (flags.includes('offload') ? [port] : []))
      .filter((port) => segment.has(port))
      .filter((port) => ports.some(({ name, switchId }) => name === port && switchId === undefined)),
  );
  return [...inSwitch, ...[...offloaded].map((where) => ({ what: 'forwarding entries in hardware', where, remedy }))];
}

/** Packet handler types that get probes: every frame, IPv4, ARP, IPv6, IEEE 802 local use. */
const probedTypes: readonly string[] = ['ALL', '0800', '0806', '86dd', '88b5', '88b6'];

/** A hypervisor's bridging hands frames to its guests. */
function handlerBypasses({ packetHandlers = [] }: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return packetHandlers
    .filter(({ type, device }) => probedTypes.includes(type) && (device === null || segment.has(device)))
    .filter((handler) => !harmlessHandlers.has(handler.function.replace(/ \[.*$/, '')))
    .map(({ function: name, device, program }) =>
      program === undefined
        ? { what: `packet handler ${name}`, where: device ?? 'every interface', remedy: unbridge }
        : { what: name, where: program.place, remedy: seeProgram, persistent: programName(program) },
    );
}

/** The kernel gives each reader of a tap some frames. */
function tapBypasses({ sharedTaps = {} }: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return Object.entries(sharedTaps).flatMap(([device, holders]): readonly Bypass[] => {
    if (!segment.has(device)) return [];
    const names = holders.map(({ name, pid }) => (pid === 0 ? name : `${name} (${pid})`)).join(', ');
    const remedy = `of ${names} only one is the guest: end the other, or answer for it with trust`;
    return [{ what: 'tap that several processes read', where: device, remedy }];
  });
}

function textsWithin(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return [value];
  if (depth > 32 || typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((inner: unknown) => textsWithin(inner, depth + 1));
}

function targetsOf(target: Fields, isAtDevice: boolean): readonly string[] | null {
  // an address: the copy is routed
  if (!isAtDevice) return null;
  const device = target['dev'] ?? target['addr'];
  const known = textOf(device);
  if (known !== null) return [known];
  const data = fieldsOf(fieldsOf(device)?.['map'])?.['data'];
  const pairs = objectsOf([data]).flatMap((expression) => (Array.isArray(expression['set']) ? expression['set'] : []));
  const ends = pairs.map((pair: unknown) => (Array.isArray(pair) ? textsWithin(pair[1]) : []));
  return ends.length > 0 && ends.every((names) => names.length === 1) ? ends.flat() : null;
}

/** A log reader can pass packets on (libnetfilter_log). */
function logBypass(group: number | null, where: string): Bypass {
  const what = group === null ? 'NFLOG' : `NFLOG to group ${group}`;
  return { what, where, remedy: 'end the process that takes what is logged, or answer for it with trust' };
}

function xtablesBypasses({ type, name }: Fields, where: string, logGroups: readonly number[]): readonly Bypass[] {
  const target = textOf(name);
  // nft does not print the group of an extension of xtables
  if (target?.toUpperCase() === 'NFLOG' && logGroups.length > 0) return [logBypass(null, where)];
  if (type === 'match' || type === 'watcher' || harmlessTargets.has(target ?? '')) return [];
  return [{ what: `xtables target ${target ?? 'that nft does not know'}`, where, remedy: takeAway }];
}

function ruleBypasses(rule: NftRule, logGroups: readonly number[]): readonly Bypass[] {
  const { family, place, devices } = rule;
  const where = `nft ${place}${devices.length === 0 ? '' : ` on ${devices.join(', ')}`}`;
  return rule.statements.flatMap(([name, value]): readonly Bypass[] => {
    const fields = fieldsOf(value) ?? {};
    switch (name) {
      case 'dup':
      case 'fwd': {
        const to = targetsOf(fields, family === 'netdev' || devices.length > 0);
        const remedy = copyRemedy(rule.name);
        const address = textOf(fields['addr']);
        return to === null
          ? [{ what: `nft ${name}${address === null ? '' : ` to ${address}`}`, where, remedy }]
          : [{ what: `nft ${name} to ${to.join(', ')}`, where, remedy, to }];
      }
      case 'xt':
        return xtablesBypasses(fields, where, logGroups);
      case 'log': {
        const { group } = fields;
        return typeof group === 'number' && logGroups.includes(group) ? [logBypass(group, where)] : [];
      }
      case 'mangle': {
        const key = fieldsOf(fields['key']) ?? {};
        return isHarmlessMangle(key)
          ? []
          : [{ what: `nft ${textsWithin(key).join(' ')} set`, where, remedy: takeAway }];
      }
      default:
        return harmlessStatements.has(name)
          ? []
          : [{ what: `nft statement ${name}`, where, remedy: 'take it away: packets may go elsewhere by it' }];
    }
  });
}

function isAmong(device: string, segment: ReadonlySet<string>): boolean {
  if (!device.endsWith('*')) return segment.has(device);
  return [...segment].some((name) => name.startsWith(device.slice(0, -1)));
}

/** A network card forwards such flows past every capture (nft(8), flowtable, `flags offload`). */
function flowtableBypasses(flowtable: Fields, segment: ReadonlySet<string>): readonly Bypass[] {
  const devices = listedDevices(flowtable);
  if (![flowtable['flags']].flat().includes('offload') || !devices.some((device) => isAmong(device, segment)))
    return [];
  const where = `nft ${['family', 'table', 'name'].map((key) => textOf(flowtable[key]) ?? '').join(' ')}`;
  return [{ what: 'nft flowtable in hardware', where, remedy: 'take `flags offload` away for the time of the run' }];
}

function nftBypasses(state: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  const { rules, listed } = nftRules(state);
  const rulesHere = rules.filter(
    ({ devices }) => devices.length === 0 || devices.some((device) => isAmong(device, segment)),
  );
  return [
    ...rulesHere.flatMap((rule) => ruleBypasses(rule, state.logGroups ?? [])),
    ...listed('flowtable').flatMap((flowtable) => flowtableBypasses(flowtable, segment)),
  ];
}

/** Copies of what others get into the segment: the host may route guests' packets past there. */
function inwardBypasses(state: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  if (!isForwarding(state)) return [];
  const filters = tcFilters(state).filter(({ device }) => !segment.has(device));
  const rules = nftRules(state).rules.filter(
    ({ devices }) => devices.length > 0 && !devices.some((device) => isAmong(device, segment)),
  );
  // Ears know what guests send, not what others get: without `to` nothing clears them
  return [...filters.flatMap(filterBypasses), ...rules.flatMap((rule) => ruleBypasses(rule, []))].flatMap(
    ({ to = [], ...bypass }) => (to.some((device) => segment.has(device)) ? [bypass] : []),
  );
}

/** Targets of ebtables-legacy are not known. */
function legacyBypasses({ legacyTables = [], logGroups = [] }: HostState): readonly Bypass[] {
  return legacyTables.flatMap(({ program, table, targets }): readonly Bypass[] => {
    const where = `${program} ${table}`;
    if (targets === null)
      return [
        {
          what: 'rules that this program does not read',
          where,
          remedy: `make them with ${program.replace('legacy', 'nft')}, whose rules are read, or answer for them with trust`,
        },
      ];
    return targets.flatMap((name) => xtablesBypasses({ type: 'target', name }, where, logGroups));
  });
}

function ovsBypasses(state: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return ovsCopies(state)
    .filter(({ bridge }) => segment.has(bridge))
    .map(({ bridge, what, flow, complete, predicted, ...ends }) => {
      const advised = ends.to === undefined ? takeAway : copyRemedy('its flow');
      const advice = predicted === undefined ? advised : `ofproto/trace predicts that ${predicted}; ${takeAway}`;
      const remedy = complete === undefined ? advice : `${complete}; ${advice}`;
      return { what: `Open vSwitch ${what}`, where: `${bridge} ${flow ?? ''}`.trim(), remedy, ...ends };
    });
}

/**
 * Everything that may carry these devices' frames elsewhere and is not known to be harmless. Includes copies to
 * observed ports, as they may take frames that no guest sends. The judge asks packet sockets separately.
 */
export function bypassesIn(state: HostState, segment: ReadonlySet<string>): readonly Bypass[] {
  return [
    ...programBypasses(state, segment),
    ...hardwareBypasses(state, segment),
    ...featureBypasses(state, segment),
    ...handlerBypasses(state, segment),
    ...tapBypasses(state, segment),
    ...tcBypasses(state, segment),
    ...nftBypasses(state, segment),
    ...inwardBypasses(state, segment),
    ...legacyBypasses(state),
    ...ovsBypasses(state, segment),
  ];
}
