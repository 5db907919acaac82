import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
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

/**
 * Turns a document into plain values. Bounded: aliases are expanded until 100,000 values, and no cycle outlives 64
 * levels. Aliases are resolved here because the library walks the whole document for each of them.
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
    if (isAlias(node)) {
      const start = node.range?.[0] ?? offset;
      const target = targets.get(node) ?? anchors.get(node.source);
      if (target === undefined)
        return stop(
          start,
          `the alias ${quote(`*${node.source}`)} has no anchor; a selector that begins with * has to be put in quotes`,
        );
      targets.set(node, target);
      return convert(target, depth + 1, start, true);
    }
    if (!expanding && (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined)
      anchors.set(node.anchor, node);
    if (isSeq(node)) return node.items.map((item) => convert(item, depth + 1, node.range?.[0] ?? offset, expanding));
    if (isMap(node)) {
      const entries: [string, unknown][] = [];
      for (const { key, value } of node.items) {
        const start = isScalar(key) ? (key.range?.[0] ?? offset) : (node.range?.[0] ?? offset);
        if (!isScalar(key) || key.value === null || typeof key.value === 'object') {
          faults.push({ offset: start, message: 'a key has to be plain text' });
        } else if (String(key.value) === '__proto__') {
          faults.push({ offset: start, message: '"__proto__" cannot be used as a key' });
        } else {
          entries.push([String(key.value), convert(value, depth + 1, start, expanding)]);
        }
      }
      return Object.fromEntries(entries);
    }
    return isScalar(node) ? node.value : null;
  };
  const data = convert(document.contents, 0, 0, false);
  return faults.length > 0 ? { ok: false, faults } : { ok: true, data, targets };
}
