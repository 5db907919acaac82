import { linkNamed } from '../bridge/host.js';
import { attributesOf } from '../bridge/attributes.js';
import { routedGuests, routedView } from '../bridge/beside.js';
import { type BridgeView, bridgeViews } from '../bridge/view.js';
import { holdingPromiscuous } from '../bridge/weaknesses/promiscuous.js';
import type { RuleFinding } from '../bridge/weakness.js';
import { auditIds, findingsOn, findingsOnHost, fixCost } from '../bridge/weaknesses.js';
import { fixText } from '../fix/fix-text.js';
import { formsTogether } from '../fix/persistent.js';
import { type AuditFinding, type AuditReport, type AuditSetting, type Severity, severities } from '../model/audit.js';
import type { AuditId } from '../model/codes.js';
import type { Change } from '../model/fabric.js';
import type { PersistentFix } from '../model/fix.js';
import type { Settings } from '../model/scenario.js';
import type { Setting } from '../model/settings.js';
import type { Snapshot } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { filled, namesIn } from '../text/collections.js';

type NamedFinding = RuleFinding & Pick<AuditFinding, 'id' | 'bridge'>;

function findingsOf(view: BridgeView, snapshot: Snapshot): readonly NamedFinding[] {
  return auditIds.flatMap((id) =>
    findingsOn(id, view, snapshot).map((finding) => ({ id, bridge: view.name, ...finding })),
  );
}

function hostFindings(snapshot: Snapshot): readonly NamedFinding[] {
  return auditIds.flatMap((id) => findingsOnHost(id, snapshot).map((finding) => ({ id, bridge: null, ...finding })));
}

const routedRules = ['tc-mirror', 'nft-mirror', 'xdp-program', 'sniffer-on-host', 'bypass-possible'] as const;

function routedFindings(snapshot: Snapshot, known: readonly NamedFinding[]): readonly NamedFinding[] {
  const { state, beside } = snapshot;
  const devices = beside === undefined ? [] : routedGuests(state, beside).map(({ device }) => device);
  if (devices.length === 0) return [];
  const keyOf = ({ id, place, value }: NamedFinding): string => [id, place, value].join('\n');
  const isKnown = new Set(known.map(keyOf));
  const view = routedView('routes', devices, state);
  return routedRules
    .flatMap((id) => findingsOn(id, view, snapshot).map((finding) => ({ ...finding, id, bridge: null, probe: null })))
    .filter((finding) => !isKnown.has(keyOf(finding)));
}

function shown(name: string, attributes: readonly Setting[], settings: Settings): readonly AuditSetting[] {
  return attributes
    .filter(({ decides }) => decides !== undefined)
    .map(({ key, ifAbsent }) => ({
      place: `${name}.${key}`,
      value: String(settings[key] ?? ifAbsent ?? 'unknown'),
    }));
}

/** All settings of a bridge and its ports. `unknown`: not reported by the kernel. */
export function auditSettings({ name, link, settings, ports }: BridgeView): readonly AuditSetting[] {
  return [
    { place: `${name}.promiscuity`, value: link.promiscuity === null ? 'unknown' : String(link.promiscuity) },
    ...shown(name, attributesOf.bridge, settings),
    ...ports.flatMap((port) => shown(port.name, attributesOf.port, port.settings)),
  ];
}

/** Findings for one bridge or all, worst first. */
export function audit(snapshot: Snapshot, options: { readonly bridge: string | null } = { bridge: null }): AuditReport {
  const isAsked = (name: string): boolean => options.bridge === null || name === options.bridge;
  const views = bridgeViews(snapshot).filter(({ name }) => isAsked(name));
  const bridged = views.flatMap((view) => findingsOf(view, snapshot));
  const routed = options.bridge === null ? routedFindings(snapshot, bridged) : [];
  const named = [...bridged, ...routed, ...hostFindings(snapshot)];
  const formsOf = formsBySeverity(named, snapshot);
  const findings = named.map((finding) => reported(finding, formsOf));
  return {
    auditVersion: 2,
    bridges: [...namesIn(views), ...ovsBridges(snapshot).filter(isAsked)],
    findings: findings
      .map((finding, at) => ({ finding, at }))
      .sort((a, b) => rank(b.finding.severity) - rank(a.finding.severity) || a.at - b.at)
      .map(({ finding }) => finding),
    settings: views.flatMap(auditSettings),
    unread: snapshot.state.unread,
  };
}

const readerIds: readonly AuditId[] = ['sniffer-on-host', 'bridge-promiscuous', 'tc-mirror', 'nft-mirror'];
const possibleReaderIds: readonly AuditId[] = ['xdp-program', 'bypass-possible'];

/** A reader of a bridge's frames. `isCertain` false: a possible one. */
export interface ReaderOnHost extends Pick<AuditFinding, 'id' | 'place' | 'value' | 'text' | 'readFrom'> {
  readonly isCertain: boolean;
}

