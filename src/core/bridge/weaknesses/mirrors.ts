import { isOnDevice } from '../../model/attach.js';
import type { Fix } from '../../model/fabric.js';
import { bareName, onHost } from '../../model/host-names.js';
import { isBesideBridges } from '../../model/plan.js';
import type { Endpoint } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { type Fields, fieldsOf, textOf } from '../../text/json-text.js';
import { routedView } from '../beside.js';
import { copyRules, legacyRuleName } from '../bypass/copy-rules.js';
import { advice, execute } from '../changes.js';
import { isBridged, isUnicast, routedSender } from '../row-context.js';
import { stateAround } from '../states-by-host.js';
import { type BridgeView, bridgeViews, readFrom, stateAlone } from '../view.js';
import type { Audited, BridgeRule, CauseFinder, Explained, FoundCause, LeakContext, RuleFinding } from '../weakness.js';
import { type NftRule, nftRules, tcFilters } from '../rules.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'tc-mirror': 'finding';
    readonly 'nft-mirror': 'finding';
    readonly 'xdp-program': 'finding';
    readonly mirror: 'cause';
  }
}

/** Words of tc(8) that name one filter among those of its hook; null = it does not say which it is. */
function filterWords({ protocol, pref, chain, kind, options }: Fields): readonly string[] | null {
  if (typeof pref !== 'number') return null;
  const { handle, fh } = fieldsOf(options) ?? {};
  const ofKind = typeof handle === 'number' ? `0x${handle.toString(16)}` : textOf(fh);
  return [
    ...(typeof chain === 'number' && chain > 0 ? ['chain', String(chain)] : []),
    ...(typeof protocol === 'string' ? ['protocol', protocol] : []),
    ...['pref', String(pref)],
    ...(ofKind === null || typeof kind !== 'string' ? [] : ['handle', ofKind, kind]),
  ];
}

/** Takes that filter away and leaves the others of its hook, which may drop forged frames. */
function withoutFilter(device: string, place: string, filter: Fields): Fix {
  const words = filterWords(filter);
  return words === null
    ? advice(`tc filter show dev ${device} ${place} names the filter; delete it by its pref and handle`)
    : { changes: [execute('tc', 'filter', 'del', 'dev', device, place, ...words)] };
}

/** A finding with the name of its rule, as rules are asked by it. */
interface NamedFinding {
  readonly rule: string;
  readonly finding: RuleFinding;
}

/** tc's action mirred carries frames of a device to another one (tc-mirred(8)). */
const tcMirrorRule: BridgeRule = (view, { state }) => tcFindings(view, state).map(({ finding }) => finding);

const tcFindings = ({ devices }: BridgeView, state: HostState): readonly NamedFinding[] =>
  tcFilters(state)
    .filter(({ device }) => devices.has(device))
    .flatMap(({ device, place, name: rule, fields: filter, moves }) =>
      moves.map(({ to, fields: action }) => ({
        rule,
        finding: {
          severity: 'high',
          place: `${device} ${place}`,
          value: `mirred ${textOf(action['direction']) ?? ''} ${textOf(action['mirred_action']) ?? ''} to ${to ?? '?'}`,
          readFrom: readFrom.tc,
          text: `frames of ${device} are carried to ${to ?? 'another device'}, which no attribute of a link shows`,
          probe: 'known-unicast',
          fix: withoutFilter(device, place, filter),
        } satisfies RuleFinding,
      })),
    );

export const tcMirror: Audited = {
  meaning: 'A traffic-control rule copies or redirects frames of one port to another.',
  finding: { onBridge: tcMirrorRule },
};

/** A statement of nft that carries frames to another device: where it stands, and how to take it away. */
export interface NftCopy {
  /** As `nftRuleName` gives it. */
  readonly rule: string;
  readonly verb: 'dup' | 'fwd' | 'TEE';
  /** The device that it sends by; null = a route leads there. */
  readonly device: string | null;
  /** The address that the copy is routed to, which nft does not print of TEE; null = it goes to a device. */
  readonly address: string | null;
  readonly place: string;
  readonly fix: Fix;
}

