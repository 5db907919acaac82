import type { ConfigurationManager } from '../../model/fix.js';
import type { ConfigFile } from './report.js';

/**
 * What a keyfile says below a section (nm-settings-keyfile(5), a dialect of the Desktop Entry Specification's files);
 * `\\s` at the ends of a value is a space.
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

/**
 * The bridges and ports whose profiles name their interface. Files of netplan (`netplan-…`) are netplan's to change.
 */
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
