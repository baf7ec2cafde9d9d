/** Title and artist, changed where they stand. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { editTrack } from "../api.ts";
import { t } from "../i18n.ts";
import { toast, toastError } from "../toasts.ts";
import { put } from "../tracks.ts";
import type { Track } from "../types.ts";

export function EditForm({ track, onClose }: { track: Track; onClose: () => void }): JSX.Element {
  const title = useRef<HTMLInputElement>(null);
  // `autofocus` works once a document; this also scrolls the form to where it can be seen.
  useEffect(() => {
    title.current?.focus();
    title.current?.select();
  }, []);
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    try {
      put(await editTrack(track.id, { title: String(form.get("title")).trim(), artist: String(form.get("artist")).trim() }));
      toast(t("toast.saved"), "good");
      onClose();
    } catch (error) {
      toastError(error);
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onClose();
  };
  return (
    <form class="edit" onSubmit={(event) => void save(event)} onKeyDown={onKeyDown}>
      <input ref={title} name="title" defaultValue={track.title} aria-label={t("track.title")} placeholder={t("track.title")} required maxLength={200} />
      <input name="artist" defaultValue={track.artist ?? ""} aria-label={t("track.artist")} placeholder={t("track.artist")} maxLength={200} />
      <div class="edit-actions">
        <button type="submit" class="button small-button">{t("track.save")}</button>
        <button type="button" class="button quiet-button" onClick={onClose}>{t("track.discard")}</button>
      </div>
    </form>
  );
}