/** The statement of a rule that copies or moves packets, with where these go; null = it does not. */
function copyOf(expression: Fields, isAtDevice: boolean): Pick<NftCopy, 'verb' | 'device' | 'address'> | null {
  const xt = fieldsOf(expression['xt']);
  if (xt?.['type'] === 'target' && xt['name'] === 'TEE') return { verb: 'TEE', device: null, address: '?' };
  const verb = (['dup', 'fwd'] as const).find((name) => fieldsOf(expression[name]) !== null);
  if (verb === undefined) return null;
  const to = fieldsOf(expression[verb]) ?? {};
  const [addr, dev] = [textOf(to['addr']), textOf(to['dev']) ?? textOf(to['device'])];
  if (!isAtDevice) return { verb, device: dev, address: addr ?? '?' };
  return { verb, device: dev ?? addr ?? '?', address: null };
}

function copiesOfRule({ name, family, table, place, devices, parts, fields }: NftRule): readonly NftCopy[] {
  return parts.flatMap((expression): readonly NftCopy[] => {
    const copy = copyOf(expression, family === 'netdev' || devices.length > 0);
    if (copy === null) return [];
    const names = [family, table.slice(family.length + 1), place.slice(table.length + 1)];
    const removal = execute('nft', 'delete', 'rule', ...names, 'handle', String(fields['handle']));
    const where = `${place}${devices.length === 0 ? '' : ` on ${devices.join(', ')}`}`;
    return [{ ...copy, rule: name, place: where, fix: { changes: [removal] } }];
  });
}

/** nft's dup and fwd on these devices, or on any (nft(8)), and TEE of iptables in its tables. */
export function nftCopies(devices: ReadonlySet<string>, state: HostState): readonly NftCopy[] {
  return nftRules(state)
    .rules.filter((rule) => rule.devices.length === 0 || rule.devices.some((device) => devices.has(device)))
    .flatMap(copiesOfRule);
}

function copyFinding({ verb, device, address, place, fix }: Omit<NftCopy, 'rule'>): RuleFinding {
  const byDevice = device === null ? '' : ` device ${device}`;
  const to = address === '?' ? '' : ` to ${address ?? ''}${byDevice}`;
  return {
    severity: 'high',
    place,
    value: address === null ? `${verb} to ${device ?? '?'}` : `${verb}${to}`,
    readFrom: readFrom.nft,
    text:
      address === null
        ? 'frames are carried to another device, which no attribute of a link shows'
        : `a copy of each packet that the rule takes is routed${to === '' ? ' elsewhere' : to}, which no attribute of a link shows`,
    probe: 'known-unicast',
    fix,
  };
}

/** They carry frames as mirred does. */
const nftMirrorRule: BridgeRule = ({ devices }, { state }) => nftCopies(devices, state).map(copyFinding);

export const nftMirror: Audited = {
  meaning: 'An nftables rule copies or forwards frames of one port to another.',
  finding: { onBridge: nftMirrorRule },
};

/** Those of them that send a copy to an address, with what the audit says of each. */
function routedCopies(
  devices: ReadonlySet<string>,
  state: HostState,
): readonly { readonly address: string; readonly finding: RuleFinding }[] {
  const byNft = nftCopies(devices, state).flatMap((copy) =>
    copy.address === null ? [] : [{ address: copy.address, finding: copyFinding(copy) }],
  );
  const byLegacy = (state.legacyTables ?? [])
    .filter(({ targets, copies = [] }) => targets?.includes('TEE') === true && copies.length === 0)
    .map(({ program, table }) => {
      const fix = advice(`${program} -t ${table} -S names the rule; delete it with -D`);
      return { address: '?', finding: teeFinding(`${program} ${table}`, '?', fix) };
    });
  return [...byNft, ...byLegacy, ...legacyFindings(state)];
}

function teeFinding(place: string, address: string, fix: Fix): RuleFinding {
  return copyFinding({ verb: 'TEE', device: null, address, place, fix });
}

