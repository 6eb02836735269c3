/** How many bytes the page holds in memory; a larger file is written to the disk while it arrives. */
const MEMORY_BYTES_MAX = 512 * 1024 * 1024;

type SaveFilePicker = (options: {
  suggestedName: string;
}) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }>;

interface SaveOptions {
  name: string;
  bytes: number;
  onProgress: (bytes: number) => void;
}

/** True if the browser can save a file of this size. */
export function canSave(bytes: number): boolean {
  return bytes <= MEMORY_BYTES_MAX || findPicker() !== undefined;
}

/** Only some browsers can write a file while it arrives. */
function findPicker(): SaveFilePicker | undefined {
  return (globalThis as { showSaveFilePicker?: SaveFilePicker }).showSaveFilePicker;
}

/**
 * Saves an answer as a file. A link cannot do that: the token is a header. Throws what `open` throws, and an
 * `AbortError` if the person closes the browser's dialog.
 */
export async function saveFile(
  open: () => Promise<Response>,
  { name, bytes, onProgress }: SaveOptions,
): Promise<void> {
  const pick = bytes > MEMORY_BYTES_MAX ? findPicker() : undefined;
  if (pick !== undefined) {
    // The browser shows its dialog only directly after a click, so before the request.
    const file = await pick({ suggestedName: name });
    const response = await open();
    await readCounted(response, onProgress).pipeTo(await file.createWritable());
    return;
  }
  const blob = await new Response(readCounted(await open(), onProgress)).blob();
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the file after this turn.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function readCounted(
  response: Response,
  onProgress: (bytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let read = 0;
  const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (piece, controller) => {
      read += piece.byteLength;
      onProgress(read);
      controller.enqueue(piece);
    },
  });
  return (response.body ?? new Blob().stream()).pipeThrough(count);
}
