import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { Scenario, Step, Topology } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { escapePath } from '../text/escape.js';
import { isFields } from '../text/json-text.js';
import { scenarioShell } from './schema/scenario.js';
import { readPolicy } from './steps/read-policy.js';
import { readStep } from './steps/read-step.js';
import { type StepContext, stepContext } from './steps/step-context.js';
import { readSwitch } from './topology/read-setting.js';
import { readTopology } from './topology/read-topology.js';
import { compose, type IncludedFile, type ReadFile } from './yaml/compose.js';
import { where } from './yaml/explain-issue.js';
import { type FaultList, faultList, type Locate, type Path, type ScenarioFault } from './yaml/fault.js';
import { salvage } from './yaml/salvage.js';
import { readVariables, substitute } from './yaml/variables.js';

export interface ParsedScenario {
  readonly scenario: Scenario | null;
  readonly faults: readonly ScenarioFault[];
}

export interface ScenarioSources {
  /** Reads an included file. Absent: none may be included. */
  readonly readFile?: ReadFile;
  readonly sets?: ReadonlyMap<string, string>;
}

const includesNothing: ReadFile = () => 'no file can be included here';

/** Without variables texts that look like one stay. */
function substituteAny(list: FaultList, data: unknown, variables: ReturnType<typeof readVariables>): unknown {
  return Object.keys(variables).length > 0 ? substitute(list, data, variables) : data;
}

function isSilent({ probes, traffic, listenMs }: Step): boolean {
  return probes.length === 0 && traffic.length === 0 && listenMs === null;
}

function readSteps(
  context: StepContext,
  { steps = [], policy = [] }: Pick<z.output<typeof scenarioShell>, 'steps' | 'policy'>,
  locate: Locate,
): readonly Step[] {
  const written = steps.flatMap((step, index) => readStep(context, step, ['steps', index], locate) ?? []);
  return [...written, ...readPolicy(context, policy, ['policy'], locate)];
}

/**
 * Reads a scenario with all its faults. `file`: its name in messages and the result; included files are beside it.
 * Never throws.
 */
export function parseScenario(
  file: string,
  bytes: Uint8Array,
  { readFile = includesNothing, sets = new Map() }: ScenarioSources = {},
): ParsedScenario {
  const yaml = compose(file, bytes, readFile);
  if (!yaml.ok) return { scenario: null, faults: yaml.faults };
  const list = faultList(yaml.locate);
  const inOrder = (): ParsedScenario => ({ scenario: null, faults: [...list.faults].sort(byPlace) });
  const variables = readVariables(list, isFields(yaml.data) ? yaml.data.vars : undefined, sets);
  if (list.faults.length > 0) return inOrder();
  const shell = salvage(list, scenarioShell, substituteAny(list, yaml.data, variables), []);
  if (shell === null) return inOrder();
  const { value: raw, dropped } = shell;
  const reading = readTopology(list, raw.topology);
  // A key that was at fault may have allowed it: what follows is read as if it had.
  const isAllowed = (key: 'allow_disruptive' | 'allow_changes'): boolean => readSwitch(raw[key]) ?? dropped.has(key);
  const allowDisruptive = isAllowed('allow_disruptive');
  const allowChanges = isAllowed('allow_changes');
  if (!allowChanges) changesWithoutLeave(list, reading.topology);
  const captures: IncludedFile[] = [];
  const readBeside: ReadFile = (name) => {
    const path = name.startsWith('/') ? name : `${file.slice(0, file.lastIndexOf('/') + 1)}${name}`;
    const content = readFile(path);
    if (typeof content !== 'string' && !captures.some((capture) => capture.path === path))
      captures.push({ path, bytes: content });
    return content;
  };
  const context = stepContext(list, reading, { allowDisruptive, allowChanges }, readBeside);
  const steps = readSteps(context, raw, yaml.locate);
  if (steps.every(isSilent) && list.faults.length === 0)
    list.add(
      ['steps'],
      'steps: the file sends nothing and listens to nothing, expected a step with "probe", "traffic" or "listen", or a "policy"',
    );
  if (list.faults.length > 0) return inOrder();
  const scenario: Scenario = {
    version: 1,
    name: raw.name,
    description: raw.description ?? null,
    file,
    sha256: sha256(bytes),
    files: [...yaml.included, ...captures].map((each) => ({ path: each.path, sha256: sha256(each.bytes) })),
    variables,
    grep: null,
    allowChanges,
    allowDisruptive,
    partialScope: raw.scope?.partial ?? null,
    ...rulesAsked(raw.ask_rules),
    topology: reading.topology,
    steps,
  };
  return { scenario, faults: [] };
}

function rulesAsked(asks: Parameters<typeof readSwitch>[0]): Pick<Scenario, 'asksRules'> {
  return readSwitch(asks) === false ? { asksRules: false } : {};
}

/**
 * As `parseScenario`, but throws a VerifyError `scenario-invalid` (exit 64) with a line `file:line:col: …` for each
 * fault.
 */
export function loadScenario(file: string, bytes: Uint8Array, sources: ScenarioSources = {}): Scenario {
  const { scenario, faults } = parseScenario(file, bytes, sources);
  if (scenario !== null) return scenario;
  const lines = faults.map(
    ({ file: included, line, col, message }) => `${escapePath(included ?? file)}:${line}:${col}: ${message}`,
  );
  throw new VerifyError(
    'scenario-invalid',
    64,
    lines.join('\n'),
    'Correct the file; `verify-isolation schema` prints the JSON Schema that editors use to check it while you type.',
  );
}

/** On a host the topology's settings are set; the lab is built with them. */
function changesWithoutLeave(list: FaultList, { provider, bridges, endpoints }: Topology): void {
  if (provider !== 'host') return;
  const refuse = (path: Path): void =>
    list.addKey(path, `${where(path)} changes the host, expected "allow_changes: true" in the file`);
  for (const { name, settings, mirrors } of bridges)
    if (Object.keys(settings).length + mirrors.length > 0) refuse(['topology', 'bridges', name]);
  for (const { name, settings, generated } of endpoints)
    if (Object.keys(settings).length > 0 && !generated) refuse(['topology', 'endpoints', name, 'settings']);
}

function byPlace(a: ScenarioFault, b: ScenarioFault): number {
  return (a.file ?? '').localeCompare(b.file ?? '') || a.line - b.line || a.col - b.col;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
