import { createHash } from 'node:crypto';
import type { Scenario } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { faultList, type ScenarioFault } from './fault.js';
import { escapeText } from './quote.js';
import { readPolicy } from './read-policy.js';
import { readSwitch } from './read-setting.js';
import { readStep } from './read-step.js';
import { readTopology } from './read-topology.js';
import { readYaml } from './read-yaml.js';
import { salvage } from './salvage.js';
import { scenarioShell } from './scenario-schema.js';
import { stepContext } from './step-context.js';

export interface ParsedScenario {
  /** Null where the file has faults. */
  readonly scenario: Scenario | null;
  /** In the file's order. */
  readonly faults: readonly ScenarioFault[];
}

/** Reads a scenario and finds all that is wrong with it. `file` is only a name for messages and the result. Never throws. */
export function parseScenario(file: string, bytes: Uint8Array): ParsedScenario {
  const yaml = readYaml(bytes);
  if (!yaml.ok) return { scenario: null, faults: yaml.faults };
  const list = faultList(yaml.locate);
  const shell = salvage(list, scenarioShell, yaml.data, []);
  const inOrder = (): ParsedScenario => ({ scenario: null, faults: [...list.faults].sort((a, b) => a.line - b.line || a.col - b.col) });
  if (shell === null) return inOrder();
  const { value: raw, dropped } = shell;
  const reading = readTopology(list, raw.topology);
  const allowDisruptive = readSwitch(raw.allow_disruptive) ?? dropped.has('allow_disruptive');
  const allowChanges = readSwitch(raw.allow_changes) ?? dropped.has('allow_changes');
  const context = stepContext(list, reading, allowDisruptive, allowChanges);
  const written = (raw.steps ?? []).flatMap((step, index) => readStep(context, step, ['steps', index], yaml.locate) ?? []);
  const steps = [...written, ...readPolicy(context, raw.policy ?? [], ['policy'], yaml.locate)];
  const silent = steps.every(({ probes, traffic, listenMs }) => probes.length === 0 && traffic.length === 0 && listenMs === null);
  if (silent && list.faults.length === 0) list.add(['steps'], 'steps: the file sends nothing and listens to nothing, expected a step with "probe", "traffic" or "listen", or a "policy"');
  if (list.faults.length > 0) return inOrder();
  const scenario: Scenario = {
    version: 1,
    name: raw.name,
    description: raw.description ?? null,
    file,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    allowChanges,
    allowDisruptive,
    partialScope: raw.scope?.partial ?? null,
    topology: reading.topology,
    steps,
  };
  return { scenario, faults: [] };
}

/** The same for callers that need a scenario: throws a VerifyError `scenario-invalid` (exit 64) with a line `file:line:col: …` for each fault. */
export function loadScenario(file: string, bytes: Uint8Array): Scenario {
  const { scenario, faults } = parseScenario(file, bytes);
  if (scenario !== null) return scenario;
  const lines = faults.map(({ line, col, message }) => `${escapeText(file)}:${line}:${col}: ${message}`);
  throw new VerifyError('scenario-invalid', 64, lines.join('\n'), 'Correct the file; `verify-isolation schema` prints the JSON Schema that editors use to check it while you type.');
}
