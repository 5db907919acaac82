/** A guest's configuration of Proxmox VE (qm.conf(5), pct.conf(5)). */
export interface ProxmoxConfig {
  readonly values: ReadonlyMap<string, string>;
  /** Its interfaces `netN`, each with its settings by name. */
  readonly nics: readonly { readonly number: string; readonly parts: ReadonlyMap<string, string> }[];
}

/** Reads lines of `key: value`: the current configuration, before any snapshot. */
export function readProxmoxConfig(text: string): ProxmoxConfig {
  const lines = (text.split(/^\[/m)[0] ?? '').split('\n').map((line) => /^([A-Za-z0-9_-]+):\s*(.*?)\s*$/.exec(line));
  const values = new Map(lines.flatMap((line) => (line === null ? [] : [[line[1] ?? '', line[2] ?? ''] as const])));
  const nics = [...values].flatMap(([key, value]) => {
    const number = /^net(\d{1,3})$/.exec(key)?.[1];
    return number === undefined
      ? []
      : [
          {
            number,
            parts: new Map(
              value
                .split(',')
                .map(
                  (part) => [part.slice(0, Math.max(0, part.indexOf('='))), part.slice(part.indexOf('=') + 1)] as const,
                ),
            ),
          },
        ];
  });
  return { values, nics };
}
