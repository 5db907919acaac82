import { listText } from '../../text/names.js';
import type { OvsBridgeState, OvsPortState, OvsRecord, OvsState } from '../../model/state.js';
import { advice, execute } from '../changes.js';
import { membersOf } from '../ovs-settings.js';
import { ovsBridges, type OvsBridgeView, ovsText, referred, removeOvsMirror } from '../ovs.js';
import { isUnicast } from '../row-context.js';
import type { Audited, CauseFinder, Explained, HostRule, LeakContext, RuleFinding } from '../weakness.js';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'ovs-mirror': 'cause' | 'finding';
    readonly 'ovs-protected': 'cause';
    readonly 'ovs-protected-one-sided': 'finding';
    readonly 'ovs-fail-open': 'finding';
  }
}

/** A leak on an Open vSwitch bridge, with its state. */
export interface OvsLeak {
  readonly ovs: OvsState;
  readonly bridge: OvsBridgeState;
  readonly from: OvsPortState | null;
  readonly to: OvsPortState | null;
  readonly port: OvsPortState | null;
  /** The frames' tag, else the sender's port's. 0 = none. */
  readonly vlan: number;
  readonly isKnown: boolean;
}

/** null = no bridge of Open vSwitch. */
export function ovsLeak({ before, bridge, fromPort, to, port, finding, entries }: LeakContext): OvsLeak | null {
  const { ovs } = before;
  const ovsBridge = ovs?.bridges.find(({ name }) => name === bridge.name);
  if (ovs === undefined || ovsBridge === undefined) return null;
  const portNamed = (name: string | null | undefined): OvsPortState | null =>
    ovs.ports.find((port) => port.bridge === ovsBridge.name && port.name === name) ?? null;
  const from = portNamed(fromPort?.name);
  const [vlan = 0] = finding.vlan.length > 0 ? finding.vlan : numbersIn(from?.columns['tag']);
  return {
    ovs,
    bridge: ovsBridge,
    from,
    to: portNamed(to?.port),
    port: portNamed(port?.name),
    vlan,
    isKnown: entries.some((entry) => (entry.vlan ?? 0) === vlan),
  };
}

/** True if a port is in a VLAN (ovs-vswitchd.conf.db(5), vlan_mode). */
export function isInVlan({ columns }: OvsPortState, vlan: number): boolean {
  const [[tag], trunks, [mode]] = [
    numbersIn(columns['tag']),
    numbersIn(columns['trunks']),
    membersOf(columns['vlan_mode']),
  ];
  const isAccess = mode === 'access' || (mode === undefined && tag !== undefined);
  return isAccess ? tag === vlan : tag === vlan || trunks.length === 0 || trunks.includes(vlan);
}

export function numbersIn(value: unknown): readonly number[] {
  return membersOf(value).filter((member) => typeof member === 'number');
}

export function eachBridge(rule: (bridge: OvsBridgeView) => readonly RuleFinding[]): HostRule {
  return (snapshot) => ovsBridges(snapshot).flatMap(rule);
}

const findOvsMirror: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (inSwitch === null) return null;
  const { from, to, vlan, isKnown } = inSwitch;
  const near = [from?.name, to?.name];
  // what is flooded leaves by every port of the VLAN, also by one whose frames are copied
  const flooded = isUnicast(leak) && isKnown ? [] : inSwitch.ovs.ports.filter((each) => isInVlan(each, vlan));
  const remaining = flooded.flatMap(({ name, bridge }) =>
    bridge === inSwitch.bridge.name && name !== from?.name ? [name] : [],
  );
  const mirror = inSwitch.ovs.mirrors.find(
    ({ bridge, outputPort, ports, leaving = [] }) =>
      bridge === inSwitch.bridge.name &&
      outputPort !== null &&
      outputPort === inSwitch.port?.name &&
      (ports === null || ports.some((name) => near.includes(name)) || leaving.some((name) => remaining.includes(name))),
  );
  if (mirror === undefined) return null;
  return {
    place: `mirror ${mirror.name}`,
    value: `${mirror.ports?.join(', ') ?? 'all ports'} to ${mirror.outputPort ?? ''}`,
    text: `the mirror ${mirror.name} of ${mirror.bridge} copies frames of ${mirror.ports === null ? 'all ports' : listText(mirror.ports)} to ${mirror.outputPort ?? ''}`,
    fix: { changes: [removeOvsMirror(mirror.name, mirror.bridge)] },
  };
};

