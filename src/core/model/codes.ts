declare const unknown: unique symbol;

/** A code of another version, shown as is. */
export type UnknownCode = string & { readonly [unknown]: true };

/**
 * Uses of each weakness. Files of core/bridge/weaknesses add their own, and weaknesses.ts compiles only with all of
 * them.
 */
export interface Weaknesses {
  readonly unexplained: 'cause';
}
type WeaknessCode<Part extends 'cause' | 'finding'> = {
  readonly [Code in keyof Weaknesses]: Part extends Weaknesses[Code] ? Code : never;
}[keyof Weaknesses];
export type CauseCode = WeaknessCode<'cause'>;
export type FoundCauseCode = Exclude<CauseCode, 'unexplained'>;
/** An audit rule. */
export type AuditId = WeaknessCode<'finding'>;

/** In the order of the search. */
export const settingBarrierCodes = [
  'other-bridge',
  'source-port',
  'vlan-filtering',
  'isolated',
  'ovs-protected',
  'locked',
  'guard',
  'not-routed',
  'forwarding-off',
  'reverse-path',
  'routed-elsewhere',
  'sticky-entry',
  'permanent-entry',
  'static-entry',
  'learned-entry',
  'flood-off',
  'bcast-flood-off',
  'mcast-flood-off',
  'link-local-reserved',
  'members-known',
  'macvlan-apart',
  'macvlan-address',
  'own-address',
] as const;
/** `filter`: a packet filter, if no setting blocks. `unexplained`: no state that was read blocks. */
export type BarrierCode = (typeof settingBarrierCodes)[number] | 'filter' | 'unexplained';

export type DriftCode =
  | `${'mirror' | 'bypass' | 'sniffer' | 'behind-bridge'}-${'appeared' | 'gone'}`
  | 'mac-moved'
  | 'entry-added'
  | 'entry-gone'
  | 'sticky-gone'
  | 'member-added'
  | 'member-gone'
  | 'router-port-appeared'
  | 'router-port-gone'
  | 'rules-changed'
  | 'bridge-promiscuous'
  | 'bridge-not-promiscuous'
  | 'port-joined'
  | 'port-left'
  | 'sysctl-changed'
  | 'vmnet-changed'
  | 'unread'
  | 'bridge-appeared'
  | 'bridge-gone'
  | 'setting-changed'
  | 'port-state'
  | 'port-promiscuous';

/** Audit findings and results of checks before a run on a host. */
export type NoteCode =
  | AuditId
  | 'br-netfilter'
  | 'nft-rules'
  | 'tc-rules'
  | 'offloads'
  | 'connections-nearly-full'
  | 'neighbours-nearly-full'
  | 'intrusion-detection'
  | 'not-examined'
  | 'rights'
  | 'processes-unseen'
  | 'unread';

/** Values of `VerifyError.code`. */
export const errorCodes = [
  'address-unknown',
  'addressee-unknown',
  'bad-filter',
  'baseline-unreadable',
  'bridge-missing',
  'calibration-failed',
  'cap-missing',
  'capture-damaged',
  'changes-not-allowed',
  'command-failed',
  'disruptive-not-allowed',
  'dry-run',
  'evidence-not-whole',
  'evidence-not-writable',
  'evidence-unreadable',
  'export-not-writable',
  'fabric-unknown',
  'file-changed',
  'file-failed',
  'folder-unreadable',
  'frame-unbuildable',
  'frames-not-allowed',
  'guests-disturbed',
  'helper-died',
  'helper-silent',
  'host-fault',
  'host-key',
  'host-lacks-program',
  'host-lost',
  'host-record',
  'host-refused',
  'host-rights',
  'host-unreachable',
  'host-version',
  'interface-down',
  'interface-gone',
  'interrupted',
  'journal-failed',
  'journal-refused',
  'koffi-missing',
  'lab-failed',
  'libpcap-missing',
  'locked',
  'mac-moved',
  'mac-shared',
  'mac-unknown',
  'namespace-limit',
  'namespace-missing',
  'namespace-refused',
  'netns-mixed',
  'new-macs-not-allowed',
  'no-engine',
  'not-approved',
  'not-confirmed',
  'not-connected',
  'not-forwarding',
  'not-inside',
  'not-root',
  'not-signed',
  'not-written',
  'nothing-to-examine',
  'open-failed',
  'out-not-empty',
  'out-not-made',
  'out-not-own',
  'plan-too-large',
  'program-missing',
  'program-refused',
  'protocol',
  'providers-mixed',
  'read-back',
  'relay-lost',
  'run-failed',
  'run-not-allowed',
  'sandbox-refused',
  'scenario',
  'scenario-changed',
  'scenario-invalid',
  'too-little-found',
  'traffic-failed',
  'unknown-engine',
  'unknown-observer',
  'unsupported',
  'usage',
  'user-namespace-refused',
] as const;
export type ErrorCode = (typeof errorCodes)[number];
