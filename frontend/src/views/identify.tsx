/** Asking AcoustID what a track is. Only a person asks, and only a person takes an answer over. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { editTrack, identify } from "../api.ts";
import { percent } from "../format.ts";
import { t } from "../i18n.ts";
import { session } from "../session.ts";
import { toastError } from "../toasts.ts";
import { put } from "../tracks.ts";
import type { Suggestion, Track } from "../types.ts";

const artistsOf = ({ artists }: Suggestion): string => artists.map(({ name }) => name).join(", ");

function Suggested({ track, one }: { track: Track; one: Suggestion }): JSX.Element {
  const take = async (): Promise<void> => {
    try {
      const artist = artistsOf(one);
      put(await editTrack(track.id, artist ? { title: one.title, artist } : { title: one.title }));
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <li class="finding finding-note">
      <a href={`https://musicbrainz.org/recording/${encodeURIComponent(one.musicbrainz_id)}`} target="_blank" rel="noreferrer">
        {one.title}
      </a>
      {one.artists.length > 0 && ` · ${artistsOf(one)}`}
      {one.album && ` · ${one.album}`} <small>{percent(one.score)}</small>{" "}
      <button type="button" class="link-button" onClick={() => void take()}>
        {t("identify.take")}
      </button>
    </li>
  );
}

export function Identify({ track }: { track: Track }): JSX.Element | null {
  const [found, setFound] = useState<Suggestion[] | null>(null);
  const [asking, setAsking] = useState(false);
  if (!session.value?.can_identify || !track.source) return null;
  const ask = async (): Promise<void> => {
    setAsking(true);
    try {
      setFound((await identify(track.id)).items);
    } catch (error) {
      toastError(error);
    } finally {
      setAsking(false);
    }
  };
  return (
    <section class="detail-identify">
      <h3>{t("identify.title")}</h3>
      <p class="note">
        {t("identify.lead")}{" "}
        <button type="button" class="link-button" disabled={asking} onClick={() => void ask()}>
          {t("identify.ask")}
        </button>
      </p>
      <div aria-live="polite">
        {found?.length === 0 && <p class="note">{t("identify.nothing")}</p>}
        {found && found.length > 0 && (
          <ul class="findings">
            {found.map((one) => (
              <Suggested key={one.musicbrainz_id} track={track} one={one} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
