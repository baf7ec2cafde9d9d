/** Where notices appear. The regions are always there, so that readers announce what enters. */
import type { JSX } from "preact";
import { t } from "../i18n.ts";
import { dismiss, toasts, type Toast } from "../toasts.ts";
import { Icon } from "./icons.tsx";

function Notice({ toast }: { toast: Toast }): JSX.Element {
  return (
    <div class={`toast ${toast.tone}`}>
      <Icon name={toast.tone === "bad" ? "alert" : "check"} size={18} />
      <span>{toast.text}</span>
      <button type="button" class="icon-button small" aria-label={t("toast.dismiss")} onClick={() => dismiss(toast.key)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}

export function Toasts(): JSX.Element {
  const all = toasts.value;
  return (
    <div class="toasts">
      <div role="status" aria-live="polite">
        {all.filter(({ tone }) => tone !== "bad").map((toast) => <Notice key={toast.key} toast={toast} />)}
      </div>
      <div role="alert">
        {all.filter(({ tone }) => tone === "bad").map((toast) => <Notice key={toast.key} toast={toast} />)}
      </div>
    </div>
  );
}
