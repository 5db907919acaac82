import { isOnDevice } from '../../model/attach.js';
import type { Fix } from '../../model/fabric.js';
import { bareName, onHost } from '../../model/host-names.js';
import { isBesideBridges } from '../../model/plan.js';
import type { Endpoint } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { injectionDevice } from '../../model/timeline.js';
import { namesIn } from '../../text/collections.js';
import { type Fields, fieldsOf, textOf } from '../../text/json-text.js';
import { routedView } from '../beside.js';
import { copyChains, copyRules, legacyRuleName } from '../bypass/copy-rules.js';
import { advice, execute, ruleDeletion } from '../changes.js';
import { isBridged, routedSender } from '../row-context.js';
import { stateAround } from '../states-by-host.js';
import { type BridgeView, bridgeViews, readFrom, stateAlone } from '../view.js';
import type { Audited, BridgeRule, CauseFinder, Explained, FoundCause, LeakContext, RuleFinding } from '../weakness.js';
import { type NftRule, nftRules, type TcFilter, tcFilters } from '../rules.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'tc-mirror': 'finding';
    readonly 'nft-mirror': 'finding';
    readonly 'xdp-program': 'finding';
    readonly mirror: 'cause';
  }
}

/** tc(8). null = not identifiable. */
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

/** The hook's other filters stay: they may drop forged frames. */
function withoutFilter({ words: place, fields }: TcFilter): Fix {
  const words = filterWords(fields);
  return words === null
    ? advice(`tc filter show ${place.join(' ')} names the filter; delete it by its pref and handle`)
    : { changes: [execute('tc', 'filter', 'del', ...place, ...words)] };
}

interface NamedFinding {
  readonly rule: string;
  readonly finding: RuleFinding;
}

/** tc-mirred(8). */
const tcMirrorRule: BridgeRule = (view, { state }) => tcFindings(view, state).map(({ finding }) => finding);

const tcFindings = ({ devices }: BridgeView, state: HostState): readonly NamedFinding[] =>
  tcFilters(state)
    .filter(({ device }) => devices.has(device))
    .flatMap((filter) =>
      filter.moves.map(({ to, fields: action }) => ({
        rule: filter.name,
        finding: {
          severity: 'high',
          place: filter.key,
          value: `mirred ${textOf(action['direction']) ?? ''} ${textOf(action['mirred_action']) ?? ''} to ${to ?? '?'}`,
          readFrom: readFrom.tc,
          text: `frames of ${filter.device} are carried to ${to ?? 'another device'}, which no attribute of a link shows`,
          probe: 'known-unicast',
          fix: withoutFilter(filter),
        } satisfies RuleFinding,
      })),
    );

export const tcMirror: Audited = {
  meaning: 'A traffic-control rule copies or redirects frames of one port to another.',
  finding: { onBridge: tcMirrorRule },
};

/** An nft statement to another device, and its fix. */
export interface NftCopy {
  readonly rule: string;
  readonly verb: 'dup' | 'fwd' | 'TEE';
  /** null = by a route. */
  readonly device: string | null;
  /** nft does not print TEE's address. null = to a device. */
  readonly address: string | null;
  readonly place: string;
  readonly fix: Fix;
}

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

function copiesOfRule(rule: NftRule): readonly NftCopy[] {
  const { name, family, place, devices, parts } = rule;
  return parts.flatMap((expression): readonly NftCopy[] => {
    const copy = copyOf(expression, family === 'netdev' || devices.length > 0);
    if (copy === null) return [];
    const where = `${place}${devices.length === 0 ? '' : ` on ${devices.join(', ')}`}`;
    return [{ ...copy, rule: name, place: where, fix: { changes: [ruleDeletion(rule)] } }];
  });
}

/** nft's dup and fwd (nft(8)) on these or any devices, and iptables' TEE. */
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

const nftMirrorRule: BridgeRule = ({ devices }, { state }) => nftCopies(devices, state).map(copyFinding);

export const nftMirror: Audited = {
  meaning: 'An nftables rule copies or forwards frames of one port to another.',
  finding: { onBridge: nftMirrorRule },
};

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

function legacyFindings({ legacyTables = [] }: HostState): readonly (NamedFinding & { readonly address: string })[] {
  return legacyTables.flatMap(({ program, table, copies = [] }) =>
    copies.map(({ chain, number, gateway }) => {
      const fix = { changes: [execute(program, '-t', table, '-D', chain, String(number))] };
      const finding = teeFinding(`${program} ${table} ${chain}`, gateway, fix);
      return { rule: legacyRuleName({ program, table }, { chain, number }), address: gateway, finding };
    }),
  );
}

/** XDP gets every frame before the bridge, and may send it elsewhere invisibly. */
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
  /** At devices of the host that are not of the segment. */
  readonly elsewhere: readonly RuleFinding[];
  readonly programs: readonly RuleFinding[];
  readonly routed: ReturnType<typeof routedCopies>;
  /** By name, with devices. null = by a route. */
  readonly named: ReadonlyMap<string, { readonly finding: RuleFinding; readonly to: readonly string[] | null }>;
  /** Several rules, the last of which carries frames to these devices. */
  readonly chains: readonly { readonly finding: RuleFinding; readonly to: readonly string[] }[];
  readonly toPort: Map<string, RuleFinding | null>;
  /** The host's own name for a name across hosts. */
  readonly nameHere: (name: string) => string;
}

