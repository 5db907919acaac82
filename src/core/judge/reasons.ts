import type { Reason } from '../model/result.js';

/** Every reason why evidence does not carry a verdict, and what to do about it. The list is closed. */
export const reasonHints = {
  'control-missing':
    'A frame that this observer had to see did not reach it: the ear is not proved. Look for a capture that was stopped, a wrong interface, a filter.',
  'entry-unproved':
    "Nothing proves that the probes entered the bridge. Look at the filters on the sender's port; where the bridge has no address in the sender's VLAN, probe before and after these an addressee that must see it.",
  'frames-dropped': 'The kernel dropped frames before they were captured. Lower `rate`, or keep other traffic away.',
  'count-gap':
    'The kernel counted more frames than the capture delivered. Repeat the run; if it stays, try the other --engine.',
  'probes-not-sent': "Fewer probes left than planned. Look at the sender's interface.",
  'delivery-short':
    'Who has to see the probes did not get all of them, and no drop counter of the kernel explains what is missing: something on the way took it, or an isolation also cuts the addressee off. Look at carrier, filters, FDB.',
  'settings-changed': 'A setting changed while the probes were on their way. Find out who changes it, then repeat.',
  'not-forwarding': 'A port did not forward, so it could not have leaked. Wait for STP, or start the guest behind it.',
  'mac-moved':
    'A MAC of the scenario is learned on another port than the scenario says. Repeat once its owner has spoken.',
  'state-unread': 'What the kernel says of the bridge could not be read, so it may have changed unnoticed.',
  'not-listening': 'The observer did not listen before the first probe.',
  'helper-died': 'The helper process that listened here ended. See its stderr.',
  'helper-silent': 'The helper process that listened here did not answer in time.',
  'host-lost':
    'The connection to the host of this observer was lost, and with it what was captured there. The helper there undoes what is its own by itself. Repeat the run once the host is reached.',
  'interface-gone': 'The interface vanished while it was observed.',
  'interface-down': 'The interface went down while it was observed.',
  'bad-filter': 'libpcap refused the capture filter.',
  'open-failed': 'The interface could not be opened for capture.',
  'file-failed': 'The capture could not be written. Free some space and repeat.',
  'drain-incomplete': 'Frames were still under way when the time to wait for them was over.',
  'evidence-incomplete': 'The capture that was read back is not what was written.',
  'capture-damaged': 'The capture is damaged: what came after the damage is not known.',
  'key-lost': 'The run ended before its key was written down, so no token can be distinguished from a forged one.',
  'key-mismatch': 'The key is not the one that was committed to before the first frame.',
  replayed:
    'A guest that had got tokens sent them again, and somebody saw them who may not have them: it may have passed them on by itself.',
  'unheard-delivery':
    'A guest sent tokens that nobody was heard handing to it: something reaches it past the ports that are observed, or guests work together. Look for mirrors, programs (tc, XDP) and sockets on its interfaces.',
  'bypass-possible':
    'Something that is not known to be harmless can carry frames past every ear: a program, a rule, a process with a packet socket. The text says what, where, and what would acquit it; `trust` in the step takes it on.',
  'unheard-frames':
    'Frames left by a port and no ear was offered them: something sends there past every packet socket, as XDP, AF_XDP, `bpf_redirect` and sockets with PACKET_QDISC_BYPASS can. Look for it with `bpftool net`, `ss -0 -p`, and at what runs on the host, and end it for the time of the run.',
  'replay-possible':
    'This engine does not know directions, and a token was seen twice here: it may have been sent again.',
  'traffic-failed': 'The traffic did not work between its two ends, so it proves nothing.',
  'relay-died': 'The relay that carries frames for an endpoint behind the bridge ended.',
  'nothing-to-hear': 'No unicast crossed the bridge between two others meanwhile, so there was nothing to overhear.',
  'observed-only':
    'A guest was only observed, for its bridge does not know its MAC. Let it speak once (a ping will do), and repeat the run.',
  'coverage-partial':
    'Not every port of the bridge was observed. Name the reason with `scope: { partial: … }` if that is meant.',
  'clock-changed':
    'The wall clock was set while the step ran, so the order of what was captured is not sure. Repeat the run.',
  'event-missed':
    'Something of `during` did not happen while probes were under way, so it was not tested. Raise `count`, or lower `rate`, so that probing lasts longer.',
  'event-failed': 'A command of `during` failed, so what it should have done was not tested. Correct it.',
  'step-failed': 'The step could not be carried out.',
  'not-run': 'The step did not run, because the run ended before.',
  interrupted: 'The run was interrupted.',
  'guests-disturbed':
    'The run was stopped because a port dropped more frames than before it, or the gateway answered worse. Lower `rate`, or run it at a quieter time.',
  rehearsed: 'A dry run sends nothing, so nothing can be said. Run it without --dry-run.',
  unsupported: 'This kernel or this build cannot do what the step asks for.',
  'claim-unmatched':
    'No row of this step matches the claim, so it claims nothing. Correct its observer, from, to or carrier.',
} as const;

export type ReasonCode = keyof typeof reasonHints;

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(reasonHints, code);
}

export function reason(code: ReasonCode, observer: string | null, text: string): Reason {
  return { code, observer, text };
}
