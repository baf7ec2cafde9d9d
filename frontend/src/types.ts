/** The shapes of /api/v1, as the server writes them. */

export type TrackState =
  | "receiving"
  | "received"
  | "processing"
  | "ready"
  | "rejected"
  | "failed"
  | "cancelled"
  | "expired";

export type Stage = "validate" | "store" | "render" | "verify" | "publish";

export const STAGES: readonly Stage[] = ["validate", "store", "render", "verify", "publish"];

export type Verdict = "passed" | "failed" | "ceiling_limited" | "not_normalised";

export interface Loudness {
  integrated_lufs: number | null;
  range_lu: number | null;
  max_momentary_lufs: number | null;
  max_short_term_lufs: number | null;
  true_peak_dbtp: number | null;
}

export interface Upload {
  id: string;
  url: string;
  size_bytes: number | null;
  offset_bytes: number;
  state: string;
  /** When something of it arrived last. */
  updated_at: string;
  /** How long ago that was, by the server's clock, when it answered. */
  idle_s: number | null;
  expires_at: string;
}

export interface Run {
  id: string;
  attempt: number;
  state: "queued" | "running" | "succeeded" | "rejected" | "failed" | "cancelled";
  stage: Stage | null;
  /** Of the stage, 0 to 1. */
  progress: number;
}

export interface Source {
  size_bytes: number;
  container: string;
  codec: string;
  sample_rate_hz: number;
  channels: number;
  bit_depth: number | null;
  duration_s: number;
  loudness: Loudness;
  tags: Record<string, string>;
  warnings: string[];
  sha256: string | null;
  url: string;
}

export interface Rendition {
  name: string;
  media_type: string;
  extension: string;
  size_bytes: number;
  sample_rate_hz: number;
  channels: number;
  bitrate_bps: number | null;
  duration_s: number;
  gain_db: number;
  target_lufs: number | null;
  ceiling_dbtp: number;
  loudness: Loudness;
  verdict: Verdict;
  sha256: string;
  url: string;
  /** Of an HLS set, what a player is to be given. */
  stream_url: string | null;
}

/** Another track that is the same recording. */
export interface Alike {
  track_id: string;
  title: string;
  score: number;
  /** How much later a sound comes there. */
  offset_s: number;
  matched_s: number;
}

/** A recording of MusicBrainz that a track may be. */
export interface Suggestion {
  score: number;
  title: string;
  artists: { name: string }[];
  album: string | null;
  musicbrainz_id: string;
}

export interface Track {
  id: string;
  filename: string;
  title: string;
  artist: string | null;
  preset: string;
  state: TrackState;
  code: string | null;
  /** Localized by the server: what happened and what to do. */
  message: string | null;
  /** An older track with the same bytes. */
  duplicate_of: string | null;
  created_at: string;
  updated_at: string;
  upload: Upload | null;
  run: Run | null;
  source: Source | null;
  renditions: Rendition[];
  sounds_like: Alike[];
}

export interface Finding {
  code: string;
  severity: "problem" | "warning" | "note";
  values: Record<string, number>;
  at_s: number | null;
  /** Localized by the server: what it means and what to do. */
  message: string;
}

/** What is shown of a quality report; the server tells more. */
export interface Insight {
  findings: Finding[];
  tempo: { bpm: number; confidence: number } | null;
  key: { tonic: string; mode: "major" | "minor"; confidence: number } | null;
  dynamics: { plr_db: number | null; min_psr_db: number | null };
  stereo: { correlation: number | null } | null;
  bandwidth: { cutoff_hz: number | null };
  cues: { cue_in_s: number; cue_out_s: number; outro_start_s: number };
  spectrogram: { top_hz: number };
}

export interface RenditionSpec {
  name: string;
  format: string;
  bitrate_bps: number | null;
  quality: number | null;
  bit_depth: number | null;
}

export interface Preset {
  name: string;
  /** Comes with Sarau and cannot be changed. */
  built_in: boolean;
  target_lufs: number | null;
  ceiling_dbtp: number;
  max_limiting_db: number;
  tolerance_lu: number;
  renditions: RenditionSpec[];
}

export interface Session {
  version: string;
  user: { id: string; name: string };
  limits: { max_upload_bytes: number; chunk_bytes: number };
  presets: Preset[];
  default_preset: string;
  /** Recordings can be looked up at AcoustID. */
  can_identify: boolean;
  event_number: number;
}

export interface TrackPage {
  items: Track[];
  next_before: string | null;
  counts: Partial<Record<TrackState, number>>;
}

/** One row of the operation record. */
export interface TrackEvent {
  number: number;
  at: string;
  kind: string;
  track_id: string | null;
  upload_id: string | null;
  run_id: string | null;
  data: Record<string, unknown>;
}

export interface Progress {
  track_id: string;
  run_id: string;
  stage: Stage;
  progress: number;
}

/** A run that a worker is at. */
export interface Doing {
  track_id: string;
  title: string;
  stage: string;
  progress: number;
}

/** A process that takes runs from queues, on whatever machine. */
export interface Worker {
  id: string;
  host: string;
  pid: number;
  version: string;
  concurrency: number;
  is_draining: boolean;
  started_at: string;
  at_work: number;
  silent_s: number;
  doing: Doing[];
}

/** The living workers, and how many runs wait and are at work. */
export interface Workers {
  items: Worker[];
  interactive: number;
  bulk: number;
  running: number;
}
