import type { BridgeKey, PortKey } from '../../bridge/attributes.js';
import { dispatcherScript } from '../command-of.js';
import type { Form, FormPart, ManagerOf, Wanted } from '../wanted.js';
import { networkManagerOption } from './network-manager.js';

type Device = ManagerOf<'netplan'>;

function bool(value: string): 'true' | 'false' | null {
  if (/^(on|1|yes)$/.test(value)) return 'true';
  return /^(off|0|no)$/.test(value) ? 'false' : null;
}
const not = (value: string): 'true' | 'false' | null =>
  (({ true: 'false', false: 'true', null: null }) as const)[bool(value) ?? 'null'];

function seconds(value: string): string | null {
  return /^\d+$/.test(value) ? String(Number(value) / 100) : null;
}

type Option = readonly [name: string, write: (value: string) => string | null];
type Options = Readonly<Record<string, Option>>;
/** netplan(5), "Properties for device type bridges:" and "for all device types". */
const ownBridgeOptions: Options = {
  ageing_time: ['ageing-time', seconds],
  stp_state: ['stp', bool],
} satisfies Partial<Record<BridgeKey, Option>>;
const ownPortOptions: Readonly<Record<string, string>> = {
  hairpin: 'hairpin',
  learning: 'port-mac-learning',
  neigh_suppress: 'neigh-suppress',
} satisfies Partial<Record<PortKey, unknown>>;
/** NetworkManager's profile lacks them. */
const ofNetworkd: readonly string[] = ['learning', 'neigh_suppress'];

/** systemd.netdev(5), [Bridge]; set when networkd makes the bridge. */
const networkdBridge: Options = {
  vlan_filtering: ['VLANFiltering', bool],
  mcast_querier: ['MulticastQuerier', bool],
  mcast_snooping: ['MulticastSnooping', bool],
  vlan_default_pvid: ['DefaultPVID', (value) => (value === '0' ? 'none' : value)],
  group_fwd_mask: ['GroupForwardMask', String],
  fdb_max_learned: ['FDBMaxLearned', String],
} satisfies Partial<Record<BridgeKey, Option>>;
/** systemd.network(5), [Bridge]. */
const networkdPort: Options = {
  flood: ['UnicastFlood', bool],
  mcast_flood: ['MulticastFlood', bool],
  isolated: ['Isolated', bool],
  guard: ['UseBPDU', not],
  root_block: ['AllowPortToBeRoot', not],
  mcast_router: ['MulticastRouter', (value) => (value === '0' ? 'no' : null)],
} satisfies Partial<Record<PortKey | 'mcast_router', Option>>;

function asOwnOption(device: Device, wish: Wanted): readonly string[] {
  if (wish.kind === 'bridge' && device.kind === 'bridges') {
    const [name, write] = ownBridgeOptions[wish.key] ?? [];
    const value = write?.(wish.value) ?? null;
    return name === undefined || value === null ? [] : ['      parameters:', `        ${name}: ${value}`];
  }
  if (wish.kind !== 'port' || (device.renderer === 'NetworkManager' && ofNetworkd.includes(wish.key))) return [];
  const name = ownPortOptions[wish.key];
  const value = bool(wish.value);
  return name === undefined || value === null ? [] : [`      ${name}: ${value}`];
}

const headings = ['      parameters:', '      networkmanager:', '        passthrough:'] as const;

/** netplan(5), "Backend-specific configuration parameters". */
function asPassthrough(device: Device, wish: Wanted): readonly string[] {
  const option = device.renderer === 'NetworkManager' ? networkManagerOption(wish) : null;
  return option === null ? [] : [headings[1], headings[2], `          ${option[0]}: ${JSON.stringify(option[1])}`];
}

/** netplan reads it after the others and merges them. */
function ownFile({ device, kind, file }: Device, lines: readonly string[]): FormPart {
  return {
    by: 'netplan',
    device,
    where: '/etc/netplan/90-isolation.yaml',
    form: {
      head: ['network:', '  version: 2'],
      blocks: [{ under: `  ${kind}:`, glue: '\n', text: [`    ${JSON.stringify(device)}:`, ...lines].join('\n') }],
    },
    apply: 'chmod 600 it; netplan apply',
    note: `or the same below ${device} in ${file}`,
  };
}

