import type { BridgeKey, PortKey } from '../../bridge/attributes.js';
import { word } from '../../text/escape.js';
import { dispatcherScript } from '../command-of.js';
import type { Form, ManagerOf, Wanted } from '../wanted.js';

/** Properties of the device's profile, the rest by a dispatcher script. */
export const networkManagerForm: Form<ManagerOf<'NetworkManager'>> = ({ by, device, profile, uuid, file }, wanted) => {
  const options = wanted.flatMap((wish) => networkManagerOption(wish) ?? []);
  const rest = wanted.filter((wish) => networkManagerOption(wish) === null);
  const named = uuid === null ? `id ${word(profile)}` : `uuid ${uuid}`;
  // A bridge takes changes while it runs; a port has to leave and join again ("Can't reapply any changes to
  // 'bridge-port' setting").
  const apply = wanted.some(({ kind }) => kind === 'bridge')
    ? `nmcli device reapply ${word(device)}`
    : `it acts when the port joins its bridge again; nmcli connection up ${named} does that, and takes it off for a moment`;
  return [
    ...(options.length === 0
      ? []
      : [
          {
            by,
            device,
            where: `the profile ${profile} of NetworkManager, ${file}`,
            form: `nmcli connection modify ${named} ${options.map(word).join(' ')}`,
            apply,
            note: options.includes('bridge.vlan-filtering')
              ? 'VLANs of the ports: bridge-port.vlans of their profiles'
              : '',
          },
        ]),
    ...(rest.length === 0 ? [] : [dispatcherScript(by, device, rest)]),
  ];
};

type Option = readonly [name: string, write: (value: string) => string | null];

/** nm-settings-nmcli(5), "bridge setting" and "bridge-port setting". */
const ofBridge: Readonly<Record<string, Option>> = {
  ageing_time: ['bridge.ageing-time', seconds],
  stp_state: ['bridge.stp', bool],
  vlan_filtering: ['bridge.vlan-filtering', bool],
  vlan_default_pvid: ['bridge.vlan-default-pvid', wholeNumber],
  mcast_querier: ['bridge.multicast-querier', bool],
  mcast_snooping: ['bridge.multicast-snooping', bool],
  mcast_router: ['bridge.multicast-router', (value) => ({ 0: 'disabled', 1: 'auto', 2: 'enabled' })[value] ?? null],
} satisfies Partial<Record<BridgeKey, Option>>;
const ofPort: typeof ofBridge = { hairpin: ['bridge-port.hairpin-mode', bool] } satisfies Partial<
  Record<PortKey, Option>
>;

function bool(value: string): string | null {
  if (/^(on|1|yes)$/.test(value)) return 'true';
  return /^(off|0|no)$/.test(value) ? 'false' : null;
}

function wholeNumber(value: string): string | null {
  return /^\d+$/.test(value) ? value : null;
}

/** Profiles have whole seconds. */
function seconds(value: string): string | null {
  return /^(\d*00|0)$/.test(value) ? String(Number(value) / 100) : null;
}

function optionOf(wanted: Wanted): Option | undefined {
  if (wanted.kind === 'bridge') return ofBridge[wanted.key];
  return wanted.kind === 'port' ? ofPort[wanted.key] : undefined;
}

/** Property and value. null = none, as for `flood`, `isolated`, `locked`, entries. */
export function networkManagerOption(wish: Wanted): readonly [property: string, value: string] | null {
  const [property, write] = optionOf(wish) ?? [];
  const value = 'value' in wish ? (write?.(wish.value) ?? null) : null;
  return property === undefined || value === null ? null : [property, value];
}
