/** Tracks that are the same recording, whatever their format, level or start. */
import type { JSX } from "preact";
import { getTrack } from "../api.ts";
import { clock, decibels, percent } from "../format.ts";
import { t } from "../i18n.ts";
import { toastError } from "../toasts.ts";
import { searchFor } from "../tracks.ts";
import type { Alike, Track } from "../types.ts";

const SAME_PLACE_S = 0.2;

async function show({ track_id }: Alike): Promise<void> {
  try {
    searchFor((await getTrack(track_id)).title);
  } catch (error) {
    toastError(error);
  }
}

function place({ offset_s }: Alike): string {
  if (Math.abs(offset_s) < SAME_PLACE_S) return t("alike.same");
  return t(offset_s > 0 ? "alike.later" : "alike.earlier", { offset: decibels(Math.abs(offset_s)) });
}

/** In a row: the likest one, by its title. */
export function SoundsLike({ alike }: { alike: Alike }): JSX.Element {
  return (
    <button type="button" class="link-button twin" title={t("alike.lead")} onClick={() => void show(alike)}>
      {t("alike.row", { title: alike.title })}
    </button>
  );
}

/** In the details: all of them, how like they are and where the sound lies. */
export function AllAlike({ track }: { track: Track }): JSX.Element | null {
  if (track.sounds_like.length === 0) return null;
  return (
    <section class="detail-alike">
      <h3>{t("alike.title")}</h3>
      <ul class="findings">
        {track.sounds_like.map((alike) => (
          <li key={alike.track_id} class="finding finding-note">
            <button type="button" class="link-button" onClick={() => void show(alike)}>
              {alike.title}
            </button>{" "}
            {t("alike.how", { score: percent(alike.score), matched: clock(alike.matched_s), place: place(alike) })}
          </li>
        ))}
      </ul>
    </section>
  );
}
