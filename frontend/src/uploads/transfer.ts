/** One file on its way by tus: create or find again, send, pause, resume, terminate. */
import * as tus from "tus-js-client";
import { language } from "../i18n.ts";
import { shutOut } from "../session.ts";
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
  /** Where the server has a part of it, if that is known. */
  path: string | null;
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

/** An upload that this browser began and has not finished. */
export interface Unfinished {
  path: string;
  filename: string;
  fingerprint: string;
  previous: tus.PreviousUpload;
}

export async function allUnfinished(): Promise<Unfinished[]> {
  const all = (await tus.defaultOptions.urlStorage.findAllUploads()) as tus.PreviousUpload[];
  return all.flatMap((previous) => {
    const { uploadUrl, urlStorageKey, metadata } = previous;
    if (!uploadUrl) return [];
    const [, fingerprint] = urlStorageKey.match(/^tus::(.*)::\d+$/s) ?? [];
    return [{ path: pathOf(uploadUrl), filename: metadata?.["filename"] ?? "", fingerprint: fingerprint ?? "", previous }];
  });
}

/** Whether a file is as it was when an upload of it was begun, by what the browser says of it. */
export function isUnchanged({ fingerprint }: Unfinished, file: File): boolean {
  return fingerprint.endsWith(fingerprintOf(file, "").slice("sarau|".length));
}

/** Nobody will go on with it. */
export async function forgetUnfinished(url: string): Promise<void> {
  for (const { path, previous } of await allUnfinished()) {
    if (path === pathOf(url)) await tus.defaultOptions.urlStorage.removeUpload(previous.urlStorageKey);
  }
}

/**
 * Which of the unfinished uploads are of a file: the one under the same name in the same folder, newest
 * first; else, where there is only one, the one of the same file that was sent from another folder.
 */
export function findUnfinished(all: readonly Unfinished[], file: File, relativePath: string): Unfinished | undefined {
  const born = ({ previous }: Unfinished): number => Date.parse(previous.creationTime);
  const same = all.filter(({ fingerprint }) => fingerprint === fingerprintOf(file, relativePath));
  if (same.length > 0) return same.sort((a, b) => born(b) - born(a))[0];
  const ends = ["|", "/"].map((before) => `${before}${file.name}${fingerprintOf(file, "").slice("sarau|".length)}`);
  const moved = all.filter(({ fingerprint }) => ends.some((end) => fingerprint.endsWith(end)));
  return moved.length === 1 ? moved[0] : undefined;
}

/** HEAD answers that say nothing of the upload: tus would take it for gone, and begin another. */
const SAYS_NOTHING: readonly number[] = [401, 403, 408, 421, 429];

class HeadError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(String(status));
    this.status = status;
  }
}

function problemOf(error: Error | tus.DetailedError): { status: number; code: string; message: string | null } {
  const response = "originalResponse" in error ? error.originalResponse : null;
  const cause = "causingError" in error ? error.causingError : null;
  const status = response?.getStatus() ?? (cause instanceof HeadError ? cause.status : 0);
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
  readonly #file: File;
  readonly #relativePath: string;
  readonly #path: string | null;
  #opening = false;
  #known = false;
  #wish: "go" | "pause" | "cancel" = "go";

  constructor(what: TransferFile, hooks: TransferHooks, taken: (path: string) => boolean) {
    const { file, relativePath, preset, chunk_bytes } = what;
    this.#taken = taken;
    this.#hooks = hooks;
    this.#hash = what.hash;
    this.#file = file;
    this.#relativePath = relativePath;
    this.#path = what.path;
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
      onShouldRetry: (error) => {
        const { status } = problemOf(error);
        return navigator.onLine && (status < 400 || status >= 500 || status === 409 || status === 423);
      },
      onBeforeRequest: (request) => request.setHeader("Accept-Language", language.peek()),
      onAfterResponse: (request, response) => {
        const status = response.getStatus();
        if (status === 401) shutOut(response.getHeader("WWW-Authenticate"));
        if (request.getMethod() === "HEAD" && (status >= 500 || SAYS_NOTHING.includes(status))) throw new HeadError(status);
        const isCreated = request.getMethod() === "POST" && status === 201;
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
        if (this.#wish === "cancel") void this.#upload.abort(true).catch(() => undefined);
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
      const earlier = await this.#findEarlier();
      if (earlier) this.#upload.resumeFromPreviousUpload(earlier.previous);
      else if (this.#path !== null) this.#upload.options.uploadUrl = new URL(this.#path, location.href).href;
      else await this.#compare();
    }
    if (!this.#isWanted()) {
      this.#opening = false;
      return;
    }
    this.#upload.start();
  }

  /** What an earlier visit to the page began, and nobody goes on with here. */
  async #findEarlier(): Promise<Unfinished | undefined> {
    const free = (await allUnfinished()).filter(({ path }) => !this.#taken(path));
    if (this.#path !== null) return free.find(({ path }) => path === this.#path);
    return findUnfinished(free, this.#file, this.#relativePath);
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
