import type { Flow, FrameSpec } from '../../model/plan.js';

/** Common parts of flows between any endpoints. */
export type FlowForm = Pick<
  Flow,
  'probe' | 'class' | 'carrier' | 'vlan' | 'count' | 'judged' | 'purpose' | 'variant'
> & { readonly frame: Pick<FrameSpec, 'carrier' | 'vlan' | 'size' | 'form' | 'fields'> };
/** A sender with its fields of a frame. */
export type FlowSource = Pick<Flow, 'from' | 'sender'> & Pick<FrameSpec, 'srcMac' | 'srcIp'>;
/** A destination with its fields of a frame, and the endpoints that may see it. */
export type FlowDestination = Pick<Flow, 'to' | 'must' | 'may'> & Pick<FrameSpec, 'dstMac' | 'dstIp'>;

/** A flow's number, step, and first token's index. */
export type FlowPosition = Pick<Flow, 'id' | 'step' | 'first'>;

/**
 * A flow that references its table's parts: a fifth of the memory, for a million walked a dozen times. Makes its frame
 * on each call.
 */
export class FlowOfTable implements Flow {
  readonly id: number;
  readonly step: number;
  readonly first: number;
  readonly form: FlowForm;
  readonly source: FlowSource;
  readonly destination: FlowDestination;

  constructor({ id, step, first }: FlowPosition, form: FlowForm, source: FlowSource, destination: FlowDestination) {
    this.id = id;
    this.step = step;
    this.first = first;
    this.form = form;
    this.source = source;
    this.destination = destination;
  }

  get probe(): Flow['probe'] {
    return this.form.probe;
  }

  get class(): Flow['class'] {
    return this.form.class;
  }

  get carrier(): Flow['carrier'] {
    return this.form.carrier;
  }

  get vlan(): Flow['vlan'] {
    return this.form.vlan;
  }

  get count(): number {
    return this.form.count;
  }

  get judged(): boolean {
    return this.form.judged;
  }

  get from(): string {
    return this.source.from;
  }

  get sender(): string {
    return this.source.sender;
  }

  get to(): string | null {
    return this.destination.to;
  }

  get must(): readonly string[] {
    return this.destination.must;
  }

  get may(): readonly string[] {
    return this.destination.may;
  }

  get frame(): FrameSpec {
    return frameOf(this.form, this.source, this.destination);
  }
}

/** A frame of a flow's parts, without empty optional keys. */
export function frameOf(
  { frame: { carrier, vlan, size, form, fields } }: FlowForm,
  { srcMac, srcIp }: FlowSource,
  { dstMac, dstIp }: FlowDestination,
): FrameSpec {
  const frame = { carrier, srcMac, dstMac, vlan, srcIp, dstIp, size };
  if (fields !== undefined) return { ...frame, fields };
  return form === undefined ? frame : { ...frame, form };
}

/** Bytes of a flow's frames; makes none for a flow of a table. */
export function frameSizeOf(flow: Flow): number {
  return flow instanceof FlowOfTable ? flow.form.frame.size : flow.frame.size;
}
