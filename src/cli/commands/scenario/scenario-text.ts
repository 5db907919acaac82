import { Document, isMap, isSeq } from 'yaml';
import { escapeText } from '../../../core/text/escape.js';

/** What stands in a written scenario as comments. */
export interface Remarks {
  /** At its head. */
  readonly notes: readonly string[];
  /** Before each endpoint, by name. */
  readonly origins: Readonly<Record<string, string>>;
  /** Before each rule of the policy, in their order. */
  readonly sentences: readonly string[];
}

/**
 * A scenario as the text of a file: comments hold names that guests and their owners chose, so that nothing in them may
 * end the line.
 */
export function scenarioText(scenario: object, { notes, origins, sentences }: Remarks): string {
  const document = new Document(scenario);
  const comment = (text: string): string => ` ${escapeText(text)}`;
  if (notes.length > 0) document.commentBefore = notes.map(comment).join('\n');
  const told = new Map(Object.entries(origins)); // an interface may be called toString
  const endpoints = document.getIn(['topology', 'endpoints']);
  for (const pair of isMap(endpoints) ? endpoints.items : []) {
    const origin = told.get(String(pair.key));
    if (origin !== undefined && isMap(pair.value)) pair.value.commentBefore = comment(origin);
  }
  const policy = document.get('policy');
  for (const [index, rule] of (isSeq(policy) ? policy.items : []).entries()) {
    if (isMap(rule)) rule.commentBefore = comment(sentences[index] ?? '');
  }
  return document.toString({ lineWidth: 0 });
}
