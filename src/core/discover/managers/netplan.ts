import { parse } from 'yaml';
import type { ConfigurationManager } from '../../model/fix.js';
import type { ConfigFile } from '../../model/host-config.js';
import { fieldsOf, isFields } from '../../text/json-text.js';

type Renderer = Extract<ConfigurationManager, { readonly by: 'netplan' }>['renderer'];

const isRenderer = (value: unknown): value is Renderer => value === 'networkd' || value === 'NetworkManager';

interface Device {
  readonly kind: string;
  readonly file: string;
  /** null = the usual one, by default networkd. */
  readonly renderer: Renderer | null;
}

/**
 * Devices of netplan's files, which are in its reading order: later ones add to earlier ones and overrule them
 * (netplan(5)). Throws Error with the name of a file that is not YAML.
 */
export function netplanManagers(files: readonly ConfigFile[]): readonly ConfigurationManager[] {
  const devices = new Map<string, Device>();
  let usual: Renderer = 'networkd';
  for (const { path, text } of files) {
    const network = fieldsOf(fieldsOf(readFile(path, text))?.['network']) ?? {};
    if (isRenderer(network['renderer'])) usual = network['renderer'];
    for (const [kind, list] of Object.entries(network))
      for (const [name, fields] of Object.entries(fieldsOf(list) ?? {})) {
        if (!isFields(fields)) continue;
        const { file = path, renderer = null } = devices.get(name) ?? {};
        devices.set(name, { kind, file, renderer: isRenderer(fields['renderer']) ? fields['renderer'] : renderer });
      }
  }
  return [...devices].map(([device, { kind, file, renderer }]) => ({
    by: 'netplan',
    device,
    file,
    kind,
    renderer: renderer ?? usual,
  }));
}

function readFile(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`, {
      cause: error,
    });
  }
}