/** Rules of iptables-legacy with TEE, as far as they were read. */
function legacyFindings({ legacyTables = [] }: HostState): readonly (NamedFinding & { readonly address: string })[] {
  return legacyTables.flatMap(({ program, table, copies = [] }) =>
    copies.map(({ chain, number, gateway }) => {
      const fix = { changes: [execute(program, '-t', table, '-D', chain, String(number))] };
      const finding = teeFinding(`${program} ${table} ${chain}`, gateway, fix);
      return { rule: legacyRuleName({ program, table }, { chain, number }), address: gateway, finding };
    }),
  );
}

/** An XDP program sees every frame before the bridge does and may send it elsewhere; what it does cannot be read. */
const xdpRule: BridgeRule = ({ link, ports }) =>
  [link, ...ports.map((port) => port.link)]
    .flatMap(({ name, xdp }) => (xdp === undefined ? [] : [{ name, xdp }]))
    .map(({ name, xdp }) => ({
      severity: 'medium',
      place: `${name} xdp`,
      value: xdp,
      readFrom: readFrom.link,
      text: 'a program handles frames of this device before the bridge: it may copy or redirect them, and what it does cannot be read',
      probe: 'known-unicast',
      fix: {
        where: 'bpftool prog show, and where it should not be there',
        changes: [execute('ip', 'link', 'set', 'dev', name, 'xdp', 'off')],
      },
    }));

export const xdpProgram: Audited = {
  meaning: 'An XDP program handles frames before the bridge, so its settings do not show the whole way.',
  finding: { onBridge: xdpRule },
};

interface Carriers {
  readonly rules: readonly RuleFinding[];
  readonly programs: readonly RuleFinding[];
  /** Those of the rules that send a copy to an address. */
  readonly routed: ReturnType<typeof routedCopies>;
  /** Rules that a frame may ask, by name, and the devices to which each sends; null = by a route. */
  readonly named: ReadonlyMap<string, { readonly finding: RuleFinding; readonly to: readonly string[] | null }>;
  /** The first of the rules that carry frames to a port, by its name. */
  readonly toPort: Map<string, RuleFinding | null>;
  /** What the host of the bridge calls what is called so across hosts. */
  readonly nameHere: (name: string) => string;
}

/**
 * What was found in a state, by bridge: it is asked for once for each leak, and a mesh has thousands. A state is never
 * changed.
 */
const carriersOfState = new WeakMap<HostState, Map<string, Carriers | null>>();

/**
 * The bridge of a leak as its host has it, or the devices of a segment without one as its ports: those to which the
 * host routes, or a lower device and what stands on it; undefined = neither.
 */
function viewOf(
  { bridge, step }: LeakContext,
  state: HostState,
  nameHere: (name: string) => string,
): BridgeView | undefined {
  const name = nameHere(bridge.name);
  const names = step.observers.flatMap(({ bridge: segment, routed, by, interface: device }) => {
    if (segment !== bridge.name) return [];
    if (isOnDevice(by)) return [nameHere(device), name];
    return routed === true ? [nameHere(device)] : [];
  });
  const view = bridgeViews(stateAlone(state)).find((bridged) => bridged.name === name);
  return view ?? (names.length === 0 ? undefined : routedView(name, names, state));
}

function namedRules(
  view: BridgeView,
  state: HostState,
  placed: (finding: RuleFinding) => RuleFinding,
): Carriers['named'] {
  const targets = new Map(copyRules(state).map(({ name, to }) => [name, to]));
  const byNft = nftCopies(view.devices, state).map((copy) => ({ rule: copy.rule, finding: copyFinding(copy) }));
  return new Map(
    [...tcFindings(view, state), ...byNft, ...legacyFindings(state)].map(({ rule, finding }) => [
      rule,
      { finding: placed(finding), to: targets.get(rule) ?? null },
    ]),
  );
}

/** The rule that a frame was sent to ask, if it sends to the observer. */
function askedRule(
  { finding: { variant = '' } }: LeakContext,
  device: string | null,
  carriers: Carriers,
): RuleFinding | null {
  const [, rule] = /^asks (.*)$/.exec(variant) ?? [];
  const known = carriers.named.get(rule ?? '');
  if (known === undefined) return null;
  const { finding, to } = known;
  return to === null || to.includes(carriers.nameHere(device ?? '')) ? finding : null;
}

