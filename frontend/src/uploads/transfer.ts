/** One file on its way by tus: create or find again, send, pause, resume, terminate. */
import * as tus from "tus-js-client";
import { language } from "../i18n.ts";
import type { Hash } from "./hashes.ts";

export interface TransferHooks {
  /** The server has made (or found) the track of this upload. */
  onTrack: (id: string) => void;
  onUrl: (path: string) => void;
  /** The file is compared with what the server has, before anything is sent. */
  onComparing: () => void;
  onProgress: (sent: number) => void;
  /** `known`: the server had these bytes, and none was sent. */
  onDone: (known: boolean) => void;
  /** `status` is 0 when no answer came; `message` is the server's sentence, if it sent one. */
  onError: (error: { status: number; code: string; message: string | null }) => void;
}

export interface TransferFile {
  file: File;
  relativePath: string;
  preset: string;
  chunk_bytes: number;
  hash: Hash;
}

// Below this, creation carries the bytes too: one request. Above it, the track's row must
// exist before the first chunk is through.
const CREATE_WITH_DATA_BYTES = 1 << 20;
const RETRY_DELAYS_MS = [0, 500, 1500, 4000];

export const pathOf = (url: string): string => new URL(url, location.href).pathname;

/** The same file, recognised after a reload, whatever preset is chosen then. */
export function fingerprintOf(file: File, relativePath: string): string {
  return ["sarau", relativePath, file.size, file.lastModified].join("|");
}

/** Paths of uploads that this browser began and has not finished. */
export async function unfinishedPaths(): Promise<Set<string>> {
  const all = (await tus.defaultOptions.urlStorage.findAllUploads()) as tus.PreviousUpload[];
  return new Set(all.flatMap(({ uploadUrl }) => (uploadUrl ? [pathOf(uploadUrl)] : [])));
}

function problemOf(error: Error | tus.DetailedError): { status: number; code: string; message: string | null } {
  const response = "originalResponse" in error ? error.originalResponse : null;
  const status = response?.getStatus() ?? 0;
  try {
    const { title, code } = JSON.parse(response?.getBody() ?? "") as { title?: string; code?: string };
    return { status, code: code ?? String(status), message: title ?? null };
  } catch {
    return { status, code: status ? String(status) : "network", message: null };
  }
}

/**
 * A request that creates an upload is never cut off: the server may have made the track
 * already, and its address would be lost. A wish to stop waits for the answer.
 */
export class Transfer {
  readonly #upload: tus.Upload;
  readonly #taken: (path: string) => boolean;
  readonly #metadata: Record<string, string>;
  readonly #hooks: TransferHooks;
  readonly #hash: Hash;
  #opening = false;
  #known = false;
  #wish: "go" | "pause" | "cancel" = "go";

  constructor(what: TransferFile, hooks: TransferHooks, taken: (path: string) => boolean) {
    const { file, relativePath, preset, chunk_bytes } = what;
    this.#taken = taken;
    this.#hooks = hooks;
    this.#hash = what.hash;
    this.#metadata = { filename: file.name, filetype: file.type, preset, relativePath };
    this.#upload = new tus.Upload(file, {
      endpoint: new URL("/files/", location.href).href,
      chunkSize: chunk_bytes,
      retryDelays: RETRY_DELAYS_MS,
      storeFingerprintForResuming: true,
      removeFingerprintOnSuccess: true,
      uploadDataDuringCreation: file.size <= CREATE_WITH_DATA_BYTES,
      fingerprint: () => Promise.resolve(fingerprintOf(file, relativePath)),
      metadata: this.#metadata,
      onBeforeRequest: (request) => request.setHeader("Accept-Language", language.peek()),
      onAfterResponse: (request, response) => {
        const isCreated = request.getMethod() === "POST" && response.getStatus() === 201;
        const offset = Number(response.getHeader("Upload-Offset") ?? 0);
        this.#known = isCreated && "sha256" in this.#metadata && offset === file.size;
        const track = response.getHeader("Sarau-Track");
        if (track) hooks.onTrack(track);
      },
      onUploadUrlAvailable: () => {
        this.#opening = false;
        if (this.#upload.url) hooks.onUrl(pathOf(this.#upload.url));
        if (this.#known) {
          // The client would send what the server has: stop it here, with nothing to remember.
          this.#upload.options.storeFingerprintForResuming = false;
          void this.#upload.abort(false);
          hooks.onDone(true);
          return;
        }
        if (this.#wish !== "go") void this.#upload.abort(this.#wish === "cancel").catch(() => undefined);
      },
      onProgress: (sent) => hooks.onProgress(sent),
      onSuccess: () => hooks.onDone(false),
      onError: (error) => {
        this.#opening = false;
        hooks.onError(problemOf(error));
      },
    });
  }

  /** Begin, or go on where an earlier visit to the page stopped. */
  async start(): Promise<void> {
    this.#wish = "go";
    if (this.#opening) return;
    this.#opening = true;
    if (this.#upload.url === null) {
      const previous = await this.#upload.findPreviousUploads();
      const free = previous.filter(({ uploadUrl }) => uploadUrl && !this.#taken(pathOf(uploadUrl)));
      const newest = free.sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime))[0];
      if (newest) this.#upload.resumeFromPreviousUpload(newest);
      else await this.#compare();
    }
    if (!this.#isWanted()) {
      this.#opening = false;
      return;
    }
    this.#upload.start();
  }

  /** Learn what to say at the creation: then the server may have the bytes. */
  async #compare(): Promise<void> {
    this.#hooks.onComparing();
    const sha256 = await this.#hash.get();
    if (sha256) this.#metadata.sha256 = sha256;
  }

  // What was wished for may have changed while somebody waited.
  #isWanted(): boolean {
    return this.#wish === "go";
  }

  async pause(): Promise<void> {
    this.#wish = "pause";
    if (!this.#opening) await this.#upload.abort(false);
  }

  /** Stop and let the server drop what it has. */
  async cancel(): Promise<void> {
    this.#wish = "cancel";
    this.#hash.drop();
    if (!this.#opening) await this.#upload.abort(true);
  }
}
