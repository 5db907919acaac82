import { createParties, isLeak, type Parties } from '../../../core/judge/parties.js';
import {
  type Classify,
  createClassifier,
  flowFinder,
  tagsOf,
  tokenIndexOf,
} from '../../../core/judge/recognise/classify.js';
import { controlComment, leakComment } from '../../../core/judge/recognise/leak-comment.js';
import { PlannedProbes } from '../../../core/judge/recognise/planned-probes.js';
import type { Flow, Observer, Plan, StepPlan } from '../../../core/model/plan.js';
import type { StepObserver } from '../../../core/plan/evidence-interfaces.js';
import { createTokenSearch } from '../../../core/wire/token-search.js';
import { isMesh } from './keep-leaks.js';

/** A hub would otherwise write more comment than capture. */
const maxComments = 1000;

/** Annotations of a frame in evidence.pcapng, in one reused object. */
export interface FrameNote {
  /** The token's index, -1 = none of the run. */
  packetId: number;
  comment: string | null;
  /** The planned probe, unchanged up to its token. */
  probe: Flow | null;
  sequence: number;
  /** A forbidden planned probe towards the observer. */
  towards: boolean;
  leaks: boolean;
}

/** No verdict depends on it. Call it in file order. */
export class FrameNotes {
  private readonly plan: Plan;
  private readonly classify: Classify;
  private readonly parties: Parties;
  private readonly search: ReturnType<typeof createTokenSearch>;
  private readonly probes: PlannedProbes;
  private readonly noted = new Map<string | Observer, number>();
  private readonly meshes: ReadonlySet<StepPlan>;
  private readonly note: FrameNote = {
    packetId: -1,
    comment: null,
    probe: null,
    sequence: 0,
    towards: false,
    leaks: false,
  };

  constructor(plan: Plan, key: Uint8Array) {
    const tags = tagsOf(plan, key);
    this.plan = plan;
    this.classify = createClassifier(plan, tags);
    this.parties = createParties(plan.endpoints);
    this.search = createTokenSearch(plan.runTag);
    this.probes = new PlannedProbes(plan.runTag, tags, flowFinder(plan));
    this.meshes = new Set(plan.steps.filter(isMesh));
  }

  /** For `bytes[start, end)`. Valid until the next call. */
  noteOf(bytes: Uint8Array, start: number, end: number, source: StepObserver, towards: boolean): Readonly<FrameNote> {
    const note = this.note;
    note.towards = towards;
    note.leaks = false;
    const probe = this.probes.read(bytes, start, end);
    if (probe !== null) return this.noteProbe(bytes, probe, source);
    const { step, observer } = source;
    note.probe = null;
    note.packetId = -1;
    note.comment = null;
    // Most frames without a token need no look at their headers: only where somebody's talk is what the step is about.
    if (!this.search.mayHold(bytes, start, end) && step.traffic.length === 0 && step.listenMs === null) return note;
    const classified = this.classify(bytes, start, end);
    const { sighting } = classified;
    if (sighting.kind === 'probe' && sighting.form === 'as-sent') {
      this.probes.learn(sighting.flow, sighting.sequence);
      note.probe = sighting.flow;
      note.sequence = sighting.sequence;
      note.leaks = towards && isLeak(sighting.flow, observer, this.parties);
    }
    note.packetId = tokenIndexOf(sighting);
    const row = sighting.kind === 'probe' ? this.rowOf(sighting.flow, source) : observer.name;
    const comment = this.isFull(row)
      ? null
      : leakComment({ bytes, classified, step, observer, towards }, this.plan, this.parties);
    note.comment = this.count(row, comment) ?? controlComment(classified);
    return note;
  }

  private noteProbe(
    bytes: Uint8Array,
    { flow, sequence }: { readonly flow: Flow; readonly sequence: number },
    source: StepObserver,
  ): Readonly<FrameNote> {
    const note = this.note;
    const { towards } = note;
    note.packetId = flow.first + sequence;
    note.probe = flow;
    note.sequence = sequence;
    note.comment = null;
    note.leaks = towards && isLeak(flow, source.observer, this.parties);
    if (!note.leaks) return note;
    const row = this.rowOf(flow, source);
    if (this.isFull(row)) return note;
    const sighting = { kind: 'probe', flow, sequence, form: 'as-sent', tokenAt: -1 } as const;
    const frame = { bytes, classified: { view: null, sighting }, ...source, towards };
    note.comment = this.count(row, leakComment(frame, this.plan, this.parties));
    return note;
  }

  private isFull(row: string | Observer): boolean {
    return (this.noted.get(row) ?? 0) >= maxComments;
  }

  private count(row: string | Observer, comment: string | null): string | null {
    if (comment !== null) this.noted.set(row, (this.noted.get(row) ?? 0) + 1);
    return comment;
  }

  /** A mesh counts by observer. */
  private rowOf(flow: Flow, { step, observer }: StepObserver): string | Observer {
    return this.meshes.has(step) ? observer : `${flow.id}/${observer.name}`;
  }
}
