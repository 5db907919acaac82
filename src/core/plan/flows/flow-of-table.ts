import type { Flow, FrameSpec } from '../../model/plan.js';

/** What flows have in common, whatever endpoints they go from and to. */
export type FlowForm = Pick<
  Flow,
  'probe' | 'class' | 'carrier' | 'vlan' | 'count' | 'judged' | 'purpose' | 'variant'
> & { readonly frame: Pick<FrameSpec, 'carrier' | 'vlan' | 'size' | 'form' | 'fields'> };
/** A sender, and what its frames say of it. */
export type FlowSource = Pick<Flow, 'from' | 'sender'> & Pick<FrameSpec, 'srcMac' | 'srcIp'>;
/** A destination, what its frames say of it, and the endpoints that may see them. */
export type FlowDestination = Pick<Flow, 'to' | 'must' | 'may'> & Pick<FrameSpec, 'dstMac' | 'dstIp'>;

/** Its number, its step, and the index of its first token. */
export type FlowPosition = Pick<Flow, 'id' | 'step' | 'first'>;

/**
 * A flow of a table, which says what its parts say: a fifth of the memory of one that holds all that itself, and a
 * million of them are gone through a dozen times. Its frame is made again each time it is asked for.
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

/** The frame of a flow of these parts; a key that most frames have not is left out where it says nothing. */
export function frameOf(
  { frame: { carrier, vlan, size, form, fields } }: FlowForm,
  { srcMac, srcIp }: FlowSource,
  { dstMac, dstIp }: FlowDestination,
): FrameSpec {
  const frame = { carrier, srcMac, dstMac, vlan, srcIp, dstIp, size };
  if (fields !== undefined) return { ...frame, fields };
  return form === undefined ? frame : { ...frame, form };
}

/** Bytes of a flow's frames; for one of a table no frame is made for it. */
export function frameSizeOf(flow: Flow): number {
  return flow instanceof FlowOfTable ? flow.form.frame.size : flow.frame.size;
}