function asNetworkd(
  wish: Wanted,
): { readonly suffix: 'netdev' | 'network'; readonly section: string; readonly lines: readonly string[] } | null {
  if (wish.kind === 'entry')
    return wish.self
      ? { suffix: 'network', section: 'BridgeFDB', lines: [`MACAddress=${wish.mac}`, 'AssociatedWith=self'] }
      : null;
  if (wish.kind !== 'bridge' && wish.kind !== 'port') return null;
  const [name, write] = (wish.kind === 'bridge' ? networkdBridge : networkdPort)[wish.key] ?? [];
  const value = write?.(wish.value) ?? null;
  return name === undefined || value === null
    ? null
    : {
        suffix: wish.kind === 'bridge' ? 'netdev' : 'network',
        section: 'Bridge',
        lines: [`${name}=${value.replace(/^true$/, 'yes').replace(/^false$/, 'no')}`],
      };
}

function dropIn(device: string, suffix: 'netdev' | 'network', form: string): FormPart {
  return {
    by: 'netplan',
    device,
    where: `/etc/systemd/network/10-netplan-${device}.${suffix}.d/isolation.conf`,
    form,
    apply:
      suffix === 'network'
        ? `networkctl reload && networkctl reconfigure ${device}`
        : 'it acts when networkd makes the bridge, at the next boot; until then the command does',
    note: 'netplan has no option for it; its networkd has',
  };
}

function without(device: Device, wish: Wanted): FormPart {
  const why =
    wish.kind === 'entry'
      ? 'neither netplan nor networkd has a form for it: an entry of networkd ([BridgeFDB], AssociatedWith=master) is permanent, so the host takes the frames and the guest is cut off'
      : 'neither netplan nor networkd has a form for it';
  return {
    by: 'netplan',
    device: device.device,
    where: '',
    form: '',
    apply: '',
    note: `${why}; a unit of systemd that runs the command after the bridge is up has to keep it`,
  };
}

/** netplan's options, else networkd's file, NetworkManager's property or script, or a note. */
export const netplanForm: Form<Device> = (device, wanted) => {
  const options = wanted.map((wish) => {
    const lines = asOwnOption(device, wish);
    return { wish, lines: lines.length > 0 ? lines : asPassthrough(device, wish) };
  });
  // Properties that are handed on come last, below one heading.
  const placed = [...options].sort((a, b) => Number(a.lines[0] === headings[1]) - Number(b.lines[0] === headings[1]));
  const lines = placed
    .flatMap((each) => each.lines)
    .filter((line, at, list) => !headings.some((heading) => heading === line) || list.indexOf(line) === at);
  const rest = options.filter((each) => each.lines.length === 0).map(({ wish }) => wish);
  return [...(lines.length === 0 ? [] : [ownFile(device, lines)]), ...beside(device, rest)];
};

function beside(device: Device, wanted: readonly Wanted[]): readonly FormPart[] {
  if (device.renderer === 'NetworkManager')
    return wanted.length === 0 ? [] : [dispatcherScript('netplan', device.device, wanted)];
  const placed = wanted.flatMap((wish) => asNetworkd(wish) ?? []);
  const files = [...new Set(placed.map(({ suffix }) => suffix))].map((suffix) => {
    const sections = [...new Set(placed.filter((each) => each.suffix === suffix).map(({ section }) => section))];
    return dropIn(
      device.device,
      suffix,
      sections
        .flatMap((section) => [
          `[${section}]`,
          ...placed.filter((each) => each.suffix === suffix && each.section === section).flatMap((each) => each.lines),
        ])
        .join('\n'),
    );
  });
  const none = wanted.find((wish) => asNetworkd(wish) === null);
  return [...files, ...(none === undefined ? [] : [without(device, none)])];
}
