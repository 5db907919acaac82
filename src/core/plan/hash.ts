import { createHash, type Hash } from 'node:crypto';
import type { Control, Flow, FrameSpec, Observer, Plan, StepPlan } from '../model/plan.js';
import type { FileHash } from '../model/scenario.js';
import { isInventedBy } from '../probe/addresses.js';
import { plainKeysApproved } from '../scenario/schema/plain-step-keys.js';

/**
 * Keys that the hash covers. All are named: a new one compiles only after deciding whether operators approve it. Only
 * values that differ by run, or follow from the rest, may be left out.
 */
type Coverage<T> = Readonly<Record<keyof T, 'covered' | 'left out'>>;

const stepCoverage: Coverage<StepPlan> = {
  index: 'left out', // its place in the list
  name: 'covered',
  line: 'left out', // where it stands in the file
  changes: 'covered',
  learn: 'covered',
  ...plainKeysApproved,
  present: 'covered',
  observers: 'covered',
  filter: 'left out', // follows from the frames and the run's tag
  snaplen: 'covered',
  flows: 'covered',
  notAsked: 'left out', // follows from the addresses, and nothing of it is sent
  provokes: 'covered',
  controls: 'covered',
  inwardUnproved: 'covered',
  traffic: 'covered',
  listenMs: 'covered',
  during: 'covered',
  rate: 'covered',
  rates: 'covered',
  drainMs: 'covered',
  expect: 'covered',
};

const ofFlow: Coverage<Flow> = {
  id: 'left out', // its place in the list
  step: 'left out',
  probe: 'covered',
  class: 'covered',
  carrier: 'left out', // its frame's
  vlan: 'left out', // its frame's
  from: 'covered',
  to: 'covered',
  sender: 'covered',
  frame: 'covered',
  count: 'covered',
  first: 'left out', // the sum of the counts before
  must: 'covered',
  may: 'covered',
  judged: 'covered',
  purpose: 'covered',
  variant: 'covered',
};

const ofControl: Coverage<Control> = {
  kind: 'covered',
  phase: 'covered',
  observer: 'covered',
  sender: 'covered',
  frame: 'covered',
  index: 'left out', // the sum of the counts before
};

const ofObserver: Coverage<Observer> = {
  name: 'covered',
  interface: 'covered',
  bridge: 'covered',
  place: 'covered',
  role: 'covered',
  macs: 'left out', // what a port has learned
  judged: 'covered',
  by: 'covered',
  party: 'covered',
  device: 'left out', // what a step found
  routed: 'covered',
  hop: 'covered',
};

function pick<T extends object>(coverage: Coverage<T>): (value: T) => Partial<T> {
  const keys = keysOf(coverage).filter((key) => coverage[key] === 'covered');
  return (value) => {
    const picked: Partial<T> = {};
    for (const key of keys) picked[key] = value[key];
    return picked;
  };
}

function keysOf<T extends object>(coverage: Coverage<T>): readonly (keyof T)[] {
  const keys: (keyof T)[] = [];
  for (const key in coverage) keys.push(key);
  return keys;
}

/** Invented addresses differ by run without a difference in meaning. */
function withoutInvented(frame: FrameSpec, isInvented: (mac: string) => boolean): FrameSpec {
  const plain = (mac: string): string => (isInvented(mac) ? 'invented' : mac);
  return { ...frame, srcMac: plain(frame.srcMac), dstMac: plain(frame.dstMac) };
}

/** A run's input beside its plan. */
export interface HashInput {
  /** Included files, and those that commands name: a run executes their contents. */
  readonly files: readonly FileHash[];
  readonly toolVersion: string;
}

/**
 * Hex SHA-256 of everything that a run changes and sends, of observers, expectations, acceptances, files' contents, and
 * the program's version: plans of one hash do and mean the same. Leaves out values that differ by run (key, tag,
 * invented addresses, learned MACs) and files' folders.
 */
export function planHash(plan: Plan, { files, toolVersion }: HashInput): string {
  const { name, provider, bridges, hosts = [], sysctl, partialScope } = plan;
  const contents = files.map(({ path, sha256 }) => ({ name: path.slice(path.lastIndexOf('/') + 1), sha256 }));
  const head = { toolVersion, name, provider, bridges, hosts, sysctl, partialScope, files: contents };
  const hash = createHash('sha256').update(`${JSON.stringify(head).slice(0, -1)},"steps":[`);
  const addStep = stepHasher(hash, isInventedBy(plan.runTag));
  for (const [index, step] of plan.steps.entries()) {
    if (index > 0) hash.update(',');
    addStep(step);
  }
  return hash.update(']}').digest('hex');
}

function stepHasher(hash: Hash, isInvented: (mac: string) => boolean): (step: StepPlan) => void {
  const [flow, control, observer] = [pick<Flow>(ofFlow), pick<Control>(ofControl), pick<Observer>(ofObserver)];
  const keys = keysOf(stepCoverage).filter((key) => stepCoverage[key] === 'covered');
  return (step) => {
    const lists: Partial<Record<keyof StepPlan, () => void>> = {
      flows: () => addList(hash, step.flows, (of) => ({ ...flow(of), frame: withoutInvented(of.frame, isInvented) })),
      controls: () =>
        addList(hash, step.controls, (of) => ({ ...control(of), frame: withoutInvented(of.frame, isInvented) })),
      observers: () => addList(hash, step.observers, observer),
    };
    let before = '{';
    for (const key of keys) {
      if (step[key] === undefined) continue;
      hash.update(`${before}"${key}":`);
      before = ',';
      const add = lists[key];
      if (add === undefined) hash.update(JSON.stringify(step[key]));
      else add();
    }
    hash.update('}');
  };
}

const pieceLength = 65_536;

/** The million flows of 1,000 meshed guests do not fit into a string. */
function addList<T>(
  hash: Hash,
  list: { forEach(visit: (item: T, index: number) => void): void },
  of: (item: T) => object,
): void {
  let text = '[';
  list.forEach((item, index) => {
    text += `${index > 0 ? ',' : ''}${JSON.stringify(of(item))}`;
    if (text.length < pieceLength) return;
    hash.update(text);
    text = '';
  });
  hash.update(`${text}]`);
}
