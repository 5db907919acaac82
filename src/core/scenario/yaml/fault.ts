/** From 1, as in editors. */
export interface TextPlace {
  readonly line: number;
  readonly col: number;
  /** Absent = the scenario itself, no included file. */
  readonly file?: string;
}

export interface ScenarioFault extends TextPlace {
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** Line and column of a place; for a missing one, of the nearest around it. */
export type Locate = (path: Path, part: 'key' | 'value') => TextPlace;

export interface FaultList {
  readonly faults: readonly ScenarioFault[];
  add(path: Path, message: string): void;
  addKey(path: Path, message: string): void;
}

/** More faults only cost time. */
export const maxFaults = 1000;

export function faultList(locate: Locate): FaultList {
  const faults: ScenarioFault[] = [];
  const known = new Set<string>();
  const add = (path: Path, part: 'key' | 'value', message: string): void => {
    if (faults.length >= maxFaults) return;
    const place = locate(path, part);
    const id = `${place.file ?? ''}:${place.line}:${place.col}:${message}`;
    if (known.has(id)) return;
    known.add(id);
    faults.push({ ...place, message });
  };
  return {
    faults,
    add: (path, message) => add(path, 'value', message),
    addKey: (path, message) => add(path, 'key', message),
  };
}
