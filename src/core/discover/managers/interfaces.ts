import type { ConfigurationManager } from '../../model/fix.js';
import type { ConfigFile } from '../declared/netplan.js';

/** The bridges of /etc/network/interfaces and the ports that they name; ports chosen by pattern are not. */
export function interfacesManagers(
  files: readonly ConfigFile[],
  by: 'ifupdown2' | 'ifupdown',
): readonly ConfigurationManager[] {
  return files.flatMap(({ path, text }) => {
    const stanzas = text.replaceAll('\\\n', ' ').split(/^(?=\s*(?:iface|auto|allow-\S+|mapping|source\S*)\s)/m);
    return stanzas.flatMap((stanza): readonly ConfigurationManager[] => {
      const bridge = /^\s*iface\s+(\S+)/.exec(stanza)?.[1];
      const lines = [...stanza.matchAll(/^[ \t]*bridge[-_](\S+)[ \t]*(.*)$/gm)];
      if (bridge === undefined || lines.length === 0) return [];
      const ports = lines.flatMap(([, option, value = '']) => (option === 'ports' ? value.trim().split(/\s+/) : []));
      const named = ports.some((port) => port === 'regex' || port === 'glob' || port === 'all')
        ? []
        : ports.filter((port) => port !== 'none' && port !== '');
      return [bridge, ...named].map((device) => ({ by, device, file: path, bridge }));
    });
  });
}
