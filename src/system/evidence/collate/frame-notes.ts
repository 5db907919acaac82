import { createClassifier, flowFinder, tagsOf, tokenIndexOf } from '../../../core/judge/recognise/classify.js';
import { createParties, isLeak } from '../../../core/judge/parties.js';
import type { VerdictRules } from '../../../core/model/provenance.js';
import { controlComment, leakComment } from '../../../core/judge/recognise/leak-comment.js';
import { createPlannedProbes } from '../../../core/judge/recognise/planned-probes.js';
import type { Flow, Observer, Plan, StepPlan } from '../../../core/model/plan.js';
import { isMesh } from './keep-leaks.js';
import { createTokenSearch } from '../../../core/wire/token-search.js';

/** Comments on leaks stop here for each row: a hub would else write more comment than capture. */
const maxComments = 1000;

/** What stands beside a frame in evidence.pcapng. One object does for all frames, one after the other. */
export interface FrameNote {
  /** The token's index; -1 = it has none of the run's. */
  packetId: number;
  comment: string | null;
  /** The planned probe that the frame is, byte for byte up to its token; null = it is another frame. */
  probe: Flow | null;
  sequence: number;
}

/**
 * A function that says what stands beside `bytes[start, end)`, seen by `observer` in `step`; frames come in the order
 * of the file. No verdict rests on it.
 */
export function createFrameNotes(
  plan: Plan,
  key: Uint8Array,
  rules: VerdictRules,
): (
  bytes: Uint8Array,
  start: number,
  end: number,
  step: StepPlan,
  observer: Observer,
  towards: boolean,
) => Readonly<FrameNote> {
  const tags = tagsOf(plan, key);
  const classify = createClassifier(plan, tags, rules);
  const parties = createParties(plan.endpoints);
  const search = createTokenSearch(plan.runTag);
  const probes = createPlannedProbes(plan.runTag, tags, flowFinder(plan));
  const noted = new Map<string | Observer, number>();
  const meshes = new Set(plan.steps.filter(isMesh));
  const note: FrameNote = { packetId: -1, comment: null, probe: null, sequence: 0 };

  /** A comment, if there are not too many of its row. */
  function limited(row: string | Observer, comment: () => string | null): string | null {
    const before = noted.get(row) ?? 0;
    if (before >= maxComments) return null;
    const text = comment();
    if (text !== null) noted.set(row, before + 1);
    return text;
  }
  /** The row of a probe at an observer; in a mesh all rows of an observer, which is the step's alone, are one. */
  function rowOf(flow: Flow, step: StepPlan, observer: Observer): string | Observer {
    return meshes.has(step) ? observer : `${flow.id}/${observer.name}`;
  }
  return (bytes, start, end, step, observer, towards) => {
    const probe = probes.read(bytes, start, end);
    if (probe !== null) {
      const { flow, sequence } = probe;
      note.packetId = flow.first + sequence;
      note.probe = flow;
      note.sequence = sequence;
      note.comment =
        towards && isLeak(flow, observer, parties)
          ? limited(rowOf(flow, step, observer), () =>
              leakComment(
                {
                  bytes,
                  classified: { view: null, sighting: { kind: 'probe', flow, sequence, form: 'as-sent', tokenAt: -1 } },
                  step,
                  observer,
                  towards,
                },
                plan,
                parties,
              ),
            )
          : null;
      return note;
    }
    note.probe = null;
    note.packetId = -1;
    note.comment = null;
    // Most frames without a token need no look at their headers: only where somebody's talk is what the step is about.
    if (!search.mayHold(bytes, start, end) && step.traffic.length === 0 && step.listenMs === null) return note;
    const classified = classify(bytes, start, end);
    const { sighting } = classified;
    if (sighting.kind === 'probe' && sighting.form === 'as-sent') {
      probes.learn(sighting.flow, sighting.sequence);
      note.probe = sighting.flow;
      note.sequence = sighting.sequence;
    }
    note.packetId = tokenIndexOf(sighting);
    note.comment =
      limited(sighting.kind === 'probe' ? rowOf(sighting.flow, step, observer) : observer.name, () =>
        leakComment({ bytes, classified, step, observer, towards }, plan, parties),
      ) ?? controlComment(classified);
    return note;
  };
}
