import type { Flow, Observer, Plan, StepPlan } from '../../model/plan.js';
import { escapeText } from '../../text/escape.js';
import { etherTypes, isGroupMac, isGroupMacText, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { isIcmpError } from '../../wire/icmp.js';
import { isLeak, type Parties } from '../parties.js';
import type { Classified, Sighting } from './classify.js';
import type { FrameFormName } from './frame-form.js';

/** A frame at an observer, for its comment. */
export interface CommentedFrame {
  readonly bytes: Uint8Array;
  readonly classified: Pick<Classified, 'view' | 'sighting'>;
  readonly step: StepPlan;
  readonly observer: Observer;
  readonly towards: boolean;
}

/** An error is its sender's: only all answers show the planned ways. */
function isError(form: FrameFormName, view: FrameView | null): boolean {
  return form === 'encapsulated' && view !== null && isIcmpError(view.ipVersion, view.icmpType);
}

/** Open by default: at the end of the step the judge counts those that got it. */
function exposedNote({ probe }: Flow, name: string, { expect: { open = [] } }: StepPlan): string {
  const isOpen = open.some((entry) => entry.probe === probe && entry.observers.includes(name));
  return isOpen ? ' (EXPOSED if half of the guests get it)' : '';
}

function probeComment(
  { flow, form, sequence, answer }: Extract<Sighting, { kind: 'probe' }>,
  view: FrameView | null,
  { observer, step }: CommentedFrame,
  parties: Parties,
): string | null {
  const { name } = observer;
  if (answer !== undefined || isError(form, view) || !isLeak(flow, observer, parties)) return null;
  const crowd = isGroupMacText(flow.frame.dstMac) ? 'all' : 'nobody';
  return `LEAK probe ${flow.first + sequence} ${flow.from}→${flow.to ?? crowd} ${flow.class}, overheard by ${name}${form === 'as-sent' ? '' : ` (${form})`}${exposedNote(flow, name, step)}`;
}

function addressComment(frame: CommentedFrame, view: FrameView, plan: Plan): string | null {
  const { bytes, step, observer } = frame;
  const src = macText(bytes, view.srcMacAt);
  const dst = macText(bytes, view.dstMacAt);
  const owner = (mac: string): string => plan.endpoints.find((endpoint) => endpoint.macs.includes(mac))?.name ?? mac;
  if (
    step.listenMs !== null &&
    observer.place !== 'bridge' &&
    !isGroupMac(bytes, view.dstMacAt) &&
    !observer.macs.includes(dst)
  ) {
    // whether an unplanned MAC is the observer's own is known from the states around the step, at its end
    const unless = owner(dst) === dst ? ', unless that MAC is its own' : '';
    return `LEAK foreign unicast ${owner(src)}→${owner(dst)}, overheard by ${observer.name}${unless}`;
  }
  if (view.etherType === etherTypes.arp) return null;
  const traffic = step.traffic.find(({ from, to }) =>
    [`${from}>${to}`, `${to}>${from}`].includes(`${owner(src)}>${owner(dst)}`),
  );
  return traffic === undefined || [...traffic.must, ...traffic.may].includes(observer.name)
    ? null
    : `LEAK ${traffic.kind} ${owner(src)}→${owner(dst)}, overheard by ${observer.name}`;
}

/** For users who open the capture, null = no leak. No verdict rests on it. */
export function leakComment(frame: CommentedFrame, plan: Plan, parties: Parties): string | null {
  const text = leakText(frame, plan, parties);
  const { index, name } = frame.step;
  return text === null ? null : `${text}, in step ${index + 1} (${escapeText(name)})`;
}

function leakText(frame: CommentedFrame, plan: Plan, parties: Parties): string | null {
  const { sighting, view } = frame.classified;
  if (!frame.towards || !frame.observer.judged) return null;
  switch (sighting.kind) {
    case 'probe':
      return probeComment(sighting, view, frame, parties);
    case 'control':
      return null;
    case 'forged':
    case 'none':
      return view === null ? null : addressComment(frame, view, plan);
  }
}

const controlMark = 'CONTROL ';

/** For users and for `replay --mac`, which would take it for overheard. null = other frames. */
export function controlComment({ sighting }: Pick<Classified, 'sighting'>): string | null {
  if (sighting.kind !== 'control') return null;
  const { kind, phase, observer, sender } = sighting.control;
  return kind === 'ear'
    ? `${controlMark}ear: sent ${sender === null ? `at ${observer}'s own port` : `from ${observer}'s side`}, ${phase} the probes, to prove that it hears`
    : `${controlMark}entry: sent by ${sender ?? 'nobody'}, ${phase} the probes, to prove that its frames enter`;
}

export function isControlComment(comment: string): boolean {
  return comment.startsWith(controlMark);
}
