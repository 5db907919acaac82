import { attributesOf } from '../bridge/attributes.js';
import { predictAll } from '../bridge/forwarding/predict-all.js';
import { type BridgeView, bridgeViews } from '../bridge/view.js';
import { fixText } from '../fix/fix-text.js';
import { persistentFixes } from '../fix/persistent.js';
import { type AuditFinding, type AuditReport, type AuditSetting, type Severity, severities } from '../model/audit.js';
import { bridgeFindingCodes, hostFindingCodes } from '../model/codes.js';
import type { Settings } from '../model/scenario.js';
import type { Setting } from '../model/settings.js';
import type { Reading } from '../model/state.js';
import type { RuleFinding } from './rule.js';
import { bridgeRules, hostRules } from './rules.js';

/** What a rule found, with its name and its bridge. */
type NamedFinding = RuleFinding & Pick<AuditFinding, 'id' | 'bridge'>;

function findingsOf(view: BridgeView, reading: Reading): readonly NamedFinding[] {
  return bridgeFindingCodes.flatMap((id) =>
    bridgeRules[id](view, reading).map((found) => ({ id, bridge: view.name, ...found })),
  );
}

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

/** Every finding of a reading, worst first, for one bridge or all of them. Pure. */
export function audit(reading: Reading, options: { readonly bridge: string | null } = { bridge: null }): AuditReport {
  const views = bridgeViews(reading).filter(({ name }) => options.bridge === null || name === options.bridge);
  const host = hostFindingCodes.flatMap((id) =>
    hostRules[id](reading).map((found) => ({ id, bridge: null, ...found })),
  );
  const findings = [...views.flatMap((view) => findingsOf(view, reading)), ...host].map((finding) =>
    reported(finding, reading),
  );
  return {
    auditVersion: 1,
    bridges: views.map(({ name }) => name),
    findings: findings
      .map((finding, at) => ({ finding, at }))
      .sort((a, b) => rank(b.finding.severity) - rank(a.finding.severity) || a.at - b.at)
      .map(({ finding }) => finding),
    settings: views.flatMap(auditSettings),
    predictions: views.flatMap((view) => predictAll(view, reading)),
    unread: reading.state.unread,
  };
}

/**
 * Is there nothing to examine: no guest on a bridge, as far as ports show, and nothing found of guests that meet
 * elsewhere (lower devices, Open vSwitch, VMware)?
 */
export function isWithoutGuests(reading: Reading, { findings }: AuditReport): boolean {
  return (
    findings.every(({ bridge }) => bridge !== null) && bridgeViews(reading).every(({ guests }) => guests.length === 0)
  );
}

/** With its fix as text, and with what makes it stay, where a program is known that makes the device. */
function reported({ fix, ...finding }: NamedFinding, { keepers }: Reading): AuditFinding {
  const lasting = keepers === undefined || fix === null ? [] : persistentFixes(fix.changes, keepers);
  const text = fix === null ? null : fixText(fix);
  return { ...finding, fix: text, ...(lasting.length === 0 ? {} : { lasting }) };
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

/**
 * Exit status of an audit: 2 findings at or above `failOn`, 3 something could not be read of a bridge that is there,
 * else 0.
 */
export function auditStatus(report: AuditReport, failOn: Severity): number {
  if (report.findings.some((finding) => rank(finding.severity) >= rank(failOn))) return 2;
  return report.bridges.length > 0 && report.unread.length > 0 ? 3 : 0;
}
