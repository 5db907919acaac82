import { membersOf, ovsColumns, ovsPortConfigs, uuidOf, valueIn } from '../../../core/bridge/ovs-settings.js';
import { isDevice } from '../../../core/bridge/ovs.js';
import { normalizeMac } from '../../../core/discover/guests/guest-manager.js';
import type { SocketProcess } from '../../../core/model/packet-socket.js';
import type {
  FdbState,
  LinkState,
  OvsBridgeState,
  OvsMirrorState,
  OvsPortState,
  OvsRecord,
  OvsState,
} from '../../../core/model/state.js';
import { filled, given, mapByName, pick } from '../../../core/text/collections.js';

/** Tables of `ovs-vsctl --format=json list TABLE`, and by bridge the output of ovs-ofctl and ovs-appctl. */
export interface OvsTexts {
  readonly bridges: readonly OvsRecord[];
  readonly ports: readonly OvsRecord[];
  readonly interfaces: readonly OvsRecord[];
  readonly mirrors: readonly OvsRecord[];
  /** Table Open_vSwitch. Absent = not read. */
  readonly settings?: readonly OvsRecord[];
  /** `ovs-ofctl dump-groups` and `dump-meters`. */
  readonly groups?: Readonly<Record<string, string>>;
  readonly meters?: Readonly<Record<string, string>>;
  /** Processes at a bridge's management socket, and the switch's. Absent = not read. */
  readonly controllers?: Readonly<Record<string, readonly SocketProcess[]>>;
  readonly daemon?: OvsState['daemon'];
  /** `ovs-ofctl show`, `ovs-ofctl dump-flows`, `ovs-appctl fdb/show`. */
  readonly show: Readonly<Record<string, string>>;
  readonly flows: Readonly<Record<string, string>>;
  readonly fdb: Readonly<Record<string, string>>;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Without counters and times, for all OpenFlow versions: 1.3 adds `reset_counts`. */
function stillFlow(line: string): string {
  return line
    .replaceAll(/\b(?:(?:cookie|duration|n_packets|n_bytes|idle_age|hard_age)=[^, ]+,? ?|reset_counts )/g, '')
    .trim();
}

function cookieOf(line: string): string {
  return /\bcookie=(0x0*[1-9a-f][0-9a-f]*)\b/i.exec(line)?.[1] ?? '';
}

function flowsIn(text: string): Pick<OvsBridgeState, 'flows' | 'cookies'> {
  const lines = text.split('\n').filter((line) => line.includes('actions='));
  const cookies = lines.map(cookieOf);
  return { flows: lines.map(stillFlow), ...(cookies.every((cookie) => cookie === '') ? {} : { cookies }) };
}

function linesWith(mark: string, text = ''): readonly string[] {
  return text.split('\n').flatMap((line) => (line.includes(mark) ? [line.trim()] : []));
}

function aroundFlows(name: string, texts: OvsTexts): Pick<OvsBridgeState, 'groups' | 'meters' | 'controllers'> {
  return filled({
    groups: linesWith('group_id=', texts.groups?.[name]),
    meters: linesWith('meter=', texts.meters?.[name]),
    controllers: texts.controllers?.[name],
  });
}

/** OVN's integration bridge (ovn-controller(8), external_ids). null = no OVN. */
export function ovnBridgeIn(settings: readonly OvsRecord[]): string | null {
  const [ids] = settings.map((row) => row['external_ids']);
  return textIn(ids, 'ovn-remote') === null ? null : (textIn(ids, 'ovn-bridge') ?? 'br-int');
}

function moreOfMirror(mirror: OvsRecord): Pick<OvsMirrorState, 'filter' | 'vlans' | 'outputVlan' | 'snaplen'> {
  return filled({
    filter: membersOf(mirror['filter']).map(textOf)[0],
    vlans: numbersOf(mirror['select_vlan']),
    outputVlan: numbersOf(mirror['output_vlan'])[0],
    snaplen: numbersOf(mirror['snaplen'])[0],
  });
}

function numbersOf(column: unknown): readonly number[] {
  return membersOf(column).filter((member) => typeof member === 'number');
}

function textIn(map: unknown, key: string): string | null {
  return textOf(valueIn(map, key)) || null;
}

function aboutInterface(row: OvsRecord, isBond: boolean): Pick<OvsPortState, 'ofport' | 'type' | 'peer' | 'mac'> {
  const { ofport, options, external_ids: ids } = row;
  const type = isBond ? 'bond' : textOf(row['type']);
  const mac = normalizeMac(textIn(ids, 'attached-mac'));
  const peer = textIn(options, 'peer');
  return {
    ofport: typeof ofport === 'number' && ofport > 0 ? ofport : null,
    ...filled({ type, peer: type === 'patch' ? peer : null, mac }),
  };
}

/** Joins Open vSwitch's texts. */
export function parseOvs(texts: OvsTexts): OvsState {
  const portById = new Map(texts.ports.map((port) => [uuidOf(port['_uuid']), port]));
  const nameOfPort = (id: unknown): string | null => textOf(portById.get(uuidOf(id))?.['name']) || null;
  const bridges = texts.bridges.map((bridge) => ({
    name: textOf(bridge['name']),
    columns: pick(bridge, ['datapath_type', 'sflow', 'ipfix', 'controller', ...ovsColumns.bridge]),
    ...flowsIn(texts.flows[textOf(bridge['name'])] ?? ''),
    ...aroundFlows(textOf(bridge['name']), texts),
  }));
  const ports = texts.bridges.flatMap((bridge) => {
    const name = textOf(bridge['name']);
    const config = ovsPortConfigs(texts.show[name] ?? '');
    return membersOf(bridge['ports']).flatMap((id): OvsPortState[] => {
      const port = portById.get(uuidOf(id));
      const portName = textOf(port?.['name']);
      if (port === undefined || portName === name) return []; // the bridge's own port is the bridge
      const row = texts.interfaces.find((record) => record['name'] === portName) ?? {};
      const isBond = membersOf(port['interfaces']).length > 1;
      return [
        {
          name: portName,
          bridge: name,
          columns: pick(port, ovsColumns.port),
          ...aboutInterface(row, isBond),
          config: config.get(portName) ?? [],
        },
      ];
    });
  });
  const mirrors = texts.bridges.flatMap((bridge) =>
    membersOf(bridge['mirrors']).flatMap((id): OvsMirrorState[] => {
      const mirror = texts.mirrors.find((mirror) => uuidOf(mirror['_uuid']) === uuidOf(id));
      if (mirror === undefined) return [];
      const [entering, leaving] = (['select_src_port', 'select_dst_port'] as const).map((column) =>
        membersOf(mirror[column]).flatMap((port) => nameOfPort(port) ?? []),
      );
      const isOfAll = mirror['select_all'] === true;
      return [
        {
          name: textOf(mirror['name']),
          bridge: textOf(bridge['name']),
          outputPort: membersOf(mirror['output_port']).map(nameOfPort)[0] ?? null,
          ports: isOfAll ? null : [...new Set([...(entering ?? []), ...(leaving ?? [])])],
          ...filled({ leaving: isOfAll ? null : leaving }),
          ...moreOfMirror(mirror),
        },
      ];
    }),
  );
  const ovnBridge = ovnBridgeIn(texts.settings ?? []);
  return {
    ...{ bridges, ports, mirrors },
    ...given({ ovnBridge }),
    ...(texts.daemon === undefined ? {} : { daemon: texts.daemon }),
  };
}

/** Entries of ` port VLAN MAC Age` (ovs-appctl fdb/show). The bridge's own port counts as the bridge. */
function fdbOf(texts: OvsTexts, ovs: OvsState): readonly FdbState[] {
  return ovs.bridges.flatMap(({ name }) =>
    (texts.fdb[name] ?? '').split('\n').flatMap((line): FdbState[] => {
      const [, number = '', vlan, mac, age] = /^\s*(\S+)\s+(\d+)\s+([0-9a-f:]{17})\s+(\S+)\s*$/.exec(line) ?? [];
      if (mac === undefined) return [];
      const port =
        number === 'LOCAL'
          ? name
          : ovs.ports.find((port) => port.bridge === name && port.ofport === Number(number))?.name;
      if (port === undefined) return [];
      const isStatic = age === 'static';
      return [
        {
          mac,
          port,
          master: name,
          vlan: vlan === '0' ? null : Number(vlan),
          state: isStatic ? 'static' : 'dynamic',
          flags: [],
          usedS: isStatic ? null : Number(age),
          updatedS: isStatic ? null : Number(age),
        },
      ];
    }),
  );
}

function patchLinks({ ports }: OvsState): readonly LinkState[] {
  return ports.flatMap(({ name, bridge, peer, ofport }): readonly LinkState[] =>
    peer === undefined || ofport === null
      ? []
      : [
          {
            ...{ name, ifindex: 0, mac: '', mtu: 0, flags: ['UP', 'LOWER_UP'], operstate: 'UP', master: bridge },
            ...{ promiscuity: null, lower: peer, kind: 'patch', sysFlags: null, bridge: null },
            port: { state: 'forwarding' },
          },
        ],
  );
}

/** Links and entries as of kernel bridges: ports have their bridge as master, and forward if active and up. */
export function withOvs<T extends { readonly links: readonly LinkState[]; readonly fdb: readonly FdbState[] }>(
  state: T,
  texts: OvsTexts,
): T & { readonly ovs: OvsState } {
  const ovs = parseOvs(texts);
  const byName = mapByName(ovs.ports.filter(isDevice));
  const links = state.links.map((link): LinkState => {
    if (ovs.bridges.some(({ name }) => name === link.name)) return { ...link, kind: 'openvswitch', bridge: {} };
    const port = byName.get(link.name);
    if (port === undefined) return link;
    const forwards =
      port.ofport !== null &&
      link.flags.includes('UP') &&
      !port.config.includes('PORT_DOWN') &&
      !port.config.includes('NO_FWD');
    return {
      ...link,
      master: port.bridge,
      port: { state: forwards ? 'forwarding' : 'disabled', flood: !port.config.includes('NO_FLOOD') },
    };
  });
  return { ...state, links: [...links, ...patchLinks(ovs)], fdb: [...state.fdb, ...fdbOf(texts, ovs)], ovs };
}