/** VerifyError (69) if the report lacks the named bridge: without findings it would read as sound. */
export function refuseMissingBridge(bridge: string | null, { bridges }: AuditReport): void {
  if (bridge === null || bridges.length > 0) return;
  throw new VerifyError(
    'bridge-missing',
    69,
    `there is no bridge ${JSON.stringify(bridge)}`,
    'ip -d link show type bridge lists them; --netns looks into another namespace',
  );
}

/** An empty report would read as a sound host. */
export function nothingAudited(bridges: readonly string[]): VerifyError {
  return new VerifyError(
    'nothing-to-examine',
    69,
    bridges.length === 0
      ? 'nothing to examine: this machine has no bridge'
      : `nothing to examine: no guest is on a bridge of this machine (${bridges.join(', ')})`,
    'run it on the virtualization host, or name the namespace of its bridges with --netns',
  );
}

/** Readers of a bridge's frames over snapshots of one host. */
export function readersOn(bridge: string, snapshots: readonly Snapshot[]): readonly ReaderOnHost[] {
  const found = snapshots.flatMap((snapshot) =>
    audit(snapshot, { bridge })
      .findings.filter(({ id }) => [...readerIds, ...possibleReaderIds].includes(id))
      .map(({ id, place, value, text, readFrom }): ReaderOnHost => {
        const isCertain = id === 'bridge-promiscuous' ? isHeld(place, snapshot) : readerIds.includes(id);
        return { id, place, value, text, readFrom, isCertain };
      }),
  );
  return [
    ...new Map(found.map((reader) => [JSON.stringify([reader.id, reader.place, reader.value]), reader])).values(),
  ];
}

/** A possible reader raises promiscuity without a process, such as a macvlan on the bridge. */
function isHeld(bridge: string, { state, packetSockets }: Snapshot): boolean {
  const link = linkNamed(state, bridge);
  return link !== undefined && holdingPromiscuous(link.ifindex, packetSockets ?? []).length > 0;
}

/** Unreadable parts that may hide a reader. Configuration hides none. */
export function readersNotKnown(snapshots: readonly Snapshot[]): readonly string[] {
  const parts = snapshots.flatMap(({ state, packetSockets }) => [
    ...state.unread.flatMap(({ what, why }) => (what.endsWith(' declares') ? [] : [`${what}: ${why}`])),
    ...(packetSockets === null && !state.unread.some(({ what }) => what === 'packet sockets')
      ? ['packet sockets: they could not be read']
      : []),
  ]);
  return [...new Set(parts)];
}

function ovsBridges({ ovs }: Snapshot): readonly string[] {
  return (ovs?.bridges ?? []).flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
}

/** True if no bridge has guests and no finding is of other guests (lower devices, VMware). */
export function isWithoutGuests(snapshot: Snapshot, { findings }: AuditReport): boolean {
  const { ovs } = snapshot;
  // each bridge of Open vSwitch has one port for the host
  const hasOvsPorts = ovs !== null && ovs.ports.length > ovs.bridges.length;
  return (
    !hasOvsPorts &&
    findings.every(({ bridge }) => bridge !== null) &&
    bridgeViews(snapshot).every(({ guests }) => guests.length === 0)
  );
}

function changesOf({ fix }: NamedFinding): readonly Change[] {
  return fix?.changes ?? [];
}

/** Fixes that share a file take the wishes of this severity and above. None is lost. */
function formsBySeverity(
  findings: readonly NamedFinding[],
  { keepers }: Snapshot,
): (finding: NamedFinding) => readonly PersistentFix[] {
  if (keepers === undefined) return () => [];
  const sorted = [...findings].sort((first, second) => rank(second.severity) - rank(first.severity));
  const forms = new Map(
    severities.map((severity) => {
      const together = sorted.filter((finding) => rank(finding.severity) >= rank(severity));
      return [severity, formsTogether(together.flatMap(changesOf), keepers)];
    }),
  );
  return (finding) => forms.get(finding.severity)?.(changesOf(finding)) ?? [];
}

function reported(named: NamedFinding, formsOf: (finding: NamedFinding) => readonly PersistentFix[]): AuditFinding {
  const { fix, ...finding } = named;
  const persistent = formsOf(named);
  const text = fix === null ? null : fixText(fix);
  const { changes = [] } = fix ?? {};
  const cost = changes.length === 0 ? null : fixCost(named.id, { place: named.place, fix: text ?? '', changes });
  return {
    ...finding,
    fix: text,
    ...filled({ cost, lasting: persistent }),
  };
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

/** Exit status: 2 = findings at or above `failOn`, 3 = an existing bridge is partly unreadable, else 0. */
export function auditStatus(report: AuditReport, failOn: Severity): number {
  if (report.findings.some((finding) => rank(finding.severity) >= rank(failOn))) return 2;
  return report.bridges.length > 0 && report.unread.length > 0 ? 3 : 0;
}
