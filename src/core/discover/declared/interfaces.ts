import type { Declared, DeclaredKey } from '../../model/host-config.js';
import type { ConfigFile } from './netplan.js';

const switches: Readonly<Record<string, DeclaredKey>> = {
  stp: 'stp_state',
  'vlan-aware': 'vlan_filtering',
  mcsnoop: 'mcast_snooping',
};

/** What one option of a bridge's paragraph says, of the bridge or of its ports. */
function optionSays(
  bridge: string,
  option: string,
  words: readonly string[],
): readonly Pick<Declared, 'device' | 'key' | 'value'>[] {
  const [value = ''] = words;
  const key = switches[option];
  if (option === 'ageing' && /^\d+(\.\d+)?$/.test(value))
    return [{ device: bridge, key: 'ageing_time', value: Number(value) * 100 }];
  if (key !== undefined && /^(on|yes|1|off|no|0)$/.test(value))
    return [{ device: bridge, key, value: /^(on|yes|1)$/.test(value) }];
  const named = option === 'ports' && value !== 'none' && !words.some((port) => ['regex', 'all'].includes(port));
  return named ? words.map((port) => ({ device: port, key: 'master', value: bridge })) : [];
}

/**
 * What /etc/network/interfaces says of bridges, as Debian's bridge-utils-interfaces(5) (`bridge_ageing`) and ifupdown2,
 * which Proxmox VE uses, (`bridge-ageing`) write it. Interfaces chosen by pattern (`regex`, `all`) are left out.
 */
export function interfacesDeclared(files: readonly ConfigFile[]): readonly Declared[] {
  return files.flatMap(({ path, text }) => {
    const declarations: Declared[] = [];
    let bridge: string | null = null;
    for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      if (/^(iface|auto|allow-.*|mapping|source.*|rename|vlan)$/.test(word))
        bridge = word === 'iface' ? (rest[0] ?? null) : null;
      const option = /^bridge[-_](.+)$/.exec(word)?.[1]?.replaceAll('_', '-');
      if (bridge === null || option === undefined) continue;
      const apply = `ifreload -a, or ifdown ${bridge} and ifup ${bridge}`;
      for (const setting of optionSays(bridge, option, rest))
        declarations.push({ by: 'ifupdown', readFrom: path, mac: null, ...setting, apply });
    }
    return declarations;
  });
}
