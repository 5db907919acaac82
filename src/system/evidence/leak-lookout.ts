import { partyOf } from '../../core/judge/parties.js';
import type { Observer, Plan, StepPlan } from '../../core/model/plan.js';
import { isInForce } from '../../core/model/scenario.js';
import type { ProgressEvent, TimelineEntry } from '../../core/model/timeline.js';
import { type Batch, directions, packetDirection } from '../../core/pcap/capture-items.js';
import { evidenceInterfaces } from '../../core/plan/evidence-interfaces.js';
import { isTowards } from '../../core/plan/observers.js';
import { escapeText } from '../../core/text/escape.js';
import { FrameNotes } from './collate/frame-notes.js';
import { partialCaptures } from './collate/partial-captures.js';

/** By step. Leaks beyond may be shown late, but the judge reads all. */
const maxFrames = 200_000;

export interface LookoutOptions {
  readonly dir: string;
  readonly plan: Plan;
  readonly key: Uint8Array;
  readonly day: string;
  readonly onProgress: (event: ProgressEvent) => void;
}

/** Reports leaks in a run's growing captures. Judges nothing. */
export interface LeakLookout {
  hear(entry: TimelineEntry): void;
  stop(): Promise<void>;
}

/** For observers accepted or open by design, only the judge can decide. */
function isForTheJudge({ expect }: StepPlan, observer: Observer, day: string): boolean {
  return (
    expect.accept.some((accepted) => accepted.observer === observer.name && isInForce(accepted, day)) ||
    (expect.open ?? []).some(({ observers }) => observers.includes(partyOf(observer)))
  );
}

/** For a lab alone, with its own guests: a host's guests' frames are read without rights. */
export function lookForLeaks({ dir, plan, key, day, onProgress }: LookoutOptions): LeakLookout {
  const captures = partialCaptures(dir);
  const notes = new FrameNotes(plan, key);
  const places = new Map(evidenceInterfaces(plan).map((place) => [escapeText(place.description), place]));
  const looking: Promise<void>[] = [];

  async function lookAtStep(step: StepPlan): Promise<void> {
    const remaining = new Set(
      step.observers.filter((observer) => observer.judged && !isForTheJudge(step, observer, day)),
    );
    let frames = 0;
    const lookAt = (batch: Batch, observers: readonly (Observer | undefined)[]): void => {
      for (let at = 0; at < batch.count; at += 1) {
        const observer = observers[batch.interfaceId[at] ?? -1];
        if (observer === undefined || !remaining.has(observer)) continue;
        const start = batch.offset[at] ?? 0;
        const end = start + (batch.captured[at] ?? 0);
        const towards = isTowards(observer, packetDirection(batch, at) === directions.out);
        const { comment } = notes.noteOf(batch.bytes, start, end, { step, observer }, towards);
        if (comment?.startsWith('LEAK') !== true) continue;
        remaining.delete(observer);
        const isExpected = step.expect.expected === 'broken';
        onProgress({ kind: 'leak', index: step.index, observer: observer.name, isExpected });
      }
      frames += batch.count;
    };
    const follow = async (path: string): Promise<void> => {
      const observers: (Observer | undefined)[] = [];
      for await (const item of captures.read(path)) {
        if (item.kind === 'interface') {
          const place = places.get(escapeText(item.description ?? ''));
          observers[item.id] = place?.step === step.index ? step.observers[place.observer] : undefined;
        } else if (item.kind === 'batch') lookAt(item, observers);
        if (remaining.size === 0 || frames >= maxFrames) return;
      }
    };
    await Promise.all((await captures.capturesOfStep(step.index)).map(follow));
  }

  return {
    hear({ step, event }) {
      if (event === 'stopped' || event === 'step-ended') captures.hear({ kind: 'ended', step });
      if (event !== 'probing' || looking[step] !== undefined) return;
      const probed = plan.steps[step];
      if (probed === undefined) return;
      captures.hear({ kind: 'begun', step });
      looking[step] = lookAtStep(probed).catch(() => undefined); // unreadable captures are judged all the same
    },
    async stop() {
      captures.hear({ kind: 'over', counters: [] });
      await Promise.all(looking);
    },
  };
}
