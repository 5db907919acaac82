import type { Change, Fix } from '../model/fabric.js';
import type { Mac, SettingValue } from '../model/scenario.js';
import type { NftRule } from './rules.js';
import type { BridgeKey, PortKey } from './attributes.js';

export function setBridge(device: string, key: BridgeKey, value: SettingValue): Change {
  return { kind: 'set', place: 'bridge', device, key, value };
}

export function setPort(device: string, key: PortKey, value: SettingValue): Change {
  return { kind: 'set', place: 'port', device, key, value };
}

export function setSysctl(name: string, value: string): Change {
  return { kind: 'sysctl', name, value };
}

/** A static entry. `sticky`: no sender moves it (Linux 4.20). */
export function setEntry(mac: Mac, port: string, sticky = false): Change {
  return { kind: 'fdb', act: 'add', entry: { mac, port, state: 'static', sticky, vlan: null, self: false } };
}

/** The entry of a MAC behind the bridge device. */
export function ownEntry(mac: Mac, bridge: string): Change {
  return {
    kind: 'fdb',
    act: 'add',
    entry: { mac, port: bridge, state: 'permanent', sticky: false, vlan: null, self: true },
  };
}

export function execute(...argv: readonly string[]): Change {
  return { kind: 'run', argv };
}

/** Handles last until the rules are loaded anew. */
export function ruleDeletion({ family, table, place, fields }: NftRule): Change {
  const names = [family, table.slice(family.length + 1), place.slice(table.length + 1)];
  return execute('nft', 'delete', 'rule', ...names, 'handle', String(fields['handle']));
}

export function advice(words: string): Fix {
  return { changes: [], also: words };
}