/** Needed for each of thousands of leaks. A state never changes. */
const carriersOfState = new WeakMap<HostState, Map<string, Carriers | null>>();

/** A segment without a bridge has devices as ports. Undefined = neither. */
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

/** The last rule's finding: the others may serve more than these copies. */
function chainsOf(view: BridgeView, state: HostState, named: Carriers['named']): Carriers['chains'] {
  return copyChains(view.devices, state).flatMap(({ rules, to }) => {
    const places = rules.map((rule) => named.get(rule)?.finding.place ?? rule);
    const finding = named.get(rules.at(-1) ?? '')?.finding;
    return finding === undefined ? [] : [{ finding: { ...finding, place: places.join(' and ') }, to }];
  });
}

const copying: BridgeRule = (view, snapshot) => [...tcMirrorRule(view, snapshot), ...nftMirrorRule(view, snapshot)];

function readCarriers(leak: LeakContext): Carriers | null {
  const { host, state } = stateAround(leak.bridge.name, leak.before);
  const nameHere = host === null ? (name: string): string => name : bareName;
  const view = viewOf(leak, state, nameHere);
  if (view === undefined) return null;
  const snapshot = stateAlone(state);
  const placed = (finding: RuleFinding): RuleFinding => ({ ...finding, place: onHost(host, finding.place) });
  const others = new Set(namesIn(state.links).filter((name) => !view.devices.has(name) && !injectionDevice.test(name)));
  const named = namedRules({ ...view, devices: new Set([...view.devices, ...others]) }, state, placed);
  return {
    rules: copying(view, snapshot).map(placed),
    elsewhere: copying({ ...view, devices: others }, snapshot).map(placed),
    programs: xdpRule(view, snapshot).map(placed),
    named,
    chains: chainsOf(view, state, named),
    routed: routedCopies(view.devices, state).map((copy) => ({ ...copy, finding: placed(copy.finding) })),
    toPort: new Map(),
    nameHere,
  };
}

function carriersOf(leak: LeakContext): Carriers | null {
  const { before, bridge } = leak;
  const known = carriersOfState.get(before) ?? new Map<string, Carriers | null>();
  carriersOfState.set(before, known);
  const carriers = known.has(bridge.name) ? (known.get(bridge.name) ?? null) : readCarriers(leak);
  known.set(bridge.name, carriers);
  return carriers;
}

function ruleTo(port: string | null, { rules, chains, toPort, nameHere }: Carriers): RuleFinding | null {
  if (port === null) return rules[0] ?? null;
  const known = toPort.get(port);
  if (known !== undefined) return known;
  const rule =
    rules.find((each) => isTo(each, nameHere(port))) ??
    chains.find(({ to }) => to.includes(nameHere(port)))?.finding ??
    null;
  toPort.set(port, rule);
  return rule;
}

function isTo({ value }: RuleFinding, device: string): boolean {
  return value.split(' ').includes(device);
}

/** The bridge forwards nothing of a sender that is not on it. */
function ruleFromElsewhere(
  { bridge, port, fromPort }: LeakContext,
  { elsewhere, nameHere }: Carriers,
): RuleFinding | undefined {
  if (port === null || port.master !== bridge.name || fromPort?.master === bridge.name) return undefined;
  return elsewhere.find((rule) => isTo(rule, nameHere(port.name)));
}

function deviceOf({ port, observer }: LeakContext): string | null {
  if (port !== null) return port.name;
  const isBeside = observer !== null && isBesideBridges(observer);
  return isBeside || observer?.routed === true || isOnDevice(observer?.by) ? (observer?.interface ?? null) : null;
}

/** The host may route copies to any device. */
function routedCopyTo(leak: LeakContext, { routed }: Carriers): RuleFinding | undefined {
  if (!leak.finding.carrier.startsWith('ip')) return undefined;
  const isOf = ({ ips }: Endpoint, wanted: string): boolean => ips.some(({ address }) => address === wanted);
  const { listener } = leak;
  const toListener = listener === null ? undefined : routed.find(({ address }) => isOf(listener, address));
  if (toListener !== undefined || isBridged(leak)) return toListener?.finding;
  return routed.find(({ address }) => !leak.endpoints.some((endpoint) => isOf(endpoint, address)))?.finding;
}

/** tc-mirred(8), nft(8). */
const findMirror: CauseFinder = (leak) => {
  const { bridge, fromPort, to } = leak;
  const carriers = carriersOf(leak);
  const tested = carriers === null ? null : askedRule(leak, deviceOf(leak), carriers);
  if (tested !== null) return foundIn(tested);
  // open to most by design: the setting that opens it is to be closed first
  if (carriers === null || (leak.finding.exposed === true && isBridged(leak))) return null;
  const near = [fromPort?.name, routedSender(leak)?.port, to?.port, bridge.name];
  const first =
    ruleTo(deviceOf(leak), carriers) ??
    ruleFromElsewhere(leak, carriers) ??
    routedCopyTo(leak, carriers) ??
    // what a program does is not known
    (isBridged(leak) ? undefined : carriers.programs.find(({ place }) => near.includes(place.split(' ')[0])));
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
