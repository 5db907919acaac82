/** Line and column count from 1, as editors do. */
export interface TextPlace {
  readonly line: number;
  readonly col: number;
  /** Absent = the scenario itself, not a file that it includes. */
  readonly file?: string;
}

/** One thing that is wrong with a scenario. */
export interface ScenarioFault extends TextPlace {
  readonly message: string;
}

export type Path = readonly (string | number)[];

/**
 * Finds the line and column of a place in the file; a place that is not there is given by the nearest one around it.
 */
export type Locate = (path: Path, part: 'key' | 'value') => TextPlace;

/** Collects faults while a scenario is read, so that all of them are reported at once. */
export interface FaultList {
  readonly faults: readonly ScenarioFault[];
  /** A fault of the value at `path`. */
  add(path: Path, message: string): void;
  /** A fault of the key at `path`. */
  addKey(path: Path, message: string): void;
}

/** More faults than this help nobody and only cost time. */
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