function carriersOf(leak: LeakContext): Carriers | null {
  const { before, bridge } = leak;
  const known = carriersOfState.get(before) ?? new Map<string, Carriers | null>();
  carriersOfState.set(before, known);
  let carriers = known.get(bridge.name);
  if (carriers === undefined) {
    const { host, state } = stateAround(bridge.name, before);
    const nameHere = host === null ? (name: string): string => name : bareName;
    const view = viewOf(leak, state, nameHere);
    const snapshot = stateAlone(state);
    const placed = (finding: RuleFinding): RuleFinding => ({ ...finding, place: onHost(host, finding.place) });
    carriers =
      view === undefined
        ? null
        : {
            rules: [...tcMirrorRule(view, snapshot), ...nftMirrorRule(view, snapshot)].map(placed),
            programs: xdpRule(view, snapshot).map(placed),
            named: namedRules(view, state, placed),
            routed: routedCopies(view.devices, state).map((copy) => ({ ...copy, finding: placed(copy.finding) })),
            toPort: new Map(),
            nameHere,
          };
    known.set(bridge.name, carriers);
  }
  return carriers;
}

function ruleTo(port: string | null, { rules, toPort, nameHere }: Carriers): RuleFinding | null {
  if (port === null) return rules[0] ?? null;
  const known = toPort.get(port);
  if (known !== undefined) return known;
  const rule = rules.find(({ value }) => value.split(' ').includes(nameHere(port))) ?? null;
  toPort.set(port, rule);
  return rule;
}

/** The observer's port, of a bridge or not, or what leads to a device beside the bridges; null = it has none. */
function deviceOf({ port, observer }: LeakContext): string | null {
  if (port !== null) return port.name;
  const isBeside = observer !== null && isBesideBridges(observer);
  return isBeside || observer?.routed === true || isOnDevice(observer?.by) ? (observer?.interface ?? null) : null;
}

/**
 * The rule that sends copies to the observer's address. Where no bridge carried the packet there, it may be one to an
 * address that is nobody's: the host routes it to any device.
 */
function routedCopyTo(leak: LeakContext, { routed }: Carriers): RuleFinding | undefined {
  if (!leak.finding.carrier.startsWith('ip')) return undefined;
  const isOf = ({ ips }: Endpoint, wanted: string): boolean => ips.some(({ address }) => address === wanted);
  const { listener } = leak;
  const toListener = listener === null ? undefined : routed.find(({ address }) => isOf(listener, address));
  if (toListener !== undefined || isBridged(leak)) return toListener?.finding;
  return routed.find(({ address }) => !leak.endpoints.some((endpoint) => isOf(endpoint, address)))?.finding;
}

/**
 * A rule carries frames of the bridge's devices to another one (tc-mirred(8), nft(8) dup and fwd), or an XDP program
 * may. The audit finds them; here they explain a leak.
 */
const findMirror: CauseFinder = (leak) => {
  const { bridge, fromPort, to, entries } = leak;
  const carriers = carriersOf(leak);
  const tested = carriers === null ? null : askedRule(leak, deviceOf(leak), carriers);
  if (tested !== null) return foundIn(tested);
  // unknown unicast is flooded there anyway: the setting that floods is what is to be closed first
  if (isUnicast(leak) && entries.length === 0 && leak.finding.exposed === true && isBridged(leak)) return null;
  if (carriers === null) return null;
  const near = [fromPort?.name, routedSender(leak)?.port, to?.port, bridge.name];
  const first =
    ruleTo(deviceOf(leak), carriers) ??
    routedCopyTo(leak, carriers) ??
    carriers.programs.find(({ place }) => near.includes(place.split(' ')[0]));
  return first === undefined ? null : foundIn(first);
};

function foundIn({ place, value, text, fix }: RuleFinding): FoundCause {
  return { place, value, text, fix };
}

export const mirror: Explained = {
  meaning: 'A rule of tc or nft, or an XDP program, carries frames of one port to another; its place is named.',
  cause: {
    phrase: ({ place }) => `a rule or program copies frames (${place})`,
    cost: {
      price: 'host',
      text: 'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them',
    },
    find: findMirror,
  },
};
