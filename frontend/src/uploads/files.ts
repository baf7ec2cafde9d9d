/** From what people drop or pick to a list of files, folders walked through. */

export interface Picked {
  file: File;
  /** With its folders, as it was dropped; the bare name for single files. */
  relativePath: string;
  /** Where the server has a part of it, if that is known. */
  path?: string | null;
}

export interface Gathered {
  picked: Picked[];
  /** Files of folders that are surely no audio: covers, booklets, logs. */
  leftOut: number;
  /** Whether a folder could not be read. */
  unreadable: boolean;
}

// Only for folders: a single file is always sent, and judged by its content, by the server.
const NOT_AUDIO =
  /\.(jpe?g|png|gif|webp|bmp|tiff?|svg|pdf|txt|rtf|docx?|md|html?|nfo|cue|log|sfv|md5|sha\d*|ffp|m3u8?|pls|xspf|json|xml|csv|db|ini|ds_store|zip|rar|7z|exe|asd|als|rpp|cpr|logicx)$/i;

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini";
}

/** Keep from a folder's files those that can be audio. */
export function sift(all: readonly Picked[]): { picked: Picked[]; leftOut: number } {
  const visible = all.filter(({ file }) => !isHidden(file.name));
  const picked = visible.filter(({ file }) => !NOT_AUDIO.test(file.name));
  picked.sort((a, b) => a.relativePath.localeCompare(b.relativePath, undefined, { numeric: true }));
  return { picked, leftOut: visible.length - picked.length };
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function readFolder(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const entries: FileSystemEntry[] = [];
  // A reader hands out batches (of 100 in Chromium) until an empty one.
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return entries;
    entries.push(...batch);
  }
}

async function walk(entry: FileSystemEntry): Promise<Picked[]> {
  if (entry.isFile) {
    const file = await readFile(entry as FileSystemFileEntry);
    return [{ file, relativePath: entry.fullPath.replace(/^\//, "") }];
  }
  const inside: Picked[] = [];
  for (const child of await readFolder(entry as FileSystemDirectoryEntry)) inside.push(...(await walk(child)));
  return inside;
}

/** Read a drop. The transfer is emptied when the event ends, so entries are taken first. */
export async function fromDrop(transfer: DataTransfer): Promise<Gathered> {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const taken = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const single: Picked[] = [];
  const inFolders: Picked[] = [];
  let unreadable = false;
  for (const { entry, file } of taken) {
    if (entry?.isDirectory) {
      try {
        inFolders.push(...(await walk(entry)));
      } catch {
        unreadable = true;
      }
    } else if (file) {
      single.push({ file, relativePath: file.name });
    }
  }
  const { picked, leftOut } = sift(inFolders);
  return { picked: [...single, ...picked], leftOut, unreadable };
}

/** Read a file chooser; `webkitRelativePath` is set by the folder chooser only. */
export function fromInput(files: FileList): Gathered {
  const all = [...files].map((file) => ({ file, relativePath: file.webkitRelativePath || file.name }));
  const single = all.filter(({ file }) => !file.webkitRelativePath);
  const { picked, leftOut } = sift(all.filter(({ file }) => file.webkitRelativePath));
  return { picked: [...single, ...picked], leftOut, unreadable: false };
}
