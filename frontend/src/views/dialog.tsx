/** One question at a time, in the browser's own modal dialog. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useModal } from "./modal.ts";

export interface Question {
  title: string;
  lead: string;
  confirm: string;
  keep: string;
  onConfirm: () => void;
}

const asked = signal<Question | null>(null);

export function ask(question: Question): void {
  asked.value = question;
}

export function QuestionDialog(): JSX.Element | null {
  const question = asked.value;
  const dialog = useModal(question !== null);
  if (!question) return null;
  const answer = (yes: boolean): void => {
    dialog.current?.close();
    if (yes) question.onConfirm();
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" aria-describedby="dialog-lead" onClose={() => (asked.value = null)}>
      <h2 id="dialog-title">{question.title}</h2>
      <p id="dialog-lead">{question.lead}</p>
      <div class="dialog-actions">
        <button type="button" class="button quiet-button" autofocus onClick={() => answer(false)}>
          {question.keep}
        </button>
        <button type="button" class="button danger-button" onClick={() => answer(true)}>
          {question.confirm}
        </button>
      </div>
    </dialog>
  );
}
