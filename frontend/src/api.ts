/** /api/v1 as functions. Every error is an `ApiError` that carries a sentence to show. */
import { language, t } from "./i18n.ts";
import { shutOut } from "./session.ts";
import type { Insight, Preset, Session, Suggestion, Track, TrackEvent, TrackPage, TrackState, Workers } from "./types.ts";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** For experts, in English: which value it was. */
  readonly detail: string | null;

  constructor(message: string, status: number, code: string, detail: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

async function send(address: string, request: RequestInit, headers: Record<string, string>): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, { ...request, headers: { "Accept-Language": language.peek(), ...headers } });
  } catch {
    throw new ApiError(t("toast.network"), 0, "network");
  }
  if (response.status === 401 && !shutOut(response.headers.get("WWW-Authenticate"))) location.assign("/login");
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as { title?: string; code?: string; detail?: string | null };
    throw new ApiError(problem.title ?? t("toast.network"), response.status, problem.code ?? "unknown", problem.detail);
  }
  return response;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const json = body === undefined ? undefined : JSON.stringify(body);
  const response = await send(`/api/v1${path}`, { method, body: json }, json ? { "Content-Type": "application/json" } : {});
  return (response.status === 204 ? undefined : await response.json()) as T;
}

const id = encodeURIComponent;

export const getSession = (): Promise<Session> => call("GET", "/session");

export const getPresets = (): Promise<{ items: Preset[] }> => call("GET", "/presets");

export const getWorkers = (): Promise<Workers> => call("GET", "/workers");

/** What the server wants to be told: whether it is built in is not for us to say. */
const described = ({ built_in: _, ...preset }: Preset): Omit<Preset, "built_in"> => preset;

export const createPreset = (preset: Preset): Promise<Preset> => call("POST", "/presets", described(preset));

export const changePreset = (preset: Preset): Promise<Preset> =>
  call("PUT", `/presets/${id(preset.name)}`, described(preset));

export const deletePreset = (name: string): Promise<void> => call("DELETE", `/presets/${id(name)}`);

export interface ListQuery {
  states: readonly TrackState[];
  text: string;
  before?: string | null;
  limit: number;
}

/** One page of the list, newest first. */
export function listTracks({ states, text, before, limit }: ListQuery): Promise<TrackPage> {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const state of states) query.append("state", state);
  if (text) query.set("q", text);
  if (before) query.set("before", before);
  return call("GET", `/tracks?${query}`);
}

export const getTrack = (track: string): Promise<Track> => call("GET", `/tracks/${id(track)}`);

export const editTrack = (track: string, change: { title?: string; artist?: string }): Promise<Track> =>
  call("PATCH", `/tracks/${id(track)}`, change);

export const cancelTrack = (track: string): Promise<Track> => call("POST", `/tracks/${id(track)}/cancel`);

/** Let go of an upload that is not whole, whoever sends it; its track is cancelled. */
export const endUpload = async (url: string): Promise<void> =>
  void (await send(url, { method: "DELETE" }, { "Tus-Resumable": "1.0.0" }));

export const retryTrack = (track: string): Promise<Track> => call("POST", `/tracks/${id(track)}/retry`);

export const deleteTrack = (track: string): Promise<void> => call("DELETE", `/tracks/${id(track)}`);

export const getHistory = (track: string): Promise<{ items: TrackEvent[] }> =>
  call("GET", `/tracks/${id(track)}/events`);

/** audiowaveform's JSON, version 2. */
export interface WaveformFile {
  version: number;
  channels: number;
  sample_rate: number;
  samples_per_pixel: number;
  bits: number;
  length: number;
  data: number[];
}

export const getWaveform = (track: string): Promise<WaveformFile> =>
  call("GET", `/tracks/${id(track)}/waveform.json`);

export const getInsight = (track: string): Promise<Insight> => call("GET", `/tracks/${id(track)}/insight`);

export const identify = (track: string): Promise<{ items: Suggestion[] }> => call("POST", `/tracks/${id(track)}/identify`);

export const loudnessPictureUrl = (track: string): string => `/api/v1/tracks/${id(track)}/loudness.svg`;

export const spectrogramUrl = (track: string): string => `/api/v1/tracks/${id(track)}/spectrogram.png`;

export const archiveUrl = (track: string): string => `/api/v1/tracks/${id(track)}/archive.zip`;