const ovsMirrorRule: HostRule = (snapshot) =>
  ovsBridges(snapshot).flatMap(({ name, ports, mirrors }) =>
    mirrors.map((mirror) => {
      const names = (column: string): readonly string[] =>
        referred(ports, mirror[column]).map((port) => ovsText(port['name']));
      const selected = [...new Set([...names('select_src_port'), ...names('select_dst_port')])];
      const output =
        [...names('output_port'), ...membersOf(mirror['output_vlan']).map((vlan) => `VLAN ${String(vlan)}`)].join(
          ', ',
        ) || 'nowhere';
      return {
        severity: 'high',
        place: `${name} mirror ${ovsText(mirror['name'])}`,
        value: `${mirror['select_all'] === true ? 'everything' : selected.join(', ') || 'nothing'} to ${output}`,
        readFrom: 'ovs-vsctl list Mirror',
        text: 'frames of guests are copied to another port',
        probe: 'known-unicast',
        fix: { changes: [removeOvsMirror(ovsText(mirror['name']), name)] },
      } as const;
    }),
  );

export const ovsMirror: Explained & Audited = {
  meaning: 'A mirror of Open vSwitch, which is named, copies frames to another port.',
  cause: {
    phrase: ({ place }) => `a mirror of Open vSwitch copies frames (${place})`,
    cost: {
      price: 'host',
      text: 'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them',
    },
    find: findOvsMirror,
  },
  finding: { onHost: ovsMirrorRule },
};

/** A protected sender floods to unprotected ports if a protected addressee is unknown (column protected). */
const findOvsProtected: CauseFinder = (leak) => {
  const inSwitch = ovsLeak(leak);
  if (inSwitch === null || !isUnicast(leak) || leak.entries.length > 0) return null;
  const { from, to, port, bridge } = inSwitch;
  if (
    from?.columns['protected'] !== true ||
    to?.columns['protected'] !== true ||
    port === null ||
    port.columns['protected'] === true
  )
    return null;
  return {
    place: `${port.name}.protected`,
    value: 'false',
    text: `${from.name} and ${to.name} are protected from each other; ${bridge.name} floods what one sends to the other to ports that are not, such as ${port.name}`,
    fix: { changes: [execute('ovs-vsctl', 'set', 'Port', port.name, 'protected=true')] },
  };
};

export const ovsProtected: Explained = {
  meaning:
    'Sender and addressee are protected from each other, and Open vSwitch floods what it cannot place to unprotected ports.',
  cause: {
    phrase: ({ place }) => `Open vSwitch floods what protected ports send each other (${place})`,
    cost: { price: 'apart', text: 'protected ports do not reach each other at all' },
    find: findOvsProtected,
  },
};

const flagged = (ports: readonly OvsRecord[]): readonly OvsRecord[] =>
  ports.filter((port) => port['protected'] === true);

/** One protected port alone floods to the others. */
const ovsProtectedOneSidedRule = eachBridge(({ ports }) =>
  flagged(ports).length !== 1
    ? []
    : flagged(ports).map(
        (port) =>
          ({
            severity: 'high',
            place: `${ovsText(port['name'])}.protected`,
            value: 'true, alone',
            readFrom: 'ovs-vsctl list Port',
            text: 'protection acts between protected ports: one alone has no effect',
            probe: 'known-unicast',
            fix: advice("ovs-vsctl set Port PORT protected=true on the other guests' ports"),
          }) as const,
      ),
);

export const ovsProtectedOneSided: Audited = {
  meaning: 'protected acts between protected ports only: one such port is separated from no other.',
  finding: { onHost: ovsProtectedOneSidedRule },
};

/** Without `secure` and controller the switch goes on by MAC, without its flows. */
const ovsFailOpenRule = eachBridge(({ name, record }) =>
  membersOf(record['controller']).length === 0 || record['fail_mode'] === 'secure'
    ? []
    : [
        {
          severity: 'medium',
          place: `${name}.fail_mode`,
          value: membersOf(record['fail_mode']).map(String)[0] ?? 'not set, which is standalone',
          readFrom: 'ovs-vsctl list Bridge',
          text: 'without its controller the switch forwards by MAC alone, past the flows that keep guests apart',
          probe: 'known-unicast',
          fix: { changes: [execute('ovs-vsctl', 'set-fail-mode', name, 'secure')] },
        },
      ],
);

export const ovsFailOpen: Audited = {
  meaning:
    'A bridge of Open vSwitch with a controller forwards by address once that is gone, unless fail_mode is secure.',
  finding: { onHost: ovsFailOpenRule },
};
