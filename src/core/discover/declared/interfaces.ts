import type { Declared, DeclaredKey } from '../../model/host-config.js';
import type { ConfigFile } from './netplan.js';

const switches: Readonly<Record<string, DeclaredKey>> = {
  stp: 'stp_state',
  'vlan-aware': 'vlan_filtering',
  mcsnoop: 'mcast_snooping',
};

/**
 * What /etc/network/interfaces says of bridges, as Debian's bridge-utils-interfaces(5) (`bridge_ageing`) and ifupdown2,
 * which Proxmox VE uses, (`bridge-ageing`) write it. Interfaces chosen by pattern (`regex`, `all`) are left out.
 */
export function interfacesDeclared(files: readonly ConfigFile[]): readonly Declared[] {
  return files.flatMap(({ path, text }) => {
    const found: Declared[] = [];
    let bridge: string | null = null;
    for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
      const [word = '', ...rest] = line.trim().split(/\s+/);
      if (/^(iface|auto|allow-.*|mapping|source.*|rename|vlan)$/.test(word))
        bridge = word === 'iface' ? (rest[0] ?? null) : null;
      const option = /^bridge[-_](.+)$/.exec(word)?.[1]?.replaceAll('_', '-');
      if (bridge === null || option === undefined) continue;
      const say = (device: string, key: DeclaredKey, value: Declared['value']): void =>
        void found.push({
          by: 'ifupdown',
          readFrom: path,
          device,
          mac: null,
          key,
          value,
          apply: `ifreload -a, or ifdown ${bridge ?? ''} and ifup ${bridge ?? ''}`,
        });
      const [value = ''] = rest;
      const key = switches[option];
      if (option === 'ageing' && /^\d+(\.\d+)?$/.test(value)) say(bridge, 'ageing_time', Number(value) * 100);
      else if (key !== undefined && /^(on|yes|1|off|no|0)$/.test(value)) say(bridge, key, /^(on|yes|1)$/.test(value));
      else if (option === 'ports' && value !== 'none' && !rest.some((port) => port === 'regex' || port === 'all'))
        for (const port of rest) say(port, 'master', bridge);
    }
    return found;
  });
}
