import { attributesOf } from '../bridge/attributes.js';
import type { BridgeView } from '../bridge/view.js';
import type { AuditSetting } from '../model/audit.js';
import type { Settings } from '../model/scenario.js';
import type { Setting } from '../model/settings.js';

function shown(name: string, attributes: readonly Setting[], settings: Settings): readonly AuditSetting[] {
  return attributes
    .filter(({ decides }) => decides !== undefined)
    .map(({ key, ifAbsent }) => ({
      place: `${name}.${key}`,
      value: String(settings[key] ?? ifAbsent ?? 'unknown'),
    }));
}

/** Every setting of the catalogue for a bridge and its ports; one that the kernel does not report is `unknown`. */
export function auditSettings({ name, link, settings, ports }: BridgeView): readonly AuditSetting[] {
  return [
    { place: `${name}.promiscuity`, value: link.promiscuity === null ? 'unknown' : String(link.promiscuity) },
    ...shown(name, attributesOf.bridge, settings),
    ...ports.flatMap((port) => shown(port.name, attributesOf.port, port.settings)),
  ];
}
