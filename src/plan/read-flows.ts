import type { Flows } from '../core/model/plan.js';
import { parsePositions } from '../core/plan/flows/position-text.js';
import { type FlowColumnsRecord, flowTable } from './flow-table.js';

/** Columns of plan.json as flows again; null where they do not fit together. */
export function readFlowColumns(record: FlowColumnsRecord): Flows | null {
  const { step, id, first, length, forms, sources, aims } = record;
  const form = parsePositions(record.form, length, forms.length);
  const source = parsePositions(record.source, length, sources.length);
  const aim = parsePositions(record.aim, length, aims.length);
  return form === null || source === null || aim === null
    ? null
    : flowTable({ step, id, first, forms, sources, aims, form, source, aim });
}
