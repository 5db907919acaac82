import { quote } from '../../text/escape.js';
import { isFields } from '../../text/json-text.js';
import { describe, where } from './explain-issue.js';
import type { FaultList, Path } from './fault.js';
import { didYouMean } from './nearest-word.js';

export type VariableValue = string | number | boolean;
export type Variables = Readonly<Record<string, VariableValue>>;

const reference = /\$\{([^}]*)\}/g;
export const variableName = /^[a-z][a-z0-9_]{0,30}$/;

/**
 * `vars` with the command line's values: a number if it looks like one and the file's is no text. An empty variable
 * (null) has to be set. Faults: no value, no name, not set, or set and unknown.
 */
export function readVariables(faults: FaultList, raw: unknown, sets: ReadonlyMap<string, string>): Variables {
  const known = Object.entries(isFields(raw) ? raw : {});
  if (raw !== undefined && !isFields(raw))
    faults.add(['vars'], `vars: expected a map of names and values, got ${describe(raw)}`);
  for (const name of sets.keys()) {
    if (!known.some(([each]) => each === name))
      faults.add(
        [],
        `--set ${quote(name)}: the file’s "vars" have no such variable${didYouMean(
          name,
          known.map(([each]) => each),
        )}`,
      );
  }
  return Object.fromEntries(
    known.flatMap(([name, value]): [string, VariableValue][] => {
      const path = ['vars', name];
      const override = sets.get(name);
      if (!variableName.test(name))
        faults.addKey(path, `${where(path)}: expected a name of small letters, digits and "_", at most 31`);
      if (override !== undefined)
        return [[name, typeof value !== 'string' && /^-?\d+(\.\d+)?$/.test(override) ? Number(override) : override]];
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
      if (value === null) faults.addKey(path, `${where(path)} has no value: --set ${name}=… has to give one`);
      else faults.add(path, `${where(path)}: expected a single value, got ${describe(value)}`);
      return [];
    }),
  );
}

/**
 * `data` with every `${name}` in texts replaced, not in keys. A text of `${name}` alone becomes the value, so that
 * numbers stay. Unknown names are faults.
 */
export function substitute(faults: FaultList, data: unknown, variables: Variables): unknown {
  const valueOf = (name: string, path: Path): VariableValue | undefined => {
    if (Object.hasOwn(variables, name)) return variables[name];
    faults.add(path, `${where(path)}: there is no variable ${quote(name)}${didYouMean(name, Object.keys(variables))}`);
    return undefined;
  };
  const replaced = (value: unknown, path: Path): unknown => {
    if (Array.isArray(value)) return value.map((item, at) => replaced(item, [...path, at]));
    if (isFields(value))
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, [...path, key])]));
    if (typeof value !== 'string' || !value.includes('${')) return value;
    const [whole, name] = /^\$\{([^}]*)\}$/.exec(value) ?? [];
    if (whole !== undefined && name !== undefined) return valueOf(name, path) ?? value;
    return value.replace(reference, (text, each: string) => String(valueOf(each, path) ?? text));
  };
  return replaced(data, []);
}
