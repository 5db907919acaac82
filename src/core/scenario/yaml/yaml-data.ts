import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { quote } from '../../text/escape.js';

const maxValues = 100_000;
const deepest = 64;

export interface OffsetFault {
  readonly offset: number;
  readonly message: string;
}

export type YamlData =
  /** `targets`: what each alias stands for. */
  | { readonly ok: true; readonly data: unknown; readonly targets: ReadonlyMap<Node, Node> }
  | { readonly ok: false; readonly faults: readonly OffsetFault[] };

function isAnchored(node: unknown): node is Node & { readonly anchor: string } {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined;
}

function keyProblem(key: unknown): string | null {
  if (!isScalar(key) || key.value === null || typeof key.value === 'object') return 'a key has to be plain text';
  return String(key.value) === '__proto__' ? '"__proto__" cannot be used as a key' : null;
}

/**
 * Plain values of a document. Bounded: 100,000 values by aliases, cycles end at 64 levels. The library would walk the
 * whole document for each alias.
 */
export function toData(document: Document.Parsed): YamlData {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  const faults: OffsetFault[] = [];
  let values = 0;
  let stopped = false;
  const stop = (offset: number, message: string): null => {
    if (!stopped) faults.push({ offset, message });
    stopped = true;
    return null;
  };
  const convert = (node: unknown, depth: number, offset: number, expanding: boolean): unknown => {
    if (stopped) return null;
    values += 1;
    if (values > maxValues) return stop(offset, `aliases expand to more than ${maxValues} values`);
    if (depth > deepest) return stop(offset, `aliases nest more than ${deepest} levels deep`);
    if (isAlias(node)) return convertAlias(node, depth, node.range?.[0] ?? offset);
    if (!expanding && isAnchored(node)) anchors.set(node.anchor, node);
    if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1, node.range?.[0] ?? offset, expanding));
    if (isMap(node)) return convertMap(node, depth, node.range?.[0] ?? offset, expanding);
    return isScalar(node) ? node.value : null;
  };
  const convertAlias = (alias: Alias, depth: number, offset: number): unknown => {
    const target = targets.get(alias) ?? anchors.get(alias.source);
    if (target === undefined)
      return stop(
        offset,
        `the alias ${quote(`*${alias.source}`)} has no anchor; a selector that begins with * has to be put in quotes`,
      );
    targets.set(alias, target);
    return convert(target, depth + 1, offset, true);
  };
  const convertMap = (map: YAMLMap, depth: number, offset: number, expanding: boolean): unknown => {
    const entries: [string, unknown][] = [];
    for (const { key, value } of map.items) {
      const start = (isScalar(key) ? key.range?.[0] : undefined) ?? offset;
      const problem = keyProblem(key);
      if (problem !== null) faults.push({ offset: start, message: problem });
      else if (isScalar(key)) entries.push([String(key.value), convert(value, depth + 1, start, expanding)]);
    }
    return Object.fromEntries(entries);
  };
  const data = convert(document.contents, 0, 0, false);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, data, targets };
}
