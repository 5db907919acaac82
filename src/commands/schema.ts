import { scenarioJsonSchema } from '../scenario/json-schema.js';

/** Prints the JSON Schema of scenario files. */
export function printSchema(write: (text: string) => void): void {
  write(scenarioJsonSchema());
}
