import { bridgeSettings, linkSettings, portSettings } from '../../bridge/attributes.js';
import { usageError } from '../../model/verify-error.js';

/** A supposed setting of the bridge or a port. */
export interface WhatIf {
  readonly device: string;
  readonly key: string;
  /** As written; the scenario's reader checks it. */
  readonly value: string | number;
}

/**
 * `br0.ageing_time=0`, `vnet4.flood=off`: only an interface's name may have dots. Throws VerifyError (64), naming
 * everything at once.
 */
export function readWhatIfs(texts: readonly string[], bridge: string, ports: ReadonlySet<string>): readonly WhatIf[] {
  const faults: string[] = [];
  const read = texts.flatMap((text): readonly WhatIf[] => {
    const [, device = '', key = '', value = ''] = /^(.+)\.([a-z0-9_]+)=(.+)$/.exec(text) ?? [];
    const known = device === bridge ? bridgeSettings : portSettings;
    const setting =
      [...known, ...linkSettings].find((setting) => setting.key === key) ?? known.find(({ option }) => option === key);
    if (device !== bridge && !ports.has(device))
      faults.push(
        `${JSON.stringify(text)}: ${device === '' ? 'not DEVICE.SETTING=VALUE' : `${JSON.stringify(device)} is neither the bridge nor a port of its twin`}`,
      );
    else if (setting === undefined)
      faults.push(
        `${JSON.stringify(text)}: ${JSON.stringify(key)} is no setting of a ${device === bridge ? 'bridge' : 'bridge port'}`,
      );
    return [{ device, key: setting?.key ?? key, value: /^\d{1,10}$/.test(value) ? Number(value) : value }];
  });
  if (faults.length > 0)
    throw usageError(
      faults.map((fault) => `--what-if ${fault}`).join('\n'),
      'write it as br0.ageing_time=0 or vnet4.flood=off, with the names of `ip -d link`; nothing was run',
    );
  return read;
}
