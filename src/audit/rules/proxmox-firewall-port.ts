import type { BridgeRule } from '../../core/audit/rule.js';
import { isOn, readFrom } from '../bridge-view.js';
import { word } from '../shell-word.js';

/**
 * With firewall=1 Proxmox puts a bridge fwbrIDiN between the tap and the real bridge, where the guest's port is
 * fwprIDpN: flags that are set on the tap act on the small bridge only, which has no other guest.
 */
export const proxmoxFirewallPort: BridgeRule = ({ name, ports }, { state }) => {
  const found = /^fwbr(\d+)i(\d+)$/.exec(name);
  if (found === null) return [];
  const outer = `fwpr${found[1] ?? ''}p${found[2] ?? ''}`;
  const real = state.links.find((link) => link.name === outer);
  return ports
    .filter(
      (port) =>
        port.name.startsWith('tap') && isOn(port.settings, 'isolated') === true && real?.port?.['isolated'] === false,
    )
    .map((port) => ({
      severity: 'high',
      place: `${outer}.isolated`,
      value: `off, while ${port.name} has it on`,
      readFrom: readFrom.link,
      text: `isolated on ${port.name} has no effect: between guests the port that counts is ${outer}`,
      probe: 'known-unicast',
      fix: `bridge link set dev ${word(outer)} isolated on`,
    }));
};
