import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn } from '../bridge-view.js';
import { word } from '../shell-word.js';

const families = [
  ['bridge-nf-call-iptables', 'nf_call_iptables', 'IPv4'],
  ['bridge-nf-call-ip6tables', 'nf_call_ip6tables', 'IPv6'],
  ['bridge-nf-call-arptables', 'nf_call_arptables', 'ARP'],
] as const;

/**
 * br_netfilter hands bridged packets to the firewall of IP; where neither the sysctl nor the bridge asks for it, rules
 * there do not act between guests.
 */
export const netfilterSkipped: BridgeRule = ({ name, settings, guests }, { state }) =>
  guests.length < 2
    ? []
    : families.flatMap(([sysctl, key, family]) => {
        const path = `net.bridge.${sysctl}`;
        const value = state.sysctl[path];
        if (value === '1' || isOn(settings, key) !== false) return [];
        return [
          {
            severity: 'info',
            place: `${name}.${key}`,
            value: `0, ${path} ${value ?? 'absent (br_netfilter is not loaded)'}`,
            readFrom: 'ip -d link, sysctl',
            text: `rules of the ${family} firewall do not act on frames between guests of one bridge`,
            probe: null,
            fix: `where such rules are to separate guests: sysctl -w ${word(path)}=1, or rules of nft in the family bridge`,
          } as const,
        ];
      });
