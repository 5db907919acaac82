import { setBridge, setPort, setSysctl } from '../../bridge/changes.js';
import { isSettingOn, readFrom } from '../../bridge/view.js';
import type { BridgeRule } from '../rule.js';

/** `isolated` acts between two ports that both have it: one alone has no effect. */
export const isolatedOneSidedRule: BridgeRule = ({ guests }) => {
  const isolated = guests.filter((port) => isSettingOn(port.settings, 'isolated') === true);
  const open = guests.filter((port) => isSettingOn(port.settings, 'isolated') === false);
  if (isolated.length === 0 || open.length === 0) return [];
  return open.map((port) => ({
    severity: isolated.length === 1 ? 'high' : 'medium',
    place: `${port.name}.isolated`,
    value: 'off',
    readFrom: readFrom.link,
    text:
      isolated.length === 1
        ? `only ${isolated[0]?.name ?? ''} is isolated, which has no effect alone`
        : `${isolated.length} other guests are isolated; this one reaches all of them and is reached by them`,
    probe: 'known-unicast',
    fix: { changes: [setPort(port.name, 'isolated', true)] },
  }));
};

/** The host carries between isolated guests what the bridge does not. */
export const hostForwardsRule: BridgeRule = ({ guests }, { state }) => {
  if (guests.length < 2) return [];
  const isolated = guests.filter((port) => isSettingOn(port.settings, 'isolated') === true).length >= 2;
  return ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']
    .filter((name) => !['0', undefined].includes(state.sysctl[name]))
    .map((name) => ({
      severity: isolated ? 'medium' : 'low',
      place: name,
      value: state.sysctl[name] ?? '',
      readFrom: 'sysctl',
      text: isolated
        ? 'isolated guests meet at the gateway: the host forwards between them'
        : 'guests reach each other through the host as well, past rules that act on the bridge',
      probe: 'routed-bounce',
      fix: {
        changes: [setSysctl(name, '0')],
        also: ', or a rule of nft that drops what comes from and goes to the bridge',
      },
    }));
};

const families = [
  ['bridge-nf-call-iptables', 'nf_call_iptables', 'IPv4'],
  ['bridge-nf-call-ip6tables', 'nf_call_ip6tables', 'IPv6'],
  ['bridge-nf-call-arptables', 'nf_call_arptables', 'ARP'],
] as const;

/**
 * br_netfilter hands bridged packets to the firewall of IP; where neither the sysctl nor the bridge asks for it, rules
 * there do not act between guests.
 */
export const netfilterSkippedRule: BridgeRule = ({ name, settings, guests }, { state }) =>
  guests.length < 2
    ? []
    : families.flatMap(([sysctl, key, family]) => {
        const path = `net.bridge.${sysctl}`;
        const value = state.sysctl[path];
        if (value === '1' || isSettingOn(settings, key) !== false) return [];
        return [
          {
            severity: 'info',
            place: `${name}.${key}`,
            value: `0, ${path} ${value ?? 'absent (br_netfilter is not loaded)'}`,
            readFrom: 'ip -d link, sysctl',
            text: `rules of the ${family} firewall do not act on frames between guests of one bridge`,
            probe: null,
            fix: {
              where: 'where such rules are to separate guests',
              changes: [setSysctl(path, '1')],
              also: ', or rules of nft in the family bridge',
            },
          } as const,
        ];
      });

/** Without filtering tags are payload; with it a port that joins gets the default VLAN. */
export const vlanUnfilteredRule: BridgeRule = ({ name, settings, guests }) => {
  if (guests.length < 2) return [];
  const filtering = isSettingOn(settings, 'vlan_filtering');
  if (filtering === false) {
    return [
      {
        severity: 'low',
        place: `${name}.vlan_filtering`,
        value: '0',
        readFrom: readFrom.link,
        text: 'tags are ignored: tagged and double-tagged frames pass between all ports',
        probe: 'vlan-hop',
        fix: {
          where: 'where VLANs are to separate guests',
          changes: [setBridge(name, 'vlan_filtering', true)],
          also: ', and VLANs for each port',
        },
      },
    ];
  }
  const pvid = settings['vlan_default_pvid'];
  return filtering === null || pvid === 0 || pvid === undefined
    ? []
    : [
        {
          severity: 'low',
          place: `${name}.vlan_default_pvid`,
          value: String(pvid),
          readFrom: readFrom.link,
          text: `every port that joins the bridge is in VLAN ${String(pvid)} at once`,
          probe: 'vlan-hop',
          fix: { changes: [setBridge(name, 'vlan_default_pvid', 0)] },
        },
      ];
};
