import type { ConfigurationManager } from '../../model/fix.js';
import type { ConfigFile } from '../../model/host-config.js';

/**
 * A key of a keyfile's section (nm-settings-keyfile(5), a dialect of Desktop Entry files); `\\s` at a value's ends is a
 * space.
 */
function valueIn(text: string, section: string, key: string): string | null {
  let here = '';
  for (const line of text.split('\n')) {
    here = /^\[([^\]]+)\]\s*$/.exec(line)?.[1] ?? here;
    const [, name, value = ''] = /^([\w-]+)[ \t]*=[ \t]*(.*?)\s*$/.exec(line) ?? [];
    if (here === section && name === key) return value.replaceAll('\\s', ' ');
  }
  return null;
}

/** Bridges and ports whose profiles name their interface. Files `netplan-…` are netplan's. */
export function networkManagerManagers(files: readonly ConfigFile[]): readonly ConfigurationManager[] {
  return files
    .filter(({ path }) => !/\/netplan-[^/]*$/.test(path))
    .flatMap(({ path, text }): readonly ConfigurationManager[] => {
      const device = valueIn(text, 'connection', 'interface-name');
      const isBridge = valueIn(text, 'connection', 'type') === 'bridge';
      // Both words for each, since version 1.46 renamed them.
      const isPort =
        (valueIn(text, 'connection', 'port-type') ?? valueIn(text, 'connection', 'slave-type')) === 'bridge';
      if (device === null || !(isBridge || isPort)) return [];
      const id = valueIn(text, 'connection', 'id') ?? '';
      const uuid = valueIn(text, 'connection', 'uuid') ?? '';
      return [
        {
          by: 'NetworkManager',
          device,
          file: path,
          profile: id === '' ? device : id,
          uuid: /^[0-9a-fA-F-]{32,36}$/.test(uuid) ? uuid : null,
        },
      ];
    });
}
