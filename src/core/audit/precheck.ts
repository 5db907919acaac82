import { linkNamed } from '../bridge/host.js';
import { segmentsBeside } from '../bridge/beside.js';
import { type BridgeView, bridgeViews, isHandedOver } from '../bridge/view.js';
import type { RuleFinding } from '../bridge/weakness.js';
import { socketPlace } from '../bridge/weaknesses/promiscuous.js';
import { findingsOn, findingsOnHost } from '../bridge/weaknesses.js';
import { lackingRights } from '../model/machine.js';
import { notExamined, type Precheck, type PrecheckNote } from '../model/run-record.js';
import type { Snapshot } from '../model/state.js';
import { nftRules, tcFilters } from '../bridge/rules.js';
import { groupBy } from '../text/collections.js';
import { word } from '../text/escape.js';
import { someText } from '../text/names.js';

const diverting = [
  'bridge-promiscuous',
  'sniffer-on-host',
  'tc-mirror',
  'nft-mirror',
  'xdp-program',
  'bypass-possible',
] as const;

export interface PrecheckInput {
  readonly snapshot: Snapshot;
  readonly bridges: readonly string[];
  readonly ports: readonly string[];
  /** Lower-device guests that take part, named as by `placed`. */
  readonly above?: readonly string[];
  readonly offloads: Readonly<Record<string, readonly string[]>>;
  /** Absent = not read. */
  readonly tables?: readonly TableUse[];
  /** Effective, hexadecimal; absent = not read. */
  readonly capabilities?: string;
  /** True if all processes are visible. Absent = not examined. */
  readonly seesAll?: boolean;
}

/** A kernel table's use. */
export interface TableUse {
  readonly table: 'connections' | 'neighbours';
  readonly used: number;
  readonly max: number;
}

/**
 * Notes for reading the result, and conditions under which the run is useless. Carrier and MACs are checked elsewhere.
 */
export function precheck({
  snapshot,
  bridges,
  ports,
  above = [],
  offloads,
  tables = [],
  capabilities,
  seesAll = true,
}: PrecheckInput): Precheck {
  const views = bridgeViews(snapshot).filter(({ name }) => bridges.includes(name));
  const devices = new Set(views.flatMap((view) => [...view.devices]));
  return {
    notes: [
      ...diverting.flatMap((code) => {
        const findings = views.flatMap((view) => findingsOn(code, view, snapshot));
        const noted = code === 'sniffer-on-host' ? onceAProcess(findings) : findings;
        return noted.map(({ place, value, text }) => ({ code, place, value, text }));
      }),
      ...findingsOnHost('policy-route', snapshot).map(({ place, value, text }) => ({
        code: 'policy-route' as const,
        place,
        value,
        text,
      })),
      ...views.flatMap((view) => netfilterNotes(view, snapshot)),
      ...nftNotes(snapshot),
      ...tcNotes(snapshot, devices),
      ...offloadNotes(offloads),
      ...hardwareNotes(snapshot, devices),
      ...tableNotes(tables),
      ...detectionNotes(snapshot),
      ...(capabilities === undefined ? [] : rightsNotes(capabilities)),
      ...(seesAll ? [] : [unseenProcesses]),
      ...besideNotes(snapshot, [...ports, ...above]),
      ...snapshot.state.unread.map(({ what, why }) => ({
        code: 'unread' as const,
        place: what,
        value: why,
        text: 'it is not known whether anything there acts on frames',
      })),
    ],
    refusals: views.flatMap((view) => [
      ...(view.link.flags.includes('UP') ? [] : [`${view.name} is down: nothing crosses it`]),
      ...view.ports
        .filter(
          ({ name, settings }) => ports.includes(name) && ['blocking', 'disabled'].includes(String(settings['state'])),
        )
        .map(
          (port) =>
            `${port.name} is ${String(port.settings['state'])}: ${view.name} forwards nothing from or to it${blockedRemedy(view, port)}`,
        ),
    ]),
  };
}

/** Spanning tree blocks the further of two ways. A port that is down is left out of a run. */
function blockedRemedy({ settings: bridge }: BridgeView, { name, settings }: BridgeView['ports'][number]): string {
  if (settings['state'] !== 'blocking' || Number(bridge['stp_state'] ?? 0) === 0) return '';
  const command = (state: string): string => `ip link set dev ${word(name)} ${state}`;
  return `. Spanning tree blocks it, as another port leads to the same network: type \`${command('down')}\`, run again, then \`${command('up')}\``;
}

const maxDevices = 2;

function onceAProcess(findings: readonly RuleFinding[]): readonly RuleFinding[] {
  const devicesOf = new Map<string, Set<string>>();
  for (const { value, place } of findings)
    devicesOf.set(value, (devicesOf.get(value) ?? new Set()).add(place.slice(socketPlace.length)));
  return [...devicesOf].flatMap(([value, devices]) => {
    const first = findings.find((finding) => finding.value === value);
    const place = `${socketPlace}${someText([...devices], maxDevices)}`;
    return first === undefined ? [] : [{ ...first, place }];
  });
}

function netfilterNotes(view: BridgeView, { state }: Snapshot): readonly PrecheckNote[] {
  const families = [
    ['iptables', 'IPv4'],
    ['ip6tables', 'IPv6'],
    ['arptables', 'ARP'],
  ] as const;
  const on = families.filter(([table]) => isHandedOver(table, view.settings, state.sysctl));
  if (on.length === 0) return [];
  const values = on.map(([table]) => {
    const [name, key] = [`net.bridge.bridge-nf-call-${table}`, `nf_call_${table}`];
    return `${name} ${state.sysctl[name] ?? 'unknown'}, ${key} ${String(view.settings[key] ?? 'unknown')}`;
  });
  const carriers = on.map(([, family]) => family).join(', ');
  return [
    {
      code: 'br-netfilter',
      place: view.name,
      value: values.join('; '),
      text: `frames of ${carriers} between guests pass the host's firewall: it may stop them where it lets raw frames pass, and they are judged apart`,
    },
  ];
}

