import type { ErrorCode, UnknownCode } from './codes.js';

/** Reasons why evidence carries no verdict, and what to do. The list is closed. */
export const reasonHints = {
  'control-missing':
    'A control frame did not reach this observer. Look for a stopped capture, a wrong interface, a filter.',
  'entry-unproved':
    "Nothing proves that the probes entered the bridge. Look at filters on the sender's port. If the bridge has no address in its VLAN, add probes that an addressee must see.",
  'frames-dropped': 'The kernel dropped frames before they were captured. Lower `rate`, or keep other traffic away.',
  'count-gap':
    'The kernel counted more frames than the capture delivered. Repeat the run, then try the other --engine.',
  'probes-not-sent': "Fewer probes left than planned. Look at the sender's interface.",
  'delivery-short':
    'Probes are missing where they must be seen, and no drop counter explains it. They were taken, or an isolation also cuts the addressee off. Look at carrier, filters, FDB.',
  'settings-changed':
    'A setting changed before or while the probes were under way. Find out what changes it, then repeat.',
  'not-forwarding': 'A port did not forward. Wait for STP, or start the guest behind it.',
  'mac-moved': 'A MAC of the scenario is learned on another port. Repeat once its owner has spoken.',
  'state-unread': 'The state of the bridge could not be read.',
  'not-listening': 'The observer did not listen before the first probe.',
  'helper-died': 'The helper process that listened here ended. See its stderr.',
  'helper-silent': 'The helper process that listened here did not answer in time.',
  'host-lost':
    "The connection to this observer's host was lost, and its capture with it; the helper there undoes its changes. Repeat once it is reached.",
  'interface-gone': 'The interface vanished while it was observed.',
  'interface-down': 'The interface went down while it was observed.',
  'bad-filter': 'libpcap refused the capture filter.',
  'open-failed': 'The interface could not be opened for capture.',
  'file-failed':
    'The capture could not be written, or a guest floods tokens. Free some space, or stop that guest, and repeat.',
  'drain-incomplete': 'Frames were still under way when the drain time was over.',
  'evidence-incomplete':
    'The capture that was read back is not what was written. `verify-isolation check` names the file. Repeat the run.',
  'capture-damaged':
    'The capture is damaged: frames after the damage are not known. Take a copy that is whole, or repeat the run.',
  'key-lost': 'The run ended before its key was written: tokens cannot be distinguished from forged ones.',
  'key-mismatch': 'The key is not the one that was committed to before the first frame.',
  replayed: 'A guest resent tokens it had received, and an observer that must not see them did.',
  'unheard-delivery':
    'A guest sent tokens that no capture saw reach it. They bypassed the ports, or guests cooperate. Look for mirrors, programs and sockets on its interfaces.',
  'bypass-possible':
    'A program, rule or process may bypass every capture point. The message names it and how to clear it; list it under `trust` to accept it.',
  'unheard-frames':
    'Frames left by a port past every packet socket, as XDP, AF_XDP, `bpf_redirect` and PACKET_QDISC_BYPASS send. Look with `bpftool net` and `ss -0 -p`, and end it for the run.',
  'replay-possible': 'A token was seen twice, and this engine knows no directions: it may have been sent again.',
  'traffic-failed': 'The traffic did not work between its two ends.',
  'relay-died': 'The relay that carries frames for an endpoint behind the bridge ended.',
  'nothing-to-hear': 'No unicast between two others crossed the bridge.',
  'observed-only': 'A guest was only observed, since its bridge does not know its MAC. Ping from it once, and repeat.',
  'coverage-partial':
    'Not every port of the bridge was observed. If this is intended, explain it in `scope: { partial: … }`.',
  'clock-changed': 'The wall clock was set during the step: the order of captures is not sure. Repeat the run.',
  'event-missed': 'An event of `during` did not happen while probes were under way. Raise `count`, or lower `rate`.',
  'event-failed': 'A command of `during` failed. Correct it.',
  'step-failed': 'The step could not be carried out.',
  'not-run': 'The run ended before this step.',
  interrupted: 'The run was stopped. Repeat it.',
  'guests-disturbed':
    'The run was stopped: a guest went or moved, a port dropped more frames, or the gateway answered worse. Repeat it, at a quieter time or with a lower `rate`.',
  'dry-run': 'A dry run sends nothing. Run it without --dry-run.',
  unsupported: 'This kernel or this build cannot do what the step asks for.',
  'claim-unmatched': 'No row of this step matches the claim. Correct its observer, from, to or carrier.',
} as const;

export type ReasonCode = keyof typeof reasonHints;

/**
 * Why evidence carries no verdict.
 *
 * @example
 *   { code: 'mac-moved', observer: 'db', text: '52:54:00:00:00:02 is on vnet4, not on vnet1' }
 */
export interface Reason {
  /** As `verify-isolation explain CODE` takes it. */
  readonly code: ReasonCode | UnknownCode;
  /** Endpoint or bridge of the evidence; null = the whole step. */
  readonly observer: string | null;
  /** The measurement, with names and numbers: `312 of 4000 frames were dropped`. */
  readonly text: string;
}

/** Code of an error or of a step's fault. */
export type FaultCode = ReasonCode | ErrorCode | UnknownCode;

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(reasonHints, code);
}

export function reason(code: ReasonCode, observer: string | null, text: string): Reason {
  return { code, observer, text };
}
