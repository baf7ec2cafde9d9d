/** The live stream: one EventSource, whose browser half resumes by Last-Event-ID itself. */
import { signal } from "@preact/signals";
import type { Progress, TrackEvent } from "./types.ts";

export interface Listener {
  onRecord: (event: TrackEvent) => void;
  onProgress: (progress: Progress) => void;
  /** After a gap: what was missed may be more than the stream replays. */
  onGap: () => void;
}

/** Whether the stream is open. */
export const live = signal(true);

const REOPEN_MS = 3000;

/** Listen to everything after event `number`. */
export function listen(number: number, listener: Listener): void {
  let last = number;
  let broken = false;

  const open = (): void => {
    const source = new EventSource(`/api/v1/events?after=${last}`);
    source.addEventListener("open", () => {
      live.value = true;
      if (broken) listener.onGap();
      broken = false;
    });
    source.addEventListener("error", () => {
      live.value = false;
      broken = true;
      // The browser gives up after an HTTP error (a proxy's 502 during a restart); we do not.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, REOPEN_MS);
    });
    source.addEventListener("record", (message) => {
      const event = JSON.parse(message.data) as TrackEvent;
      last = Math.max(last, event.number);
      listener.onRecord(event);
    });
    source.addEventListener("progress", (message) => {
      listener.onProgress(JSON.parse(message.data) as Progress);
    });
  };

  open();
}
