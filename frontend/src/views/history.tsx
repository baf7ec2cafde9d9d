/** A track's own lines of the operation record. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getHistory } from "../api.ts";
import { timeOfDay } from "../format.ts";
import { t, tOr } from "../i18n.ts";
import { toastError } from "../toasts.ts";
import type { Track, TrackEvent } from "../types.ts";

function textOf({ kind, data }: TrackEvent): string {
  const stage = typeof data["stage"] === "string" ? tOr(`stage.${data["stage"]}`, data["stage"]) : "";
  const attempt = typeof data["attempt"] === "number" ? data["attempt"] : 1;
  return tOr(`event.${kind}`, kind, { stage, attempt });
}

export function History({ track }: { track: Track }): JSX.Element {
  const [events, setEvents] = useState<TrackEvent[] | null>(null);
  useEffect(() => {
    let mine = true;
    getHistory(track.id).then(({ items }) => mine && setEvents(items), toastError);
    return () => void (mine = false);
  }, [track.id, track.updated_at, track.run?.stage]);
  if (!events) return <p class="note">{t("list.loading")}</p>;
  return (
    <ol class="history">
      {events.map((event) => (
        <li key={event.number}>
          <time dateTime={event.at}>{timeOfDay(event.at)}</time>
          <span>{textOf(event)}</span>
          {typeof event.data["code"] === "string" && <code>{event.data["code"]}</code>}
        </li>
      ))}
    </ol>
  );
}
