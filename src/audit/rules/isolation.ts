import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/** `isolated` acts between two ports that both have it: one alone has no effect. */
export const isolatedOneSided: BridgeRule = ({ guests }) => {
  const isolated = guests.filter((port) => isOn(port.settings, 'isolated') === true);
  const open = guests.filter((port) => isOn(port.settings, 'isolated') === false);
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
    fix: `bridge link set dev ${word(port.name)} isolated on`,
  }));
};

/** The host carries between isolated guests what the bridge does not. */
export const hostForwards: BridgeRule = ({ guests }, { state }) => {
  if (guests.length < 2) return [];
  const isolated = guests.filter((port) => isOn(port.settings, 'isolated') === true).length >= 2;
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
      fix: `sysctl -w ${word(name)}=0, or a rule of nft that drops what comes from and goes to the bridge`,
    }));
};
