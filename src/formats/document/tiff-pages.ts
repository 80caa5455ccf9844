import { UnitFault } from '../stream/unit-fault.ts';
import { grayPicture } from './gray.ts';
import type { LoadPackage, OpenDocument } from './open-document.ts';

interface Decoder {
  decode(bytes: ArrayBuffer): Directory[];
  decodeImage(bytes: ArrayBuffer, directory: Directory): void;
  toRGBA8(directory: Directory): Uint8Array;
}

interface Directory {
  readonly width: number;
  readonly height: number;
  readonly data?: Uint8Array;
}

/** The pages of a TIFF file: fax, LZW, JPEG and the other ways of packing them. */
export async function openTiff(bytes: Buffer, load: LoadPackage): Promise<OpenDocument> {
  const decoder = await load<Decoder>('utif2');
  const own = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const directories = guarded('its directories', () => decoder.decode(own));
  return {
    pages: directories.length,
    page: async (number) => {
      const directory = directories[number - 1];
      if (directory === undefined) throw new Error(`there is no page ${number}`);
      const picture = guarded(`page ${number}`, () => {
        decoder.decodeImage(own, directory);
        return grayPicture(decoder.toRGBA8(directory), directory.width, directory.height);
      });
      delete (directory as { data?: Uint8Array }).data;
      return { picture };
    },
    close: async () => undefined,
  };
}

function guarded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new UnitFault('damaged_tiff', `${what} cannot be decoded: ${(error as Error).message ?? String(error)}`);
  }
}
