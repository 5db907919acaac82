import type { BridgeKey, PortKey } from '../../bridge/attributes.js';
import { word } from '../../text/escape.js';
import { commandOf } from '../command-of.js';
import { type FileBlock, type Form, type ManagerOf, plainBlock, type Wanted } from '../wanted.js';

type Device = ManagerOf<'ifupdown2' | 'ifupdown'>;

const seconds = (value: string): string => String(Number(value) / 100);
const onOff = (value: string): string => (/^(on|1|yes)$/.test(value) ? 'on' : 'off');
const digit = (value: string): string => (/^(on|1|yes)$/.test(value) ? '1' : '0');
const yesNo = (value: string): string => (/^(on|1|yes)$/.test(value) ? 'yes' : 'no');

type Option = readonly [name: string, write: (value: string) => string];
type Options = Readonly<Record<string, Option>>;

/** ifupdown-addons-interfaces(5). */
const bridge2: Options = {
  ageing_time: ['bridge-ageing', seconds],
  stp_state: ['bridge-stp', onOff],
  vlan_filtering: ['bridge-vlan-aware', yesNo],
  mcast_querier: ['bridge-mcquerier', digit],
  mcast_snooping: ['bridge-mcsnoop', digit],
} satisfies Partial<Record<BridgeKey, Option>>;
/** ifupdown2 3.0 has no options for isolated, locked, guard and entries. */
const port2: Options = {
  flood: ['bridge-unicast-flood', onOff],
  mcast_flood: ['bridge-multicast-flood', onOff],
  bcast_flood: ['bridge-broadcast-flood', onOff],
  learning: ['bridge-learning', onOff],
  neigh_suppress: ['bridge-arp-nd-suppress', onOff],
  mcast_router: ['bridge-portmcrouter', String],
} satisfies Partial<Record<PortKey | 'mcast_router', Option>>;
/** bridge-utils-interfaces(5). */
const bridge1: Options = {
  ageing_time: ['bridge_ageing', seconds],
  stp_state: ['bridge_stp', onOff],
} satisfies Partial<Record<BridgeKey, Option>>;

function optionsFor(by: Device['by'], kind: Wanted['kind']): Options {
  if (kind === 'bridge') return by === 'ifupdown2' ? bridge2 : bridge1;
  return kind === 'port' && by === 'ifupdown2' ? port2 : {};
}

function blockOf({ by, device }: Device, wish: Wanted): FileBlock {
  const options = optionsFor(by, wish.kind);
  const [name, write] = 'key' in wish ? (options[wish.key] ?? []) : [];
  if (name === undefined || write === undefined || !('value' in wish))
    return plainBlock(`    post-up ${commandOf(wish, word(device))}`);
  if (wish.kind !== 'port') return plainBlock(`    ${name} ${write(wish.value)}`);
  return { under: `    ${name}`, glue: ' ', text: `${device}=${write(wish.value)}` };
}

/** /etc/network/interfaces: stanza options, else interfaces(5), post-up. */
export const interfacesForm: Form<Device> = (manager, wanted) => [
  {
    by: manager.by,
    device: manager.device,
    where: `${manager.file}, below iface ${manager.bridge}`,
    form: { head: [], blocks: wanted.map((wish) => blockOf(manager, wish)) },
    apply:
      manager.by === 'ifupdown2'
        ? 'ifreload -a'
        : `at the next boot; ifdown ${word(manager.bridge)} && ifup ${word(manager.bridge)} would take its guests off the bridge`,
    note: 'in the place of such a line that is there',
  },
];
