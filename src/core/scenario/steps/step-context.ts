import type { Endpoint } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import type { TopologyReading } from '../topology/read-topology.js';
import { where } from '../yaml/explain-issue.js';
import type { ReadFile } from '../yaml/compose.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { select } from './select.js';

/** The state in which a step is read, and which it changes. */
export interface StepContext {
  readonly faults: FaultList;
  readonly reading: TopologyReading;
  readonly allowDisruptive: boolean;
  readonly allowChanges: boolean;
  /** By path from the scenario's folder. */
  readonly readBeside: ReadFile;
  present: ReadonlySet<string>;
  /** False after an unreadable `start` or `stop`. */
  presenceKnown: boolean;
  /** By bridge, in centiseconds; absent = not known (a host's own value). */
  readonly ageing: Map<string, number>;
}

/** net/bridge/br_device.c, br_dev_setup, in centiseconds. */
const kernelAgeing = 30_000;

export function stepContext(
  faults: FaultList,
  reading: TopologyReading,
  { allowDisruptive, allowChanges }: Pick<StepContext, 'allowDisruptive' | 'allowChanges'>,
  readBeside: ReadFile,
): StepContext {
  const ageing = new Map<string, number>();
  for (const { name, settings } of reading.topology.bridges) {
    const set = settings['ageing_time'];
    if (typeof set === 'number') ageing.set(name, set);
    else if (reading.topology.provider === 'lab') ageing.set(name, kernelAgeing);
  }
  const present = new Set(reading.topology.endpoints.filter(({ started }) => started).map(({ name }) => name));
  return { faults, reading, allowDisruptive, allowChanges, readBeside, present, presenceKnown: true, ageing };
}

/** Selectors of endpoints that exist in this step; naming another one is a fault. */
export function selectPresent(
  context: StepContext,
  raw: string | readonly string[],
  path: Path,
  senders?: readonly string[],
): readonly string[] {
  const { faults, reading, present, presenceKnown } = context;
  const before = faults.faults.length;
  const scope = { among: presenceKnown ? present : null, ...(senders === undefined ? {} : { senders }) };
  const names = select(faults, reading, raw, path, scope);
  for (const name of names)
    if (presenceKnown && !present.has(name))
      faults.add(
        path,
        `${where(path)}: ${quote(name)} is not started in this step, expected it in "start" here or before`,
      );
  const readable = reading.complete && presenceKnown && faults.faults.length === before;
  if (names.length === 0 && readable && (typeof raw === 'string' || raw.length > 0))
    faults.add(path, `${where(path)}: chooses no endpoint that is started in this step`);
  return names;
}

export function endpointOf(context: StepContext, name: string): Endpoint | undefined {
  return context.reading.topology.endpoints.find((endpoint) => endpoint.name === name);
}
