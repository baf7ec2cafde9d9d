/** Tells of tracks that finished, one by one or, when there are many, in one sentence. */
import { signal } from "@preact/signals";
import { plural, t } from "./i18n.ts";
import { gather, toast } from "./toasts.ts";
import { trackSignal } from "./tracks.ts";
import type { TrackEvent } from "./types.ts";

/** Tracks that became ready while nobody looked; shown in the window's title. */
export const unseen = signal(0);

function nameOf(id: string): string | null {
  const track = trackSignal(id)?.peek();
  return track ? track.title : null;
}

const tellReady = gather<string>((ready) => {
  const ids = [...new Set(ready)];
  const name = ids.length === 1 ? nameOf(ids[0]!) : null;
  toast(name === null ? plural("toast.readyMany", ids.length) : t("toast.ready", { title: name }), "good");
});

export function notice({ kind, track_id }: TrackEvent): void {
  if (track_id === null) return;
  if (kind === "track.ready") {
    tellReady(track_id);
    if (document.hidden) unseen.value += 1;
  } else if (kind === "track.rejected" || kind === "track.failed") {
    const title = nameOf(track_id);
    if (title !== null) toast(t(kind === "track.rejected" ? "toast.rejected" : "toast.failed", { title }), "bad");
  }
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) unseen.value = 0;
});
