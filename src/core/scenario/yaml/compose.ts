import { quote } from '../../text/escape.js';
import { isFields } from '../../text/json-text.js';
import { where } from './explain-issue.js';
import type { Locate, Path, TextPlace, ScenarioFault } from './fault.js';
import { readYaml } from './read-yaml.js';

/** A file's bytes, or why there are none, in a few words. */
export type ReadFile = (path: string) => Uint8Array | string;

export interface IncludedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export type Composed =
  | { readonly ok: true; readonly data: unknown; readonly locate: Locate; readonly included: readonly IncludedFile[] }
  | { readonly ok: false; readonly faults: readonly ScenarioFault[] };

/** The piece at `prefix` comes from place `base` of another file. */
interface Origin {
  readonly prefix: Path;
  readonly base: Path;
  readonly locate: Locate;
}

const maxFiles = 64;

/**
 * A scenario file merged with its includes: in `topology: { include: FILE, … }` the scenario's own bridges, endpoints
 * and sysctls go before the file's; `steps: [ { include: FILE } ]` becomes the file's list of steps. Paths start at the
 * scenario's folder. Included files include none. Faults are located in their own file. Never throws.
 */
export function compose(file: string, bytes: Uint8Array, readFile: ReadFile): Composed {
  const root = readYaml(bytes);
  if (!root.ok) return root;
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  const faults: ScenarioFault[] = [];
  const origins: Origin[] = [];
  const included: IncludedFile[] = [];

  const include = (name: unknown, at: Path): { readonly data: unknown; readonly locate: Locate } | null => {
    const refuse = (message: string): null => {
      faults.push({ ...root.locate(at, 'value'), message: `${where(at)}: ${message}` });
      return null;
    };
    if (typeof name !== 'string' || name === '') return refuse('expected the path of a file');
    if (included.length >= maxFiles) return refuse(`expected at most ${maxFiles} included files`);
    const path = name.startsWith('/') ? name : `${folder}${name}`;
    const content = readFile(path);
    if (typeof content === 'string') return refuse(`${quote(path)} cannot be included: ${content}`);
    included.push({ path, bytes: content });
    const read = readYaml(content);
    if (read.ok) return { data: read.data, locate: (inner, part) => ({ ...read.locate(inner, part), file: path }) };
    faults.push(...read.faults.map((fault) => ({ ...fault, file: path })));
    return null;
  };

  const data = isFields(root.data)
    ? {
        ...root.data,
        ...composedTopology(root.data, include, origins),
        ...composedSteps(root.data, include, origins, root.locate),
      }
    : root.data;
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, data, included, locate: (path, part) => locateIn(origins, root.locate, path, part) };
}

type Include = (name: unknown, at: Path) => { readonly data: unknown; readonly locate: Locate } | null;

/** Merged by name; of other keys the scenario's value counts. */
const mergedByName = ['hosts', 'bridges', 'endpoints', 'sysctl'];

function composedTopology(
  root: Readonly<Record<string, unknown>>,
  include: Include,
  origins: Origin[],
): { topology?: unknown } {
  const { topology } = root;
  if (!isFields(topology) || topology.include === undefined) return {};
  const { include: name, ...written } = topology;
  const file = include(name, ['topology', 'include']);
  if (file === null) return {};
  if (!isFields(file.data)) {
    origins.push({ prefix: ['topology'], base: [], locate: file.locate });
    return { topology: file.data };
  }
  const merged: Record<string, unknown> = { ...file.data, ...written };
  for (const [key, theirs] of Object.entries(file.data)) {
    const mine = written[key];
    if (mine === undefined) origins.push({ prefix: ['topology', key], base: [key], locate: file.locate });
    else if (mergedByName.includes(key) && isFields(mine) && isFields(theirs)) {
      merged[key] = { ...theirs, ...mine };
      for (const inner of Object.keys(theirs))
        if (!(inner in mine))
          origins.push({ prefix: ['topology', key, inner], base: [key, inner], locate: file.locate });
    }
  }
  return { topology: merged };
}

function composedSteps(
  root: Readonly<Record<string, unknown>>,
  include: Include,
  origins: Origin[],
  locate: Locate,
): { steps?: unknown } {
  const { steps } = root;
  if (!Array.isArray(steps) || !steps.some(isInclude)) return {};
  const merged: unknown[] = [];
  for (const [index, step] of steps.entries()) {
    if (!isInclude(step)) {
      origins.push({ prefix: ['steps', merged.length], base: ['steps', index], locate });
      merged.push(step);
      continue;
    }
    const file = include(step.include, ['steps', index, 'include']);
    // What is not a list is reported as a step that is not valid, at its place.
    const list: readonly unknown[] = file === null ? [] : [file.data].flat();
    for (const [at, each] of list.entries()) {
      origins.push({
        prefix: ['steps', merged.length],
        base: Array.isArray(file?.data) ? [at] : [],
        locate: file?.locate ?? locate,
      });
      merged.push(each);
    }
  }
  return { steps: merged };
}

/** With other keys it is a step with an unknown key `include`. */
function isInclude(value: unknown): value is { readonly include: unknown } {
  return isFields(value) && 'include' in value && Object.keys(value).length === 1;
}

function locateIn(origins: readonly Origin[], otherwise: Locate, path: Path, part: 'key' | 'value'): TextPlace {
  const matching = origins.filter(
    ({ prefix }) => prefix.length <= path.length && prefix.every((step, at) => String(step) === String(path[at])),
  );
  const [origin] = matching.sort((a, b) => b.prefix.length - a.prefix.length);
  return origin === undefined
    ? otherwise(path, part)
    : origin.locate([...origin.base, ...path.slice(origin.prefix.length)], part);
}
