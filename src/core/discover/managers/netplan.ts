import { parse } from 'yaml';
import type { ConfigurationManager } from '../../model/fix.js';
import { fieldsOf, isFields } from '../../text/json-text.js';
import type { ConfigFile } from '../declared/netplan.js';

type Renderer = Extract<ConfigurationManager, { readonly by: 'netplan' }>['renderer'];

const isRenderer = (value: unknown): value is Renderer => value === 'networkd' || value === 'NetworkManager';

/**
 * The devices of netplan's files, in the order in which netplan reads them; networkd does the work unless a file says
 * otherwise. Throws Error where one is not YAML.
 */
export function netplanManagers(files: readonly ConfigFile[]): readonly ConfigurationManager[] {
  const devices = new Map<
    string,
    { readonly file: string; readonly kind: string; readonly renderer: Renderer | null }
  >();
  let usual: Renderer = 'networkd';
  for (const { path, text } of files) {
    const network = fieldsOf(fieldsOf(parse(text, { maxAliasCount: 100 }))?.['network']) ?? {};
    if (isRenderer(network['renderer'])) usual = network['renderer'];
    for (const [kind, list] of Object.entries(network)) {
      for (const [name, device] of Object.entries(fieldsOf(list) ?? {})) {
        if (!isFields(device)) continue;
        const deviceRenderer = device['renderer'];
        devices.set(name, {
          file: devices.get(name)?.file ?? path,
          kind,
          renderer: isRenderer(deviceRenderer) ? deviceRenderer : (devices.get(name)?.renderer ?? null),
        });
      }
    }
  }
  return [...devices].map(([device, { file, kind, renderer }]) => ({
    by: 'netplan',
    device,
    file,
    kind,
    renderer: renderer ?? usual,
  }));
}
