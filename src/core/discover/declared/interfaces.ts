import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared, DeclaredKey } from '../../model/host-config.js';
import type { ConfigFile, ConfigReport } from './report.js';

const switches: Readonly<Record<string, DeclaredKey>> = {
  stp: 'stp_state',
  'vlan-aware': 'vlan_filtering',
  mcsnoop: 'mcast_snooping',
};

interface Stanza {
  readonly path: string;
  readonly bridge: string;
  /** Without `bridge-` or `bridge_`. */
  readonly options: readonly (readonly [option: string, words: readonly string[]])[];
}

/**
 * Bridges of /etc/network/interfaces, by Debian's bridge-utils-interfaces(5) (`bridge_ageing`), or ifupdown2, which
 * Proxmox VE uses (`bridge-ageing`).
 */
function bridgesIn({ path, text }: ConfigFile): readonly Stanza[] {
  const stanzas = text
    .replaceAll('\\\n', ' ')
    .split(/^(?=\s*(?:iface|auto|allow-\S*|mapping|source\S*|rename|vlan)\s)/m);
  return stanzas.flatMap((stanza) => {
    const bridge = /^\s*iface\s+(\S+)/.exec(stanza)?.[1];
    const options = [...stanza.matchAll(/^\s*bridge[-_](\S+)(.*)$/gm)].map(
      ([, option = '', value = '']) => [option.replaceAll('_', '-'), value.trim().split(/\s+/)] as const,
    );
    return bridge === undefined || options.length === 0 ? [] : [{ path, bridge, options }];
  });
}

/** Patterns (`regex`, `glob`, `all`) are left out. */
function portsIn(words: readonly string[]): readonly string[] {
  const isPattern = words.some((word) => ['regex', 'glob', 'all'].includes(word));
  return isPattern ? [] : words.filter((port) => port !== 'none' && port !== '');
}

function optionSays(
  bridge: string,
  option: string,
  words: readonly string[],
): readonly Pick<Declared, 'device' | 'key' | 'value'>[] {
  const [value = ''] = words;
  const key = switches[option];
  if (option === 'ports') return portsIn(words).map((port) => ({ device: port, key: 'master', value: bridge }));
  if (option === 'ageing' && /^\d+(\.\d+)?$/.test(value))
    return [{ device: bridge, key: 'ageing_time', value: Number(value) * 100 }];
  return key !== undefined && /^(on|yes|1|off|no|0)$/.test(value)
    ? [{ device: bridge, key, value: /^(on|yes|1)$/.test(value) }]
    : [];
}

/** Bridges of /etc/network/interfaces with settings and named ports. */
export function interfacesReport(files: readonly ConfigFile[], by: 'ifupdown2' | 'ifupdown'): ConfigReport {
  const bridges = files.flatMap(bridgesIn);
  return {
    declared: bridges.flatMap(({ path, bridge, options }) => {
      const apply = `ifreload -a, or ifdown ${bridge} and ifup ${bridge}`;
      return options.flatMap(([option, words]) =>
        optionSays(bridge, option, words).map(
          (setting): Declared => ({ by: 'ifupdown', readFrom: path, mac: null, ...setting, apply }),
        ),
      );
    }),
    keepers: bridges.flatMap(({ path, bridge, options }): readonly ConfigurationManager[] => {
      const ports = options.flatMap(([option, words]) => (option === 'ports' ? portsIn(words) : []));
      return [bridge, ...ports].map((device) => ({ by, device, file: path, bridge }));
    }),
  };
}
