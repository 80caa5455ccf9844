import type { InputUnit, Inspection } from '../../core/ports/source.ts';

/** Which file the engine reads for a unit: the converted copy, else the unit's own bytes where they lie. */
export function engineFile(
  unit: InputUnit,
  inspection: Inspection,
): { readonly uri: string; readonly compression: InputUnit['compression'] } {
  if (inspection.decoded_uri !== undefined) return { uri: inspection.decoded_uri, compression: 'none' };
  return { uri: inspection.local_uri ?? unit.uri, compression: unit.compression };
}
