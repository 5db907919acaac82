import type { ConfigurationManager } from '../../model/fix.js';
import type { ConfigFile } from '../../model/host-config.js';

interface Stanza {
  readonly path: string;
  readonly bridge: string;
  readonly ports: readonly string[];
}

/** By Debian's bridge-utils-interfaces(5) (`bridge_ports`), or ifupdown2, which Proxmox VE uses (`bridge-ports`). */
function bridgesIn({ path, text }: ConfigFile): readonly Stanza[] {
  const stanzas = text
    .replaceAll('\\\n', ' ')
    .split(/^(?=\s*(?:iface|auto|allow-\S*|mapping|source\S*|rename|vlan)\s)/m);
  return stanzas.flatMap((stanza) => {
    const bridge = /^\s*iface\s+(\S+)/.exec(stanza)?.[1];
    const isBridge = /^\s*bridge[-_]\S+/m.test(stanza);
    const ports = [...stanza.matchAll(/^\s*bridge[-_]ports\b(.*)$/gm)].flatMap(([, words = '']) =>
      portsIn(words.trim().split(/\s+/)),
    );
    return bridge === undefined || !isBridge ? [] : [{ path, bridge, ports }];
  });
}

/** Patterns (`regex`, `glob`, `all`) are left out. */
function portsIn(words: readonly string[]): readonly string[] {
  const isPattern = words.some((word) => ['regex', 'glob', 'all'].includes(word));
  return isPattern ? [] : words.filter((port) => port !== 'none' && port !== '');
}

/** Bridges of /etc/network/interfaces, and their named ports. */
export function interfacesManagers(
  files: readonly ConfigFile[],
  by: 'ifupdown2' | 'ifupdown',
): readonly ConfigurationManager[] {
  return files
    .flatMap(bridgesIn)
    .flatMap(({ path, bridge, ports }): readonly ConfigurationManager[] =>
      [bridge, ...ports].map((device) => ({ by, device, file: path, bridge })),
    );
}
