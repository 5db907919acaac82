import type { Change, Fix } from '../model/fabric.js';
import type { Mac, SettingValue } from '../model/scenario.js';
import type { BridgeKey, PortKey } from './attributes.js';

/** Sets an attribute of a bridge. */
export function setBridge(device: string, key: BridgeKey, value: SettingValue): Change {
  return { kind: 'set', place: 'bridge', device, key, value };
}

/** Sets an attribute of a port. */
export function setPort(device: string, key: PortKey, value: SettingValue): Change {
  return { kind: 'set', place: 'port', device, key, value };
}

export function setSysctl(name: string, value: string): Change {
  return { kind: 'sysctl', name, value };
}

/** An entry of the forwarding database that no learning removes; `sticky`: that no sender moves either (Linux 4.20). */
export function setEntry(mac: Mac, port: string, sticky = false): Change {
  return { kind: 'fdb', act: 'add', entry: { mac, port, state: 'static', sticky, vlan: null, self: false } };
}

/** The entry by which a bridge knows what stands behind its own device. */
export function ownEntry(mac: Mac, bridge: string): Change {
  return {
    kind: 'fdb',
    act: 'add',
    entry: { mac, port: bridge, state: 'permanent', sticky: false, vlan: null, self: true },
  };
}

/** A command that no other change is: of nft, tc, Open vSwitch. */
export function execute(...argv: readonly string[]): Change {
  return { kind: 'run', argv };
}

/** A fix that is words to people, which nothing executes. */
export function advice(words: string): Fix {
  return { changes: [], also: words };
}
