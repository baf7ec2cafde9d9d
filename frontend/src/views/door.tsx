/** The token, asked for again where the page stands: what is being sent goes on when it is right. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n.ts";
import { locked } from "../session.ts";
import { useModal } from "./modal.ts";

/** Give the token as the page of its own does; the answer's cookie is what counts. */
async function logIn(token: string): Promise<"in" | "wrong" | "away"> {
  try {
    const answer = await fetch("/login", { method: "POST", body: new URLSearchParams({ token }), redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.ok) return "in";
    return answer.status === 401 ? "wrong" : "away";
  } catch {
    return "away";
  }
}

export function Door(): JSX.Element | null {
  const [problem, setProblem] = useState<string | null>(null);
  const isLocked = locked.value;
  const dialog = useModal(isLocked);
  useEffect(() => setProblem(null), [isLocked]);
  if (!isLocked) return null;
  const enter = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const found = await logIn(String(new FormData(event.target as HTMLFormElement).get("token")));
    setProblem(found === "in" ? null : t(found === "wrong" ? "login.wrong" : "toast.network"));
    if (found === "in") dialog.current?.close();
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="door-title" aria-describedby="door-lead" onClose={() => (locked.value = false)}>
      <h2 id="door-title">{t("login.title")}</h2>
      <p id="door-lead">{t("login.lead")}</p>
      <form onSubmit={(event) => void enter(event)}>
        <label class="own-field">
          {t("login.token")}
          <input name="token" type="password" autocomplete="current-password" required autofocus aria-invalid={problem !== null} aria-describedby="door-wrong" />
        </label>
        <p class="problem" id="door-wrong" role="alert">{problem}</p>
        <div class="dialog-actions">
          <button type="submit" class="button">{t("login.submit")}</button>
        </div>
      </form>
    </dialog>
  );
}
