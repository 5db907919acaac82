import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Document, isMap, isScalar, visit } from 'yaml';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { escapeText } from '../../../core/text/escape.js';
import { readFileBelow } from '../../../system/fabric/hold-files.js';
import { namedFiles } from './named-files.js';

const maxBytes = 1024 * 1024;

async function loadFile(file: string, { sets = new Map(), allowRun = false }: LoadOptions): Promise<Scenario> {
  const fault = (what: string): VerifyError =>
    new VerifyError(
      'scenario-invalid',
      64,
      `${file === '' ? '""' : file}:1:1: ${what}`,
      'give the path of a scenario: a YAML file of at most 1 MiB; scenarios/ has some',
    );
  const info = await stat(file).catch((error: unknown) => {
    throw fault(messageOf(error));
  });
  if (!info.isFile()) throw fault('not a file');
  if (info.size > maxBytes) throw fault(`${info.size} bytes: a scenario has at most 1 MiB`);
  const bytes = await readFile(file).catch((error: unknown) => {
    throw fault(messageOf(error));
  });
  const scenario = loadScenario(file, bytes, {
    readFile: (path) => {
      const content = readFileBelow(path, maxBytes, dirname(file));
      return content.kind === 'file' ? content.bytes : content.why;
    },
    sets,
  });
  const files = [...scenario.files, ...namedFiles(scenario, allowRun).files];
  return { ...scenario, files, mustBeFree: !allowRun };
}

export interface LoadOptions {
  readonly sets?: ReadonlyMap<string, string>;
  /** Commands may name files outside the scenario's folder. */
  readonly allowRun?: boolean;
}

/** Loads every file before anything runs. One VerifyError for all faults: 64, or 69 for unsupported parts. */
export async function loadFiles(files: readonly string[], options: LoadOptions = {}): Promise<readonly Scenario[]> {
  const scenarios: Scenario[] = [];
  const errors: VerifyError[] = [];
  for (const file of files) {
    try {
      scenarios.push(await loadFile(file, options));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first === undefined) return scenarios;
  const exit = errors.some((error) => error.exitCode === 64) ? 64 : first.exitCode;
  const hints = [...new Set(errors.map((error) => error.hint))];
  throw new VerifyError(first.code, exit, errors.map((error) => error.message).join('\n'), hints.join('\n'));
}

/** Comments for a written scenario. */
export interface Remarks {
  readonly notes: readonly string[];
  readonly beside?: readonly string[];
  /** Before each endpoint, by name. */
  readonly origins: Readonly<Record<string, string>>;
}

/** A scenario file. Guests choose names in its comments, so no name may end a line. */
export function scenarioText(
  scenario: object,
  { notes, beside = [], origins }: Remarks,
  ...more: readonly string[]
): string {
  const document = new Document(scenario, { aliasDuplicateObjects: false });
  // Fifty names are one line
  visit(document, {
    Seq(_key, list) {
      if (list.items.length > 0 && list.items.every(isScalar)) list.flow = true;
    },
  });
  const comment = (text: string): string => ` ${escapeText(text)}`;
  const head = [...notes, ...beside, ...more];
  if (head.length > 0) document.commentBefore = head.map(comment).join('\n');
  const reported = new Map(Object.entries(origins)); // an interface may be called toString
  const endpoints = document.getIn(['topology', 'endpoints']);
  for (const pair of isMap(endpoints) ? endpoints.items : []) {
    const origin = reported.get(String(pair.key));
    if (origin !== undefined && isMap(pair.value)) pair.value.commentBefore = comment(origin);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