function nftNotes({ state }: Snapshot): readonly PrecheckNote[] {
  const { rules } = nftRules(state);
  const families = [...new Set(rules.map(({ family }) => family))].sort();
  return rules.length === 0
    ? []
    : [
        {
          code: 'nft-rules',
          place: 'nft',
          value: `${rules.length} rules in ${families.join(', ')}`,
          text: 'they may drop probes; then they are what keeps guests apart',
        },
      ];
}

function tcNotes({ state }: Snapshot, devices: ReadonlySet<string>): readonly PrecheckNote[] {
  const filters = tcFilters(state).filter(
    ({ device, fields, moves }) => devices.has(device) && 'options' in fields && moves.length === 0,
  );
  return [...groupBy(filters, ({ key }) => key)].map(([place, { length }]) => ({
    code: 'tc-rules',
    place,
    value: `${length} filters`,
    text: 'they act on what the guest there sends or gets, the probes included',
  }));
}

function offloadNotes(offloads: PrecheckInput['offloads']): readonly PrecheckNote[] {
  const on = Object.entries(offloads).filter(([, names]) => names.length > 0);
  const names = [...new Set(on.flatMap(([, features]) => features))];
  return on.length === 0
    ? []
    : [
        {
          code: 'offloads',
          place: on.length === 1 ? (on[0]?.[0] ?? '') : `${on.length} devices`,
          value: names.join(', '),
          text: "guests' own frames may be longer than the MTU and without checksums there; probes are not, and nothing is judged by length or checksum",
        },
      ];
}

/** Hardware features that carry nothing past the captures (ethtool(8), -k). */
const featureTexts: Readonly<Record<string, string>> = {
  'hw-tc-offload':
    'the network card may carry out rules of tc and nft itself: each that it has taken is one of its own in the reasons',
  'rx-vlan-filter':
    'the network card drops tagged frames of VLANs that it was not set up for: none of those come in from outside',
};

function hardwareNotes({ state }: Snapshot, devices: ReadonlySet<string>): readonly PrecheckNote[] {
  return Object.entries(state.hardware ?? {}).flatMap(([place, features]) => {
    // a port is promiscuous, and then cards do not filter VLANs
    const isOpen = (linkNamed(state, place)?.promiscuity ?? 0) > 0;
    return features.flatMap((value): readonly PrecheckNote[] => {
      const text = featureTexts[value];
      const isSaid = devices.has(place) && !(value === 'rx-vlan-filter' && isOpen);
      return text === undefined || !isSaid ? [] : [{ code: 'offloads', place, value, text }];
    });
  });
}

const nearlyFull = 0.8;

const tableTexts: Readonly<Record<TableUse['table'], Pick<PrecheckNote, 'place' | 'text'>>> = {
  connections: {
    place: 'net.netfilter.nf_conntrack_max',
    text: "the table of connections is nearly full: a probe of IP that the host's firewall sees may take an entry; if it is full, connections of guests are dropped",
  },
  neighbours: {
    place: 'net.ipv4.neigh.default.gc_thresh3',
    text: 'the table of neighbours is nearly full: when it is full the host reaches no new one',
  },
};

function tableNotes(tables: readonly TableUse[]): readonly PrecheckNote[] {
  return tables
    .filter(({ used, max }) => max > 0 && used >= max * nearlyFull)
    .map(({ table, used, max }) => ({
      code: `${table}-nearly-full` as const,
      value: `${used} of ${max}`,
      ...tableTexts[table],
    }));
}

/** As /proc/PID/comm begins. */
const detectors = ['suricata', 'snort', 'zeek', 'bro', 'ossec', 'wazuh', 'fail2ban', 'arpwatch', 'arpon'];

/** Forged addresses raise alarms there. */
function detectionNotes({ packetSockets }: Snapshot): readonly PrecheckNote[] {
  const holders = (packetSockets ?? []).flatMap((socket) => socket.holders);
  const programs = new Map(
    holders
      .filter(({ name }) =>
        detectors.some((detector) => name.toLowerCase() === detector || name.toLowerCase().startsWith(`${detector}-`)),
      )
      .map(({ pid, name }) => [pid, name]),
  );
  return [...programs].map(([pid, name]) => ({
    code: 'intrusion-detection',
    place: name,
    value: `process ${pid}`,
    text: 'it may report probes as an attack: notify those who get its alarms before the run',
  }));
}

const unseenProcesses: PrecheckNote = {
  code: 'processes-unseen',
  place: 'this process',
  value: 'a pid namespace of its own',
  text: 'processes outside it are not seen, nor their network namespaces. The kernel still counts packet sockets, queues of taps and promiscuous mode: one without a process that is seen is bypass-possible. BPF programs count only where they are attached',
};

function rightsNotes(capabilities: string): readonly PrecheckNote[] {
  return lackingRights(capabilities).map(({ name, cost }) => ({
    code: 'rights',
    place: 'this process',
    value: name,
    text: `it is missing: ${cost}`,
  }));
}

function besideNotes({ state, beside }: Snapshot, ports: readonly string[]): readonly PrecheckNote[] {
  return beside === undefined
    ? []
    : segmentsBeside(state, beside, new Set(ports)).map(({ place, value, text, command }) => ({
        code: notExamined,
        place,
        value,
        text: command === null ? text : `${text}: ${command}`,
      }));
}
